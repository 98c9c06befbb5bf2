"""Files and directories of a web server: nginx, filled by PUT."""

from __future__ import annotations

import urllib.request
import uuid
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from opendalfs import HttpFileSystem, errors
from tests.stores import HTTP, setting

TREE = {
    "a.txt": b"alpha",
    "b.bin": bytes(range(256)),
    "empty": b"",
    "odd ä+%2F?#&'.txt": b"odd",
    "sub/c.txt": b"gamma",
    "sub/deep/d.txt": b"delta",
}


@pytest.fixture
def server():
    """Give a tree on the web server, its URL and the path of it."""
    HTTP.need()
    endpoint, root = setting("HTTP_ENDPOINT"), f"t-{uuid.uuid4().hex}"

    def ask(method, name, data=None):
        url = f"{endpoint}/{root}/{quote(name)}"
        urllib.request.urlopen(urllib.request.Request(url, data, method=method)).close()

    for name, data in TREE.items():
        ask("PUT", name, data)
    yield SimpleNamespace(
        endpoint=endpoint,
        host=endpoint.removeprefix("http://"),
        root=root,
        put=lambda name, data: ask("PUT", name, data),
        delete=lambda name: ask("DELETE", name),
    )
    request = urllib.request.Request(f"{endpoint}/{root}/", method="DELETE")
    request.add_header("Depth", "infinity")
    urllib.request.urlopen(request).close()


@pytest.fixture
def fs(server):
    return HttpFileSystem(endpoint=server.endpoint, skip_instance_cache=True)


def relative(server, names):
    return sorted(name.removeprefix(server.root).lstrip("/") for name in names)


def test_directories_are_listed_with_sizes_and_times(server, fs):
    listed = {entry["name"]: entry for entry in fs.ls(server.root, detail=True)}
    assert relative(server, listed) == ["a.txt", "b.bin", "empty", "odd ä+%2F?#&'.txt", "sub"]
    assert listed[f"{server.root}/b.bin"]["size"] == 256
    assert listed[f"{server.root}/b.bin"]["mtime"].year > 2000
    assert listed[f"{server.root}/sub"]["type"] == "directory"


def test_trees_are_found(server, fs):
    assert relative(server, fs.find(server.root)) == sorted(TREE)
    assert relative(server, fs.glob(f"{server.root}/**/*.txt")) == sorted(
        name for name in TREE if name.endswith(".txt")
    )
    assert [relative(server, [root]) for root, _, _ in fs.walk(server.root)] == [
        [""],
        ["sub"],
        ["sub/deep"],
    ]
    assert fs.du(server.root) == sum(map(len, TREE.values()))
    assert fs.cat(server.root, recursive=True) == {
        f"{server.root}/{name}": data for name, data in TREE.items()
    }


def test_the_host_is_the_first_part_of_a_path(server):
    fs = HttpFileSystem(skip_instance_cache=True)
    assert fs.ls(f"{server.host}/{server.root}/sub", detail=False) == [
        f"{server.host}/{server.root}/sub/c.txt",
        f"{server.host}/{server.root}/sub/deep",
    ]
    assert fs.cat_file(f"opendal+http://{server.host}/{server.root}/a.txt") == b"alpha"
    assert fs.isdir(server.host)


def test_files_and_directories_are_told_apart(server, fs):
    assert fs.isfile(f"{server.root}/a.txt")
    assert fs.isdir(f"{server.root}/sub")
    assert not fs.isfile(f"{server.root}/sub")
    assert fs.ls(f"{server.root}/a.txt", detail=False) == [f"{server.root}/a.txt"]
    assert fs.info(f"{server.root}/a.txt")["size"] == 5
    assert not fs.exists(f"{server.root}/absent")


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), (1, 3), (-2, None), (3, 99), (9, 12), (0, 0)]
)
def test_slices_are_those_of_bytes(server, fs, start, end):
    assert fs.cat_file(f"{server.root}/a.txt", start, end) == b"alpha"[start:end]
    assert fs.cat_file(f"{server.root}/empty", start, end) == b""


def test_trees_are_downloaded(server, fs, tmp_path):
    fs.get(server.root, str(tmp_path / "down"), recursive=True)
    found = {
        path.relative_to(tmp_path / "down").as_posix(): path.read_bytes()
        for path in (tmp_path / "down").rglob("*")
        if path.is_file()
    }
    assert found == TREE


def test_what_is_missing_is_not_found(server, fs):
    for use in (fs.info, fs.ls, fs.cat_file):
        with pytest.raises(FileNotFoundError):
            use(f"{server.root}/absent")


def test_a_large_file_is_read_in_parts(server, fs):
    data = bytes(range(256)) * (20 << 12)
    server.put("large", data)
    assert fs.cat_file(f"{server.root}/large") == data
    with fs.open(f"{server.root}/large") as file:
        file.seek(9_000_001)
        assert file.read(10) == data[9_000_001:9_000_011]


def test_a_replaced_file_is_noticed(server, fs):
    server.put("v", b"o" * (20 << 20))
    with fs.open(f"{server.root}/v", cache_type="none") as file:
        assert file.read(5) == b"ooooo"
        server.put("v", b"n" * (20 << 20) + b"longer")
        file.seek(19 << 20)
        with pytest.raises(errors.Changed):
            file.read(5)


def test_nothing_is_written(server, fs):
    can = fs.capabilities()
    assert can["read"]
    assert can["list"]
    assert not any(can[name] for name in ("write", "delete", "copy", "rename", "create_only"))
    path = f"{server.root}/a.txt"
    for use in (
        lambda: fs.pipe_file(path, b"x"),
        lambda: fs.rm(path),
        lambda: fs.mkdir(f"{server.root}/made"),
        lambda: fs.cp_file(path, f"{path}-copy"),
        lambda: fs.mv(path, f"{path}-moved"),
    ):
        with pytest.raises(errors.Unsupported):
            use()
    assert relative(server, fs.find(server.root)) == sorted(TREE)
