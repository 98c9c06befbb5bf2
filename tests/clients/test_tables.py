"""polars, duckdb and fastparquet work on our open files and filesystem."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import duckdb
import fastparquet
import fsspec
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pytest
from pandas.testing import assert_frame_equal

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"number": range(3000), "text": [f"row {n}" for n in range(3000)]})


class TestPolars:
    def test_written_parquet_is_read_without_us(
        self, s3: Any, witness: Any, frame: pd.DataFrame
    ) -> None:
        with s3.fs.open(s3.join("x.parquet"), "wb") as file:
            pl.from_pandas(frame).write_parquet(file)

        stored = io.BytesIO(witness.read(s3.join("x.parquet")))
        assert_frame_equal(pd.read_parquet(stored), frame)

    def test_parquet_of_another_client_is_read(
        self, s3: Any, witness: Any, frame: pd.DataFrame
    ) -> None:
        witness.write(s3.join("x.parquet"), frame.to_parquet(row_group_size=500))

        with s3.fs.open(s3.join("x.parquet"), "rb") as file:
            whole = pl.read_parquet(file, columns=["text", "number"])
        assert whole["text"].to_list() == list(frame["text"])
        with s3.fs.open(s3.join("x.parquet"), "rb") as file:
            lazy = pl.scan_parquet(file).filter(pl.col("number") > 2990).select("number")
            assert lazy.collect()["number"].to_list() == list(range(2991, 3000))

    def test_dataset_is_scanned_with_a_filter(
        self, s3: Any, witness: Any, frame: pd.DataFrame
    ) -> None:
        for n in range(3):
            witness.write(s3.join("set", f"{n}.parquet"), frame.iloc[n::3].to_parquet())

        dataset = ds.dataset(s3.join("set"), filesystem=s3.fs, format="parquet")
        picked = pl.scan_pyarrow_dataset(dataset).filter(pl.col("number") < 5).collect()
        assert sorted(picked["number"]) == [0, 1, 2, 3, 4]

    def test_csv_goes_both_ways(self, store: Any, frame: pd.DataFrame) -> None:
        with store.fs.open(store.join("x.csv"), "wb") as file:
            pl.from_pandas(frame).write_csv(file)

        assert store.fs.cat_file(store.join("x.csv")) == frame.to_csv(index=False).encode()
        with store.fs.open(store.join("x.csv"), "rb") as file:
            assert pl.read_csv(file)["number"].to_list() == list(range(3000))


class TestDuckdb:
    @pytest.fixture
    def connection(self) -> Iterator[Any]:
        with duckdb.connect() as connection:
            yield connection

    @pytest.mark.parametrize("protocol", ["opendal+s3", "opendals3"])
    def test_parquet_of_another_client_is_queried(
        self,
        connection: Any,
        protocol: str,
        s3fs_options: Any,
        s3_prefix: str,
        witness: Any,
        frame: pd.DataFrame,
    ) -> None:
        for n in range(2):
            witness.write(f"{s3_prefix}/{n}.parquet", frame.iloc[n::2].to_parquet())
        connection.register_filesystem(fsspec.filesystem(protocol, **s3fs_options))

        one = (
            f"select max(number), count(*) from read_parquet('{protocol}://{s3_prefix}/1.parquet')"
        )
        assert connection.sql(one).fetchall() == [(2999, 1500)]
        every = f"select sum(number) from read_parquet('{protocol}://{s3_prefix}/*.parquet')"
        assert connection.sql(every).fetchall() == [(sum(range(3000)),)]

    def test_query_is_written_to_the_store(
        self,
        connection: Any,
        s3fs_options: Any,
        s3_prefix: str,
        witness: Any,
        frame: pd.DataFrame,
    ) -> None:
        connection.register_filesystem(fsspec.filesystem("opendals3", **s3fs_options))
        connection.register("frame", frame)

        connection.execute(
            f"copy (select * from frame where number < 10) "
            f"to 'opendals3://{s3_prefix}/out.parquet' (format parquet)"
        )
        stored = io.BytesIO(witness.read(f"{s3_prefix}/out.parquet"))
        assert list(pd.read_parquet(stored)["number"]) == list(range(10))

    def test_csv_in_memory_is_queried(
        self, connection: Any, memory: Any, frame: pd.DataFrame
    ) -> None:
        memory.fs.pipe_file(memory.join("x.csv"), frame.to_csv(index=False).encode())
        connection.register_filesystem(fsspec.filesystem("opendalmemory"))

        query = f"select count(*), min(text) from read_csv('opendalmemory://{memory.root}/x.csv')"
        assert connection.sql(query).fetchall() == [(3000, "row 0")]


class TestFastparquet:
    def test_written_parquet_is_read_without_us(
        self, s3: Any, witness: Any, frame: pd.DataFrame
    ) -> None:
        fastparquet.write(s3.join("x.parquet"), frame, open_with=s3.fs.open)

        stored = pd.read_parquet(io.BytesIO(witness.read(s3.join("x.parquet"))))
        assert_frame_equal(stored, frame, check_dtype=False)

    def test_partitioned_set_goes_both_ways(self, store: Any, frame: pd.DataFrame) -> None:
        frame["group"] = [f"g{n % 3}" for n in range(3000)]
        fastparquet.write(
            store.join("set"),
            frame,
            file_scheme="hive",
            partition_on=["group"],
            open_with=store.fs.open,
            mkdirs=lambda path: store.fs.makedirs(path, exist_ok=True),
        )

        read = fastparquet.ParquetFile(store.join("set"), fs=store.fs)
        picked = read.to_pandas(columns=["number"], filters=[("group", "==", "g1")])
        assert sorted(picked["number"]) == list(range(1, 3000, 3))

    @pytest.mark.filterwarnings("ignore:The 'fastparquet' engine:DeprecationWarning")
    def test_pandas_engine_reads_our_url(
        self, s3fs_options: Any, s3_prefix: str, witness: Any, frame: pd.DataFrame
    ) -> None:
        witness.write(f"{s3_prefix}/x.parquet", frame.to_parquet(engine="fastparquet"))

        read = pd.read_parquet(
            f"opendal+s3://{s3_prefix}/x.parquet",
            engine="fastparquet",
            storage_options=s3fs_options,
        )
        assert_frame_equal(read, frame, check_dtype=False)
