"""The asynchronous API: an instance with `asynchronous=True` on the caller's own loop."""

import asyncio
import uuid
from types import SimpleNamespace

import pytest

from opendalfs import OpendalFileSystem

MIB = 2**20


@pytest.fixture(params=["memory", "fs", "s3"])
def store(request, tmp_path):
    """Return an asynchronous instance and a place of its own."""
    if request.param == "s3":
        options = request.getfixturevalue("s3_options")
        root = request.getfixturevalue("s3_prefix")
    else:
        options = {"root": str(tmp_path)} if request.param == "fs" else {}
        root = f"t-{uuid.uuid4().hex}"
    fs = OpendalFileSystem(request.param, asynchronous=True, skip_instance_cache=True, **options)
    return SimpleNamespace(
        scheme=request.param, fs=fs, root=root, join=lambda *parts: "/".join((root, *parts))
    )


async def test_write_and_read(store):
    await store.fs._write(store.join("k"), b"data")
    assert await store.fs._read(store.join("k")) == b"data"


async def test_one_object(store):
    fs, path = store.fs, store.join("d", "k")
    await fs._pipe_file(path, b"0123456789")
    assert await fs._cat_file(path) == b"0123456789"
    assert await fs._cat_file(path, start=-4, end=-1) == b"678"
    assert (await fs._info(path))["size"] == 10
    assert await fs._size(path) == 10
    assert await fs._exists(path)
    assert await fs._isfile(path)
    assert await fs._isdir(store.join("d"))
    assert not await fs._exists(store.join("missing"))
    await fs._cp_file(path, store.join("copy"))
    await fs._mv(store.join("copy"), store.join("moved"))
    assert await fs._cat_file(store.join("moved")) == b"0123456789"
    await fs._rm_file(path)
    assert not await fs._exists(path)


async def test_many_objects(store):
    fs = store.fs
    wanted = {store.join("d", f"k{number}"): b"%d" % number for number in range(40)}
    await fs._pipe(wanted)
    assert await fs._cat(list(wanted)) == wanted
    assert await fs._cat_ranges(list(wanted)[:3], [0, 0, 0], [1, 1, 1]) == [b"0", b"1", b"2"]
    assert await fs._find(store.root) == sorted(wanted)
    assert sorted(await fs._ls(store.join("d"), detail=False)) == sorted(wanted)
    assert await fs._glob(store.join("d", "k1?")) == [
        store.join("d", f"k1{digit}") for digit in range(10)
    ]
    assert await fs._du(store.root) == sum(len(value) for value in wanted.values())
    assert [files async for _, _, files in fs._walk(store.join("d"))] != []
    await fs._copy(store.join("d"), store.join("e"), recursive=True)
    assert len(await fs._find(store.join("e"))) == 40
    await fs._rm(store.join("d"), recursive=True)
    assert await fs._find(store.join("d")) == []


async def test_get_and_put(store, tmp_path):
    (tmp_path / "src").write_bytes(b"local")
    await store.fs._put_file(str(tmp_path / "src"), store.join("k"))
    await store.fs._get_file(store.join("k"), str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == b"local"
    await store.fs._put(str(tmp_path / "src"), store.join("d") + "/")
    await store.fs._get(store.join("d"), str(tmp_path / "tree"), recursive=True)
    assert (tmp_path / "tree" / "src").read_bytes() == b"local"


async def test_errors_are_the_same(store):
    with pytest.raises(FileNotFoundError):
        await store.fs._cat_file(store.join("missing"))
    with pytest.raises(FileNotFoundError):
        await store.fs._info(store.join("missing"))
    with pytest.raises(FileNotFoundError):
        await store.fs._ls(store.join("missing"))
    await store.fs._pipe_file(store.join("k"), b"old")
    with pytest.raises(FileExistsError):
        await store.fs._pipe_file(store.join("k"), b"new", mode="create")
    with pytest.raises(TypeError):
        await store.fs._pipe_file(store.join("k"), "text")


async def test_many_calls_run_at_once(store):
    async def round_trip(number):
        path = store.join(f"k{number}")
        await store.fs._pipe_file(path, b"%d" % number)
        return await store.fs._cat_file(path)

    got = await asyncio.gather(*(round_trip(number) for number in range(200)))
    assert got == [b"%d" % number for number in range(200)]


async def test_a_file_is_read_to_its_end(store):
    path = store.join("k")
    content = bytes(range(256)) * 4000
    await store.fs._pipe_file(path, content)
    file = await store.fs.open_async(path, "rb")
    pieces = []
    while piece := await file.read(100_000):
        pieces.append(piece)
    assert b"".join(pieces) == content
    assert await file.read(10) == b""
    assert await file.read() == b""
    await file.close()


async def test_a_file_is_read_in_one_go_and_by_with(store):
    path = store.join("k")
    await store.fs._pipe_file(path, b"0123456789")
    async with await store.fs.open_async(path, "rb") as file:
        assert await file.read() == b"0123456789"
        assert await file.read(1) == b""
    with pytest.raises(FileNotFoundError):
        async with await store.fs.open_async(store.join("missing"), "rb") as file:
            await file.read()


async def test_an_empty_file_reads_as_empty(store):
    await store.fs._pipe_file(store.join("k"), b"")
    async with await store.fs.open_async(store.join("k"), "rb") as file:
        assert await file.read() == b""


async def test_a_file_is_written(store):
    path = store.join("k")
    content = bytes(range(256)) * (50 * 1024)
    file = await store.fs.open_async(path, "wb")
    for start in range(0, len(content), MIB):
        assert await file.write(content[start : start + MIB]) == len(content[start : start + MIB])
    assert not await store.fs._exists(path)
    await file.close()
    assert await store.fs._cat_file(path) == content


async def test_an_exception_in_an_async_with_publishes_nothing(store):
    path = store.join("k")
    await store.fs._pipe_file(path, b"old")

    async def fail():
        async with await store.fs.open_async(path, "wb") as file:
            await file.write(bytes(11 * MIB))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await store.fs._cat_file(path) == b"old"


async def test_a_text_mode_of_open_async_is_refused(store):
    with pytest.raises((ValueError, NotImplementedError), match="'r'"):
        await store.fs.open_async(store.join("k"), "r")


async def test_the_loop_goes_on_while_calls_wait(store):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    ticker = asyncio.create_task(tick())
    paths = [store.join(f"k{number}") for number in range(8)]
    await asyncio.gather(*(store.fs._pipe_file(path, bytes(4 * MIB)) for path in paths))
    got = await asyncio.gather(*(store.fs._cat_file(path) for path in paths))
    ticker.cancel()
    assert [len(value) for value in got] == [4 * MIB] * 8
    # Calls on memory are done before they would have to wait.
    assert ticks >= (1 if store.scheme == "memory" else 3)


async def test_sync_calls_of_an_asynchronous_instance_are_refused_in_a_loop(store):
    with pytest.raises(RuntimeError):
        store.fs.cat_file(store.join("k"))
    with pytest.raises(RuntimeError):
        store.fs.ls(store.root)


def test_sync_calls_of_an_asynchronous_instance_are_refused(store):
    for call in (
        lambda: store.fs.cat_file(store.join("k")),
        lambda: store.fs.pipe_file(store.join("k"), b""),
        lambda: store.fs.info(store.join("k")),
        lambda: store.fs.exists(store.join("k")),
        lambda: store.fs.find(store.root),
    ):
        with pytest.raises(RuntimeError):
            call()
