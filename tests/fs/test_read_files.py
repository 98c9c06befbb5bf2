"""Open files, reading: `open(path, "rb")`."""

import array
import io
import random
import zipfile

import pytest

DATA = random.Random(7).randbytes(100_000)
LINES = b"first\nsecond\r\n\nlast without end"


@pytest.fixture
def path(store):
    path = store.join("data.bin")
    store.fs.pipe_file(path, DATA)
    return path


@pytest.fixture
def lines(store):
    path = store.join("lines.txt")
    store.fs.pipe_file(path, LINES)
    return path


def test_read_returns_the_whole_object(store, path):
    with store.fs.open(path, "rb") as file:
        assert file.read() == DATA
        assert file.read() == b""


def test_open_reads_by_default(store, path):
    with store.fs.open(path) as file:
        assert file.read(10) == DATA[:10]


def test_read_goes_on_where_it_ended(store, path):
    with store.fs.open(path, "rb") as file:
        assert file.tell() == 0
        assert file.read(7) == DATA[:7]
        assert file.tell() == 7
        assert file.read(0) == b""
        assert file.read(13) == DATA[7:20]
        assert file.read(None) == DATA[20:]
        assert file.tell() == len(DATA)


def test_seek_from_start_position_and_end(store, path):
    with store.fs.open(path, "rb") as file:
        assert file.seek(100) == 100
        assert file.read(5) == DATA[100:105]
        assert file.seek(-5, io.SEEK_CUR) == 100
        assert file.seek(10, 1) == 110
        assert file.read(5) == DATA[110:115]
        assert file.seek(-3, io.SEEK_END) == len(DATA) - 3
        assert file.read() == DATA[-3:]
        assert file.seek(0) == 0
        assert file.read(1) == DATA[:1]


def test_read_past_the_end_returns_empty(store, path):
    with store.fs.open(path, "rb") as file:
        file.seek(len(DATA) + 50)
        assert file.tell() == len(DATA) + 50
        assert file.read(10) == b""
        assert file.read() == b""
        assert file.readline() == b""
        assert file.readinto(bytearray(4)) == 0


def test_seek_before_the_start_is_refused(store, path):
    with store.fs.open(path, "rb") as file:
        file.seek(4)
        with pytest.raises(ValueError):  # noqa: PT011
            file.seek(-1)
        with pytest.raises(ValueError):  # noqa: PT011
            file.seek(0, 5)
        assert file.tell() == 4


def test_readline_gives_each_line(store, lines):
    with store.fs.open(lines, "rb") as file:
        assert file.readline() == b"first\n"
        assert file.tell() == 6
        assert file.readline() == b"second\r\n"
        assert file.readline() == b"\n"
        assert file.readline() == b"last without end"
        assert file.readline() == b""


def test_a_sized_readline_stops_at_the_size(store, lines):
    with store.fs.open(lines, "rb") as file:
        assert file.readline(3) == b"fir"
        assert file.readline(100) == b"st\n"


def test_iteration_and_readlines_give_each_line(store, lines):
    wanted = io.BytesIO(LINES).readlines()
    with store.fs.open(lines, "rb") as file:
        assert list(file) == wanted
        file.seek(0)
        assert file.readlines() == wanted


def test_lines_longer_than_a_block_are_whole(store):
    path = store.join("long")
    content = b"a" * 70_000 + b"\n" + b"b" * 130_000 + b"\nend"
    store.fs.pipe_file(path, content)
    with store.fs.open(path, "rb", block_size=10_000) as file:
        assert [len(line) for line in file] == [70_001, 130_001, 3]


@pytest.mark.parametrize(
    "buffer",
    [bytearray(20), memoryview(bytearray(30))[5:25], array.array("i", [0] * 5)],
    ids=["bytearray", "memoryview", "array of int"],
)
def test_readinto_fills_the_buffer_of_the_caller(store, path, buffer):
    with store.fs.open(path, "rb") as file:
        file.seek(50)
        assert file.readinto(buffer) == 20
        assert file.tell() == 70
    assert bytes(memoryview(buffer).cast("B")) == DATA[50:70]


def test_readinto_at_the_end_returns_the_count(store, path):
    buffer = bytearray(b"." * 20)
    with store.fs.open(path, "rb") as file:
        file.seek(-8, 2)
        assert file.readinto(buffer) == 8
        assert file.readinto(buffer) == 0
    assert buffer == DATA[-8:] + b"." * 12


def test_readinto_and_read_may_be_mixed(store, path):
    buffer = bytearray(1000)
    with store.fs.open(path, "rb", block_size=512) as file:
        assert file.read(10) == DATA[:10]
        assert file.readinto(buffer) == 1000
        assert buffer == DATA[10:1010]
        assert file.read(10) == DATA[1010:1020]


def test_readinto_refuses_a_read_only_buffer(store, path):
    with store.fs.open(path, "rb") as file, pytest.raises((TypeError, BufferError, ValueError)):
        file.readinto(b"read only")


def test_readinto_of_a_large_object_in_one_call(store):
    path = store.join("large")
    content = random.Random(3).randbytes(21_000_000)
    store.fs.pipe_file(path, content)
    buffer = bytearray(len(content))
    with store.fs.open(path, "rb") as file:
        assert file.readinto(buffer) == len(content)
    assert buffer == content


def test_readuntil_stops_behind_the_mark(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"one;two;three")
    with store.fs.open(path, "rb") as file:
        assert file.readuntil(b";") == b"one;"
        assert file.readuntil(b";") == b"two;"
        assert file.readuntil(b";") == b"three"


@pytest.mark.parametrize(
    "cache_type", ["none", "readahead", "bytes", "all", "blockcache", "first", "background"]
)
def test_each_cache_gives_the_right_bytes(store, path, cache_type):
    model = io.BytesIO(DATA)
    rng = random.Random(11)
    with store.fs.open(path, "rb", cache_type=cache_type, block_size=4096) as file:
        for _ in range(60):
            place, count = rng.randrange(len(DATA) + 100), rng.choice([0, 1, 100, 5000, 20_000])
            model.seek(place)
            file.seek(place)
            assert file.read(count) == model.read(count)
            assert file.tell() == max(model.tell(), place)
        file.seek(0)
        assert file.read() == DATA


def test_an_unknown_cache_is_refused(store, path):
    with pytest.raises((KeyError, ValueError), match="nosuch"):
        store.fs.open(path, "rb", cache_type="nosuch")


def test_a_missing_object_is_refused_at_open(store):
    with pytest.raises(FileNotFoundError) as caught, store.fs.open(store.join("missing"), "rb"):
        pass
    assert "missing" in str(caught.value)


def test_a_directory_is_refused_at_open(store, tree):
    with (
        pytest.raises((FileNotFoundError, IsADirectoryError)),
        store.fs.open(store.join("sub"), "rb") as file,
    ):
        file.read()


def test_an_empty_object_reads_as_empty(store):
    path = store.join("empty")
    store.fs.pipe_file(path, b"")
    with store.fs.open(path, "rb") as file:
        assert file.size == 0
        assert file.read() == b""
        assert list(file) == []


def test_a_file_knows_what_it_is(store, path):
    with store.fs.open(path, "rb") as file:
        assert file.readable()
        assert file.seekable()
        assert not file.writable()
        assert file.size == len(DATA)
        assert file.mode == "rb"
        assert not file.closed
        assert file.info()["size"] == len(DATA)
    assert file.closed


def test_a_closed_file_refuses_to_read(store, path):
    file = store.fs.open(path, "rb")
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_a_reading_file_refuses_to_write(store, path):
    with store.fs.open(path, "rb") as file, pytest.raises((ValueError, OSError)):
        file.write(b"x")
    assert store.fs.cat_file(path) == DATA


def test_an_unknown_mode_is_refused(store, path):
    with pytest.raises((ValueError, NotImplementedError), match="qb"):
        store.fs.open(path, "qb")


def test_the_standard_library_reads_from_the_file(store):
    path = store.join("archive.zip")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.txt", "inside")
        archive.writestr("large.bin", DATA)
    store.fs.pipe_file(path, packed.getvalue())
    with store.fs.open(path, "rb") as file, zipfile.ZipFile(file) as archive:
        assert archive.read("inner.txt") == b"inside"
        assert archive.read("large.bin") == DATA
    with store.fs.open(path, "rb") as file:
        assert io.BufferedReader(file).read() == packed.getvalue()


def test_two_files_of_one_object_do_not_share_a_position(store, path):
    with store.fs.open(path, "rb") as first, store.fs.open(path, "rb") as second:
        first.seek(500)
        assert second.read(5) == DATA[:5]
        assert first.read(5) == DATA[500:505]


def test_an_object_replaced_while_it_is_read_never_gives_a_mixture(shared):
    size, block = 12_000_000, 1_000_000
    old, new = b"o" * size, b"n" * size
    path, writer = shared.join("k"), shared.make()
    shared.other.write("k", old)
    with shared.fs.open(path, "rb", cache_type="none", block_size=block) as file:
        got = file.read(block)
        writer.pipe_file(path, new)
        try:
            got += file.read()
        except OSError:
            assert got == old[:block]
        else:
            assert got == old
