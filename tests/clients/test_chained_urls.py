"""fsspec's caching, archive and reference filesystems stand on ours."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pytest


@pytest.fixture(params=["opendal+s3", "opendals3"])
def protocol(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def options(protocol: str, s3fs_options: Any, tmp_path: Path) -> dict[str, Any]:
    """Give the options of a chain: for our link, and a folder for a cache."""
    cache = {"cache_storage": str(tmp_path / "cache")}
    return {protocol: s3fs_options, "simplecache": cache, "filecache": cache}


@pytest.fixture
def url(protocol: str, s3_prefix: str) -> str:
    return f"{protocol}://{s3_prefix}"


def chain_options(options: dict[str, Any], *links: str) -> dict[str, Any]:
    return {link: found for link, found in options.items() if link in links}


@pytest.mark.parametrize("cache", ["simplecache", "filecache"])
def test_cache_gives_the_bytes_of_the_store(
    cache: str, protocol: str, url: str, options: Any, s3_prefix: str, witness: Any
) -> None:
    data = bytes(range(256)) * 1000
    witness.write(f"{s3_prefix}/x", data)

    opened = fsspec.open(f"{cache}::{url}/x", **chain_options(options, cache, protocol))
    with opened as file:
        file.seek(1000)
        assert file.read(10) == data[1000:1010]
        file.seek(0)
        assert file.read() == data


@pytest.mark.parametrize("cache", ["simplecache", "filecache"])
def test_cached_file_outlives_the_object(
    cache: str, protocol: str, url: str, options: Any, s3_prefix: str, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/x", b"kept here")
    chain = chain_options(options, cache, protocol)
    path = Path(fsspec.open_local(f"{cache}::{url}/x", **chain))
    witness.delete(f"{s3_prefix}/x")

    assert path.read_bytes() == b"kept here"
    with fsspec.open(f"{cache}::{url}/x", **chain) as file:
        assert file.read() == b"kept here"


def test_filecache_notices_a_changed_object(
    protocol: str, url: str, options: Any, s3_prefix: str, witness: Any
) -> None:
    chain = chain_options(options, "filecache", protocol)
    chain["filecache"] = {**chain["filecache"], "check_files": True}
    witness.write(f"{s3_prefix}/x", b"before")
    with fsspec.open(f"filecache::{url}/x", **chain) as file:
        assert file.read() == b"before"

    witness.write(f"{s3_prefix}/x", b"after it")
    with fsspec.open(f"filecache::{url}/x", **chain) as file:
        assert file.read() == b"after it"


def test_simplecache_writes_through_when_closed(
    protocol: str, url: str, options: Any, s3_prefix: str, witness: Any
) -> None:
    chain = chain_options(options, "simplecache", protocol)
    with fsspec.open(f"simplecache::{url}/out", "wb", **chain) as file:
        file.write(b"written")

    assert witness.read(f"{s3_prefix}/out") == b"written"


def test_zip_on_the_store_is_read(
    protocol: str, url: str, options: Any, s3_prefix: str, witness: Any
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", "in the zip\n" * 1000)
        archive.writestr("folder/deep.txt", "deep")
    witness.write(f"{s3_prefix}/x.zip", packed.getvalue())
    chain = chain_options(options, protocol)

    with fsspec.open(f"zip://inner.txt::{url}/x.zip", "rt", **chain) as file:
        assert file.read() == "in the zip\n" * 1000
    fs, _ = fsspec.url_to_fs(f"zip://::{url}/x.zip", **chain)
    assert sorted(fs.find("")) == ["folder/deep.txt", "inner.txt"]


def test_zip_on_the_store_is_written(
    protocol: str, url: str, options: Any, s3_prefix: str, witness: Any
) -> None:
    chain = chain_options(options, protocol)
    with (
        fsspec.open(f"{url}/out.zip", "wb", **chain[protocol]) as raw,
        zipfile.ZipFile(raw, "w") as archive,
    ):
        archive.writestr("inner.txt", "packed")

    with zipfile.ZipFile(io.BytesIO(witness.read(f"{s3_prefix}/out.zip"))) as archive:
        assert archive.testzip() is None
        assert archive.read("inner.txt") == b"packed"


def test_tar_on_the_store_is_read(
    protocol: str, url: str, options: Any, s3_prefix: str, witness: Any
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("folder/inner.txt")
        entry.size = 6
        archive.addfile(entry, io.BytesIO(b"packed"))
    witness.write(f"{s3_prefix}/x.tar", packed.getvalue())

    opened = fsspec.open(f"tar://folder/inner.txt::{url}/x.tar", **chain_options(options, protocol))
    with opened as file:
        assert file.read() == b"packed"


def test_folder_of_the_store_is_a_root(
    protocol: str, url: str, options: Any, s3_prefix: str, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/in/deep/x", b"below")
    fs, _ = fsspec.url_to_fs(f"dir::{url}/in", **chain_options(options, protocol))

    assert fs.find("") == ["deep/x"]
    assert fs.cat_file("deep/x") == b"below"


def test_references_point_into_objects(
    protocol: str, s3fs_options: Any, url: str, s3_prefix: str, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/x", bytes(range(256)))
    fs = fsspec.filesystem(
        "reference",
        fo={
            "a/part": [f"{url}/x", 10, 5],
            "a/other": [f"{url}/x", 200, 56],
            "a/whole": [f"{url}/x"],
            "inline": "text",
        },
        remote_protocol=protocol,
        remote_options=s3fs_options,
        skip_instance_cache=True,
    )

    assert fs.cat(["a/part", "a/other", "a/whole", "inline"]) == {
        "a/part": bytes(range(10, 15)),
        "a/other": bytes(range(200, 256)),
        "a/whole": bytes(range(256)),
        "inline": b"text",
    }


def test_many_files_are_written_and_read_by_a_star(
    protocol: str, url: str, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    files = fsspec.open_files(f"{url}/part-*.txt", "wt", num=3, encoding="utf-8", **s3fs_options)
    with files as opened:
        for n, file in enumerate(opened):
            file.write(f"stra\N{LATIN SMALL LETTER SHARP S}e {n}\n")

    line = "stra\N{LATIN SMALL LETTER SHARP S}e {}\n"
    stored = witness.contents(s3_prefix)
    assert stored == {f"part-{n}.txt": line.format(n).encode("utf-8") for n in range(3)}
    with fsspec.open_files(f"{url}/part-*.txt", "rt", encoding="utf-8", **s3fs_options) as opened:
        assert [file.read() for file in opened] == [line.format(n) for n in range(3)]


def test_compression_is_inferred_from_the_name(
    protocol: str, url: str, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    with fsspec.open(f"{url}/x.txt.gz", "wt", compression="infer", **s3fs_options) as file:
        file.write("squeezed\n" * 500)

    assert gzip.decompress(witness.read(f"{s3_prefix}/x.txt.gz")) == b"squeezed\n" * 500
    with fsspec.open(f"{url}/x.txt.gz", "rt", compression="infer", **s3fs_options) as file:
        assert file.readline() == "squeezed\n"
