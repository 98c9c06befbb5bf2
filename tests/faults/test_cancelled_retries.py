"""Whoever waits for the next try can be called off at once, and leaves nothing behind."""

import asyncio
import random
import signal
import time

import pytest

from tests.faults.doors import READS, UPLOADS
from tests.faults.harm import COMPLETE, PART, HangUp, Stall, Status, when
from tests.faults.waiting import wait_until

MIB = 2**20
LARGE = random.Random(14).randbytes(10 * MIB + 5)
PARTS = {"part_size": 5 * MIB}
# As long as a call may take to take back what it began.
PROMPT = 2

FAULTS = {"refused for now": Status(503), "reset": HangUp(), "silent": Stall(is_head=True)}
AWAITED = {name: door for name, door in {**READS, **UPLOADS}.items() if name.startswith("async ")}


async def cancelled_when(tasks, check):
    """Cancel tasks as soon as something is so; return how long it took them to end."""
    while not check():
        assert not any(task.done() for task in tasks), tasks
        await asyncio.sleep(0.01)
    begin = time.monotonic()
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
    return time.monotonic() - begin


def start(proxied, doors):
    """Begin to go through doors, each to an object of its own; return the tasks."""
    fs = proxied.make(asynchronous=True, **PARTS)
    tasks = []
    for name, door in doors.items():
        proxied.other.write(name, b"old")
        folder = proxied.folder / name
        folder.mkdir()
        data = (LARGE,) if name in UPLOADS else ()
        tasks.append(asyncio.ensure_future(door.call(fs, proxied.join(name), folder, *data)))
    return tasks


def check_old(proxied, doors):
    assert proxied.witness.contents(proxied.root) == dict.fromkeys(doors, b"old")


@pytest.mark.parametrize("name", FAULTS)
async def test_calls_that_are_tried_again_are_cancelled_at_once(proxied, name):
    # The start of an upload and its end are waited for: it has to be known what to take back.
    begins_or_ends = when("drop", test=lambda r: r.method in ("POST", "DELETE"))
    choose = when(FAULTS[name])
    proxied.proxy.fault = lambda r: None if name == "silent" and begins_or_ends(r) else choose(r)
    tasks = start(proxied, AWAITED)
    enough = (1 if name == "silent" else 2) * len(AWAITED)
    assert await cancelled_when(tasks, lambda: len(proxied.proxy.requests) >= enough) < PROMPT
    count = len(proxied.proxy.requests)
    await asyncio.sleep(1)
    # What had been sent when the cancellation came may be noted behind it.
    assert len(proxied.proxy.requests) <= count + len(AWAITED)
    check_old(proxied, AWAITED)
    assert proxied.other.uploads() == []


@pytest.mark.parametrize("end", [PART, COMPLETE], ids=["part", "completion"])
async def test_uploads_cancelled_between_two_tries_are_aborted(proxied, end):
    proxied.proxy.fault = when(Status(503), **end)
    doors = {name: door for name, door in AWAITED.items() if name in UPLOADS}
    tasks = start(proxied, doors)
    enough = 2 * len(doors)
    assert await cancelled_when(tasks, lambda: len(proxied.proxy.asked(**end)) >= enough) < PROMPT
    # It is taken back in the background where nobody waits for that.
    await asyncio.to_thread(wait_until, lambda: proxied.other.uploads() == [], 10)
    check_old(proxied, doors)


def test_an_exception_between_two_tries_leaves_no_upload(proxied):
    proxied.other.write("k", b"old")
    proxied.proxy.fault = when(Status(503), **PART)

    def write():
        with proxied.make().open(proxied.join("k"), "wb", block_size=5 * MIB) as file:
            # More than is kept back until it is known whether one request will do.
            for _ in range(20):
                file.write(bytes(MIB))
            wait_until(lambda: len(proxied.proxy.asked(**PART)) >= 2, 10)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert proxied.other.read("k") == b"old"
    assert proxied.other.uploads() == []


CALLS = {
    "cat_file": "fs.cat_file(join('k'))",
    "open": "fs.open(join('k'))",
    "ls": "fs.ls(ROOT)",
    "pipe_file": "fs.pipe_file(join('k'), b'new')",
    "upload": "fs.pipe_file(join('k'), bytes(11 * 2**20))",
}


@pytest.mark.parametrize("how", CALLS)
def test_ctrl_c_ends_a_call_that_waits_for_its_next_try(s3_target, relay, how):
    s3_target.other.write("k", b"old")
    relay.fault = when(Status(503))
    with s3_target.start(
        f"""
fs = new(endpoint_url="http://{relay.address}", part_size=5 * 2**20)
try:
    {CALLS[how]}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    ) as process:
        try:
            wait_until(lambda: len(relay.requests) >= 3, 20)
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        except BaseException:
            process.kill()
            raise
    assert (process.returncode, out) == (0, "interrupted\n"), err
    # The program's own end is in it.
    assert time.monotonic() - begin < PROMPT + 1
    assert s3_target.other.read("k") == b"old"
    assert s3_target.other.uploads() == []
