"""fsspec's generic filesystem and rsync copy between our stores and others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fsspec import get_filesystem_class
from fsspec.generic import GenericFileSystem, rsync

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"a": b"one", "deep/b": b"two" * 1000, "deep/deeper/c": b"", "d e": b"blank"}


@pytest.fixture(params=["opendal+s3", "opendals3"])
def protocol(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def chosen(protocol: str, s3fs_options: Any) -> dict[str, Any]:
    """Give how a generic filesystem makes its instances.

    It names what it found by the first protocol of the class, whatever the URL said.
    """
    first = get_filesystem_class(protocol).protocol[0]
    return {
        "default_method": "options",
        "storage_options": {protocol: s3fs_options, first: s3fs_options, "opendal+memory": {}},
    }


def test_rsync_copies_from_memory_to_s3(
    memory: Any, protocol: str, s3_prefix: str, chosen: Any, witness: Any
) -> None:
    for name, data in FILES.items():
        memory.fs.pipe_file(memory.join("in", name), data)

    rsync(
        f"opendal+memory://{memory.root}/in",
        f"{protocol}://{s3_prefix}/out",
        inst_kwargs=chosen,
    )

    assert witness.contents(f"{s3_prefix}/out") == FILES


def test_rsync_copies_from_s3_to_memory(
    memory: Any, protocol: str, s3_prefix: str, chosen: Any, witness: Any
) -> None:
    for name, data in FILES.items():
        witness.write(f"{s3_prefix}/in/{name}", data)

    rsync(
        f"{protocol}://{s3_prefix}/in",
        f"opendal+memory://{memory.root}/out",
        inst_kwargs=chosen,
    )

    found = memory.fs.cat(memory.join("out"), recursive=True)
    assert {path[len(memory.join("out")) + 1 :]: data for path, data in found.items()} == FILES


def test_rsync_copies_from_the_disk_of_fsspec(
    tmp_path: Path, protocol: str, s3_prefix: str, chosen: Any, witness: Any
) -> None:
    for name, data in FILES.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    chosen["storage_options"]["file"] = {}

    rsync(f"file://{tmp_path.as_posix()}/in", f"{protocol}://{s3_prefix}/out", inst_kwargs=chosen)

    assert witness.contents(f"{s3_prefix}/out") == FILES


def test_rsync_again_copies_what_changed_and_deletes_what_went(
    memory: Any, protocol: str, s3_prefix: str, chosen: Any, witness: Any
) -> None:
    for name, data in FILES.items():
        memory.fs.pipe_file(memory.join("in", name), data)
    witness.write(f"{s3_prefix}/out/a", b"old")
    witness.write(f"{s3_prefix}/out/deep/b", b"other size")
    witness.write(f"{s3_prefix}/out/deep/went", b"delete me")
    kept = witness.head(f"{s3_prefix}/out/a")["ETag"]

    rsync(
        f"opendal+memory://{memory.root}/in",
        f"{protocol}://{s3_prefix}/out",
        delete_missing=True,
        inst_kwargs=chosen,
    )

    # same size: rsync takes it for the same file
    assert witness.contents(f"{s3_prefix}/out") == {**FILES, "a": b"old"}
    assert witness.head(f"{s3_prefix}/out/a")["ETag"] == kept


def test_generic_filesystem_reads_and_copies_by_url(
    memory: Any, protocol: str, s3_prefix: str, chosen: Any, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/x", b"remote")
    fs = GenericFileSystem(**chosen)

    assert fs.cat_file(f"{protocol}://{s3_prefix}/x") == b"remote"
    assert fs.info(f"{protocol}://{s3_prefix}/x")["size"] == 6
    fs.cp_file(f"{protocol}://{s3_prefix}/x", f"opendal+memory://{memory.root}/x")
    assert memory.fs.cat_file(memory.join("x")) == b"remote"
    fs.cp_file(f"{protocol}://{s3_prefix}/x", f"{protocol}://{s3_prefix}/y")
    assert witness.read(f"{s3_prefix}/y") == b"remote"
