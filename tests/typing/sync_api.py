"""The synchronous API as a typed program uses it."""

from __future__ import annotations

from typing import Any

import opendalfs
from opendalfs import (
    FsFileSystem,
    MemoryFileSystem,
    OpendalFileSystem,
    S3FileSystem,
    register,
    register_as,
)


def make() -> list[OpendalFileSystem]:
    """Instances of the general class and of the service classes are one family."""
    options: dict[str, Any] = {"key": "k", "secret": "s", "region": "us-east-1"}
    return [
        OpendalFileSystem(),
        OpendalFileSystem("memory", use_listings_cache=True, listings_expiry_time=5.0),
        OpendalFileSystem("fs", root="/tmp"),
        OpendalFileSystem(scheme="s3", endpoint_url="http://127.0.0.1:9000", **options),
        S3FileSystem(anon=True, client_kwargs={"endpoint_url": "http://127.0.0.1:9000"}),
        MemoryFileSystem(),
        FsFileSystem(root="/tmp"),
    ]


def whole_objects(fs: OpendalFileSystem) -> int:
    """Buffers go in, bytes come out."""
    fs.pipe_file("d/k", b"value")
    fs.pipe_file("d/k", memoryview(b"value"), mode="overwrite")
    fs.write("d/l", bytearray(b"value"))
    whole: bytes = fs.cat_file("d/k")
    part: bytes = fs.cat_file("d/k", start=-3, end=None)
    again: bytes = fs.read("d/l")
    info: dict[str, Any] = fs.info("d/k")
    exists: bool = fs.exists("d/k")
    return len(whole) + len(part) + len(again) + int(info["size"]) + exists


def files(fs: OpendalFileSystem) -> None:
    """Files are context managers."""
    with fs.open("d/k", "wb") as file:
        file.write(b"value")
    with fs.open("d/k", "rb", block_size=2**20, cache_type="readahead") as file:
        file.seek(0)
        file.read(3)
    with fs.transaction, fs.open("d/t", "wb") as file:
        file.write(b"value")


def beyond_files(fs: OpendalFileSystem) -> str:
    """What S3 has beside files."""
    version: str = fs.pipe_file("b/k", b"value", StorageClass="STANDARD_IA")["VersionId"]
    old: bytes = fs.cat_file("b/k", version_id=version)
    latest: dict[str, Any] = fs.versions("b/k")[0]
    fs.restore("b/k", version_id=version)
    fs.put_tags("b/k", {"a": "1"}, mode="m")
    tags: dict[str, str] = fs.get_tags("b/k")
    fs.setxattr("b/k", a="1", b=None)
    entry: str | None = fs.getxattr("b/k", "a")
    fs.chmod("b", "private", recursive=True)
    fs.merge("b/all", ["b/k", "b/l"])
    bucket, key, _ = fs.split_path("b/k")
    is_versioned: bool = fs.is_bucket_versioned(bucket)
    found = f"{key}{old!r}{latest}{tags}{entry}{is_versioned}"
    return fs.url("b/k", client_method="head_object") + found


def registration() -> str:
    """Names are registered by scheme."""
    register("webdav")
    register_as("s3")
    return opendalfs.__version__
