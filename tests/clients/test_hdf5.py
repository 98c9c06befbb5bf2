"""h5py and h5netcdf read through an open file: many small seeks and reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import xarray as xr

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(200, 300))


@pytest.fixture
def made(tmp_path: Path, values: np.ndarray) -> Path:
    """Give a file of the local disk with a chunked and a plain dataset."""
    path = tmp_path / "made.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("deep/chunked", data=values, chunks=(50, 50), compression="gzip")
        file["plain"] = np.arange(1000)
        file.attrs["title"] = "made here"
    return path


@pytest.mark.parametrize("cache_type", ["readahead", "bytes", "blockcache", "none", "all"])
def test_file_put_is_read_through_every_cache(
    store: Any, made: Path, values: np.ndarray, cache_type: str
) -> None:
    store.fs.put_file(str(made), store.join("x.h5"))

    with (
        store.fs.open(store.join("x.h5"), "rb", cache_type=cache_type, block_size=65536) as raw,
        h5py.File(raw, "r") as file,
    ):
        assert file.attrs["title"] == "made here"
        np.testing.assert_array_equal(
            file["deep/chunked"][20:180:3, 7:250], values[20:180:3, 7:250]
        )
        assert int(file["plain"][:].sum()) == sum(range(1000))


def test_file_put_has_the_bytes_of_the_disk(s3: Any, made: Path, witness: Any) -> None:
    s3.fs.put_file(str(made), s3.join("x.h5"))

    assert witness.read(s3.join("x.h5")) == made.read_bytes()


def test_netcdf_of_another_client_is_opened_by_xarray(
    s3: Any, witness: Any, tmp_path: Path
) -> None:
    made = xr.Dataset({"heat": (("x", "y"), np.arange(12.0).reshape(3, 4))}, {"x": [1, 2, 3]})
    made.to_netcdf(tmp_path / "made.nc", engine="h5netcdf")
    witness.write(s3.join("x.nc"), (tmp_path / "made.nc").read_bytes())

    with (
        s3.fs.open(s3.join("x.nc"), "rb") as raw,
        xr.open_dataset(raw, engine="h5netcdf") as read,
    ):
        xr.testing.assert_identical(read.load(), made)
