"""dask's worker processes get our filesystem by pickling and work on the same store."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import dask.bag as db
import dask.dataframe as dd
import pandas as pd
import pytest
from dask.bytes import read_bytes
from distributed import Client, LocalCluster
from pandas.testing import assert_frame_equal

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.timeout(180),
    # dask's own use of pandas
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Give a cluster of two worker processes."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"number": range(1000), "group": [f"g{n % 3}" for n in range(1000)]})


@pytest.mark.parametrize("protocol", ["opendal+s3", "opendals3"])
def test_parquet_written_by_workers_is_read_by_workers(
    client: Client,
    frame: pd.DataFrame,
    protocol: str,
    s3fs_options: Any,
    s3_prefix: str,
    witness: Any,
) -> None:
    url = f"{protocol}://{s3_prefix}/set"
    dd.from_pandas(frame, npartitions=4).to_parquet(url, storage_options=s3fs_options)

    stored = witness.contents(f"{s3_prefix}/set")
    assert len(stored) == 4
    parts = [pd.read_parquet(io.BytesIO(stored[name])) for name in sorted(stored)]
    assert_frame_equal(
        pd.concat(parts), frame, check_dtype=False, check_index_type=False, check_names=False
    )
    read = dd.read_parquet(url, storage_options=s3fs_options)
    assert read.npartitions == 4
    assert int(read["number"].sum().compute()) == sum(range(1000))
    assert int((read["group"] == "g1").sum().compute()) == 333


def test_parquet_of_another_client_is_read_by_workers(
    client: Client, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    for n in range(3):
        part = frame.iloc[n::3].to_parquet(index=False)
        witness.write(f"{s3_prefix}/in/part-{n}.parquet", part)

    read = dd.read_parquet(f"opendal+s3://{s3_prefix}/in/*.parquet", storage_options=s3fs_options)
    whole = read.compute().sort_values("number").reset_index(drop=True)
    assert_frame_equal(whole, frame, check_dtype=False)


def test_csv_is_read_in_blocks_by_workers(
    client: Client, frame: pd.DataFrame, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/x.csv", frame.to_csv(index=False).encode())

    read = dd.read_csv(
        f"opendal+s3://{s3_prefix}/x.csv", blocksize=1000, storage_options=s3fs_options
    )
    assert read.npartitions > 4
    assert int(read["number"].sum().compute()) == sum(range(1000))


def test_bag_of_text_goes_through_workers(
    client: Client, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    for n in range(4):
        witness.write(f"{s3_prefix}/in/{n}.txt", f"line {n}\nlast {n}\n".encode())

    lines = db.read_text(f"opendal+s3://{s3_prefix}/in/*.txt", storage_options=s3fs_options)
    lines.map(str.strip).map(str.upper).map(lambda line: json.dumps({"line": line})).to_textfiles(
        f"opendal+s3://{s3_prefix}/out/*.json", storage_options=s3fs_options
    )

    stored = witness.contents(f"{s3_prefix}/out")
    assert sorted(stored) == ["0.json", "1.json", "2.json", "3.json"]
    assert [json.loads(line) for line in stored["2.json"].splitlines()] == [
        {"line": "LINE 2"},
        {"line": "LAST 2"},
    ]


def test_bytes_are_cut_at_delimiters_by_workers(
    client: Client, s3fs_options: Any, s3_prefix: str, witness: Any
) -> None:
    data = b"".join(b"%06d\n" % n for n in range(5000))
    witness.write(f"{s3_prefix}/lines", data)

    _, blocks = read_bytes(
        f"opendals3://{s3_prefix}/lines",
        blocksize=9000,
        delimiter=b"\n",
        sample=False,
        **s3fs_options,
    )
    parts = client.gather(client.compute(blocks[0]))
    assert len(parts) > 2
    assert all(part.endswith(b"\n") for part in parts)
    assert b"".join(parts) == data


def test_filesystem_sent_to_a_worker_works_there(client: Client, s3: Any, witness: Any) -> None:
    witness.write(s3.join("in"), b"from here")

    def copy(fs: Any, source: str, target: str) -> str:
        fs.pipe_file(target, fs.cat_file(source) + b", from there")
        return type(fs).__qualname__

    name = client.submit(copy, s3.fs, s3.join("in"), s3.join("out")).result(timeout=60)

    assert name == type(s3.fs).__qualname__
    assert witness.read(s3.join("out")) == b"from here, from there"


def test_open_file_sent_to_a_worker_goes_on_there(client: Client, s3: Any, witness: Any) -> None:
    witness.write(s3.join("in"), b"0123456789")

    with s3.fs.open(s3.join("in"), "rb") as file:
        sent = client.submit(lambda file: file.read(), file)
        assert sent.result(timeout=60) == b"0123456789"
