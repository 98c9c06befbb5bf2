"""Every way to read an object and every way to write one, waiting and awaited.

Reading doors return the whole object, writing doors store the bytes they are given.
"""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

PIECE = 100_000


def pieces(read):
    """Return what small reads give until nothing is left."""
    return b"".join(iter(lambda: read(PIECE), b""))


def _cat_file(fs, path, folder):
    return fs.cat_file(path)


def _get_file(fs, path, folder):
    fs.get_file(path, str(folder / "got"))
    return (folder / "got").read_bytes()


def _open(fs, path, folder):
    with fs.open(path, "rb") as file:
        return pieces(file.read)


def _cat_ranges(fs, path, folder):
    size = fs.info(path)["size"]
    starts = list(range(0, size, size // 4))
    ends = [*starts[1:], size]
    return b"".join(fs.cat_ranges([path] * len(starts), starts, ends, on_error="raise"))


async def _cat_file_async(fs, path, folder):
    return await fs._cat_file(path)


async def _get_file_async(fs, path, folder):
    await fs._get_file(path, str(folder / "got"))
    return (folder / "got").read_bytes()


async def _open_async(fs, path, folder):
    out = []
    async with await fs.open_async(path, "rb") as file:
        while piece := await file.read(PIECE):
            out.append(piece)
    return b"".join(out)


async def _cat_ranges_async(fs, path, folder):
    size = (await fs._info(path))["size"]
    starts = list(range(0, size, size // 4))
    ends = [*starts[1:], size]
    return b"".join(await fs._cat_ranges([path] * len(starts), starts, ends, on_error="raise"))


def _pipe_file(fs, path, folder, data):
    fs.pipe_file(path, data)


def _put_file(fs, path, folder, data):
    (folder / "source").write_bytes(data)
    fs.put_file(str(folder / "source"), path)


def _write_open(fs, path, folder, data):
    with fs.open(path, "wb", block_size=5 * 2**20) as file:
        for at in range(0, len(data), 2**20):
            file.write(data[at : at + 2**20])


async def _pipe_file_async(fs, path, folder, data):
    await fs._pipe_file(path, data)


async def _put_file_async(fs, path, folder, data):
    (folder / "source").write_bytes(data)
    await fs._put_file(str(folder / "source"), path)


async def _write_open_async(fs, path, folder, data):
    async with await fs.open_async(path, "wb") as file:
        for at in range(0, len(data), 2**20):
            await file.write(data[at : at + 2**20])


class Door:
    """One way in or out.

    Attributes
    ----------
    is_async : bool
        Whether it needs an instance made with ``asynchronous=True``.
    call : callable
        It, for an instance, a path, a directory to use, and what is to be written.
    """

    def __init__(self, call):
        self.is_async = asyncio.iscoroutinefunction(call)
        self.call = call

    def __call__(self, store, path, *data, **options):
        """Go through it with a new instance of `store`."""
        folder = Path(tempfile.mkdtemp(dir=store.folder))
        if self.is_async:
            fs = store.make(asynchronous=True, **options)
            return asyncio.run(self.call(fs, path, folder, *data))
        return self.call(store.make(**options), path, folder, *data)


READS = {
    "cat_file": Door(_cat_file),
    "get_file": Door(_get_file),
    "open": Door(_open),
    "cat_ranges": Door(_cat_ranges),
    "async cat_file": Door(_cat_file_async),
    "async get_file": Door(_get_file_async),
    "async open": Door(_open_async),
    "async cat_ranges": Door(_cat_ranges_async),
}

WRITES = {
    "pipe_file": Door(_pipe_file),
    "put_file": Door(_put_file),
    "open": Door(_write_open),
    "async pipe_file": Door(_pipe_file_async),
    "async put_file": Door(_put_file_async),
    "async open": Door(_write_open_async),
}

# Uploads in parts are two pieces of code, and each waits or is awaited.
UPLOADS = {name: WRITES[name] for name in ("pipe_file", "open", "async pipe_file", "async open")}


def outcome(call):
    """Return the result of a call, or its exception."""
    try:
        return call()
    except Exception as error:
        return error


def through_all(doors, use):
    """Call `use(name, door)` for every door at once; return what came of it by name.

    A result which is an exception was raised.
    """
    with ThreadPoolExecutor(len(doors)) as pool:
        jobs = {
            name: pool.submit(outcome, lambda name=name, door=door: use(name, door))
            for name, door in doors.items()
        }
        return {name: job.result() for name, job in jobs.items()}


each_read = pytest.mark.parametrize("read", READS.values(), ids=READS)
each_upload = pytest.mark.parametrize("write", UPLOADS.values(), ids=UPLOADS)
each_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
