"""Forked children and worker pools, after the parent has used the store."""

import pytest

from tests.faults.forking import IN_CHILD

WAIT = IN_CHILD + "fs = new()\n"


def check(done, wanted="done"):
    assert done.code == 0, done.out + done.err
    assert done.out.split()[-1] == wanted


def test_a_forked_child_reads_and_writes(target):
    check(
        target.run(
            WAIT
            + """
fs.pipe_file(join("k"), b"parent")
assert fs.cat_file(join("k")) == b"parent"
def child():
    assert fs.cat_file(join("k")) == b"parent"
    fs.pipe_file(join("child"), b"child")
    assert fs.cat_file(join("child")) == b"child"
    assert len(fs.ls(ROOT)) == 2
    assert fs.exists(join("child"))
    assert fs.info(join("child"))["size"] == 5
    assert fs.find(ROOT) == [join("child"), join("k")]
    assert fs.glob(join("c*")) == [join("child")]
    fs.cp_file(join("child"), join("copy"))
    fs.rm(join("copy"))
    with fs.open(join("k"), "rb") as file:
        assert file.read() == b"parent"
    with fs.open(join("w"), "wb") as file:
        file.write(bytes(11 * 2**20))
    assert fs.du(join("w")) == 11 * 2**20
    fs.rm([join("child"), join("w")])
for _ in range(3):
    in_child(child)
assert fs.cat_file(join("k")) == b"parent"
fs.pipe_file(join("after"), b"after")
print("done")
"""
        )
    )


def test_what_a_child_writes_is_seen_by_the_parent(shared):
    check(
        shared.run(
            WAIT
            + """
fs.pipe_file(join("k"), b"parent")
in_child(lambda: fs.pipe_file(join("k"), b"child"))
assert fs.cat_file(join("k")) == b"child"
print("done")
"""
        )
    )


def test_a_new_instance_is_made_in_a_child(target):
    check(
        target.run(
            WAIT
            + """
fs.pipe_file(join("k"), b"parent")
def child():
    other = new(use_listings_cache=False)
    other.pipe_file(join("n"), b"new")
    assert other.cat_file(join("n")) == b"new"
in_child(child)
print("done")
"""
        )
    )


def test_a_file_opened_for_reading_before_the_fork_is_read_in_the_child(target):
    check(
        target.run(
            WAIT
            + """
content = bytes(range(256)) * 40_000
fs.pipe_file(join("k"), content)
file = fs.open(join("k"), "rb", block_size=2**20)
assert file.read(10) == content[:10]
def child():
    assert file.read(10) == content[10:20]
    file.seek(9_000_000)
    assert file.read(100) == content[9_000_000:9_000_100]
    buffer = bytearray(1000)
    file.seek(5_000_000)
    assert file.readinto(buffer) == 1000
    assert buffer == content[5_000_000:5_001_000]
in_child(child)
file.seek(9_500_000)
assert file.read(100) == content[9_500_000:9_500_100]
print("done")
"""
        )
    )


def test_a_file_opened_for_writing_before_the_fork_belongs_to_the_parent(shared):
    shared.other.write("k", b"old")
    check(
        shared.run(
            WAIT
            + """
file = fs.open(join("k"), "wb", block_size=5 * 2**20)
file.write(b"a" * (11 * 2**20))
# A child that ends must neither publish nor break the parent's file.
in_child(lambda: None)
assert fs.cat_file(join("k")) == b"old"
file.write(b"b")
file.close()
assert fs.info(join("k"))["size"] == 11 * 2**20 + 1
print("done")
"""
        )
    )
    assert shared.other.read("k")[-2:] == b"ab"
    assert shared.other.uploads() == []


def test_the_asynchronous_api_works_in_a_child(target):
    check(
        target.run(
            WAIT
            + """
import asyncio
afs = new(asynchronous=True)
async def work(name):
    await afs._pipe_file(join(name), b"value")
    assert await afs._cat_file(join(name)) == b"value"
    assert join(name) in await afs._find(ROOT)
    await asyncio.gather(*(afs._pipe_file(join(f"{name}{n}"), b"") for n in range(20)))
asyncio.run(work("parent"))
in_child(lambda: asyncio.run(work("child")))
asyncio.run(work("again"))
print("done")
"""
        )
    )


def test_a_child_forked_while_threads_use_the_store(target):
    check(
        target.run(
            WAIT
            + """
import threading
fs.pipe_file(join("k"), bytes(100_000))
stop = threading.Event()
def busy():
    while not stop.is_set():
        fs.cat_file(join("k"))
        fs.info(join("k"))
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads:
    thread.start()
def child():
    assert len(fs.cat_file(join("k"))) == 100_000
    with fs.open(join("k")) as file:
        assert len(file.read()) == 100_000
    fs.find(ROOT)
try:
    for _ in range(10):
        in_child(child)
finally:
    stop.set()
    for thread in threads:
        thread.join()
print("done")
"""
        )
    )


def test_a_child_of_a_child_works(target):
    check(
        target.run(
            WAIT
            + """
fs.pipe_file(join("k"), b"value")
def grandchild():
    assert fs.cat_file(join("k")) == b"value"
def child():
    assert fs.cat_file(join("k")) == b"value"
    in_child(grandchild)
in_child(child)
print("done")
"""
        )
    )


def test_a_child_that_ends_normally_ends_with_0(target):
    check(
        target.run("""
fs = new()
fs.pipe_file(join("k"), b"value")
sys.stdout.flush()
pid = os.fork()
if pid == 0:
    assert fs.cat_file(join("k")) == b"value"
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
print("done")
""")
    )


POOL = """
import multiprocessing
def work(fs_and_path):
    fs, path = fs_and_path
    fs.pipe_file(path, path.encode())
    with fs.open(path, "rb") as file:
        assert file.read() == path.encode()
    return fs.cat_file(path).decode()
if __name__ == "__main__":
    fs = new()
    fs.pipe_file(join("before"), b"")
    paths = [join(f"k{number}") for number in range(12)]
    with multiprocessing.get_context(METHOD).Pool(3) as pool:
        got = pool.map_async(work, [(fs, path) for path in paths]).get(timeout=50)
    assert got == paths, got
    fs.exists(join("before"))
    print("done")
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_works(target, method):
    check(target.run(POOL.replace("METHOD", repr(method)), timeout=90))


def test_an_executor_of_forked_processes_uses_a_global_instance(target):
    check(
        target.run(
            """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
fs = new()
def work(number):
    path = join(f"k{number}")
    fs.pipe_file(path, b"%d" % number)
    return fs.cat_file(path)
if __name__ == "__main__":
    fs.pipe_file(join("before"), b"")
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        got = list(pool.map(work, range(12), timeout=50))
    assert got == [b"%d" % number for number in range(12)]
    print("done")
""",
            timeout=90,
        )
    )
