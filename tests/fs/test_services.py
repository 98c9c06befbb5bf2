"""The classes of the services: their names, protocols and defaults."""

import importlib

import fsspec
import pytest

import opendalfs
from opendalfs import OpendalFileSystem, _core

CLASSES = [
    "AzblobFileSystem",
    "FsFileSystem",
    "GCSFileSystem",
    "HttpFileSystem",
    "MemoryFileSystem",
    "S3FileSystem",
    "SftpFileSystem",
    "WebdavFileSystem",
]


@pytest.mark.parametrize("name", CLASSES)
def test_a_service_class_is_importable_by_module_and_name(name):
    cls = getattr(opendalfs, name)
    assert issubclass(cls, OpendalFileSystem)
    assert cls.__name__ == name
    assert getattr(importlib.import_module(cls.__module__), name) is cls
    assert name in opendalfs.__all__


@pytest.mark.parametrize("name", CLASSES)
def test_each_of_our_protocols_is_registered(name):
    cls = getattr(opendalfs, name)
    protocols = (cls.protocol,) if isinstance(cls.protocol, str) else cls.protocol
    ours = [protocol for protocol in protocols if protocol.startswith("opendal")]
    assert any("+" in protocol for protocol in ours)
    assert any("+" not in protocol for protocol in ours)
    for protocol in ours:
        assert fsspec.get_filesystem_class(protocol) is cls


def test_every_public_name_exists():
    for name in opendalfs.__all__:
        assert hasattr(opendalfs, name), name
    assert {"OpendalFileSystem", "register", "register_as"} <= set(opendalfs.__all__)


def test_the_package_knows_its_version():
    assert opendalfs.__version__.split(".")[0].isdigit()


def test_ls_of_the_s3_class_gives_names_by_default(s3, s3_options):
    s3.fs.pipe_file(s3.join("d", "k"), b"")
    fs = opendalfs.S3FileSystem(**s3_options)
    assert fs.ls(s3.root) == [s3.join("d")]
    assert fs.ls(s3.root, detail=True)[0]["type"] == "directory"
    assert isinstance(s3.fs.ls(s3.root)[0], dict)


async def test_the_asynchronous_ls_of_the_s3_class_gives_names_by_default(s3, s3_options):
    s3.fs.pipe_file(s3.join("k"), b"")
    fs = opendalfs.S3FileSystem(asynchronous=True, **s3_options)
    assert await fs._ls(s3.root) == [s3.join("k")]


def test_the_memory_class_keeps_what_is_written():
    fs = opendalfs.MemoryFileSystem()
    fs.pipe_file("t-services/k", b"value")
    assert opendalfs.MemoryFileSystem().cat_file("t-services/k") == b"value"
    fs.rm("t-services", recursive=True)


def test_the_disk_class_writes_files(tmp_path):
    fs = opendalfs.FsFileSystem(root=str(tmp_path))
    fs.pipe_file("d/k", b"value")
    assert (tmp_path / "d" / "k").read_bytes() == b"value"


def test_the_same_options_give_the_same_instance(s3_options):
    assert opendalfs.S3FileSystem(**s3_options) is opendalfs.S3FileSystem(**s3_options)
    assert opendalfs.S3FileSystem(**s3_options) is not opendalfs.S3FileSystem(anon=True)


def test_instances_are_equal_by_class_and_options(make_s3):
    assert make_s3() == make_s3()
    assert make_s3() != make_s3(use_listings_cache=False)


@pytest.mark.parametrize("scheme", [scheme for scheme, _ in _core.schemes()])
def test_every_service_tells_the_same_capabilities(scheme):
    needed = {
        "azblob": {"account_name": "a"},
        "azdls": {"account_name": "a"},
        "github": {"owner": "o", "repo": "r"},
        "webdav": {"endpoint": "http://localhost"},
    }
    fs = OpendalFileSystem(scheme, skip_instance_cache=True, **needed.get(scheme, {}))
    can = fs.capabilities()
    assert list(can) == list(OpendalFileSystem("memory").capabilities())
    assert all(type(value) is bool for value in can.values())
    assert can["read"]
