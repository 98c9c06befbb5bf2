"""Servers that hang up, calls that are interrupted, forked or cancelled while they wait."""

import asyncio
import hashlib
import os
import random
import signal
import threading
import time

import pytest

from tests.faults.forking import IN_CHILD

MIB = 2**20
PART = 64 * 1024
CONTENT = random.Random(12).randbytes(32 * PART + 5)
# Requests that may have been sent before an end and are noted behind it; a read that goes on
# would make more.
UNDER_WAY = 4
# With parts of this size a reader that has come to READ has asked for what is behind FAR.
LARGE, READ, FAR = 8 * PART, 10 * PART, 16 * PART


@pytest.fixture
def through(s3_target, relay):
    """Return a function that makes an instance whose requests go through the relay."""

    def make(**options):
        return s3_target.make(endpoint_url=f"http://{relay.address}", **options)

    s3_target.other.write("k", CONTENT)
    s3_target.other.write("ok", b"value")
    return make


def on_k(request):
    """Whether a request is for bytes of the long object."""
    return request.method == "GET" and request.path.endswith("/k") and not request.query


def by_stall(start=0):
    """Return a fault: the first answer with bytes behind `start` stops in its middle."""
    begun = threading.Lock()

    def fault(request):
        is_it = on_k(request) and (request.start or 0) >= start
        return "stall" if is_it and begun.acquire(blocking=False) else None

    return fault


def always_stall(start=0):
    """Return a fault: each answer with bytes behind `start` stops in its middle."""
    return lambda request: "stall" if on_k(request) and (request.start or 0) >= start else None


def use_all(fs, target, tmp_path, pause):
    """Make calls of every kind, with a pause before each."""
    steps = [
        lambda: fs.cat_file(target.join("ok")) == b"value",
        lambda: fs.pipe_file(target.join("w"), b"written")["size"] == 7,
        lambda: fs.cat_file(target.join("w"), 1, 4) == b"rit",
        lambda: fs.info(target.join("k"))["size"] == len(CONTENT),
        lambda: target.join("k") in fs.find(target.root),
        lambda: fs.cat_file(target.join("k")) == CONTENT,
        lambda: (
            fs.cat_ranges([target.join("k")] * 2, [0, MIB], [5, MIB + 5], max_gap=0)
            == [CONTENT[:5], CONTENT[MIB : MIB + 5]]
        ),
        lambda: fs.get_file(target.join("k"), str(tmp_path / "t")) is None,
        lambda: fs.put_file(str(tmp_path / "t"), target.join("up")) is None,
        lambda: fs.cp_file(target.join("ok"), target.join("copy")) is None,
        lambda: fs.rm([target.join("copy"), target.join("w")]) is None,
        lambda: not fs.exists(target.join("w")),
        lambda: write_large(fs, target.join("large")) is None,
        lambda: fs.info(target.join("large"))["size"] == 11 * MIB,
    ]
    for number, step in enumerate(steps):
        pause()
        assert step(), number
    with fs.open(target.join("k")) as file:
        for at in (0, 9 * PART, 20 * PART):
            pause()
            file.seek(at)
            assert file.read(100) == CONTENT[at : at + 100]
    assert target.other.read("up") == CONTENT


def write_large(fs, path):
    with fs.open(path, "wb", block_size=5 * MIB) as file:
        for _ in range(11):
            file.write(bytes(MIB))


def test_connections_closed_behind_each_answer_do_no_harm(s3_target, relay, through, tmp_path):
    relay.closes = True
    use_all(through(part_size=PART * 80), s3_target, tmp_path, lambda: None)


def test_connections_closed_in_a_pause_need_no_second_try(s3_target, relay, through, tmp_path):
    relay.idle = 0.1
    # Closed connections must be noticed before something is sent over them.
    use_all(through(max_retries=0), s3_target, tmp_path, lambda: time.sleep(0.3))


async def test_connections_closed_in_a_pause_do_no_harm_to_awaited_calls(s3_target, relay, through):
    relay.idle = 0.1
    fs = through(asynchronous=True, max_retries=0)
    for _ in range(3):
        assert await fs._cat_file(s3_target.join("k")) == CONTENT
        await fs._pipe_file(s3_target.join("w"), b"written")
        await asyncio.sleep(0.3)


def test_calls_and_awaited_calls_by_turns_use_connections_of_their_own(s3_target, relay, through):
    fs, awaited = through(), through(asynchronous=True)

    async def await_one():
        return await awaited._cat_file(s3_target.join("ok"))

    for _ in range(30):
        assert fs.cat_file(s3_target.join("ok")) == b"value"
        assert asyncio.run(await_one()) == b"value"


def in_thread(call):
    """Start a call in a thread; the result is a function that waits for its result."""
    out = []
    thread = threading.Thread(target=lambda: out.append(call()))
    thread.start()

    def result():
        thread.join(60)
        assert out, "the call never returned"
        return out[0]

    return result


@pytest.mark.parametrize("waiting", [1, 3])
def test_a_call_that_waits_holds_up_no_other(s3_target, relay, through, waiting):
    fs = through(part_size=PART)
    relay.fault = always_stall()
    slow = [in_thread(lambda: fs.cat_file(s3_target.join("k"))) for _ in range(waiting)]
    assert relay.stalled.wait(30)
    for number in range(20):
        assert fs.cat_file(s3_target.join("ok")) == b"value"
        fs.pipe_file(s3_target.join("w"), b"%d" % number)
        assert s3_target.other.read("w") == b"%d" % number
        assert in_thread(lambda: fs.info(s3_target.join("ok"))["size"])() == 5
    relay.release()
    for result in slow:
        assert result() == CONTENT


def test_many_threads_call_at_once(s3_target, through, tmp_path):
    fs = through(part_size=PART)

    def work(index):
        rng = random.Random(index)
        for turn in range(3):
            start = rng.randrange(len(CONTENT))
            end = rng.randrange(start, len(CONTENT))
            assert fs.cat_file(s3_target.join("k"), start, end) == CONTENT[start:end]
            with fs.open(s3_target.join("k")) as file:
                file.seek(start)
                got = b"".join(iter(lambda: file.read(100_000), b""))
                assert got == CONTENT[start:]
            name = s3_target.join("d", f"{index}-{turn}")
            fs.pipe_file(name, name.encode())
            assert name in fs.ls(s3_target.join("d"), detail=False, refresh=True)
            fs.get_file(s3_target.join("k"), str(tmp_path / f"{index}"))
            assert (tmp_path / f"{index}").read_bytes() == CONTENT
            spans = [(start, start + 10), (end, end + 10), (5, 15)]
            got = fs.cat_ranges([s3_target.join("k")] * 3, *map(list, zip(*spans, strict=True)))
            assert got == [CONTENT[a:b] for a, b in spans]
        return True

    results = [in_thread(lambda index=index: work(index)) for index in range(8)]
    assert all(result() for result in results)


async def test_a_plain_call_inside_a_running_loop_works(s3_target, relay, through):
    fs, awaited = through(part_size=PART), through(asynchronous=True, part_size=PART)
    relay.fault = by_stall()
    task = asyncio.ensure_future(awaited._cat_file(s3_target.join("k")))
    while not relay.stalled.is_set():
        await asyncio.sleep(0.005)
    assert fs.cat_file(s3_target.join("k")) == CONTENT
    assert fs.cat_file(s3_target.join("ok")) == b"value"
    with fs.open(s3_target.join("k")) as file:
        assert file.read(10) == CONTENT[:10]
    assert fs.ls(s3_target.root, detail=False)[0] == s3_target.join("k")
    relay.release()
    assert await task == CONTENT


def test_a_plain_call_inside_the_callback_of_another_works(s3_target, through, tmp_path):
    from fsspec.callbacks import Callback

    fs, seen = through(part_size=PART), []

    class Asking(Callback):
        def relative_update(self, inc=1):
            seen.append(fs.cat_file(s3_target.join("ok")))

    fs.get_file(s3_target.join("k"), str(tmp_path / "t"), callback=Asking())
    assert set(seen) == {b"value"}
    assert (tmp_path / "t").read_bytes() == CONTENT


INTERRUPTED = {
    "cat_file": "fs.cat_file(join('k'))",
    "cat_file of one part": "fs.cat_file(join('k'), 10, 20_000)",
    "cat_file negative": "fs.cat_file(join('k'), 5, -5)",
    "cat": "fs.cat([join('k'), join('ok')])",
    "cat_ranges": "fs.cat_ranges([join('k')], [0], [1000])",
    "read": "fs.open(join('k')).read()",
    "read on": "file = fs.open(join('k'))\n    while file.read(20_000): pass",
    "readinto": "fs.open(join('k'), block_size=PART).readinto(buffer)",
    "get_file": "fs.get_file(join('k'), 'got')",
    "get_file into a file": "fs.get_file(join('k'), open('got', 'wb'))",
}


@pytest.mark.parametrize("how", INTERRUPTED)
def test_ctrl_c_ends_a_call_that_waits_and_later_calls_work(
    s3_target, relay, through, how, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    relay.fault = always_stall(5 * PART if how in ("cat_file", "readinto", "read on") else 0)
    with s3_target.start(
        f"""
PART = 64 * 1024
buffer = bytearray({len(CONTENT)})
fs = new(endpoint_url="http://{relay.address}", part_size=PART, request_timeout=120)
try:
    {INTERRUPTED[how]}
except KeyboardInterrupt:
    print("interrupted", flush=True)
before = bytes(buffer)
assert fs.cat_file(join("ok")) == b"value"
# The answers go on from here.
assert input() == "released"
for number in range(20):
    fs.pipe_file(join("w"), b"%d" % number)
    assert fs.cat_file(join("w")) == b"%d" % number
assert bytes(buffer) == before, "the buffer was written to behind the interruption"
assert not os.path.exists("got") or os.path.getsize("got") < len(buffer)
assert len(fs.cat_file(join("k"))) == len(buffer)
print("done")
"""
    ) as process:
        try:
            assert relay.stalled.wait(30)
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
        except BaseException:
            process.kill()
            raise
        count = len([request for request in relay.requests if on_k(request)])
        relay.release()
        out, err = process.communicate("released\n", timeout=30)
    assert (process.returncode, out) == (0, "done\n"), err
    # What was not asked for when the call ended is not asked for later, but by the last call.
    more = [request for request in relay.requests if on_k(request)][count:]
    assert 33 <= len(more) <= 33 + UNDER_WAY, [(request.start, request.end) for request in more]


FORK = (
    IN_CHILD
    + """
import threading
PART = 64 * 1024
fs = new(endpoint_url=URL, part_size=PART)
"""
)


def finish(process, relay, steps):
    """Tell a program that answers wait, then let them go on; return its output."""
    try:
        assert relay.stalled.wait(30), process.poll()
        for step in steps:
            process.stdin.write("go\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{step}\n"
        relay.release()
        out, err = process.communicate(timeout=60)
    except BaseException:
        process.kill()
        raise
    assert (process.returncode, out) == (0, "done\n"), err


def test_a_fork_while_another_thread_waits_for_an_answer(s3_target, relay, through):
    relay.fault = by_stall(3 * PART)
    program = """
out = []
thread = threading.Thread(target=lambda: out.append(fs.cat_file(join("k"))))
thread.start()
def child():
    for _ in range(3):
        assert fs.cat_file(join("ok")) == b"value"
        assert len(fs.cat_file(join("k"))) == SIZE
        fs.pipe_file(join("child"), b"child")
    assert join("child") in fs.find(ROOT)
input()
in_child(child)
assert fs.cat_file(join("child")) == b"child"
print("forked", flush=True)
thread.join()
assert len(out[0]) == SIZE
print("done")
"""
    begin = f"URL, SIZE = 'http://{relay.address}', {len(CONTENT)}\n"
    with s3_target.start(begin + FORK + program) as process:
        finish(process, relay, ["forked"])


def test_a_file_with_reads_under_way_is_read_on_in_a_forked_child(s3_target, relay, through):
    relay.fault = by_stall(FAR)
    program = """
import hashlib
file = new(endpoint_url=URL, part_size=8 * PART).open(join("k"))
head = b""
while file.tell() < 10 * PART:
    head += file.read(10_000)
input()
def child():
    got = head + b"".join(iter(lambda: file.read(10_000), b""))
    assert hashlib.sha256(got).hexdigest() == SUM
    file.seek(0)
    assert hashlib.sha256(file.read()).hexdigest() == SUM
    file.close()
in_child(child)
in_child(lambda: file.close())
assert file.tell() == len(head)
print("forked", flush=True)
got = head + b"".join(iter(lambda: file.read(10_000), b""))
assert hashlib.sha256(got).hexdigest() == SUM
print("done")
"""
    begin = f"URL, SUM = 'http://{relay.address}', '{hashlib.sha256(CONTENT).hexdigest()}'\n"
    with s3_target.start(begin + FORK + program) as process:
        finish(process, relay, ["forked"])


ENDS = {
    "closed": "file.close()",
    "left open": "",
    "forgotten": "del file",
    "exit in with": "with file: sys.exit(0)",
    "asynchronous": "asyncio.run(work())",
    "a task left behind": "asyncio.run(leave())",
}


@pytest.mark.parametrize("how", ENDS)
def test_a_program_ends_while_reads_ahead_are_under_way(s3_target, relay, through, how):
    relay.fault = always_stall(FAR)
    with s3_target.start(
        f"""
import asyncio
fs = new(endpoint_url="http://{relay.address}", part_size={LARGE})
afs = new(endpoint_url="http://{relay.address}", part_size={LARGE}, asynchronous=True)
file = fs.open(join("k"))
while file.tell() < {READ}:
    file.read(10_000)
async def work():
    async with await afs.open_async(join("k")) as file:
        while file.tell() < {READ}:
            await file.read(10_000)
async def leave():
    file = await afs.open_async(join("k"))
    task = asyncio.ensure_future(file.read({len(CONTENT)}))
    await asyncio.sleep(0.05)
assert input() == "stalled"
{ENDS[how]}
"""
    ) as process:
        assert relay.stalled.wait(30)
        out, err = process.communicate("stalled\n", timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_closed_file_fetches_nothing_more(s3_target, relay, through):
    fs = through(part_size=LARGE)
    relay.fault = always_stall(FAR)
    file = fs.open(s3_target.join("k"))
    while file.tell() < READ:
        file.read(10_000)
    assert relay.stalled.wait(30)
    file.close()
    del file
    relay.release()
    count = len([request for request in relay.requests if on_k(request)])
    for _ in range(20):
        fs.pipe_file(s3_target.join("w"), b"")
    assert len([request for request in relay.requests if on_k(request)]) <= count + UNDER_WAY


async def stalled(relay):
    while not relay.stalled.is_set():
        await asyncio.sleep(0.005)


async def cancelled(task):
    """Cancel a task; it ends with the cancellation, not with something else."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def later_calls(fs, target, relay):
    """Make calls that work, and see that nothing else asks for the long object."""
    count = len([request for request in relay.requests if on_k(request)])
    relay.release()
    for number in range(20):
        await fs._pipe_file(target.join("w"), b"%d" % number)
        assert await fs._cat_file(target.join("w")) == b"%d" % number
    more = [request for request in relay.requests if on_k(request)][count:]
    assert len(more) <= UNDER_WAY, more


CANCELLED = {
    "cat_file": lambda fs, path, tmp: fs._cat_file(path),
    "cat_file of one part": lambda fs, path, tmp: fs._cat_file(path, 5 * PART, 6 * PART),
    "cat_file negative": lambda fs, path, tmp: fs._cat_file(path, 0, -1),
    "cat": lambda fs, path, tmp: fs._cat([path]),
    "cat_ranges": lambda fs, path, tmp: fs._cat_ranges([path], [5 * PART], [6 * PART]),
    "get_file": lambda fs, path, tmp: fs._get_file(path, str(tmp / "t")),
    "read": lambda fs, path, tmp: read_all(fs, path),
}


async def read_all(fs, path):
    async with await fs.open_async(path) as file:
        while await file.read(20_000):
            pass


@pytest.mark.parametrize("how", CANCELLED)
async def test_a_cancelled_read_leaves_nothing_running(s3_target, relay, through, how, tmp_path):
    fs = through(asynchronous=True, part_size=PART)
    relay.fault = always_stall(5 * PART)
    task = asyncio.ensure_future(CANCELLED[how](fs, s3_target.join("k"), tmp_path))
    await stalled(relay)
    await cancelled(task)
    await later_calls(fs, s3_target, relay)
    assert os.listdir(tmp_path) == []
    assert await fs._cat_file(s3_target.join("k")) == CONTENT


async def test_a_read_given_up_by_a_timeout_is_a_timeout(s3_target, relay, through):
    fs = through(asynchronous=True, part_size=PART)
    relay.fault = always_stall(5 * PART)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(fs._cat_file(s3_target.join("k")), 0.2)
    await later_calls(fs, s3_target, relay)


@pytest.mark.parametrize("count", [len(CONTENT), 2 * PART, PART // 2])
async def test_a_buffer_is_left_alone_once_the_cancellation_is_through(
    s3_target, relay, through, count
):
    fs = through(asynchronous=True, part_size=PART)
    reader = await fs._store.open_reader(s3_target.join("k"))
    relay.fault = always_stall(8 * PART)
    buffer = bytearray(count)

    async def fill():
        return await reader.read_into(buffer, 7 * PART + PART // 2 + 10)

    task = asyncio.ensure_future(fill())
    await stalled(relay) if count > PART // 2 else await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        before = bytes(buffer)
        # The buffer can be resized again: nobody holds it.
        del task
        await later_calls(fs, s3_target, relay)
        assert bytes(buffer) == before
    else:
        assert count == PART // 2


async def test_an_asynchronous_file_reads_on_after_a_cancelled_read(s3_target, relay, through):
    fs = through(asynchronous=True, part_size=LARGE)
    relay.fault = by_stall(FAR)
    async with await fs.open_async(s3_target.join("k")) as file:
        got = b""
        while len(got) < READ:
            got += await file.read(10_000)
        task = asyncio.ensure_future(file.read(20 * PART))
        await stalled(relay)
        await cancelled(task)
        assert file.tell() == len(got)
        relay.release()
        while piece := await file.read(10_000):
            got += piece
    assert got == CONTENT


@pytest.mark.parametrize("where", [0, 2 * PART, 12 * PART, 32 * PART])
def test_a_failed_read_ahead_is_an_error_where_it_is_read_and_tried_again(
    s3_target, relay, through, where
):
    fs = through(part_size=LARGE, max_retries=0)
    file = fs.open(s3_target.join("k"))
    refusing = True

    def fault(request):
        is_it = on_k(request) and (request.start or 0) <= where < (request.end or 2**62)
        return "refuse" if is_it and refusing else None

    relay.fault = fault
    got = b""
    try:
        while piece := file.read(10_000):
            got += piece
    except PermissionError as error:
        assert "k" in str(error)  # noqa: PT017
    else:
        pytest.fail("the refused bytes were read")
    assert got == CONTENT[: len(got)]
    assert file.tell() == len(got)
    refusing = False
    while piece := file.read(10_000):
        got += piece
    assert got == CONTENT
