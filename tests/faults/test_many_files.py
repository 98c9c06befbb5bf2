"""Thousands of files at once or one after the other: bounded sockets, nothing that grows."""

import asyncio
import random

import pytest

COUNT = 3000
# Sockets of one process, whatever the number of calls under way.
MOST_SOCKETS = 256


async def open_all(fs, path, check):
    files = await asyncio.gather(*(fs.open_async(path) for _ in range(COUNT)))
    found = await asyncio.gather(*(file.read() for file in files))
    assert check(found)
    await asyncio.gather(*(file.close() for file in files))


def test_3000_files_open_at_once_share_a_bounded_number_of_sockets(proxied):
    proxied.other.write("k", b"value")
    fs = proxied.make(asynchronous=True)
    asyncio.run(open_all(fs, proxied.join("k"), lambda found: set(found) == {b"value"}))
    assert proxied.proxy.most_connections <= MOST_SOCKETS


def test_3000_slices_read_at_once_share_a_bounded_number_of_sockets(proxied):
    body = random.Random(11).randbytes(COUNT * 100)
    proxied.other.write("k", body)
    fs = proxied.make(asynchronous=True)

    async def work():
        path = proxied.join("k")
        slices = [fs._cat_file(path, at, at + 100) for at in range(0, len(body), 100)]
        return b"".join(await asyncio.gather(*slices))

    assert asyncio.run(work()) == body
    assert proxied.proxy.most_connections <= MOST_SOCKETS


def test_3000_writes_at_once_share_a_bounded_number_of_sockets(proxied):
    fs = proxied.make(asynchronous=True)

    async def work():
        await asyncio.gather(
            *(fs._pipe_file(proxied.join(f"{n % 100}/{n}"), b"%d" % n) for n in range(COUNT))
        )

    asyncio.run(work())
    assert proxied.proxy.most_connections <= MOST_SOCKETS
    assert len(proxied.witness.paths(proxied.root)) == COUNT


GROWTH = """
import gc
fs = new()
fs.pipe_file(join("k"), b"value" * 1000)
def read(count):
    for _ in range(count):
        with fs.open(join("k")) as file:
            assert file.read(5) == b"value"
def write(count):
    for _ in range(count):
        with fs.open(join("k"), "wb") as file:
            file.write(b"value")
def state():
    gc.collect()
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), pages * 4
def grown_by(work, count):
    work(count // 10)
    before = state()
    work(count - count // 10)
    print(*(after - begin for after, begin in zip(state(), before)))
"""


def check_growth(done):
    assert done.code == 0, done.err
    descriptors, threads, kibibytes = map(int, done.out.split())
    assert descriptors <= 2
    assert threads <= 1
    # Leaks of thousands of file objects or requests would be far more.
    assert kibibytes < 4096


def test_files_read_leave_nothing_behind(target):
    # A server takes a millisecond for each.
    count = 3000 if target.scheme == "s3" else 10_000
    check_growth(target.run(GROWTH + f"grown_by(read, {count})", timeout=100))


def test_files_written_leave_nothing_behind(target):
    # A write to a server or a disk takes far longer than a read.
    count = 10_000 if target.scheme == "memory" else 300
    check_growth(target.run(GROWTH + f"grown_by(write, {count})", timeout=100))


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("work", ["read", "write"])
def test_10000_files_opened_and_closed_leave_nothing_behind(target, work):
    check_growth(target.run(GROWTH + f"grown_by({work}, 10_000)", timeout=800))
