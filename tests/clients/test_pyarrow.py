"""pyarrow writes and reads datasets through our filesystem."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyarrow import fs as pafs


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "number": list(range(2000)),
            "group": [f"g{n % 4}" for n in range(2000)],
            "text": [f"row {n}" for n in range(2000)],
        }
    )


@pytest.fixture
def arrow(store: Any) -> pafs.PyFileSystem:
    return pafs.PyFileSystem(pafs.FSSpecHandler(store.fs))


def test_partitioned_dataset_comes_back_whole(
    store: Any, arrow: pafs.PyFileSystem, table: pa.Table
) -> None:
    ds.write_dataset(
        table,
        store.join("set"),
        format="parquet",
        filesystem=arrow,
        partitioning=["group"],
        partitioning_flavor="hive",
    )

    read = ds.dataset(store.join("set"), format="parquet", filesystem=arrow, partitioning="hive")
    assert len(read.files) == 4
    assert read.to_table().sort_by("number").select(table.column_names).equals(table)
    odd = read.to_table(filter=ds.field("group") == "g1", columns=["number"])
    assert sorted(odd["number"].to_pylist()) == list(range(1, 2000, 4))


def test_dataset_takes_the_fsspec_filesystem_itself(store: Any, table: pa.Table) -> None:
    pq.write_to_dataset(table, store.join("set"), filesystem=store.fs, partition_cols=["group"])

    read = pq.read_table(store.join("set"), filesystem=store.fs).sort_by("number")
    assert read["number"].equals(table["number"])
    assert read["text"].equals(table["text"])


def test_dataset_on_s3_is_read_without_us(
    s3: Any, s3_prefix: str, witness: Any, table: pa.Table
) -> None:
    arrow = pafs.PyFileSystem(pafs.FSSpecHandler(s3.fs))
    ds.write_dataset(
        table,
        s3.join("set"),
        format="parquet",
        filesystem=arrow,
        partitioning=["group"],
        partitioning_flavor="hive",
    )

    stored = witness.contents(f"{s3_prefix}/set")
    assert sorted(stored) == [f"group=g{n}/part-0.parquet" for n in range(4)]
    third = pq.read_table(io.BytesIO(stored["group=g3/part-0.parquet"]))
    assert third["number"].to_pylist() == list(range(3, 2000, 4))


def test_file_info_has_size_and_time(s3: Any, witness: Any) -> None:
    arrow = pafs.PyFileSystem(pafs.FSSpecHandler(s3.fs))
    witness.write(s3.join("folder/x"), b"12345")

    file, folder, missing = arrow.get_file_info(
        [s3.join("folder/x"), s3.join("folder"), s3.join("absent")]
    )
    assert (file.type, file.size) == (pafs.FileType.File, 5)
    stored = witness.head(s3.join("folder/x"))["LastModified"]
    assert abs((file.mtime - stored).total_seconds()) < 1
    assert folder.type == pafs.FileType.Directory
    assert missing.type == pafs.FileType.NotFound


def test_file_info_of_the_disk_has_the_time_of_the_disk(local: Any) -> None:
    arrow = pafs.PyFileSystem(pafs.FSSpecHandler(local.fs))
    with open(local.join("x"), "wb") as file:
        file.write(b"12345")

    ours = arrow.get_file_info(local.join("x"))
    theirs = pafs.LocalFileSystem().get_file_info(local.join("x"))
    assert ours.size == theirs.size
    assert abs((ours.mtime - theirs.mtime).total_seconds()) < 1


def test_selector_lists_one_level_or_all(store: Any, arrow: pafs.PyFileSystem) -> None:
    for name in ("a", "folder/b", "folder/deep/c"):
        store.fs.makedirs(store.join(name).rpartition("/")[0], exist_ok=True)
        store.fs.pipe_file(store.join(name), name.encode())

    def names(recursive: bool) -> dict[str, int | None]:
        found = arrow.get_file_info(pafs.FileSelector(store.root, recursive=recursive))
        return {info.path[len(store.root) + 1 :]: info.size for info in found}

    assert names(False) == {"a": 1, "folder": None}
    assert names(True) == {
        "a": 1,
        "folder": None,
        "folder/b": 8,
        "folder/deep": None,
        "folder/deep/c": 13,
    }


def test_selector_of_a_missing_folder_is_refused_or_empty(
    store: Any, arrow: pafs.PyFileSystem
) -> None:
    absent = store.join("absent")

    assert arrow.get_file_info(pafs.FileSelector(absent, allow_not_found=True)) == []
    with pytest.raises(FileNotFoundError):
        arrow.get_file_info(pafs.FileSelector(absent))


def test_streams_read_write_and_seek(store: Any, arrow: pafs.PyFileSystem) -> None:
    data = bytes(range(256)) * 4096
    with arrow.open_output_stream(store.join("x")) as out:
        out.write(data[:1000])
        out.write(pa.py_buffer(data[1000:]))

    with arrow.open_input_file(store.join("x")) as file:
        assert file.size() == len(data)
        assert file.read_at(10, 300) == data[300:310]
        file.seek(len(data) - 7)
        assert file.read() == data[-7:]
    with arrow.open_input_stream(store.join("x")) as stream:
        assert stream.read() == data


def test_open_file_takes_an_arrow_buffer(s3: Any, witness: Any) -> None:
    with s3.fs.open(s3.join("x"), "wb") as file:
        assert file.write(pa.py_buffer(b"from arrow")) == 10
    s3.fs.pipe_file(s3.join("y"), pa.py_buffer(b"piped"))

    assert witness.read(s3.join("x")) == b"from arrow"
    assert witness.read(s3.join("y")) == b"piped"


def test_files_are_copied_moved_and_deleted(store: Any, arrow: pafs.PyFileSystem) -> None:
    with arrow.open_output_stream(store.join("x")) as out:
        out.write(b"data")

    arrow.copy_file(store.join("x"), store.join("copy"))
    arrow.move(store.join("x"), store.join("moved"))
    arrow.delete_file(store.join("copy"))

    assert [store.fs.exists(store.join(name)) for name in ("x", "copy", "moved")] == [
        False,
        False,
        True,
    ]
    assert store.fs.cat_file(store.join("moved")) == b"data"
    arrow.create_dir(store.join("folder/deep"))
    with arrow.open_output_stream(store.join("folder/deep/x")) as out:
        out.write(b"data")
    arrow.delete_dir(store.join("folder"))
    assert not store.fs.exists(store.join("folder"))


def test_copy_files_from_the_disk_of_arrow(s3: Any, witness: Any, tmp_path: Any) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a").write_bytes(b"a")
    (tmp_path / "in" / "deep" / "b").write_bytes(b"b" * 100_000)

    pafs.copy_files(
        str(tmp_path / "in"),
        s3.join("out"),
        source_filesystem=pafs.LocalFileSystem(),
        destination_filesystem=pafs.PyFileSystem(pafs.FSSpecHandler(s3.fs)),
    )

    assert witness.contents(s3.join("out")) == {"a": b"a", "deep/b": b"b" * 100_000}
