"""Paths that leave the root of a disk store are refused; nothing outside is read or written."""

import os
from types import SimpleNamespace

import pytest

from opendalfs import OpendalFileSystem

REFUSED = (PermissionError, ValueError, OSError)


@pytest.fixture
def cage(tmp_path):
    """Return a store rooted beside a directory it must not reach, and its way out."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "inside").write_bytes(b"inside")
    (root / "absolute").symlink_to(outside / "secret")
    (root / "relative").symlink_to("../outside/secret")
    (root / "dangling").symlink_to(outside / "new")
    (root / "way").symlink_to(outside)
    (root / "relative-way").symlink_to("../outside")
    (root / "d").mkdir()
    (root / "d" / "up").symlink_to("../..")
    fs = OpendalFileSystem("fs", root=str(root), skip_instance_cache=True)
    return SimpleNamespace(fs=fs, root=root, outside=outside)


def check_outside(cage):
    assert [path.name for path in cage.outside.iterdir()] == ["secret"]
    assert (cage.outside / "secret").read_bytes() == b"secret"
    assert sorted(path.name for path in cage.outside.parent.iterdir()) == ["outside", "root"]


TO_READ = [
    "../outside/secret",
    "d/../../outside/secret",
    "/../outside/secret",
    "./../outside/secret",
    "absolute",
    "relative",
    "way/secret",
    "relative-way/secret",
    "d/up/outside/secret",
    "way/../outside/secret",
]

READERS = {
    "cat_file": lambda fs, path: fs.cat_file(path),
    "cat_file range": lambda fs, path: fs.cat_file(path, 1, 3),
    "cat": lambda fs, path: fs.cat([path]),
    "open": lambda fs, path: fs.open(path, "rb").read(),
    "cp_file": lambda fs, path: fs.cp_file(path, "copy"),
    "mv": lambda fs, path: fs.mv(path, "moved"),
    "head": lambda fs, path: fs.head(path),
}


@pytest.mark.parametrize("path", TO_READ)
@pytest.mark.parametrize("how", READERS)
def test_reading_outside_is_refused(cage, path, how):
    try:
        READERS[how](cage.fs, path)
    except REFUSED:
        assert not (cage.root / "moved").is_symlink()
    else:
        # A link may be renamed inside the root; what it leads to is neither read nor moved.
        assert how == "mv"
        assert (cage.root / "moved").is_symlink()
        with pytest.raises(REFUSED):
            cage.fs.cat_file("moved")
    check_outside(cage)
    assert not (cage.root / "copy").exists()


@pytest.mark.parametrize("path", TO_READ)
def test_getting_from_outside_is_refused(cage, path, tmp_path_factory):
    target = tmp_path_factory.mktemp("local") / "t"
    with pytest.raises(REFUSED):
        cage.fs.get_file(path, str(target))
    assert not target.exists()


TO_WRITE = [
    "../outside/new",
    "../outside/secret",
    "d/../../outside/new",
    "absolute",
    "relative",
    "dangling",
    "way/new",
    "way/secret",
    "way/deep/new",
    "relative-way/new",
    "d/up/outside/new",
    "d/up/new",
]


def _by_open(fs, path, tmp):
    with fs.open(path, "wb") as file:
        file.write(b"evil")


def _by_append(fs, path, tmp):
    with fs.open(path, "ab") as file:
        file.write(b"evil")


def _by_put(fs, path, tmp):
    (tmp / "evil").write_bytes(b"evil")
    fs.put_file(str(tmp / "evil"), path)


WRITERS = {
    "pipe_file": lambda fs, path, _: fs.pipe_file(path, b"evil"),
    "create": lambda fs, path, _: fs.pipe_file(path, b"evil", mode="create"),
    "pipe": lambda fs, path, _: fs.pipe({path: b"evil"}),
    "open wb": _by_open,
    "open ab": _by_append,
    "put_file": _by_put,
    "cp_file": lambda fs, path, _: fs.cp_file("inside", path),
    "mv": lambda fs, path, _: fs.mv("inside", path),
    "touch": lambda fs, path, _: fs.touch(path),
}


@pytest.mark.parametrize("path", TO_WRITE)
@pytest.mark.parametrize("how", WRITERS)
def test_writing_outside_is_refused_or_stays_inside(cage, path, how, tmp_path_factory):
    is_link = path in ("absolute", "relative", "dangling")
    try:
        WRITERS[how](cage.fs, path, tmp_path_factory.mktemp("local"))
    except REFUSED:
        pass
    else:
        # A link itself lies inside: putting a file in its place writes nothing outside.
        assert is_link
        assert not (cage.root / path).is_symlink()
    check_outside(cage)


@pytest.mark.parametrize("path", ["../outside/new", "way/new", "d/up/new", "relative-way/a/b"])
def test_directories_outside_are_not_made(cage, path):
    for call in (cage.fs.mkdir, lambda path: cage.fs.makedirs(path, exist_ok=True)):
        with pytest.raises(REFUSED):
            call(path)
    check_outside(cage)


@pytest.mark.parametrize(
    "path", ["../outside/secret", "way/secret", "d/up/outside/secret", "relative-way/secret"]
)
@pytest.mark.parametrize("recursive", [False, True])
def test_nothing_outside_is_removed(cage, path, recursive):
    with pytest.raises(REFUSED):
        cage.fs.rm(path, recursive=recursive)
    with pytest.raises(REFUSED):
        cage.fs.rm_file(path)
    check_outside(cage)


def test_removing_all_inside_removes_nothing_outside(cage):
    for name in ("way", "d", "absolute", "relative-way"):
        try:
            cage.fs.rm(name, recursive=True)
        except REFUSED:
            continue
    check_outside(cage)
    with pytest.raises(REFUSED):
        cage.fs.rmdir("../outside")
    check_outside(cage)


@pytest.mark.parametrize("path", ["../outside", "way", "relative-way", "d/up", "d/up/outside"])
def test_listing_outside_is_refused_or_empty(cage, path):
    for call in (
        lambda: cage.fs.ls(path, detail=False),
        lambda: cage.fs.find(path),
        lambda: cage.fs.glob(f"{path}/*"),
        lambda: [name for _, _, files in cage.fs.walk(path) for name in files],
    ):
        try:
            found = call()
        except REFUSED:
            continue
        assert not any("secret" in name for name in found), found


def test_find_does_not_follow_links_out(cage):
    assert not any("secret" in name for name in cage.fs.find(""))
    assert not any("secret" in name for name in cage.fs.glob("**"))


def test_links_inside_the_root_are_followed(cage):
    (cage.root / "link").symlink_to("inside")
    (cage.root / "link-d").symlink_to("d")
    (cage.root / "d" / "k").write_bytes(b"k")
    assert cage.fs.cat_file("link") == b"inside"
    assert cage.fs.cat_file("link-d/k") == b"k"


def test_a_root_that_is_a_link_itself_is_fine(tmp_path):
    (tmp_path / "real").mkdir()
    os.symlink(tmp_path / "real", tmp_path / "root")
    fs = OpendalFileSystem("fs", root=str(tmp_path / "root"), skip_instance_cache=True)
    fs.pipe_file("k", b"value")
    assert fs.cat_file("k") == b"value"
    assert (tmp_path / "real" / "k").read_bytes() == b"value"
