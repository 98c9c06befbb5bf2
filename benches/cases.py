"""The work that is compared: what each case sets up, times and checks afterwards.

Only the timed part is on the clock. The sizes that reading cases return are checked in it, which
costs nothing; what writing cases left in the bucket is looked at with boto3 after it, and removed.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from candidates import BUCKET, MIB, Boto3, Client, Spans

BIG = 256 * MIB
SMALL, SMALL_COUNT = 10 * 1024, 2000
TINY = 1024
KEYS = 20_000
RANGE, RANGE_COUNT = 64 * 1024, 2000
FILES = 500
ROWS = 1_600_000


class WrongResult(Exception):
    """A client did something else than the case asks for: its time means nothing."""


@dataclass(frozen=True)
class Case:
    """One kind of work.

    Attributes
    ----------
    about : str
        What is done, in a few words.
    timed : callable
        The measured part; gets the client and what `setup` returned. What it returns is the
        result of a case in microseconds, and ignored elsewhere.
    setup : callable, optional
        Gets ready what the timed part is given.
    verify : callable, optional
        Checks what was done, and removes it.
    """

    about: str
    timed: Callable[[Client, Any], float | None]
    setup: Callable[[], Any] | None = None
    verify: Callable[[Any], None] | None = None


def check(got: int, wanted: int) -> None:
    """Fail where a count of bytes, rows or names is not the one it has to be."""
    if got != wanted:
        raise WrongResult(f"wrong result: {got} instead of {wanted}")


def own(name: str) -> str:
    """Return a key that no other process writes."""
    return f"{name}{os.getpid()}"


def names() -> list[str]:
    """Return the keys of the small objects."""
    return [f"small/{number:05}" for number in range(SMALL_COUNT)]


def spans() -> Spans:
    """Return the same random ranges of the big object every time."""
    numbers = random.Random(7)
    starts = [numbers.randrange(0, BIG - RANGE) for _ in range(RANGE_COUNT)]
    return [(start, start + RANGE) for start in starts]


def latency(work: Callable[[], None], count: int = 300) -> float:
    """Return the median seconds of one call, of `count` calls one after the other."""
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def small_body() -> bytes:
    """Return bytes which no other process writes, so that a write left out is seen."""
    return b"%010d" % os.getpid() * (SMALL // 10)


def new_small() -> dict[str, bytes]:
    """Return the objects of the bulk write."""
    return {f"out/p{number:05}": small_body() for number in range(SMALL_COUNT)}


def new_deleted() -> list[str]:
    """Write what is going to be deleted; the same writer for every candidate."""
    keys = [f"{own('rm')}/{number:05}" for number in range(SMALL_COUNT)]
    Boto3().pipe({key: b"x" * SMALL for key in keys})
    return keys


def new_directory() -> str:
    """Make a directory of files."""
    local = tempfile.mkdtemp()
    for number in range(FILES):
        with open(f"{local}/f{number:04}", "wb") as file:
            file.write(os.urandom(SMALL))
    return local


def verify_big(data: bytes) -> None:
    """Check the size of the one object that was written."""
    witness, key = Boto3(), own("out/")
    sizes = [entry["Size"] for entry in witness.entries(key) if entry["Key"] == key]
    check(sum(sizes), len(data))
    witness.rm([key])


def verify_small(items: dict[str, bytes]) -> None:
    """Check that every small object has the bytes of this process."""
    entries = Boto3().entries("out/p")
    tags = {tag for data in items.values() for tag in etags(data)}
    check(sum(entry["ETag"].strip('"') in tags for entry in entries), len(items))


def etags(data: bytes) -> tuple[str, str]:
    """Return the ETags of an object written by one request, and as an upload of one part."""
    whole = hashlib.md5(data)
    return whole.hexdigest(), f"{hashlib.md5(whole.digest()).hexdigest()}-1"


def verify_deleted(keys: list[str]) -> None:
    """Check that nothing is left; a marker of the directory, which pyarrow makes, may be."""
    witness = Boto3()
    left = witness.keys(f"{own('rm')}/")
    check(len({*keys}.intersection(left)), 0)
    witness.rm(left)


def verify_uploaded(local: str) -> None:
    """Check number and sizes of the objects."""
    witness = Boto3()
    entries = witness.entries(f"{own('out/d')}/")
    check(len(entries), FILES)
    check(sum(entry["Size"] for entry in entries), FILES * SMALL)
    witness.rm([entry["Key"] for entry in entries])
    shutil.rmtree(local)


def verify_downloaded(local: str) -> None:
    """Check number and sizes of the files."""
    with os.scandir(local) as entries:
        sizes = [entry.stat().st_size for entry in entries]
    check(len(sizes), FILES)
    check(sum(sizes), FILES * SMALL)
    shutil.rmtree(local)


CASES = {
    "get_256M": Case("one object to bytes", lambda client, _: check(client.get("big"), BIG)),
    "stream_256M": Case(
        "`open().read(1 MiB)` to the end", lambda client, _: check(client.stream("big"), BIG)
    ),
    "put_256M": Case(
        "bytes to one object",
        lambda client, data: client.put(own("out/"), data),
        lambda: os.urandom(BIG),
        verify_big,
    ),
    "put_stream_256M": Case(
        "`open().write(1 MiB)` 256 times",
        lambda client, data: client.put_stream(own("out/"), data),
        lambda: os.urandom(BIG),
        verify_big,
    ),
    "cat_2000x10K": Case(
        "bulk read", lambda client, keys: check(client.cat(keys), SMALL_COUNT * SMALL), names
    ),
    "pipe_2000x10K": Case(
        "bulk write", lambda client, items: client.pipe(items), new_small, verify_small
    ),
    "ranges_2000x64K": Case(
        "random ranges of one object",
        lambda client, given: check(client.ranges("big", given), RANGE_COUNT * RANGE),
        spans,
    ),
    "find_20000": Case("recursive listing", lambda client, _: check(client.find("keys"), KEYS)),
    "rm_2000": Case(
        "bulk delete", lambda client, keys: client.rm(keys), new_deleted, verify_deleted
    ),
    "put_dir_500x10K": Case(
        "upload of a directory",
        lambda client, local: client.put_dir(local, own("out/d")),
        new_directory,
        verify_uploaded,
    ),
    "get_dir_500x10K": Case(
        "download of a directory",
        lambda client, local: client.get_dir("dir500", local),
        tempfile.mkdtemp,
        verify_downloaded,
    ),
    "parquet_100M": Case(
        "`pandas.read_parquet`", lambda client, _: check(client.parquet("t.parquet"), ROWS)
    ),
    "tiny_get_us": Case(
        "read of 1 KiB, the median of 300 in a row",
        lambda client, _: latency(lambda: check(client.get("tiny"), TINY)),
    ),
    "info_us": Case(
        "info or head, the median of 300 in a row",
        lambda client, _: latency(lambda: client.info("tiny")),
    ),
}


def in_microseconds(case: str) -> bool:
    """Whether the result of a case is the latency of one call."""
    return case.endswith("_us")


def prepare() -> None:
    """Write what the cases read, where the bucket does not have it yet."""
    import numpy as np
    import pandas as pd

    boto = Boto3()
    if BUCKET not in [bucket["Name"] for bucket in boto.s3.list_buckets()["Buckets"]]:
        boto.s3.create_bucket(Bucket=BUCKET)
    if boto.keys("t.parquet"):  # written last
        return
    print("preparing data ...", file=sys.stderr)
    boto.put("big", os.urandom(BIG))
    boto.put("tiny", b"t" * TINY)
    boto.pipe({key: b"x" * SMALL for key in names()})
    boto.pipe({f"dir500/f{number:04}": b"x" * SMALL for number in range(FILES)})
    boto.pipe({f"keys/{number % 200:03}/{number:06}": b"" for number in range(KEYS)})
    numbers = np.random.default_rng(1)
    frame = pd.DataFrame({f"c{column}": numbers.random(ROWS) for column in range(8)})
    buffer = io.BytesIO()
    frame.to_parquet(buffer, compression=None)
    boto.put("t.parquet", buffer.getvalue())
