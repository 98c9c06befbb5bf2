"""Cancelled, interrupted and killed writes keep the old object and leave nothing behind."""

import asyncio
import signal
import time

import pytest

MIB = 2**20


def eventually(check, wanted, seconds=15):
    """Return whether `check()` gives `wanted` within some seconds."""
    end = time.monotonic() + seconds
    while check() != wanted:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


async def cancel_at(delay, work):
    """Cancel `work` after a delay; return whether it was cancelled before its end."""
    task = asyncio.create_task(work)
    await asyncio.sleep(delay)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


DELAYS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4]


async def _pipe_file(fs, path, tmp_path):
    await fs._pipe_file(path, bytes(64 * MIB))


async def _write(fs, path, tmp_path):
    await fs._write(path, bytes(64 * MIB))


async def _put_file(fs, path, tmp_path):
    source = tmp_path / "large-source"
    if not source.exists():
        source.write_bytes(bytes(64 * MIB))
    await fs._put_file(str(source), path)


async def _open_async(fs, path, tmp_path):
    async with await fs.open_async(path, "wb") as file:
        for _ in range(64):
            await file.write(bytes(MIB))


WRITERS = {
    "pipe_file": _pipe_file,
    "write": _write,
    "put_file": _put_file,
    "open_async": _open_async,
}


@pytest.mark.parametrize("how", WRITERS)
async def test_a_cancelled_write_keeps_the_old_object_and_no_upload(shared, tmp_path, how):
    fs = shared.make(asynchronous=True)
    kept = 0

    def size_now():
        return len(shared.other.read("k"))

    for delay in DELAYS:
        shared.other.write("k", b"old")
        was_cancelled = await cancel_at(delay, WRITERS[how](fs, shared.join("k"), tmp_path))
        # A server may still carry out the request that was under way.
        await asyncio.sleep(0.1 if shared.scheme == "s3" else 0)
        size = size_now()
        # A write that is over when the cancellation arrives is there, whole.
        assert size in ((3, 64 * MIB) if was_cancelled else (64 * MIB,))
        await asyncio.sleep(0.7)
        assert size_now() == size, f"the write went on behind its cancellation after {delay} s"
        assert eventually(shared.other.names, ["k"]), shared.other.names()
        assert eventually(shared.other.uploads, []), shared.other.uploads()
        kept += size == 3
    assert kept >= 1


async def test_a_write_given_up_by_a_timeout_keeps_the_old_object(shared):
    fs = shared.make(asynchronous=True)
    shared.other.write("k", b"old")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(fs._pipe_file(shared.join("k"), bytes(64 * MIB)), 0.001)
    assert shared.other.read("k") == b"old"
    assert eventually(shared.other.uploads, [])


async def test_a_cancelled_gather_leaves_nothing_behind(s3_target):
    fs = s3_target.make(asynchronous=True)
    paths = [s3_target.join(f"k{number}") for number in range(6)]
    work = asyncio.gather(*(fs._pipe_file(path, bytes(24 * MIB)) for path in paths))
    await asyncio.sleep(0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert eventually(s3_target.other.uploads, []), s3_target.other.uploads()


async def test_the_instance_works_on_after_a_cancelled_write(shared):
    fs = shared.make(asynchronous=True)
    await cancel_at(0.01, fs._pipe_file(shared.join("k"), bytes(64 * MIB)))
    await fs._pipe_file(shared.join("k"), b"new")
    assert await fs._cat_file(shared.join("k")) == b"new"
    assert shared.other.read("k") == b"new"


async def test_a_cancelled_read_leaves_the_instance_usable(shared):
    fs = shared.make(asynchronous=True)
    await fs._pipe_file(shared.join("k"), bytes(32 * MIB))
    for delay in DELAYS:
        await cancel_at(delay, fs._cat_file(shared.join("k")))
    assert len(await fs._cat_file(shared.join("k"))) == 32 * MIB


async def test_a_cancelled_download_leaves_no_local_file(shared, tmp_path):
    fs = shared.make(asynchronous=True)
    await fs._pipe_file(shared.join("k"), bytes(64 * MIB))
    folder = tmp_path / "downloads"
    folder.mkdir()
    kept = 0
    for delay in DELAYS:
        was_cancelled = await cancel_at(delay, fs._get_file(shared.join("k"), str(folder / "t")))
        exists = (folder / "t").exists()
        await asyncio.sleep(0.5)
        assert (folder / "t").exists() == exists, "the download went on behind its cancellation"
        assert exists or was_cancelled
        if exists:
            assert (folder / "t").stat().st_size == 64 * MIB
            (folder / "t").unlink()
        assert eventually(lambda: list(folder.iterdir()), [])
        kept += not exists
    assert kept >= 1


BODY = """
import time
fs = new()
file = fs.open(join("k"), "wb", block_size=5 * 2**20)
file.write(bytes(17 * 2**20))
time.sleep(0.5)
"""


def test_an_exception_inside_with_keeps_the_old_object(shared):
    shared.other.write("k", b"old")
    done = shared.run("""
with new().open(join("k"), "wb", block_size=5 * 2**20) as file:
    file.write(bytes(17 * 2**20))
    raise ZeroDivisionError
""")
    assert done.code == 1
    assert "ZeroDivisionError" in done.err
    assert shared.other.read("k") == b"old"
    assert shared.other.names() == ["k"]
    assert shared.other.uploads() == []


@pytest.mark.parametrize("how", ["open", "pipe_file", "put_file"])
def test_a_keyboard_interrupt_keeps_the_old_object_and_no_upload(shared, tmp_path, how):
    shared.other.write("k", b"old")
    source = tmp_path / "large"
    source.write_bytes(bytes(64 * MIB))
    writer = {
        "open": """
    with fs.open(join("k"), "wb", block_size=5 * 2**20) as file:
        while True:
            file.write(bytes(2**20))
            time.sleep(0.005)
""",
        "pipe_file": """
    while True:
        fs.pipe_file(join("other"), bytes(256 * 2**20))
""",
        "put_file": f"""
    while True:
        fs.put_file({str(source)!r}, join("other"))
""",
    }[how]
    with shared.start(
        f"""
import time
fs = new()
fs.exists(join("k"))
print("ready", flush=True)
try:
{writer}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(3)
"""
    ) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (3, "interrupted\n"), err
    assert time.monotonic() - begin < 10
    assert shared.other.read("k") == b"old"
    assert set(shared.other.names()) <= {"k", "other"}
    if "other" in shared.other.names():
        assert len(shared.other.read("other")) in (64 * MIB, 256 * MIB)
    assert eventually(shared.other.uploads, []), shared.other.uploads()


@pytest.mark.parametrize("pause", [0.02, 0.1, 0.4])
def test_a_killed_writer_keeps_the_old_object(shared, pause):
    shared.other.write("k", b"old")
    with shared.start(
        """
fs = new()
fs.exists(join("k"))
print("ready", flush=True)
with fs.open(join("k"), "wb", block_size=5 * 2**20) as file:
    while True:
        file.write(bytes(2**20))
"""
    ) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(pause)
        process.kill()
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert shared.other.read("k") == b"old"
    assert "k" in shared.make().ls(shared.root, detail=False)[0]


@pytest.mark.parametrize("pause", [0.02, 0.1, 0.4])
def test_a_killed_writer_of_a_new_object_leaves_no_object(shared, pause):
    with shared.start(
        """
fs = new()
fs.exists(join("k"))
print("ready", flush=True)
while True:
    fs.pipe_file(join("k"), bytes(512 * 2**20))
    os._exit(4)
"""
    ) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(pause)
        process.kill()
        process.communicate(timeout=30)
    if process.returncode == 4:
        assert len(shared.other.read("k")) == 512 * MIB
    else:
        assert "k" not in shared.other.names()
        assert not shared.make().exists(shared.join("k"))


def test_leftovers_of_a_killed_writer_are_not_listed(shared):
    with shared.start(BODY + "print('ready', flush=True)\ntime.sleep(60)") as process:
        assert process.stdout.readline() == "ready\n"
        process.kill()
        process.communicate(timeout=30)
    fs = shared.make()
    shared.other.write("other", b"")
    assert fs.find(shared.root) == [shared.join("other")]
    assert fs.ls(shared.root, detail=False) == [shared.join("other")]
    assert fs.glob(shared.join("*")) == [shared.join("other")]


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "file = None"])
def test_a_file_left_open_at_exit_commits_nothing_and_exit_does_not_wait(shared, end):
    shared.other.write("k", b"old")
    begin = time.monotonic()
    done = shared.run(BODY + end)
    assert done.code == 0, done.err
    assert time.monotonic() - begin < 15
    assert shared.other.read("k") == b"old"
    assert shared.other.names() == ["k"]
