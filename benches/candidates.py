"""The clients that are compared: each gives the same verbs for one bucket.

What a client offers for bulk work is used; one that offers nothing gets what a careful user would
write: a pool of 32 threads, or its coroutines, 64 at once.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

MIB = 1 << 20
ENDPOINT = os.environ.get("S3_ENDPOINT", "http://127.0.0.1:9000")
KEY = os.environ.get("S3_KEY", "minioadmin")
SECRET = os.environ.get("S3_SECRET", "minioadmin")
REGION = os.environ.get("S3_REGION", "us-east-1")
BUCKET = os.environ.get("S3_BUCKET", "bench-bucket")

# Clients which give pandas no filesystem.
WITHOUT_PANDAS = ("boto3", "opendal")

Spans = Sequence[tuple[int, int]]
Item = TypeVar("Item")
Result = TypeVar("Result")


def counted(read: Callable[[int], bytes]) -> int:
    """Read 1 MiB at a time to the end; return the number of bytes."""
    count = 0
    while piece := read(MIB):
        count += len(piece)
    return count


class Client:
    """The verbs. Reading ones return the number of bytes, rows or names, for a check of it."""

    def get(self, key: str) -> int:
        """Read one object as bytes."""
        raise NotImplementedError

    def stream(self, key: str) -> int:
        """Read one object 1 MiB at a time."""
        raise NotImplementedError

    def put(self, key: str, data: bytes) -> None:
        """Write one object from bytes."""
        raise NotImplementedError

    def put_stream(self, key: str, data: bytes) -> None:
        """Write one object 1 MiB at a time."""
        raise NotImplementedError

    def cat(self, keys: Sequence[str]) -> int:
        """Read many objects."""
        raise NotImplementedError

    def pipe(self, items: Mapping[str, bytes]) -> None:
        """Write many objects."""
        raise NotImplementedError

    def ranges(self, key: str, spans: Spans) -> int:
        """Read many ranges of one object."""
        raise NotImplementedError

    def find(self, prefix: str) -> int:
        """List everything below a prefix."""
        raise NotImplementedError

    def rm(self, keys: Sequence[str]) -> None:
        """Delete many objects."""
        raise NotImplementedError

    def info(self, key: str) -> None:
        """Look at one object."""
        raise NotImplementedError

    def put_dir(self, local: str, prefix: str) -> None:
        """Upload the files of a directory."""
        raise NotImplementedError

    def get_dir(self, prefix: str, local: str) -> None:
        """Download what is below a prefix."""
        raise NotImplementedError

    def parquet(self, key: str) -> int:
        """Read a table with pandas."""
        raise NotImplementedError


class Fsspec(Client):
    """Any fsspec filesystem, with paths ``bucket/key``."""

    def __init__(self, fs: Any) -> None:
        self.fs, self.prefix = fs, f"{BUCKET}/"

    def get(self, key: str) -> int:
        return len(self.fs.cat_file(self.prefix + key))

    def stream(self, key: str) -> int:
        with self.fs.open(self.prefix + key, "rb") as file:
            return counted(file.read)

    def put(self, key: str, data: bytes) -> None:
        self.fs.pipe_file(self.prefix + key, data)

    def put_stream(self, key: str, data: bytes) -> None:
        with self.fs.open(self.prefix + key, "wb") as file:
            for start in range(0, len(data), MIB):
                file.write(data[start : start + MIB])

    def cat(self, keys: Sequence[str]) -> int:
        return sum(map(len, self.fs.cat([self.prefix + key for key in keys]).values()))

    def pipe(self, items: Mapping[str, bytes]) -> None:
        self.fs.pipe({self.prefix + key: data for key, data in items.items()})

    def ranges(self, key: str, spans: Spans) -> int:
        starts, ends = [start for start, _ in spans], [end for _, end in spans]
        return sum(map(len, self.fs.cat_ranges([self.prefix + key] * len(spans), starts, ends)))

    def find(self, prefix: str) -> int:
        self.fs.invalidate_cache()
        return len(self.fs.find(self.prefix + prefix))

    def rm(self, keys: Sequence[str]) -> None:
        self.fs.rm([self.prefix + key for key in keys])

    def info(self, key: str) -> None:
        self.fs.invalidate_cache()
        self.fs.info(self.prefix + key)

    def put_dir(self, local: str, prefix: str) -> None:
        self.fs.put(f"{local}/", f"{self.prefix}{prefix}/", recursive=True)

    def get_dir(self, prefix: str, local: str) -> None:
        self.fs.get(f"{self.prefix}{prefix}/", f"{local}/", recursive=True)

    def parquet(self, key: str) -> int:
        import pandas as pd

        return len(pd.read_parquet(self.prefix + key, filesystem=self.fs))


class Threads(Client):
    """A client of single objects, which a pool of 32 threads makes one of many."""

    pool: ThreadPoolExecutor | None = None

    def get_bytes(self, key: str) -> bytes:
        """Return one object."""
        raise NotImplementedError

    def get_range(self, key: str, start: int, end: int) -> int:
        """Read a range; return the number of bytes."""
        raise NotImplementedError

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix."""
        raise NotImplementedError

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Do some work for every item."""
        if self.pool is None:
            self.pool = ThreadPoolExecutor(32)
        return [*self.pool.map(work, items)]

    def get(self, key: str) -> int:
        return len(self.get_bytes(key))

    def put_stream(self, key: str, data: bytes) -> None:
        self.put(key, data)

    def cat(self, keys: Sequence[str]) -> int:
        return sum(self.map(self.get, keys))

    def pipe(self, items: Mapping[str, bytes]) -> None:
        self.map(lambda item: self.put(*item), items.items())

    def ranges(self, key: str, spans: Spans) -> int:
        return sum(self.map(lambda span: self.get_range(key, *span), spans))

    def find(self, prefix: str) -> int:
        return len(self.keys(prefix))

    def put_dir(self, local: str, prefix: str) -> None:
        def put_one(name: str) -> None:
            with open(f"{local}/{name}", "rb") as file:
                self.put(f"{prefix}/{name}", file.read())

        self.map(put_one, os.listdir(local))

    def get_dir(self, prefix: str, local: str) -> None:
        def get_one(key: str) -> None:
            with open(f"{local}/{key.rsplit('/', 1)[1]}", "wb") as file:
                file.write(self.get_bytes(key))

        self.map(get_one, self.keys(prefix))


class Boto3(Threads):
    """boto3; also the one that prepares and checks for all of them."""

    def __init__(self, **config: Any) -> None:
        import boto3
        import botocore.config

        self.s3 = boto3.client(
            "s3",
            endpoint_url=ENDPOINT,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name=REGION,
            config=botocore.config.Config(max_pool_connections=64, **config),
        )

    def get_bytes(self, key: str) -> bytes:
        data: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return data

    def get_range(self, key: str, start: int, end: int) -> int:
        span = f"bytes={start}-{end - 1}"
        return len(self.s3.get_object(Bucket=BUCKET, Key=key, Range=span)["Body"].read())

    def stream(self, key: str) -> int:
        return counted(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read)

    def put(self, key: str, data: bytes) -> None:
        if len(data) > 8 * MIB:
            self.s3.upload_fileobj(io.BytesIO(data), BUCKET, key)
        else:
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)

    def entries(self, prefix: str) -> list[dict[str, Any]]:
        """Return what the listing of a prefix says of each object."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry for page in pages for entry in page.get("Contents", [])]

    def keys(self, prefix: str) -> list[str]:
        return [entry["Key"] for entry in self.entries(prefix)]

    def rm(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[start : start + 1000]]
            self.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})

    def info(self, key: str) -> None:
        self.s3.head_object(Bucket=BUCKET, Key=key)


class Obstore(Threads):
    """obstore, with its coroutines for many objects."""

    def __init__(self) -> None:
        import obstore
        from obstore.store import S3Store

        self.obstore = obstore
        self.store = S3Store(
            BUCKET,
            endpoint=ENDPOINT,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region=REGION,
            client_options={"allow_http": True},
        )

    def gather(self, make: Callable[[Any], Awaitable[Any]], items: Iterable[Any]) -> int:
        """Run a coroutine for every item, 64 at once; return the sum of what they count."""

        async def main() -> int:
            semaphore, results = asyncio.Semaphore(64), []

            async def one(item: Any) -> None:
                async with semaphore:
                    results.append(await make(item))

            await asyncio.gather(*map(one, items))
            return sum(result for result in results if isinstance(result, int))

        return asyncio.run(main())

    def get_bytes(self, key: str) -> bytes:
        data: bytes = self.obstore.get(self.store, key).bytes()
        return data

    def stream(self, key: str) -> int:
        pieces = self.obstore.get(self.store, key).stream(min_chunk_size=MIB)
        return sum(len(piece) for piece in pieces)

    def put(self, key: str, data: bytes) -> None:
        self.obstore.put(self.store, key, data)

    def cat(self, keys: Sequence[str]) -> int:
        async def one(key: str) -> int:
            return len(await (await self.obstore.get_async(self.store, key)).bytes_async())

        return self.gather(one, keys)

    def pipe(self, items: Mapping[str, bytes]) -> None:
        async def one(item: tuple[str, bytes]) -> None:
            await self.obstore.put_async(self.store, *item)

        self.gather(one, items.items())

    def ranges(self, key: str, spans: Spans) -> int:
        starts, ends = [start for start, _ in spans], [end for _, end in spans]
        return sum(map(len, self.obstore.get_ranges(self.store, key, starts=starts, ends=ends)))

    def keys(self, prefix: str) -> list[str]:
        return [meta["path"] for page in self.obstore.list(self.store, prefix) for meta in page]

    def rm(self, keys: Sequence[str]) -> None:
        self.obstore.delete(self.store, keys)

    def info(self, key: str) -> None:
        self.obstore.head(self.store, key)

    def parquet(self, key: str) -> int:
        return make("obstore-fsspec").parquet(key)


class Pyarrow(Threads):
    """The S3 filesystem of pyarrow."""

    def __init__(self) -> None:
        import pyarrow.fs

        self.module = pyarrow.fs
        self.fs = pyarrow.fs.S3FileSystem(
            access_key=KEY,
            secret_key=SECRET,
            endpoint_override=ENDPOINT,
            scheme=ENDPOINT.split(":")[0],
            region=REGION,
        )

    def get_bytes(self, key: str) -> bytes:
        with self.fs.open_input_file(f"{BUCKET}/{key}") as file:
            data: bytes = file.read()
            return data

    def get_range(self, key: str, start: int, end: int) -> int:
        with self.fs.open_input_file(f"{BUCKET}/{key}") as file:
            return len(file.read_at(end - start, start))

    def stream(self, key: str) -> int:
        with self.fs.open_input_stream(f"{BUCKET}/{key}", buffer_size=0) as file:
            return counted(file.read)

    def put(self, key: str, data: bytes) -> None:
        with self.fs.open_output_stream(f"{BUCKET}/{key}") as file:
            file.write(data)

    def keys(self, prefix: str) -> list[str]:
        below = self.module.FileSelector(f"{BUCKET}/{prefix}", recursive=True)
        infos = self.fs.get_file_info(below)
        return [info.path[len(BUCKET) + 1 :] for info in infos if info.is_file]

    def rm(self, keys: Sequence[str]) -> None:
        self.map(lambda key: self.fs.delete_file(f"{BUCKET}/{key}"), keys)

    def info(self, key: str) -> None:
        self.fs.get_file_info(f"{BUCKET}/{key}")

    def parquet(self, key: str) -> int:
        import pandas as pd

        return len(pd.read_parquet(f"{BUCKET}/{key}", filesystem=self.fs))


class Opendal(Threads):
    """The binding of OpenDAL itself."""

    def __init__(self) -> None:
        import opendal

        self.operator = opendal.Operator(
            "s3",
            bucket=BUCKET,
            endpoint=ENDPOINT,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region=REGION,
        )

    def get_bytes(self, key: str) -> bytes:
        data: bytes = self.operator.read(key)
        return data

    def get_range(self, key: str, start: int, end: int) -> int:
        return len(self.operator.read(key, offset=start, size=end - start))

    def stream(self, key: str) -> int:
        with self.operator.open(key, "rb") as file:
            return counted(file.read)

    def put(self, key: str, data: bytes) -> None:
        self.operator.write(key, data)

    def keys(self, prefix: str) -> list[str]:
        entries = self.operator.list(f"{prefix}/", recursive=True)
        return [entry.path for entry in entries if not entry.path.endswith("/")]

    def rm(self, keys: Sequence[str]) -> None:
        self.map(self.operator.delete, keys)

    def info(self, key: str) -> None:
        self.operator.stat(key)


def make(name: str) -> Client:
    """Return a new client by its name."""
    match name:
        case "opendalfs":
            import fsspec

            options = {"key": KEY, "secret": SECRET, "endpoint_url": ENDPOINT, "region": REGION}
            return Fsspec(fsspec.filesystem("opendal", scheme="s3", **options))
        case "s3fs":
            import s3fs

            where = {"endpoint_url": ENDPOINT, "region_name": REGION}
            return Fsspec(s3fs.S3FileSystem(key=KEY, secret=SECRET, client_kwargs=where))
        case "obstore-fsspec":
            from obstore.fsspec import FsspecStore

            store = FsspecStore(
                "s3",
                endpoint=ENDPOINT,
                access_key_id=KEY,
                secret_access_key=SECRET,
                region=REGION,
                client_options={"allow_http": True},
            )
            return Fsspec(store)
        case "obstore":
            return Obstore()
        case "boto3":
            return Boto3()
        case "pyarrow":
            return Pyarrow()
        case "opendal":
            return Opendal()
    raise SystemExit(f"there is no candidate {name}")
