"""The store as a mutable mapping: `get_mapper`."""

import fsspec
import pytest


@pytest.fixture
def mapper(store):
    return store.fs.get_mapper(store.root)


def test_items_are_set_read_and_removed(store, mapper):
    mapper["d/k"] = b"value"
    assert mapper["d/k"] == b"value"
    assert store.fs.cat_file(store.join("d", "k")) == b"value"
    assert "d/k" in mapper
    del mapper["d/k"]
    assert "d/k" not in mapper
    assert not store.fs.exists(store.join("d", "k"))


def test_a_missing_key_is_a_key_error(mapper):
    with pytest.raises(KeyError):
        mapper["missing"]
    with pytest.raises(KeyError):
        del mapper["missing"]
    assert mapper.get("missing", b"default") == b"default"
    assert mapper.pop("missing", b"default") == b"default"


def test_iteration_and_length(mapper):
    wanted = {"a": b"1", "d/b": b"2", "d/e/c": b""}
    mapper.update(wanted)
    assert sorted(mapper) == sorted(wanted)
    assert len(mapper) == 3
    assert dict(mapper) == wanted


def test_many_items_at_once(mapper):
    wanted = {f"c/{number}": b"%d" % number for number in range(50)}
    mapper.setitems(wanted)
    assert mapper.getitems(list(wanted)) == wanted
    got = mapper.getitems([*wanted, "missing"], on_error="omit")
    assert got == wanted
    mapper.delitems(["c/1", "c/2"])
    assert len(mapper) == 48


def test_clear_removes_everything(mapper):
    mapper["a"] = b"1"
    mapper["d/b"] = b"2"
    mapper.clear()
    assert list(mapper) == []


def test_values_may_be_any_buffer(mapper):
    mapper["k"] = bytearray(b"mutable")
    assert mapper["k"] == b"mutable"
    mapper["k"] = memoryview(b"view")
    assert mapper["k"] == b"view"


def test_a_mapper_by_url(s3, s3_options):
    mapper = fsspec.get_mapper(f"opendal+s3://{s3.root}", **s3_options)
    mapper["k"] = b"value"
    assert s3.fs.cat_file(s3.join("k")) == b"value"


def test_the_mapper_is_empty_at_a_missing_place(store):
    assert list(store.fs.get_mapper(store.join("nowhere"))) == []
