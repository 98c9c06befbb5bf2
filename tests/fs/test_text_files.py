"""Text modes and compression of open files, compared with the built-in `open`."""

import bz2
import gc
import gzip
import lzma

import pytest

TEXT = "caf\u00e9\nline two\r\nthree \u4e2d\n"


@pytest.fixture
def twin(tmp_path):
    """Return the path of a local file for the built-in `open`."""
    return tmp_path / "twin"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-8-sig"])
@pytest.mark.parametrize("newline", [None, "", "\n", "\r\n"])
def test_text_is_written_and_read_as_by_the_built_in_open(store, twin, encoding, newline):
    path = store.join("k.txt")
    with store.fs.open(path, "w", encoding=encoding, newline=newline) as file:
        assert file.write(TEXT) == len(TEXT)
    with open(twin, "w", encoding=encoding, newline=newline) as file:
        file.write(TEXT)
    assert store.fs.cat_file(path) == twin.read_bytes()
    with (
        open(twin, encoding=encoding, newline=newline) as wanted,
        store.fs.open(path, "r", encoding=encoding, newline=newline) as file,
    ):
        assert file.readlines() == wanted.readlines()


def test_text_with_a_byte_order_mark_comes_back(store):
    path = store.join("k.txt")
    with store.fs.open(path, "w", encoding="utf-16", newline="") as file:
        file.write(TEXT)
    with store.fs.open(path, "r", encoding="utf-16", newline="") as file:
        assert file.read() == TEXT


@pytest.mark.parametrize("mode", ["r", "rt"])
def test_text_reading_gives_str(store, mode):
    path = store.join("k")
    store.fs.pipe_file(path, b"a\nb\n")
    with store.fs.open(path, mode, encoding="ascii") as file:
        assert file.read(1) == "a"
        assert list(file) == ["\n", "b\n"]


def test_errors_of_the_encoding_are_handled_as_asked(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"caf\xe9")
    with store.fs.open(path, "r", encoding="utf-8", errors="replace") as file:
        assert file.read() == "caf\ufffd"
    with store.fs.open(path, "r", encoding="latin-1") as file:
        assert file.read() == "caf\u00e9"
    with store.fs.open(path, "r", encoding="utf-8") as file, pytest.raises(UnicodeDecodeError):
        file.read()


def test_text_append_and_exclusive_text(store):
    path = store.join("k")
    with store.fs.open(path, "xt", encoding="utf-8") as file:
        file.write("one\n")
    with store.fs.open(path, "a", encoding="utf-8") as file:
        file.write("two\n")
    assert store.fs.cat_file(path) == b"one\ntwo\n"
    with pytest.raises(FileExistsError), store.fs.open(path, "x") as file:
        file.write("three\n")
    assert store.fs.cat_file(path) == b"one\ntwo\n"


def test_text_seek_to_a_told_place(store):
    path = store.join("k")
    store.fs.pipe_file(path, TEXT.encode())
    with store.fs.open(path, "r", encoding="utf-8", newline="") as file:
        file.readline()
        place = file.tell()
        second = file.readline()
        file.seek(place)
        assert file.readline() == second == "line two\r\n"


PACKERS = {
    "gzip": ("k.gz", gzip.decompress, gzip.compress),
    "bz2": ("k.bz2", bz2.decompress, bz2.compress),
    "xz": ("k.xz", lzma.decompress, lzma.compress),
}


@pytest.mark.parametrize("how", ["named", "infer"])
@pytest.mark.parametrize("compression", PACKERS)
def test_compression_packs_and_unpacks(store, compression, how):
    name, unpack, pack = PACKERS[compression]
    asked = compression if how == "named" else "infer"
    path = store.join(name)
    content = b"squeeze me " * 10_000
    with store.fs.open(path, "wb", compression=asked) as file:
        file.write(content)
    stored = store.fs.cat_file(path)
    assert len(stored) < len(content) / 10
    assert unpack(stored) == content
    store.fs.pipe_file(path, pack(content[::-1]))
    with store.fs.open(path, "rb", compression=asked) as file:
        assert file.read() == content[::-1]


def test_infer_without_a_known_suffix_does_not_compress(store):
    path = store.join("k.dat")
    with store.fs.open(path, "wb", compression="infer") as file:
        file.write(b"as it is")
    assert store.fs.cat_file(path) == b"as it is"


def test_compression_is_not_guessed_unasked(store):
    path = store.join("k.gz")
    with store.fs.open(path, "wb") as file:
        file.write(b"as it is")
    assert store.fs.cat_file(path) == b"as it is"


def test_compressed_text(store):
    path = store.join("k.txt.gz")
    with store.fs.open(path, "wt", compression="gzip", encoding="utf-8") as file:
        file.write(TEXT)
    assert gzip.decompress(store.fs.cat_file(path)).decode() == TEXT
    with store.fs.open(path, "rt", compression="infer", encoding="utf-8", newline="") as file:
        assert file.read() == TEXT


def test_an_unknown_compression_is_refused(store):
    path = store.join("k")
    with pytest.raises((ValueError, KeyError), match="nosuch"):
        store.fs.open(path, "wb", compression="nosuch")
    assert not store.fs.exists(path)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_text_file_never_closed_commits_nothing(store, compression):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    file = store.fs.open(path, "w", compression=compression)
    file.write("new")
    del file
    gc.collect()
    assert store.fs.cat_file(path) == b"old"
