"""Redis and SQLite, in a build that has them (``scripts/test services``): values by key."""

from __future__ import annotations

import os

import pytest

from opendalfs import OpendalFileSystem, errors
from tests.stores import DATABASES, SERVERS


@pytest.fixture(params=DATABASES)
def place(request, tmp_path):
    """Give an instance, and a prefix of keys no other test uses."""
    server = SERVERS[request.param]
    server.need()
    options = server.options(tmp_path)
    fs = OpendalFileSystem(server.scheme, skip_instance_cache=True, **options)
    return fs, server.root(tmp_path)


@pytest.mark.parametrize(
    ("start", "end"),
    [(None, None), (0, 3), (2, None), (-3, None), (5, 100), (10, 20), (200, 300), (3, 3)],
)
def test_slices_are_those_of_bytes(place, start, end):
    fs, root = place
    fs.pipe_file(f"{root}/k", b"0123456789")
    fs.pipe_file(f"{root}/empty", b"")
    assert fs.cat_file(f"{root}/k", start, end) == b"0123456789"[start:end]
    assert fs.cat_file(f"{root}/empty", start, end) == b""


def test_values_are_described_replaced_and_removed(place):
    fs, root = place
    fs.pipe_file(f"{root}/k", b"long ago")
    fs.pipe_file(f"{root}/k", b"now")
    assert fs.info(f"{root}/k")["size"] == 3
    with pytest.raises(FileExistsError):
        fs.pipe_file(f"{root}/k", b"later", mode="create")
    fs.cp_file(f"{root}/k", f"{root}/copy")
    fs.mv_file(f"{root}/k", f"{root}/moved")
    assert fs.cat_file(f"{root}/copy") == fs.cat_file(f"{root}/moved") == b"now"
    for name in ("k", "absent"):
        assert not fs.exists(f"{root}/{name}")
        with pytest.raises(FileNotFoundError):
            fs.cat_file(f"{root}/{name}")
    fs.rm_file(f"{root}/moved")
    assert not fs.exists(f"{root}/moved")


def test_large_values_go_there_and_back(place):
    fs, root = place
    data = os.urandom(1 << 20) * 20 + b"end"
    with fs.open(f"{root}/large", "wb") as file:
        for start in range(0, len(data), 3_000_001):
            file.write(data[start : start + 3_000_001])
    assert fs.cat_file(f"{root}/large") == data
    with fs.open(f"{root}/large") as file:
        file.seek(9_000_000)
        assert file.read(10) == data[9_000_000:9_000_010]


def test_nothing_is_listed(place):
    fs, root = place
    assert not fs.capabilities()["list"]
    for use in (fs.ls, fs.find):
        with pytest.raises(errors.Unsupported):
            use(root)
