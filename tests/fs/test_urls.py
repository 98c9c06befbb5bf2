"""Names, protocols and URLs."""

import subprocess
import sys

import fsspec
import pytest
from fsspec.core import url_to_fs

import opendalfs
from opendalfs import FsFileSystem, MemoryFileSystem, OpendalFileSystem, S3FileSystem


def run(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("opendal+s3://b/k", "b/k"),
        ("opendals3://b/k", "b/k"),
        ("s3://b/k", "b/k"),
        ("b/k", "b/k"),
        ("opendal+s3://b/d/", "b/d"),
        ("s3://b", "b"),
        ("s3://b/", "b"),
        ("s3://b/a//b", "b/a//b"),
        ("s3://b/a b#c%20", "b/a b#c%20"),
        ("s3://b/ k ", "b/ k "),
        ("s3://b/\u00e9", "b/\u00e9"),
    ],
)
def test_the_s3_class_strips_its_protocols(url, path):
    assert S3FileSystem._strip_protocol(url) == path


def test_a_list_of_urls_is_stripped():
    got = S3FileSystem._strip_protocol(["s3://b/k", "opendal+s3://b/l"])
    assert got == ["b/k", "b/l"]


def test_the_general_class_strips_its_protocol():
    assert OpendalFileSystem._strip_protocol("opendal://a/b").strip("/") == "a/b"
    assert OpendalFileSystem._strip_protocol("opendal://a/b/").strip("/") == "a/b"
    assert OpendalFileSystem._strip_protocol("a/b") == "a/b"


def test_the_other_classes_strip_their_protocols():
    for prefix in ("opendal+memory://", "opendalmemory://"):
        assert MemoryFileSystem._strip_protocol(f"{prefix}a/b").strip("/") == "a/b"
    for prefix in ("opendal+fs://", "opendalfs://"):
        assert FsFileSystem._strip_protocol(f"{prefix}/a/b").strip("/") == "a/b"


def test_names_become_urls_and_names_again(s3, s3_options):
    fs = S3FileSystem(**s3_options)
    url = fs.unstrip_protocol("b/k")
    assert url.endswith("://b/k")
    assert fs._strip_protocol(url) == "b/k"
    assert fs.unstrip_protocol(url) == url


@pytest.mark.parametrize(
    ("protocol", "cls"),
    [
        ("opendal", OpendalFileSystem),
        ("opendal+s3", S3FileSystem),
        ("opendals3", S3FileSystem),
        ("opendal+memory", MemoryFileSystem),
        ("opendalmemory", MemoryFileSystem),
        ("opendal+fs", FsFileSystem),
    ],
)
def test_fsspec_finds_the_class_of_a_protocol(protocol, cls):
    assert fsspec.get_filesystem_class(protocol) is cls


def test_fsspec_finds_the_class_with_no_import_of_ours():
    program = (
        "import sys, fsspec; assert 'opendalfs' not in sys.modules;"
        "print(fsspec.get_filesystem_class(sys.argv[1]).__name__)"
    )
    assert run(program, "opendal+s3").strip() == "S3FileSystem"
    assert run(program, "opendals3").strip() == "S3FileSystem"
    assert run(program, "opendal").strip() == "OpendalFileSystem"


def test_the_protocol_alone_is_the_memory_store():
    fs = fsspec.filesystem("opendal")
    assert type(fs) is OpendalFileSystem
    fs.pipe_file("t-urls/k", b"value")
    assert fsspec.filesystem("opendal").cat_file("t-urls/k") == b"value"
    assert OpendalFileSystem("memory").cat_file("t-urls/k") == b"value"
    fs.rm("t-urls", recursive=True)


def test_the_scheme_may_be_named_or_given_first(tmp_path):
    first = OpendalFileSystem("fs", root=str(tmp_path))
    second = fsspec.filesystem("opendal", scheme="fs", root=str(tmp_path))
    first.pipe_file("k", b"value")
    assert second.cat_file("k") == b"value"
    assert (tmp_path / "k").read_bytes() == b"value"


@pytest.mark.parametrize("protocol", ["opendal+s3", "opendals3"])
def test_fsspec_open_takes_our_urls(s3, s3_options, protocol):
    url = f"{protocol}://{s3.join('k')}"
    with fsspec.open(url, "wb", **s3_options) as file:
        file.write(b"value")
    assert s3.fs.cat_file(s3.join("k")) == b"value"
    with fsspec.open(url, "rt", encoding="ascii", **s3_options) as file:
        assert file.read() == "value"


@pytest.mark.parametrize("protocol", ["opendal+s3", "opendals3"])
def test_url_to_fs_gives_the_class_and_the_path(s3, s3_options, protocol):
    fs, path = url_to_fs(f"{protocol}://{s3.join('d', 'k')}", **s3_options)
    assert type(fs) is S3FileSystem
    assert path == s3.join("d", "k")


def test_urls_of_the_disk_and_the_memory(tmp_path):
    (tmp_path / "k").write_bytes(b"disk")
    for protocol in ("opendal+fs", "opendalfs"):
        with fsspec.open(f"{protocol}://{tmp_path}/k", "rb") as file:
            assert file.read() == b"disk"
    with fsspec.open("opendal+memory://t-urls/m", "wb") as file:
        file.write(b"memory")
    with fsspec.open("opendalmemory://t-urls/m", "rb") as file:
        assert file.read() == b"memory"


def test_methods_take_urls_as_paths(s3, s3_options):
    fs = S3FileSystem(**s3_options)
    fs.pipe_file(f"s3://{s3.join('k')}", b"value")
    for prefix in ("s3://", "opendal+s3://", "opendals3://", ""):
        path = prefix + s3.join("k")
        assert fs.cat_file(path) == b"value"
        assert fs.info(path)["name"] == s3.join("k")
        assert fs.exists(path)
        assert fs.cat(path) == b"value"
        with fs.open(path) as file:
            assert file.read() == b"value"
    assert fs.ls(f"s3://{s3.root}") == [s3.join("k")]
    fs.copy(f"s3://{s3.join('k')}", f"opendal+s3://{s3.join('copy')}")
    fs.rm(f"opendals3://{s3.join('k')}")
    assert fs.find(f"s3://{s3.root}") == [s3.join("copy")]


def test_globs_of_urls_open_many_files(s3, s3_options):
    s3.fs.pipe({s3.join(f"n{number}"): b"%d" % number for number in range(3)})
    files = fsspec.open_files(f"opendal+s3://{s3.root}/n*", "rb", **s3_options)
    contents = []
    for one in files:
        with one as file:
            contents.append(file.read())
    assert contents == [b"0", b"1", b"2"]


def test_urls_and_files_may_be_chained(s3, s3_options, tmp_path):
    s3.fs.pipe_file(s3.join("k"), b"value")
    url = f"simplecache::opendal+s3://{s3.join('k')}"
    options = {"simplecache": {"cache_storage": str(tmp_path)}, "opendal+s3": s3_options}
    with fsspec.open(url, "rb", **options) as file:
        assert file.read() == b"value"


def test_register_as_serves_plain_urls(s3, s3_options):
    s3.fs.pipe_file(s3.join("k"), b"value")
    program = """
import json, sys, fsspec, opendalfs
opendalfs.register_as("s3")
options = json.loads(sys.argv[2])
fs, path = fsspec.core.url_to_fs("s3://" + sys.argv[1], **options)
assert type(fs) is opendalfs.S3FileSystem, type(fs)
with fsspec.open("s3://" + sys.argv[1], "rb", **options) as file:
    print(file.read().decode())
"""
    import json

    assert run(program, s3.join("k"), json.dumps(s3_options)).strip() == "value"


def test_register_adds_another_service():
    program = """
import pickle, fsspec, opendalfs
opendalfs.register("webdav")
cls = fsspec.get_filesystem_class("opendal+webdav")
assert issubclass(cls, opendalfs.OpendalFileSystem)
assert fsspec.get_filesystem_class("opendalwebdav") is cls
assert pickle.loads(pickle.dumps(cls)) is cls
fs = fsspec.filesystem("opendal+webdav", endpoint="http://127.0.0.1:1")
assert pickle.loads(pickle.dumps(fs)) == fs
opendalfs.register("webdav")
print("done")
"""
    assert run(program).strip() == "done"


def test_register_refuses_an_unknown_service():
    with pytest.raises(ValueError, match="webdav"):
        opendalfs.register("webdaw")
    with pytest.raises(ValueError, match="memory"):
        opendalfs.register_as("memroy")
