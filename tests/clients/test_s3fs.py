"""Side by side with s3fs on one bucket: the same questions get the same answers."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
import s3fs

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "a.txt": b"a",
    "b.csv": b"bb",
    "folder/c.txt": b"ccc",
    "folder/deep/d.txt": b"dddd",
    "folder/deep/e.csv": b"eeeee",
    "folder.txt": b"next to the folder",
    "other/f": b"",
}


@pytest.fixture
def ours(s3fs_options: Any) -> Any:
    return fsspec.filesystem("opendals3", **s3fs_options)


@pytest.fixture
def theirs(s3fs_options: Any) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(**s3fs_options, skip_instance_cache=True, use_listings_cache=False)


@pytest.fixture
def root(s3_prefix: str, witness: Any) -> str:
    for name, data in FILES.items():
        witness.write(f"{s3_prefix}/{name}", data)
    return s3_prefix


QUESTIONS = {
    "ls": lambda fs, root: sorted(fs.ls(root)),
    "ls with slash": lambda fs, root: sorted(fs.ls(root + "/")),
    "ls with url": lambda fs, root: sorted(fs.ls("s3://" + root)),
    "ls of a file": lambda fs, root: fs.ls(root + "/a.txt"),
    "ls with detail": lambda fs, root: {
        found["name"]: (found["type"], found["size"]) for found in fs.ls(root, detail=True)
    },
    "find": lambda fs, root: fs.find(root),
    "find with directories": lambda fs, root: sorted(fs.find(root, withdirs=True)),
    "find to a depth": lambda fs, root: fs.find(root, maxdepth=2),
    "find by prefix": lambda fs, root: fs.find(root, prefix="folder"),
    "find of a file": lambda fs, root: fs.find(root + "/a.txt"),
    "find of nothing": lambda fs, root: fs.find(root + "/absent"),
    "glob": lambda fs, root: fs.glob(root + "/*.txt"),
    "glob of all": lambda fs, root: fs.glob(root + "/**"),
    "glob below": lambda fs, root: fs.glob(root + "/**/*.csv"),
    "glob of folders": lambda fs, root: fs.glob(root + "/fold*/"),
    "glob of one level": lambda fs, root: fs.glob(root + "/*/*"),
    "glob of nothing": lambda fs, root: fs.glob(root + "/*.absent"),
    "walk": lambda fs, root: [
        (path, sorted(folders), sorted(files)) for path, folders, files in fs.walk(root)
    ],
    "du": lambda fs, root: fs.du(root),
    "du of each": lambda fs, root: fs.du(root, total=False),
    "kinds": lambda fs, root: [
        (fs.exists(path), fs.isfile(path), fs.isdir(path))
        for path in (
            root,
            root + "/",
            root + "/a.txt",
            root + "/folder",
            root + "/folder/",
            root + "/fold",
            root + "/absent",
            root.partition("/")[0],
            "absent-bucket-of-the-tests",
        )
    ],
    "cat": lambda fs, root: fs.cat(root + "/folder/*.txt"),
    "cat of one": lambda fs, root: fs.cat(root + "/b.csv"),
    "ranges": lambda fs, root: fs.cat_ranges([root + "/folder.txt"] * 3, [0, 5, -6], [4, 8, None]),
    "head and tail": lambda fs, root: (
        fs.head(root + "/folder.txt", 4),
        fs.tail(root + "/folder.txt", 6),
    ),
    "size": lambda fs, root: fs.sizes([root + "/a.txt", root + "/folder.txt"]),
    "kind of folder": lambda fs, root: (
        fs.info(root + "/folder")["type"],
        fs.info(root + "/folder")["name"],
    ),
    "parent": lambda fs, root: fs._parent(root + "/folder/deep"),
    "expanded": lambda fs, root: sorted(fs.expand_path(root + "/folder", recursive=True)),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_answer_is_that_of_s3fs(
    ours: Any, theirs: s3fs.S3FileSystem, root: str, question: str
) -> None:
    ask = QUESTIONS[question]

    assert ask(ours, root) == ask(theirs, root)


@pytest.mark.parametrize(
    "ask",
    [
        lambda fs, root: fs.info(root + "/absent"),
        lambda fs, root: fs.ls(root + "/absent"),
        lambda fs, root: fs.cat_file(root + "/absent"),
        lambda fs, root: fs.cat([root + "/a.txt", root + "/absent"]),
        lambda fs, root: fs.open(root + "/absent", "rb"),
        lambda fs, root: fs.copy(root + "/absent", root + "/x"),
        lambda fs, root: fs.ls("absent-bucket-of-the-tests"),
        lambda fs, root: fs.cat_file("absent-bucket-of-the-tests/x"),
        lambda fs, root: fs.pipe_file("absent-bucket-of-the-tests/x", b"x"),
    ],
    ids=["info", "ls", "cat_file", "cat", "open", "copy", "ls bucket", "cat bucket", "pipe bucket"],
)
def test_refusal_is_that_of_s3fs(ours: Any, theirs: s3fs.S3FileSystem, root: str, ask: Any) -> None:
    with pytest.raises(FileNotFoundError):
        ask(theirs, root)
    with pytest.raises(FileNotFoundError):
        ask(ours, root)


def test_info_has_the_keys_of_s3fs(ours: Any, theirs: s3fs.S3FileSystem, root: str) -> None:
    mine, other = ours.info(root + "/b.csv"), theirs.info(root + "/b.csv")

    for key in ("name", "size", "type", "LastModified", "ContentType"):
        assert mine[key] == other[key]
    assert mine["ETag"].strip('"') == other["ETag"].strip('"')


def test_trees_put_and_got_are_the_same(
    ours: Any, theirs: s3fs.S3FileSystem, root: str, tmp_path: Path, witness: Any
) -> None:
    for name, fs in (("ours", ours), ("theirs", theirs)):
        fs.get(root, str(tmp_path / name), recursive=True)
        fs.put(str(tmp_path / name), f"{root}-{name}", recursive=True)
    stored = {name: witness.contents(f"{root}-{name}") for name in ("ours", "theirs")}
    got = {
        name: {
            path.relative_to(tmp_path / name).as_posix(): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("ours", "theirs")
    }

    assert got["ours"] == got["theirs"] == FILES
    assert stored["ours"] == stored["theirs"] == FILES


def test_a_replaced_object_is_told_with_the_number_of_s3fs(
    ours: Any, theirs: s3fs.S3FileSystem, root: str, witness: Any
) -> None:
    told = []
    for fs in (ours, theirs):
        with fs.open(f"{root}/b.csv") as file:
            witness.write(f"{root}/b.csv", f"for {type(fs)}".encode())
            with pytest.raises(OSError) as caught:  # noqa: PT011
                file.read()
        told.append(caught.value.errno)

    assert told == [errno.EBUSY, errno.EBUSY]
