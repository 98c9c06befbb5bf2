"""The asynchronous instance on asyncio and uvloop, on one loop after another."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import fsspec
import pytest
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Runner = Callable[[Coroutine[Any, Any, Any]], Any]

T = TypeVar("T")
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Runner:
    """Give a function which runs a coroutine to its end on a new loop, in bounded time."""

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            return runner.run(asyncio.wait_for(coroutine, 60))

    return run


def asynchronous(store: Any) -> Any:
    return fsspec.filesystem("opendal", asynchronous=True, **store.options)


def test_objects_are_written_and_read(run: Runner, store: Any) -> None:
    async def work() -> list[bytes]:
        fs = asynchronous(store)
        await fs._pipe_file(store.join("a"), b"0123456789")
        await fs._write(store.join("b"), b"written")
        return [
            await fs._cat_file(store.join("a")),
            await fs._cat_file(store.join("a"), start=2, end=5),
            await fs._cat_file(store.join("a"), start=-3),
            await fs._read(store.join("a")),
            await fs._read(store.join("b")),
            await fs._cat_file(store.join("b")),
        ]

    assert run(work()) == [b"0123456789", b"234", b"789", b"0123456789", b"written", b"written"]
    assert store.fs.cat_file(store.join("b")) == b"written"


def test_object_on_s3_is_what_another_client_reads(run: Runner, s3: Any, witness: Any) -> None:
    witness.write(s3.join("theirs"), b"boto3")

    async def work() -> bytes:
        fs = asynchronous(s3)
        await fs._write(s3.join("ours"), b"loop")
        return await fs._read(s3.join("theirs"))

    assert run(work()) == b"boto3"
    assert witness.read(s3.join("ours")) == b"loop"


def test_hundred_operations_run_at_once(run: Runner, s3: Any, witness: Any) -> None:
    names = [f"n{n:03}" for n in range(100)]

    async def work() -> list[bytes]:
        fs = asynchronous(s3)
        await asyncio.gather(*(fs._pipe_file(s3.join(name), name.encode()) for name in names))
        return await asyncio.gather(*(fs._cat_file(s3.join(name)) for name in names))

    assert run(work()) == [name.encode() for name in names]
    assert witness.contents(s3.root) == {name: name.encode() for name in names}


def test_listing_is_awaited(run: Runner, store: Any) -> None:
    async def work() -> tuple[Any, ...]:
        fs = asynchronous(store)
        for name in ("a.txt", "deep/b.txt", "deep/deeper/c.txt"):
            await fs._makedirs(store.join(name).rpartition("/")[0], exist_ok=True)
            await fs._pipe_file(store.join(name), name.encode())
        return (
            await fs._find(store.root),
            sorted(await fs._ls(store.root, detail=False)),
            await fs._glob(store.join("**", "*.txt")),
            await fs._exists(store.join("deep")),
            await fs._isdir(store.join("deep")),
            await fs._isfile(store.join("deep")),
            (await fs._info(store.join("a.txt")))["size"],
            await fs._du(store.root),
            await fs._cat([store.join("a.txt"), store.join("deep/b.txt")]),
        )

    names = [store.join(name) for name in ("a.txt", "deep/b.txt", "deep/deeper/c.txt")]
    assert run(work()) == (
        names,
        [store.join("a.txt"), store.join("deep")],
        names,
        True,
        True,
        False,
        5,
        32,
        {names[0]: b"a.txt", names[1]: b"deep/b.txt"},
    )


def test_missing_object_is_file_not_found(run: Runner, store: Any) -> None:
    async def work() -> None:
        with pytest.raises(FileNotFoundError, match="absent"):
            await asynchronous(store)._cat_file(store.join("absent"))

    run(work())


def test_second_loop_uses_the_cached_instance(run: Runner, s3: Any, witness: Any) -> None:
    witness.write(s3.join("x"), b"again")
    seen = []

    async def work() -> bytes:
        fs = asynchronous(s3)
        seen.append(fs)
        return await fs._cat_file(s3.join("x"))

    assert [run(work()) for _ in range(3)] == [b"again"] * 3
    assert seen[0] is seen[1] is seen[2]


def test_loops_of_two_threads_share_the_instance(run: Runner, s3: Any, witness: Any) -> None:
    witness.write(s3.join("x"), bytes(range(256)))
    fs = asynchronous(s3)
    both_run = threading.Barrier(2, timeout=30)
    results: list[bytes] = []

    async def work() -> None:
        await asyncio.to_thread(both_run.wait)
        results.extend(
            [await fs._cat_file(s3.join("x"), start=n, end=n + 1) for n in range(0, 250, 10)]
        )

    threads = [threading.Thread(target=run, args=(work(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(results) == sorted([bytes([n]) for n in range(0, 250, 10)] * 2)


def test_loop_goes_on_while_an_object_travels(run: Runner, s3: Any) -> None:
    data = bytes(32 * 1024 * 1024)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    async def work() -> bytes:
        fs = asynchronous(s3)
        ticking = asyncio.create_task(tick())
        await fs._pipe_file(s3.join("x"), data)
        back = await fs._cat_file(s3.join("x"))
        ticking.cancel()
        return back

    assert run(work()) == data
    assert ticks > 10


def test_streaming_file_reads_and_writes(run: Runner, s3: Any, witness: Any) -> None:
    data = bytes(range(256)) * 40_000

    async def work() -> tuple[bytes, bytes, bytes]:
        fs = asynchronous(s3)
        async with await fs.open_async(s3.join("x"), "wb") as file:
            for start in range(0, len(data), 1_000_000):
                await file.write(data[start : start + 1_000_000])
        async with await fs.open_async(s3.join("x"), "rb") as file:
            return await file.read(10), await file.read(), await file.read(1)

    assert run(work()) == (data[:10], data[10:], b"")
    assert witness.read(s3.join("x")) == data


def test_synchronous_instance_works_inside_a_running_loop(run: Runner, store: Any) -> None:
    async def work() -> bytes:
        store.fs.pipe_file(store.join("x"), b"blocking")
        return store.fs.cat_file(store.join("x"))

    assert run(work()) == b"blocking"
