"""Short programs that use the store end with 0, whatever they leave behind."""

from concurrent.futures import ThreadPoolExecutor

import pytest

PROGRAMS = {
    "sync": """
fs = new()
fs.pipe_file(join(NAME), b"value")
assert fs.cat_file(join(NAME)) == b"value"
""",
    "async": """
import asyncio
fs = new(asynchronous=True)
async def work():
    await asyncio.gather(*(fs._pipe_file(join(NAME, str(n)), b"v") for n in range(10)))
    assert len(await fs._find(join(NAME))) == 10
asyncio.run(work())
""",
    "files left open": """
fs = new()
fs.pipe_file(join(NAME), bytes(100_000))
reading = fs.open(join(NAME), "rb")
reading.read(10)
writing = fs.open(join(NAME, "w") if SCHEME != "fs" else join(NAME + "-w"), "wb")
writing.write(bytes(6_000_000))
""",
    "threads": """
import threading
fs = new()
def work(index):
    for turn in range(5):
        fs.pipe_file(join(NAME, f"{index}-{turn}"), b"value")
        fs.info(join(NAME, f"{index}-{turn}"))
threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""",
    "daemon threads": """
import threading, time
fs = new()
def work(index):
    while True:
        fs.pipe_file(join(NAME, str(index)), bytes(50_000))
        fs.cat_file(join(NAME, str(index)))
for index in range(3):
    threading.Thread(target=work, args=(index,), daemon=True).start()
time.sleep(0.2)
""",
    "tasks left behind": """
import asyncio
fs = new(asynchronous=True)
async def work():
    await fs._pipe_file(join(NAME), b"value")
    for number in range(20):
        asyncio.ensure_future(fs._cat_file(join(NAME)))
    await asyncio.sleep(0)
asyncio.run(work())
""",
    "a loop never closed": """
import asyncio
fs = new(asynchronous=True)
loop = asyncio.new_event_loop()
loop.run_until_complete(fs._pipe_file(join(NAME), b"value"))
task = loop.create_task(fs._cat_file(join(NAME)))
loop.run_until_complete(asyncio.sleep(0))
""",
    "only made": """
fs = new()
""",
    "atexit": """
import atexit
fs = new()
fs.pipe_file(join(NAME), b"value")
@atexit.register
def last():
    try:
        assert fs.cat_file(join(NAME)) == b"value"
    except RuntimeError as error:
        print(error)
""",
    "an instance in a cycle": """
class Holder:
    pass
holder = Holder()
holder.me, holder.fs = holder, new()
holder.fs.pipe_file(join(NAME), b"value")
holder.file = holder.fs.open(join(NAME), "rb")
""",
}


@pytest.mark.timeout(300)
def test_short_programs_end_with_0(target):
    jobs = [(kind, turn) for kind in PROGRAMS for turn in range(4)]

    def run(job):
        kind, turn = job
        program = f"NAME = {f'p{list(PROGRAMS).index(kind)}-{turn}'!r}\n{PROGRAMS[kind]}"
        return kind, target.run(program, timeout=60)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, jobs))
    failed = [(kind, done.code, done.err[-500:]) for kind, done in results if done.code != 0]
    assert len(results) == 4 * len(PROGRAMS)
    assert failed == []
    aloud = {kind: done.err[-500:] for kind, done in results if "panic" in done.err}
    assert aloud == {}


def test_a_program_that_only_imports_ends_with_0_and_starts_no_thread(target):
    done = target.run("""
import threading
assert len(os.listdir("/proc/self/task")) == 1 if os.path.isdir("/proc/self/task") else True
print("done")
""")
    assert (done.code, done.out) == (0, "done\n"), done.err


def test_a_program_ended_by_an_exception_shows_it_and_ends_with_1(target):
    done = target.run("""
fs = new()
fs.pipe_file(join("k"), b"value")
fs.cat_file(join("missing"))
""")
    assert done.code == 1
    assert "opendalfs.errors.NotFound" in done.err
    assert "panicked" not in done.err
