"""Stores shared by every test: a MinIO, the local disk and the memory of this process.

What a test finds or leaves on MinIO is looked at with boto3, a client which shares no code
with the package. Endpoint, keys and bucket can be set by ``OPENDALFS_S3_*`` variables.
"""

from __future__ import annotations

import os
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
import botocore.config
import botocore.exceptions
import fsspec
import pytest

from tests.faults.proxy import Proxy
from tests.stores import SERVERS, WRITABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

S3_ENDPOINT = os.environ.get("OPENDALFS_S3_ENDPOINT", "http://127.0.0.1:9000")
S3_KEY = os.environ.get("OPENDALFS_S3_KEY", "minioadmin")
S3_SECRET = os.environ.get("OPENDALFS_S3_SECRET", "minioadmin")
S3_REGION = os.environ.get("OPENDALFS_S3_REGION", "us-east-1")
S3_BUCKET = os.environ.get("OPENDALFS_S3_BUCKET", "test-bucket")


@dataclass(frozen=True)
class Store:
    """One store as a test sees it: a filesystem, and a place in it which is the test's own.

    Attributes
    ----------
    scheme : str
        Name of the service: ``memory``, ``s3``, ...
    fs : fsspec.AbstractFileSystem
        Synchronous filesystem made by ``fsspec.filesystem("opendal", ...)``.
    root : str
        Path prefix no other test uses; ``bucket/prefix`` on ``s3``, absolute on ``fs``.
    options : dict
        What ``fs`` was made of besides the protocol, for a second instance.
    """

    scheme: str
    fs: Any
    root: str
    options: dict[str, Any]

    def join(self, *parts: str) -> str:
        """Return the path of ``parts`` below ``root``."""
        return "/".join((self.root, *parts))

    def again(self) -> Any:
        """Return another instance, which shares nothing with ``fs``."""
        return fsspec.filesystem("opendal", skip_instance_cache=True, **self.options)

    def url(self, *parts: str) -> str:
        """Return the URL of ``parts`` below ``root``."""
        return f"opendal+{self.scheme}://{self.join(*parts)}"


@dataclass(frozen=True)
class Witness:
    """The S3 server through boto3, by the same ``bucket/key`` paths as the package."""

    client: Any

    def read(self, path: str) -> bytes:
        """Return the whole object."""
        bucket, _, key = path.partition("/")
        with self.client.get_object(Bucket=bucket, Key=key)["Body"] as body:
            return body.read()

    def write(self, path: str, data: bytes, **options: Any) -> None:
        """Put an object; ``options`` are those of ``put_object``."""
        bucket, _, key = path.partition("/")
        self.client.put_object(Bucket=bucket, Key=key, Body=data, **options)

    def delete(self, path: str) -> None:
        """Delete an object."""
        bucket, _, key = path.partition("/")
        self.client.delete_object(Bucket=bucket, Key=key)

    def head(self, path: str) -> dict[str, Any]:
        """Return the answer of ``head_object``."""
        bucket, _, key = path.partition("/")
        return self.client.head_object(Bucket=bucket, Key=key)

    def paths(self, prefix: str) -> list[str]:
        """Return the paths of all objects below ``prefix``, sorted."""
        bucket, _, key = prefix.partition("/")
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"{key}/"
        )
        return sorted(
            f"{bucket}/{found['Key']}" for page in pages for found in page.get("Contents", ())
        )

    def contents(self, prefix: str) -> dict[str, bytes]:
        """Return every object below ``prefix`` by its name relative to it."""
        return {path[len(prefix) + 1 :]: self.read(path) for path in self.paths(prefix)}


def make_boto() -> Any:
    """Return a boto3 client for the S3 server of the tests which gives up early."""
    return boto3.client(
        "s3",
        endpoint_url=S3_ENDPOINT,
        aws_access_key_id=S3_KEY,
        aws_secret_access_key=S3_SECRET,
        region_name=S3_REGION,
        config=botocore.config.Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 2, "mode": "standard"},
            signature_version="s3v4",
            s3={"addressing_style": "path"},
        ),
    )


def missing(reason: str) -> NoReturn:
    """Skip a test whose server is not there; fail it where ``CI`` is set."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def minio() -> Iterator[Any]:
    """Give a boto3 client for a server which answers and has the bucket of the tests.

    Without a server the test is skipped, and fails where ``CI`` is set.
    """
    client = make_boto()
    try:
        names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    except botocore.exceptions.ConnectionError as error:
        client.close()
        missing(f"no S3 server at {S3_ENDPOINT} (scripts/services start minio): {error}")
    if S3_BUCKET not in names:
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=S3_BUCKET)
    yield client
    client.close()


@pytest.fixture
def boto(minio: Any) -> Any:
    """Give the boto3 client of the S3 server."""
    return minio


@pytest.fixture
def witness(minio: Any) -> Witness:
    """Give the S3 server as boto3 sees it."""
    return Witness(minio)


@pytest.fixture
def s3_options(minio: Any) -> dict[str, Any]:
    """Give the options of the S3 server in this package's own names."""
    return {
        "key": S3_KEY,
        "secret": S3_SECRET,
        "endpoint_url": S3_ENDPOINT,
        "region": S3_REGION,
    }


@pytest.fixture
def s3fs_options(minio: Any) -> dict[str, Any]:
    """Give the options of the S3 server as people already spell them for s3fs."""
    return {
        "key": S3_KEY,
        "secret": S3_SECRET,
        "client_kwargs": {"endpoint_url": S3_ENDPOINT, "region_name": S3_REGION},
    }


@pytest.fixture
def s3_prefix(minio: Any) -> Iterator[str]:
    """Give ``bucket/prefix`` on the S3 server, emptied afterwards by boto3."""
    prefix = f"t-{uuid.uuid4().hex}"
    yield f"{S3_BUCKET}/{prefix}"
    pages = minio.get_paginator("list_objects_v2").paginate(Bucket=S3_BUCKET, Prefix=prefix)
    for page in pages:
        keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
        if keys:
            minio.delete_objects(Bucket=S3_BUCKET, Delete={"Objects": keys, "Quiet": True})


@pytest.fixture
def s3_key_prefix(s3_prefix: str) -> str:
    """Give ``s3_prefix`` without its bucket: the keys boto3 is asked for begin with it."""
    return s3_prefix.partition("/")[2]


@pytest.fixture
def s3(s3_options: dict[str, Any], s3_prefix: str) -> Store:
    """Give the S3 server as a store."""
    fs = fsspec.filesystem("opendal", scheme="s3", **s3_options)
    return Store("s3", fs, s3_prefix, {"scheme": "s3", **s3_options})


@pytest.fixture
def memory() -> Iterator[Store]:
    """Give the memory of this process as a store."""
    fs = fsspec.filesystem("opendal", scheme="memory")
    root = f"t-{uuid.uuid4().hex}"
    yield Store("memory", fs, root, {"scheme": "memory"})
    with suppress(FileNotFoundError):
        fs.rm(root, recursive=True)


@pytest.fixture
def local(tmp_path: Path) -> Store:
    """Give a folder of the local disk as a store, by absolute paths."""
    fs = fsspec.filesystem("opendal", scheme="fs")
    root = tmp_path / "store"
    root.mkdir()
    return Store("fs", fs, root.as_posix(), {"scheme": "fs"})


@pytest.fixture(params=["memory", "local", "s3"], ids=["memory", "fs", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    """Give each of the stores in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def relay(s3_options: dict[str, Any]) -> Iterator[Proxy]:
    """Give a server in front of the S3 server which knows what it was asked, and does harm."""
    server = Proxy(S3_ENDPOINT, s3_options)
    yield server
    server.close()


@pytest.fixture(params=WRITABLE)
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give every store that files can be written to, in turn."""
    server = SERVERS.get(request.param)
    if server is None:
        yield request.getfixturevalue("local" if request.param == "fs" else request.param)
        return
    server.need()
    options = {"scheme": server.scheme, **server.options(tmp_path)}
    store = Store(
        server.scheme, fsspec.filesystem("opendal", **options), server.root(tmp_path), options
    )
    yield store
    with suppress(FileNotFoundError):
        store.fs.rm(store.root, recursive=True)


@pytest.fixture
def in_threads():
    """Return a function that runs `work(i)` in `count` threads at once, results in order.

    An exception raised by `work` is returned in its place.
    """

    def run(count, work):
        results = [None] * count
        barrier = threading.Barrier(count)

        def body(index):
            barrier.wait()
            try:
                results[index] = work(index)
            except Exception as error:
                results[index] = error

        threads = [threading.Thread(target=body, args=(index,)) for index in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in threads), "a thread never returned"
        return results

    return run
