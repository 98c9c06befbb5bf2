"""Pickling of instances and open files; JSON round trips."""

import json
import pickle
import subprocess
import sys

import fsspec
import pytest
from fsspec import AbstractFileSystem

import opendalfs
from opendalfs import OpendalFileSystem

SECRET = "a-very-secret-word"


def test_an_instance_survives_pickling(store):
    store.fs.pipe_file(store.join("k"), b"value")
    again = pickle.loads(pickle.dumps(store.fs))
    assert type(again) is type(store.fs)
    assert again == store.fs
    assert again.cat_file(store.join("k")) == b"value"


def test_an_instance_keeps_its_options(shared):
    shared.other.write("k", b"value")
    fs = shared.make(use_listings_cache=False)
    again = pickle.loads(pickle.dumps(fs))
    assert again.storage_options["use_listings_cache"] is False
    assert again.cat_file(shared.join("k")) == b"value"


def test_an_instance_is_used_in_another_process(shared):
    shared.other.write("k", b"value")
    program = (
        "import pickle, sys\n"
        "fs, path = pickle.load(sys.stdin.buffer)\n"
        "sys.stdout.buffer.write(fs.cat_file(path))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps((shared.fs, shared.join("k"))),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"value"), done.stderr.decode()


def test_an_asynchronous_instance_survives_pickling():
    fs = OpendalFileSystem("memory", asynchronous=True)
    assert pickle.loads(pickle.dumps(fs)).asynchronous


def test_a_reading_file_survives_pickling_at_its_place(store):
    content = bytes(range(256)) * 100
    store.fs.pipe_file(store.join("k"), content)
    with store.fs.open(store.join("k"), "rb", block_size=1000, cache_type="readahead") as file:
        file.seek(1234)
        again = pickle.loads(pickle.dumps(file))
        assert again.tell() == 1234
        assert again.read(10) == content[1234:1244]
        assert file.read(10) == content[1234:1244]
        again.close()


def test_a_writing_file_refuses_pickling(store):
    with (
        store.fs.open(store.join("k"), "wb") as file,
        pytest.raises((RuntimeError, TypeError, OSError, ValueError)),
    ):
        pickle.dumps(file)


def test_an_open_file_of_fsspec_survives_pickling(s3, s3_options):
    s3.fs.pipe_file(s3.join("k"), b"value")
    one = fsspec.open(f"opendal+s3://{s3.join('k')}", "rb", **s3_options)
    with pickle.loads(pickle.dumps(one)) as file:
        assert file.read() == b"value"


def test_a_mapper_survives_pickling(store):
    mapper = store.fs.get_mapper(store.root)
    mapper["k"] = b"value"
    assert pickle.loads(pickle.dumps(mapper))["k"] == b"value"


@pytest.mark.parametrize("name", ["MemoryFileSystem", "FsFileSystem", "S3FileSystem"])
def test_a_service_class_survives_pickling(name):
    options = {"root": "/tmp"} if name == "FsFileSystem" else {}
    if name == "S3FileSystem":
        options = {"anon": True, "region": "us-east-1"}
    fs = getattr(opendalfs, name)(**options)
    again = pickle.loads(pickle.dumps(fs))
    assert type(again) is getattr(opendalfs, name)
    assert pickle.loads(pickle.dumps(type(fs))) is type(fs)


def test_json_brings_the_instance_back():
    fs = OpendalFileSystem("memory", use_listings_cache=False)
    again = AbstractFileSystem.from_json(fs.to_json())
    assert type(again) is OpendalFileSystem
    assert again == fs


def test_a_dict_brings_the_instance_back(tmp_path):
    fs = OpendalFileSystem("fs", root=str(tmp_path))
    fs.pipe_file("k", b"value")
    again = AbstractFileSystem.from_dict(fs.to_dict())
    assert again.cat_file("k") == b"value"


def test_json_shows_no_secret_and_stays_json():
    fs = OpendalFileSystem(
        "s3",
        key="someone",
        secret=SECRET,
        token=f"{SECRET}-token",
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
    )
    text = fs.to_json()
    assert SECRET not in text
    assert json.loads(text)["endpoint_url"] == "http://127.0.0.1:1"
    assert SECRET not in json.dumps(fs.to_dict())


def test_a_pickle_carries_what_the_other_process_needs():
    fs = OpendalFileSystem(
        "s3", key="someone", secret=SECRET, endpoint_url="http://127.0.0.1:1", region="us-east-1"
    )
    again = pickle.loads(pickle.dumps(fs))
    assert again == fs
    assert hash(again) == hash(fs)
