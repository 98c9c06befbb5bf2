"""Moving on every store ends as it ends on fsspec's own local filesystem."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from fsspec.implementations.local import LocalFileSystem

if TYPE_CHECKING:
    from pathlib import Path

TREE = {
    "file1": b"one",
    "file2": b"two",
    "folder/a": b"a",
    "folder/nested/b": b"b",
    "folder.txt": b"not in the folder",
    "other/c": b"c",
}


def fill(fs: Any, root: str) -> None:
    for name, data in TREE.items():
        fs.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
        fs.pipe_file(f"{root}/{name}", data)


def on_disk(root: str) -> dict[str, bytes]:
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, root).replace(os.sep, "/")] = file.read()
    return found


@pytest.fixture
def contents(any_store: Any, request: pytest.FixtureRequest) -> Any:
    """Give a function which reads the whole store by other means where there are any."""
    store = any_store
    if store.scheme == "s3":
        witness = request.getfixturevalue("witness")
        return lambda: witness.contents(store.root)
    if store.scheme == "fs":
        return lambda: on_disk(store.root)
    return lambda: {
        path[len(store.root) + 1 :]: store.fs.cat_file(path) for path in store.fs.find(store.root)
    }


@pytest.fixture(autouse=True)
def tree(any_store: Any) -> None:
    """Fill the store before each test."""
    fill(any_store.fs, any_store.root)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("file1", "renamed"),
        ("file1", "file2"),
        ("file1", "folder/"),
        ("file1", "new/deep/name"),
        ("folder/a", "a"),
        ("folder", "renamed"),
        ("folder", "other"),
        ("folder/nested", "up"),
        ("file1", "file1"),
    ],
)
def test_move_ends_as_on_the_local_filesystem(
    any_store: Any, contents: Any, tmp_path: Path, source: str, target: str
) -> None:
    reference = LocalFileSystem(auto_mkdir=True)
    expected_root = (tmp_path / "expected").as_posix()
    fill(reference, expected_root)
    recursive = any_store.fs.isdir(any_store.join(source))

    reference.mv(f"{expected_root}/{source}", f"{expected_root}/{target}", recursive=recursive)
    any_store.fs.mv(any_store.join(source), any_store.join(target), recursive=recursive)

    assert contents() == on_disk(expected_root)


def test_move_by_glob_takes_the_matching_files(any_store: Any, contents: Any) -> None:
    any_store.fs.mv(any_store.join("file*"), any_store.join("other") + "/")

    left = {name: data for name, data in TREE.items() if not name.startswith("file")}
    assert contents() == {**left, "other/file1": b"one", "other/file2": b"two"}


def test_move_of_a_missing_file_says_so_and_changes_nothing(any_store: Any, contents: Any) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        any_store.fs.mv(any_store.join("absent"), any_store.join("file1"))

    assert contents() == TREE


def test_move_of_a_directory_without_recursive_loses_nothing(any_store: Any, contents: Any) -> None:
    with suppress(OSError, ValueError):
        any_store.fs.mv(any_store.join("folder"), any_store.join("renamed"))

    assert sorted(contents().values()) == sorted(TREE.values())


def test_move_of_a_directory_into_itself_loses_nothing(any_store: Any, contents: Any) -> None:
    with suppress(OSError, ValueError):
        any_store.fs.mv(
            any_store.join("folder"), any_store.join("folder", "inside"), recursive=True
        )

    assert set(TREE.values()) <= set(contents().values())
