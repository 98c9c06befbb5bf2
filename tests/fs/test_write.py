"""Writing whole objects in one call."""

import array

import pyarrow as pa
import pytest

DOUBLES = array.array("d", [1.5, -2.25, 1e300])

BUFFERS = {
    "bytes": (b"plain", b"plain"),
    "bytearray": (bytearray(b"mutable"), b"mutable"),
    "memoryview": (memoryview(b"0123456789")[2:7], b"23456"),
    "array": (DOUBLES, DOUBLES.tobytes()),
    "memoryview of doubles": (memoryview(DOUBLES), DOUBLES.tobytes()),
    "two dimensions": (memoryview(b"abcdef").cast("B", (2, 3)), b"abcdef"),
    "pyarrow": (pa.py_buffer(b"arrow"), b"arrow"),
    "empty memoryview": (memoryview(b""), b""),
}

buffers = pytest.mark.parametrize(("value", "content"), BUFFERS.values(), ids=BUFFERS.keys())


@buffers
def test_pipe_file_takes_any_contiguous_buffer(store, value, content):
    path = store.join("k")
    store.fs.pipe_file(path, value)
    assert store.fs.cat_file(path) == content
    assert store.fs.info(path)["size"] == len(content)


@buffers
def test_file_write_takes_any_contiguous_buffer_and_returns_bytes(store, value, content):
    path = store.join("k")
    with store.fs.open(path, "wb") as file:
        assert file.write(value) == len(content)
        assert file.tell() == len(content)
    assert store.fs.cat_file(path) == content


def test_a_strided_buffer_is_refused_or_stored_exactly(store):
    path = store.join("k")
    strided = memoryview(b"0123456789")[::2]
    try:
        store.fs.pipe_file(path, strided)
    except (BufferError, TypeError, ValueError):
        assert not store.fs.exists(path)
    else:
        assert store.fs.cat_file(path) == b"02468"


def test_a_buffer_changed_after_the_call_does_not_change_the_object(store):
    path = store.join("k")
    value = bytearray(b"before")
    store.fs.pipe_file(path, value)
    value[:] = b"after!"
    assert store.fs.cat_file(path) == b"before"
    with store.fs.open(path, "wb") as file:
        value[:] = b"before"
        file.write(value)
        value[:] = b"after!"
    assert store.fs.cat_file(path) == b"before"


@pytest.mark.parametrize("value", ["text", 5, None, ["a"], object()])
def test_what_is_no_buffer_is_refused_with_type_error(store, value):
    path = store.join("k")
    with pytest.raises(TypeError):
        store.fs.pipe_file(path, value)
    assert not store.fs.exists(path)


def test_text_written_to_a_binary_file_is_refused_with_type_error(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with pytest.raises(TypeError), store.fs.open(path, "wb") as file:
        file.write("text")
    assert store.fs.cat_file(path) == b"old"


def test_pipe_file_replaces_an_object(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"a longer first content")
    store.fs.pipe_file(path, b"second")
    assert store.fs.cat_file(path) == b"second"


def test_pipe_of_a_path_and_a_value(store):
    path = store.join("k")
    store.fs.pipe(path, b"value")
    assert store.fs.cat_file(path) == b"value"


def test_pipe_of_a_dict_writes_every_object(store):
    wanted = {store.join("d", f"n{number}"): b"%d" % number for number in range(30)}
    store.fs.pipe(wanted)
    assert store.fs.cat(list(wanted)) == wanted


def test_pipe_of_a_dict_with_one_bad_value_raises(store):
    with pytest.raises(TypeError):
        store.fs.pipe({store.join("good"): b"1", store.join("bad"): "text"})
    assert not store.fs.exists(store.join("bad"))


def test_an_empty_object_exists_and_is_empty(store):
    path = store.join("empty")
    store.fs.pipe_file(path, b"")
    assert store.fs.exists(path)
    assert store.fs.isfile(path)
    assert store.fs.info(path)["size"] == 0
    assert store.fs.cat_file(path) == b""


def test_an_object_in_a_new_directory_needs_no_mkdir(store):
    path = store.join("x", "y", "z")
    store.fs.pipe_file(path, b"deep")
    assert store.fs.cat_file(path) == b"deep"
    assert store.fs.isdir(store.join("x", "y"))


@pytest.mark.parametrize("old", [b"old", b""], ids=["full", "empty"])
def test_mode_create_refuses_an_existing_object(store, old):
    path = store.join("k")
    store.fs.pipe_file(path, old)
    with pytest.raises(FileExistsError) as caught:
        store.fs.pipe_file(path, b"new", mode="create")
    assert path.strip("/") in str(caught.value)
    assert store.fs.cat_file(path) == old


def test_mode_create_writes_a_new_object(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"new", mode="create")
    assert store.fs.cat_file(path) == b"new"


def test_mode_create_of_pipe_refuses_an_existing_object(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with pytest.raises(FileExistsError):
        store.fs.pipe({path: b"new"}, mode="create")
    assert store.fs.cat_file(path) == b"old"


def test_mode_create_of_a_large_object_refuses_an_existing_one(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with pytest.raises(FileExistsError):
        store.fs.pipe_file(path, bytes(20_000_000), mode="create")
    assert store.fs.cat_file(path) == b"old"


def test_mode_create_of_put_refuses_an_existing_object(store, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"new")
    path = store.join("k")
    store.fs.put_file(str(source), path, mode="create")
    assert store.fs.cat_file(path) == b"new"
    source.write_bytes(b"newer")
    with pytest.raises(FileExistsError):
        store.fs.put_file(str(source), path, mode="create")
    assert store.fs.cat_file(path) == b"new"


def test_an_unknown_mode_of_pipe_file_is_refused(store):
    with pytest.raises(ValueError, match="creaet"):
        store.fs.pipe_file(store.join("k"), b"", mode="creaet")


def test_of_many_creators_at_once_exactly_one_wins(store, in_threads):
    path = store.join("k")
    values = [b"writer %d" % index for index in range(8)]
    results = in_threads(8, lambda index: store.fs.pipe_file(path, values[index], mode="create"))
    losers = [error for error in results if isinstance(error, Exception)]
    assert len(losers) == 7
    assert all(isinstance(error, FileExistsError) for error in losers), losers
    winner = next(i for i, result in enumerate(results) if not isinstance(result, Exception))
    assert store.fs.cat_file(path) == values[winner]


def test_write_text_and_write_bytes(store):
    path = store.join("k")
    store.fs.write_text(path, "caf\u00e9\n", encoding="utf-8")
    assert store.fs.cat_file(path) == b"caf\xc3\xa9\n"
    store.fs.write_bytes(path, b"\x00\x01")
    assert store.fs.cat_file(path) == b"\x00\x01"


def test_write_stores_the_object_whole(store):
    path = store.join("k")
    store.fs.write(path, b"shortcut")
    assert store.fs.read(path) == b"shortcut"
    store.fs.write(path, bytearray(b"again"))
    assert store.fs.read(path) == b"again"
