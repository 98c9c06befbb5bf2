"""Event loops: a second loop, uvloop, loops in threads, calls without a loop."""

import asyncio
import threading


def run_twice(fs, target, runner):
    async def work(name):
        await fs._pipe_file(target.join(name), name.encode())
        assert await fs._cat_file(target.join(name)) == name.encode()
        await asyncio.gather(*(fs._exists(target.join(f"n{n}")) for n in range(50)))
        assert target.join(name) in await fs._find(target.root)
        async with await fs.open_async(target.join(name), "rb") as file:
            assert await file.read() == name.encode()

    for name in ("first", "second", "third"):
        runner(work(name))


def test_one_instance_serves_one_loop_after_the_other(target):
    run_twice(target.make(asynchronous=True), target, asyncio.run)


def test_one_instance_serves_uvloop_and_asyncio(target):
    import uvloop

    fs = target.make(asynchronous=True)
    run_twice(fs, target, uvloop.run)
    run_twice(fs, target, asyncio.run)


def test_a_cached_instance_serves_loops_in_many_threads(target):
    fs = target.make(asynchronous=True)
    failures = []

    def body(index):
        async def work():
            for turn in range(10):
                path = target.join(f"t{index}-{turn}")
                await fs._pipe_file(path, path.encode())
                assert await fs._cat_file(path) == path.encode()

        try:
            asyncio.run(work())
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=body, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


def test_a_loop_closed_with_calls_under_way_does_no_harm(target):
    fs = target.make(asynchronous=True)

    async def abandon():
        for number in range(5):
            task = asyncio.ensure_future(fs._pipe_file(target.join(f"k{number}"), bytes(4_000_000)))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.sleep(0)

    async def work():
        await fs._pipe_file(target.join("after"), b"value")
        return await fs._cat_file(target.join("after"))

    asyncio.run(abandon())
    assert asyncio.run(work()) == b"value"


async def test_a_synchronous_instance_works_inside_a_running_loop(target):
    fs = target.make()
    fs.pipe_file(target.join("k"), b"value")
    assert fs.cat_file(target.join("k")) == b"value"
    assert fs.find(target.root) == [target.join("k")]
    with fs.open(target.join("k")) as file:
        assert file.read() == b"value"


async def test_a_synchronous_instance_works_in_worker_threads_of_a_loop(target):
    fs = target.make()

    def work(number):
        fs.pipe_file(target.join(f"k{number}"), b"%d" % number)
        return fs.cat_file(target.join(f"k{number}"))

    got = await asyncio.gather(*(asyncio.to_thread(work, number) for number in range(20)))
    assert got == [b"%d" % number for number in range(20)]
