"""A round trip on memory, local disk and S3 at once, which compares every byte.

Each store gets objects, one large streamed file, pandas tables (parquet and csv) and a
partitioned pyarrow dataset; all of it is read back, compared with what was written and removed.
S3 takes part when the server at ``OPENDALFS_S3_ENDPOINT`` answers: ``scripts/services start``
starts one. The figures go to stdout, everything else to stderr; the exit code tells whether all
that was read was what had been written.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
from pyarrow.fs import FSSpecHandler, PyFileSystem
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

MB = 1_000_000
CHUNK_BYTES = 4 * MB


class Mismatch(Exception):
    """What was read is not what was written."""


class Report:
    """How far the stores are: a bar each on a terminal, a line a step elsewhere."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[str, TaskID] = {}

    def expect(self, store: str, count_bytes: int) -> None:
        """Add to the bytes which `store` is going to move."""
        task = self.tasks.get(store)
        if task is None:
            task = self.tasks[store] = self.progress.add_task(store, total=0, step="")
        self.progress.update(task, total=(self.progress.tasks[task].total or 0) + count_bytes)

    def step(self, store: str, text: str) -> None:
        """Tell what `store` does next."""
        self.progress.update(self.tasks[store], step=text)
        if self.progress.disable:
            print(f"{store}: {text}", file=sys.stderr, flush=True)

    def moved(self, store: str, count_bytes: int) -> None:
        """Tell that `store` has written, or read and compared, so many bytes."""
        self.progress.advance(self.tasks[store], count_bytes)


@dataclass
class Payload:
    """What every store is given: made once, so that the figures are about the stores."""

    objects: dict[str, bytes]
    large: bytes
    frame: pd.DataFrame
    encoded: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def make(cls, large_bytes: int, rows: int) -> Payload:
        """Make random objects, a file of `large_bytes` and a table of `rows`."""
        source = random.Random(2026)
        objects = {
            f"objects/{number:03d}.bin": source.randbytes(256 * 1024) for number in range(32)
        }
        objects["objects/empty"] = b""
        objects["objects/a name with blanks, 100% + \u00e9.bin"] = source.randbytes(1000)
        frame = pd.DataFrame(
            {
                "number": range(rows),
                # Eighths: exact in decimal, so that csv has to give back the same numbers.
                "value": [source.randrange(8 * rows) / 8 for _ in range(rows)],
                "group": [f"group-{source.randrange(4)}" for _ in range(rows)],
                "even": [number % 2 == 0 for number in range(rows)],
            }
        )
        payload = cls(objects, source.randbytes(large_bytes), frame)
        for kind in ("parquet", "csv"):
            buffer = io.BytesIO()
            write_frame(frame, kind, buffer)
            payload.encoded[kind] = buffer.getvalue()
        return payload


def write_frame(frame: pd.DataFrame, kind: str, file: Any) -> None:
    """Write `frame` to an open binary file as ``parquet`` or ``csv``."""
    if kind == "parquet":
        frame.to_parquet(file, engine="pyarrow", index=False)
    else:
        frame.to_csv(file, index=False)


def read_frame(kind: str, file: Any) -> pd.DataFrame:
    """Read what `write_frame` wrote."""
    if kind == "parquet":
        return pd.read_parquet(file, engine="pyarrow")
    return pd.read_csv(file)


class RoundTrip:
    """The round trip on one store; the figures of it are its attributes."""

    def __init__(
        self, name: str, options: dict[str, Any], root: str, payload: Payload, report: Report
    ) -> None:
        self.name = name
        self.options = options
        self.root = root
        self.payload = payload
        self.report = report
        self.written_bytes = 0
        self.read_bytes = 0
        self.rows = 0
        self.seconds = 0.0
        self.failure = ""

    def run(self) -> None:
        """Do every step, remove what was written, and keep the failure if there was one."""
        begin = time.perf_counter()
        try:
            fs = fsspec.filesystem("opendal", **self.options)
            try:
                self.objects(fs)
                self.large_file(fs)
                self.pandas_tables(fs)
                self.pyarrow_dataset(fs)
            finally:
                self.report.step(self.name, "removing")
                if fs.exists(self.root):
                    fs.rm(self.root, recursive=True)
            self.check(not fs.exists(self.root), "something is left after removing everything")
            self.report.step(self.name, "done")
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            traceback.print_exc()
            self.report.step(self.name, "FAILED")
        self.seconds = time.perf_counter() - begin

    def check(self, claim: bool, otherwise: str) -> None:
        """Raise `Mismatch` unless `claim` is true."""
        if not claim:
            raise Mismatch(f"{self.name}: {otherwise}")

    def wrote(self, count_bytes: int) -> None:
        """Count bytes written."""
        self.written_bytes += count_bytes
        self.report.moved(self.name, count_bytes)

    def compared(self, path: str, expected: bytes | memoryview, found: bytes) -> None:
        """Count bytes read, after comparing them with `expected`."""
        self.check(found == expected, f"{path} is not what was written")
        self.read_bytes += len(found)
        self.report.moved(self.name, len(found))

    def objects(self, fs: Any) -> None:
        """Write many objects in one call, list them, and read them in one call."""
        self.report.step(self.name, "objects: pipe, find, cat, ranges")
        expected = {f"{self.root}/{key}": data for key, data in self.payload.objects.items()}
        size = sum(map(len, expected.values()))
        self.report.expect(self.name, 2 * size)
        fs.pipe(expected)
        self.wrote(size)
        listed = fs.find(f"{self.root}/objects")
        self.check(sorted(listed) == sorted(expected), "find does not list what was written")
        found = fs.cat(list(expected))
        for path, data in expected.items():
            self.compared(path, data, found[path])
        path, data = next(iter(expected.items()))
        for start, end in ((1000, 2000), (-10, None), (None, 7), (len(data) - 5, len(data) + 5)):
            part = fs.cat_file(path, start=start, end=end)
            self.check(part == data[start:end], f"{path} [{start}:{end}] is not what was written")

    def large_file(self, fs: Any) -> None:
        """Stream a large file out and in."""
        self.report.step(self.name, "one large file: open, write, seek, read")
        path = f"{self.root}/large.bin"
        data = memoryview(self.payload.large)
        self.report.expect(self.name, 2 * len(data))
        with fs.open(path, "wb") as file:
            for start in range(0, len(data), CHUNK_BYTES):
                self.wrote(file.write(data[start : start + CHUNK_BYTES]))
        self.check(fs.info(path)["size"] == len(data), f"{path} has another size")
        with fs.open(path, "rb") as file:
            for start in range(0, len(data), CHUNK_BYTES):
                self.compared(path, data[start : start + CHUNK_BYTES], file.read(CHUNK_BYTES))
            self.check(file.read(1) == b"", f"{path} goes on after its end")
            middle = len(data) // 2
            file.seek(middle)
            self.check(
                file.read(100) == data[middle : middle + 100], f"{path} differs after a seek"
            )

    def pandas_tables(self, fs: Any) -> None:
        """Write a table as parquet and as csv, and read it back."""
        for kind, encoded in self.payload.encoded.items():
            self.report.step(self.name, f"pandas: {kind}")
            self.report.expect(self.name, 2 * len(encoded))
            path = f"{self.root}/table.{kind}"
            with fs.open(path, "wb") as file:
                write_frame(self.payload.frame, kind, file)
            self.wrote(len(encoded))
            self.compared(path, encoded, fs.cat_file(path))
            with fs.open(path, "rb") as file:
                frame = read_frame(kind, file)
            pd.testing.assert_frame_equal(frame, self.payload.frame)
            self.rows += len(frame)

    def pyarrow_dataset(self, fs: Any) -> None:
        """Write a dataset in partitions, and read all of it and one partition."""
        self.report.step(self.name, "pyarrow: partitioned dataset")
        table = pa.Table.from_pandas(self.payload.frame, preserve_index=False)
        partitioning = pyarrow.dataset.partitioning(
            pa.schema([("group", pa.string())]), flavor="hive"
        )
        arrow_fs = PyFileSystem(FSSpecHandler(fs))
        base = f"{self.root}/dataset"
        pyarrow.dataset.write_dataset(
            table, base, filesystem=arrow_fs, format="parquet", partitioning=partitioning
        )
        size = fs.du(base)
        self.report.expect(self.name, 2 * size)
        self.wrote(size)
        dataset = pyarrow.dataset.dataset(
            base, filesystem=arrow_fs, format="parquet", partitioning=partitioning
        )
        found = dataset.to_table(columns=table.column_names).sort_by("number")
        found = found.cast(table.schema)
        self.check(found.equals(table), f"{base} is not what was written")
        one = dataset.to_table(filter=pyarrow.dataset.field("group") == "group-1")
        rows = int((self.payload.frame["group"] == "group-1").sum())
        self.check(one.num_rows == rows, f"{base} has {one.num_rows} rows of group-1, not {rows}")
        self.read_bytes += size
        self.report.moved(self.name, size)
        self.rows += found.num_rows


def s3_options() -> tuple[dict[str, Any], str] | None:
    """Return options and bucket of the S3 server of the tests, or None if it does not answer."""
    endpoint = os.environ.get("OPENDALFS_S3_ENDPOINT", "http://127.0.0.1:9000")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{endpoint}/minio/health/ready", timeout=3):
            pass
    except (OSError, urllib.error.URLError):
        return None
    options = {
        "scheme": "s3",
        "key": os.environ.get("OPENDALFS_S3_KEY", "minioadmin"),
        "secret": os.environ.get("OPENDALFS_S3_SECRET", "minioadmin"),
        "endpoint_url": endpoint,
        "region": os.environ.get("OPENDALFS_S3_REGION", "us-east-1"),
    }
    return options, os.environ.get("OPENDALFS_S3_BUCKET", "test-bucket")


def figures(trips: list[RoundTrip]) -> Table:
    """Return the table the demo ends with."""
    table = Table(title="Round trip, all stores at once; everything read was compared")
    table.add_column("store")
    for heading in ("MB written", "MB read", "MB/s", "rows checked", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("result")
    for trip in trips:
        moved = trip.written_bytes + trip.read_bytes
        table.add_row(
            trip.name,
            f"{trip.written_bytes / MB:.1f}",
            f"{trip.read_bytes / MB:.1f}",
            f"{moved / MB / trip.seconds:.0f}",
            f"{trip.rows:,}",
            f"{trip.seconds:.2f}",
            "FAILED" if trip.failure else "identical",
        )
    return table


def main() -> int:
    """Run the demo and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=64, help="size of the large file")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the tables")
    arguments = parser.parse_args()

    payload = Payload.make(arguments.megabytes * MB, arguments.rows)
    place = f"demo-{uuid.uuid4().hex[:12]}"
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description:>6}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[step]}"),
        console=console,
        disable=not console.is_terminal,
    )
    report = Report(progress)
    with tempfile.TemporaryDirectory(prefix="opendalfs-demo-") as folder, progress:
        stores: list[tuple[str, dict[str, Any], str]] = [
            ("memory", {"scheme": "memory"}, place),
            ("fs", {"scheme": "fs", "root": folder}, place),
        ]
        if s3 := s3_options():
            options, bucket = s3
            stores.append(("s3", options, f"{bucket}/{place}"))
        trips = [RoundTrip(*store, payload, report) for store in stores]
        for trip in trips:
            report.expect(trip.name, 0)
        with ThreadPoolExecutor(len(trips)) as pool:
            for _ in pool.map(RoundTrip.run, trips):
                pass

    Console().print(figures(trips))
    if s3 is None:
        print("s3: left out, no MinIO answers (scripts/services start)", file=sys.stderr)
    for trip in trips:
        if trip.failure:
            print(f"{trip.name}: {trip.failure}", file=sys.stderr)
    return 1 if any(trip.failure for trip in trips) else 0


if __name__ == "__main__":
    sys.exit(main())
