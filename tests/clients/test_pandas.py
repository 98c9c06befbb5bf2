"""pandas reads and writes our URLs with the options it was given for s3fs."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["opendal+s3", "opendals3"])
def protocol(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def url(protocol: str, s3_prefix: str) -> str:
    return f"{protocol}://{s3_prefix}"


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": range(1000),
            "half": [n / 2 for n in range(1000)],
            "text": [f"row {n}" for n in range(1000)],
            "group": ["even" if n % 2 == 0 else "odd" for n in range(1000)],
        }
    )


def test_csv_written_has_the_bytes_pandas_makes(
    url: str, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    frame.to_csv(f"{url}/x.csv", index=False, storage_options=s3fs_options)

    assert witness.read(f"{s3_prefix}/x.csv") == frame.to_csv(index=False).encode()


def test_csv_of_another_client_is_read(
    url: str, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/x.csv", frame.to_csv(index=False).encode())

    assert_frame_equal(pd.read_csv(f"{url}/x.csv", storage_options=s3fs_options), frame)


def test_csv_is_read_in_chunks(
    url: str, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/x.csv", frame.to_csv(index=False).encode())

    with pd.read_csv(f"{url}/x.csv", chunksize=300, storage_options=s3fs_options) as chunks:
        parts = list(chunks)

    assert [len(part) for part in parts] == [300, 300, 300, 100]
    assert_frame_equal(pd.concat(parts), frame)


def test_gzip_csv_is_compressed_and_expanded(
    url: str, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    frame.to_csv(f"{url}/x.csv.gz", index=False, compression="gzip", storage_options=s3fs_options)
    stored = witness.read(f"{s3_prefix}/x.csv.gz")

    assert gzip.decompress(stored) == frame.to_csv(index=False).encode()
    assert_frame_equal(pd.read_csv(f"{url}/x.csv.gz", storage_options=s3fs_options), frame)


def test_json_lines_go_both_ways(
    url: str, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    lines = frame.to_json(orient="records", lines=True)
    frame.to_json(f"{url}/x.json", orient="records", lines=True, storage_options=s3fs_options)

    assert witness.read(f"{s3_prefix}/x.json") == lines.encode()
    read = pd.read_json(f"{url}/x.json", lines=True, storage_options=s3fs_options)
    assert_frame_equal(read, frame)


def test_parquet_written_is_read_without_us(
    url: str, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    frame.to_parquet(f"{url}/x.parquet", storage_options=s3fs_options)

    stored = io.BytesIO(witness.read(f"{s3_prefix}/x.parquet"))
    assert_frame_equal(pd.read_parquet(stored), frame)


def test_parquet_of_another_client_is_read(
    url: str, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/x.parquet", frame.to_parquet())

    read = pd.read_parquet(
        f"{url}/x.parquet", columns=["half", "text"], storage_options=s3fs_options
    )
    assert_frame_equal(read, frame[["half", "text"]])


def test_partitioned_parquet_is_a_folder_per_value(
    url: str, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    frame.to_parquet(f"{url}/parts", partition_cols=["group"], storage_options=s3fs_options)

    folders = {path.split("/")[-2] for path in witness.paths(f"{s3_prefix}/parts")}
    assert folders == {"group=even", "group=odd"}
    read = pd.read_parquet(
        f"{url}/parts", filters=[("group", "==", "odd")], storage_options=s3fs_options
    )
    assert sorted(read["number"]) == list(range(1, 1000, 2))


def test_missing_file_is_file_not_found(url: str, s3fs_options: Any) -> None:
    with pytest.raises(FileNotFoundError):
        pd.read_csv(f"{url}/absent.csv", storage_options=s3fs_options)


@pytest.mark.parametrize("protocol", ["opendal+memory", "opendalmemory"])
def test_memory_needs_no_options(protocol: str, memory: Any, frame: pd.DataFrame) -> None:
    frame.to_parquet(f"{protocol}://{memory.root}/x.parquet")

    stored = io.BytesIO(memory.fs.cat_file(memory.join("x.parquet")))
    assert_frame_equal(pd.read_parquet(stored), frame)
    assert_frame_equal(pd.read_parquet(f"{protocol}://{memory.root}/x.parquet"), frame)


def test_disk_is_written_by_absolute_path(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(f"opendal+fs://{tmp_path.as_posix()}/x.csv", index=False)

    assert_frame_equal(pd.read_csv(tmp_path / "x.csv"), frame)
