"""The standard library's readers and writers take our open files for files."""

from __future__ import annotations

import csv
import io
import json
import pickle
import shutil
import tarfile
import zipfile
from typing import Any


def test_csv_and_json_are_written_as_text(store: Any) -> None:
    rows = [["a", "b"], ["1", "two, with comma"], ["3", "four\nlines"]]
    with store.fs.open(store.join("x.csv"), "w", newline="") as file:
        csv.writer(file).writerows(rows)
    with store.fs.open(store.join("x.json"), "w", encoding="utf-8") as file:
        json.dump({"key": "\u00fc"}, file, ensure_ascii=False)

    assert store.fs.cat_file(store.join("x.json")) == b'{"key": "\xc3\xbc"}'
    with store.fs.open(store.join("x.csv"), "r", newline="") as file:
        assert list(csv.reader(file)) == rows


def test_file_is_buffered_iterated_and_closed(store: Any) -> None:
    store.fs.pipe_file(store.join("x"), b"one\ntwo\nthree")
    with store.fs.open(store.join("x"), "rb") as file:
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        assert list(file) == [b"one\n", b"two\n", b"three"]
        file.seek(4)
        assert file.readline() == b"two\n"
        assert file.tell() == 8
        into = bytearray(3)
        assert file.readinto(into) == 3
        assert into == b"thr"
        assert file.read() == b"ee"
        assert file.read() == b""
    assert file.closed
    raw = store.fs.open(store.join("x"), "rb")
    with io.TextIOWrapper(io.BufferedReader(raw)) as text:
        assert text.read().split() == ["one", "two", "three"]


def test_archives_are_streamed_in_and_out(store: Any) -> None:
    with (
        store.fs.open(store.join("x.tar.gz"), "wb") as file,
        tarfile.open(fileobj=file, mode="w:gz") as archive,
    ):
        entry = tarfile.TarInfo("inner")
        entry.size = 100_000
        archive.addfile(entry, io.BytesIO(b"z" * 100_000))
    with (
        store.fs.open(store.join("x.tar.gz"), "rb") as file,
        tarfile.open(fileobj=file) as archive,
    ):
        inner = archive.extractfile("inner")
        assert inner is not None
        assert inner.read() == b"z" * 100_000

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for n in range(50):
            made.writestr(f"n{n}", f"{n}" * 1000)
    store.fs.pipe_file(store.join("x.zip"), packed.getvalue())
    with store.fs.open(store.join("x.zip"), "rb") as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.read("n49") == b"49" * 1000


def test_shutil_and_pickle_copy_through_open_files(s3: Any, witness: Any) -> None:
    data = {"numbers": list(range(100_000))}
    with s3.fs.open(s3.join("x.pickle"), "wb") as file:
        pickle.dump(data, file, protocol=5)
    with (
        s3.fs.open(s3.join("x.pickle"), "rb") as source,
        s3.fs.open(s3.join("copy"), "wb") as target,
    ):
        shutil.copyfileobj(source, target)

    assert pickle.loads(witness.read(s3.join("copy"))) == data
