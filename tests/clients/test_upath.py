"""UPath walks, reads and writes our stores.

UPath cuts a protocol at its ``+`` when it parses a URL, so there the names without one are for
it; given apart from the path, the names with ``+`` serve as well.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from upath import UPath

if TYPE_CHECKING:
    from pathlib import Path

# UPath says so of every protocol it has no class of its own for
pytestmark = pytest.mark.filterwarnings("ignore:UPath 'opendal.*not explicitly implemented")


@pytest.fixture(params=["opendals3://", "opendals3", "opendal+s3"])
def folder(request: pytest.FixtureRequest, s3_prefix: str, s3fs_options: Any) -> UPath:
    if request.param.endswith("://"):
        return UPath(f"{request.param}{s3_prefix}", **s3fs_options)
    return UPath(s3_prefix, protocol=request.param, **s3fs_options)


def test_text_and_bytes_written_are_in_the_store(
    folder: UPath, s3_prefix: str, witness: Any
) -> None:
    (folder / "a.txt").write_text("text")
    folder.joinpath("deep", "b.bin").write_bytes(b"\x00\x01")

    assert witness.contents(s3_prefix) == {"a.txt": b"text", "deep/b.bin": b"\x00\x01"}


def test_files_of_another_client_are_read_and_found(
    folder: UPath, s3_prefix: str, witness: Any
) -> None:
    for name in ("a.txt", "b.csv", "deep/c.txt", "deep/deeper/d.txt"):
        witness.write(f"{s3_prefix}/{name}", name.encode())

    assert (folder / "deep" / "c.txt").read_text() == "deep/c.txt"
    assert (folder / "a.txt").read_bytes() == b"a.txt"
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.csv", "deep"]
    assert [path.name for path in folder.glob("*.txt")] == ["a.txt"]
    assert sorted(path.name for path in folder.rglob("*.txt")) == ["a.txt", "c.txt", "d.txt"]
    assert (folder / "a.txt").stat().st_size == 5


def test_kinds_and_absence_are_told(folder: UPath, s3_prefix: str, witness: Any) -> None:
    witness.write(f"{s3_prefix}/deep/c.txt", b"c")

    told = [
        (p.exists(), p.is_file(), p.is_dir())
        for p in (
            folder / "deep" / "c.txt",
            folder / "deep",
            folder / "absent",
        )
    ]
    assert told == [(True, True, False), (True, False, True), (False, False, False)]
    with pytest.raises(FileNotFoundError):
        (folder / "absent").read_text()


def test_files_are_deleted_and_renamed(folder: UPath, s3_prefix: str, witness: Any) -> None:
    for name in ("gone", "old"):
        witness.write(f"{s3_prefix}/{name}", name.encode())

    (folder / "gone").unlink()
    (folder / "old").rename(folder / "new")
    assert witness.contents(s3_prefix) == {"new": b"old"}


def test_path_parts_are_those_of_pathlib(folder: UPath, s3_prefix: str) -> None:
    path = folder / "deep" / "c.tar.gz"

    assert (path.name, path.stem, path.suffix, path.suffixes) == (
        "c.tar.gz",
        "c.tar",
        ".gz",
        [".tar", ".gz"],
    )
    assert path.parent == folder / "deep"
    assert str(path) == f"{folder.protocol}://{s3_prefix}/deep/c.tar.gz"


def test_pickled_path_reads(folder: UPath, s3_prefix: str, witness: Any) -> None:
    witness.write(f"{s3_prefix}/x", b"there")

    assert pickle.loads(pickle.dumps(folder / "x")).read_bytes() == b"there"


def test_open_takes_text_modes(folder: UPath, s3_prefix: str, witness: Any) -> None:
    with (folder / "x.txt").open("w") as file:
        print("one", "two", sep="\n", file=file)

    assert witness.read(f"{s3_prefix}/x.txt") == b"one\ntwo\n"
    with (folder / "x.txt").open() as file:
        assert list(file) == ["one\n", "two\n"]


def test_memory_is_reached_by_url(memory: Any) -> None:
    path = UPath(f"opendalmemory://{memory.root}/x.txt")
    path.write_text("kept")

    assert memory.fs.cat_file(memory.join("x.txt")) == b"kept"
    assert [found.name for found in path.parent.iterdir()] == ["x.txt"]


def test_disk_is_reached_by_absolute_path(tmp_path: Path) -> None:
    path = UPath(tmp_path.as_posix(), protocol="opendal+fs") / "x.txt"
    path.write_text("on disk")

    assert (tmp_path / "x.txt").read_text() == "on disk"
