"""zarr drives the asynchronous filesystem; xarray comes through zarr by URL."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import FsspecStore, LocalStore

if TYPE_CHECKING:
    from pathlib import Path

PROTOCOLS = ["opendal+s3", "opendals3"]


@pytest.fixture
def values() -> np.ndarray:
    return np.arange(60 * 40, dtype="f8").reshape(60, 40)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_array_written_is_read_without_us(
    protocol: str,
    values: np.ndarray,
    s3fs_options: Any,
    s3_prefix: str,
    witness: Any,
    tmp_path: Path,
) -> None:
    store = FsspecStore.from_url(f"{protocol}://{s3_prefix}/a.zarr", storage_options=s3fs_options)
    array = zarr.create_array(store, shape=values.shape, chunks=(20, 20), dtype="f8")
    array[:] = values
    array.attrs["unit"] = "K"

    stored = witness.contents(f"{s3_prefix}/a.zarr")
    assert sorted(stored) == [f"c/{i}/{j}" for i in range(3) for j in range(2)] + ["zarr.json"]
    assert json.loads(stored["zarr.json"])["attributes"] == {"unit": "K"}
    for name, data in stored.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    np.testing.assert_array_equal(zarr.open_array(LocalStore(tmp_path), mode="r")[:], values)


def test_array_of_another_client_is_read(
    values: np.ndarray, s3fs_options: Any, s3_prefix: str, witness: Any, tmp_path: Path
) -> None:
    group = zarr.create_group(LocalStore(tmp_path))
    group.create_array("deep/values", data=values, chunks=(7, 40))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            name = path.relative_to(tmp_path).as_posix()
            witness.write(f"{s3_prefix}/g.zarr/{name}", path.read_bytes())

    read = zarr.open_group(
        f"opendals3://{s3_prefix}/g.zarr", mode="r", storage_options=s3fs_options
    )
    assert sorted(name for name, _ in read.members(max_depth=None)) == ["deep", "deep/values"]
    np.testing.assert_array_equal(read["deep/values"][3:50, 5:9], values[3:50, 5:9])


def test_part_of_an_array_is_changed_and_deleted(
    values: np.ndarray, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    store = FsspecStore.from_url(f"opendal+s3://{s3_prefix}/g", storage_options=s3fs_options)
    group = zarr.create_group(store)
    group.create_array("kept", data=values, chunks=(20, 20))
    group.create_array("gone", data=values, chunks=(20, 20))

    group["kept"][0:5, 0:5] = -1
    del group["gone"]

    values[0:5, 0:5] = -1
    np.testing.assert_array_equal(zarr.open_group(store, mode="r")["kept"][:], values)
    assert not [path for path in witness.paths(s3_prefix) if "/gone" in path]


def test_mapper_of_a_synchronous_filesystem_becomes_a_store(
    values: np.ndarray, s3: Any, witness: Any
) -> None:
    store = FsspecStore.from_mapper(s3.fs.get_mapper(s3.join("m.zarr")))
    zarr.create_array(store, data=values, chunks=(60, 40))

    assert sorted(witness.contents(s3.join("m.zarr"))) == ["c/0/0", "zarr.json"]
    np.testing.assert_array_equal(zarr.open_array(store, mode="r")[:], values)


def test_asynchronous_instance_is_taken_as_it_is(
    values: np.ndarray, s3: Any, s3_options: Any
) -> None:
    fs = fsspec.filesystem("opendal", scheme="s3", asynchronous=True, **s3_options)
    store = FsspecStore(fs, path=s3.join("i.zarr"))
    zarr.create_array(store, data=values, chunks=(10, 10))

    np.testing.assert_array_equal(zarr.open_array(store, mode="r")[::7, ::5], values[::7, ::5])


def test_array_lives_in_memory(values: np.ndarray, memory: Any) -> None:
    store = FsspecStore.from_url(f"opendal+memory://{memory.root}/a.zarr")
    zarr.create_array(store, data=values, chunks=(20, 20))

    np.testing.assert_array_equal(zarr.open_array(store, mode="r")[:], values)
    assert memory.fs.isfile(memory.join("a.zarr", "zarr.json"))


def test_store_lists_and_reads_ranges_as_zarr_asks(s3: Any, s3_options: Any, witness: Any) -> None:
    for name in ("zarr.json", "c/0/0", "c/0/1", "other/zarr.json"):
        witness.write(s3.join("x", name), b"0123456789")
    fs = fsspec.filesystem("opendal", scheme="s3", asynchronous=True, **s3_options)
    store = FsspecStore(fs, path=s3.join("x"))

    async def ask() -> tuple[Any, ...]:
        prototype = default_buffer_prototype()
        parts = await store.get_partial_values(
            prototype,
            [
                ("c/0/0", RangeByteRequest(2, 5)),
                ("c/0/0", OffsetByteRequest(7)),
                ("c/0/1", SuffixByteRequest(2)),
                ("absent", None),
            ],
        )
        return (
            sorted([name async for name in store.list()]),
            sorted([name async for name in store.list_dir("")]),
            sorted([name async for name in store.list_prefix("c/")]),
            [part and part.to_bytes() for part in parts],
            await store.exists("c/0/0"),
            await store.exists("c/9/9"),
            await store.get("absent", prototype),
        )

    listed, folder, prefix, parts, there, absent, nothing = asyncio.run(asyncio.wait_for(ask(), 60))
    assert listed == ["c/0/0", "c/0/1", "other/zarr.json", "zarr.json"]
    assert folder == ["c", "other", "zarr.json"]
    assert prefix == ["c/0/0", "c/0/1"]
    assert parts == [b"234", b"789", b"89", None]
    assert (there, absent, nothing) == (True, False, None)


def test_xarray_dataset_goes_through_a_url_without_plus(
    s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    made = xr.Dataset(
        {"heat": (("x", "y"), np.arange(12.0).reshape(3, 4))},
        coords={"x": [10, 20, 30], "y": list("abcd")},
        attrs={"title": "made here"},
    )
    url = f"opendals3://{s3_prefix}/d.zarr"
    made.to_zarr(url, mode="w", storage_options=s3fs_options, consolidated=False, zarr_format=2)

    assert json.loads(witness.read(f"{s3_prefix}/d.zarr/.zattrs")) == {"title": "made here"}
    with xr.open_zarr(url, storage_options=s3fs_options, consolidated=False, chunks=None) as read:
        xr.testing.assert_identical(read.load(), made)
