"""``fsspec.get_mapper`` makes a store a mutable mapping."""

from __future__ import annotations

from typing import Any

import fsspec
import numpy as np
import pytest


@pytest.fixture
def mapper(store: Any) -> Any:
    return store.fs.get_mapper(store.join("map"), create=True)


def test_mapping_has_the_manners_of_a_dict(mapper: Any) -> None:
    model = {"a": b"1", "deep/b": b"22", "deep/deeper/c": b"", "blank name": b"4"}
    for key, value in model.items():
        mapper[key] = value

    assert dict(mapper.items()) == model
    assert sorted(mapper) == sorted(model)
    assert len(mapper) == len(model)
    assert "deep/b" in mapper
    assert "deep" not in mapper
    assert mapper.pop("a") == b"1"
    del mapper["deep/b"]
    assert sorted(mapper) == ["blank name", "deep/deeper/c"]
    mapper["blank name"] = b"again"
    assert mapper["blank name"] == b"again"
    mapper.clear()
    assert list(mapper) == []


def test_missing_key_is_a_key_error(mapper: Any) -> None:
    mapper["here"] = b"x"

    with pytest.raises(KeyError, match="absent"):
        mapper["absent"]
    assert mapper.get("absent", b"default") == b"default"


def test_many_items_are_set_and_got_at_once(mapper: Any) -> None:
    model = {f"c/{n}": b"%d" % n * n for n in range(60)}
    mapper.setitems(model)

    assert mapper.getitems(list(model)) == model
    assert mapper.getitems(["c/1", "absent"], on_error="omit") == {"c/1": b"1"}
    mapper.delitems([f"c/{n}" for n in range(50)])
    assert sorted(mapper) == sorted(f"c/{n}" for n in range(50, 60))


def test_values_may_be_arrays(mapper: Any) -> None:
    mapper["array"] = np.arange(4, dtype="u1")
    mapper["view"] = memoryview(b"0123456789")[2:5]

    assert mapper["array"] == b"\x00\x01\x02\x03"
    assert mapper["view"] == b"234"


@pytest.mark.parametrize("protocol", ["opendal+s3", "opendals3"])
def test_mapping_by_url_sees_what_another_client_stores(
    protocol: str, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/theirs/x", b"boto3")
    mapper = fsspec.get_mapper(f"{protocol}://{s3_prefix}", **s3fs_options)

    assert dict(mapper) == {"theirs/x": b"boto3"}
    mapper["ours/y"] = b"mapping"
    assert witness.contents(s3_prefix) == {"theirs/x": b"boto3", "ours/y": b"mapping"}
