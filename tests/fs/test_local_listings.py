"""Listings of the local disk: links, names alone, what others make meanwhile."""

import os

import fsspec
import pytest

from opendalfs import OpendalFileSystem

FILES = ["a.txt", "d/b", "d/e/c", "d.txt", "other/x", "other/y/z", "\u00e4/\u20ac", " b / c"]


def make_tree(top):
    for name in FILES:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(name.encode())
    (top / "hollow").mkdir()


@pytest.fixture(params=["absolute", "rooted"])
def disk(request, tmp_path):
    """Return an instance, the name of a directory in it, and the path of that."""
    top = tmp_path / "top"
    make_tree(top)
    if request.param == "rooted":
        return OpendalFileSystem("fs", root=str(tmp_path), skip_instance_cache=True), "top", top
    return OpendalFileSystem("fs", skip_instance_cache=True), str(top), top


def walked(top, base):
    """Return all files below, by `os.walk` which enters links to directories."""
    found = []
    for folder, _, names in os.walk(top, followlinks=True):
        inner = os.path.relpath(folder, top)
        found += [os.path.normpath(f"{base}/{inner}/{name}") for name in names]
    return sorted(found)


def check(disk):
    """Every listing of the directory agrees with `os.walk` and with every other one."""
    fs, base, top = disk
    wanted = walked(top, base)
    assert fs.find(base) == wanted
    infos = fs.find(base, detail=True)
    assert sorted(infos) == wanted
    assert sorted(fs.find(base, withdirs=True, detail=True)) == fs.find(base, withdirs=True)
    for folder, _, _ in os.walk(top, followlinks=True):
        place = os.path.normpath(f"{base}/{os.path.relpath(folder, top)}")
        names = fs.ls(place, detail=False)
        assert names == sorted(f"{place}/{name}" for name in os.listdir(folder))
        assert names == [info["name"] for info in fs.ls(place, detail=True)]
        for info in fs.ls(place, detail=True):
            path = f"{folder}/{os.path.basename(info['name'])}"
            assert info["type"] == ("directory" if os.path.isdir(path) else "file")
            if os.path.isfile(path):
                assert info["size"] == os.path.getsize(path)
    globbed = [name for name in fs.glob(f"{base}/**") if name in infos]
    assert sorted(globbed) == wanted
    assert fs.du(base) == sum(info["size"] for info in infos.values())
    found = [f"{place}/{name}" for place, _, names in fs.walk(base) for name in names]
    assert sorted(found) == wanted


def test_a_plain_tree_is_that_of_os_walk(disk):
    check(disk)


def test_links_to_files_are_files(disk):
    top = disk[2]
    (top / "link").symlink_to("d/b")
    (top / "d" / "absolute").symlink_to(top / "a.txt")
    (top / "d" / "of-a-link").symlink_to("../link")
    check(disk)


def test_links_to_directories_are_entered(disk):
    top = disk[2]
    (top / "link").symlink_to("d")
    (top / "other" / "up").symlink_to("../\u00e4")
    (top / "absolute").symlink_to(top / "other" / "y")
    (top / "to-hollow").symlink_to("hollow")
    check(disk)


def test_dangling_links_are_listed(disk):
    fs, base, top = disk
    (top / "nowhere").symlink_to("missing")
    (top / "d" / "nowhere").symlink_to("/not/there/at/all")
    names = fs.ls(base, detail=False)
    assert f"{base}/nowhere" in names
    assert names == [info["name"] for info in fs.ls(base, detail=True)]
    assert fs.find(base) == walked(top, base)
    assert sorted(fs.find(base, detail=True)) == walked(top, base)


@pytest.mark.timeout(20)
def test_loops_of_links_end(disk):
    fs, base, top = disk
    (top / "d" / "self").symlink_to(".")
    (top / "d" / "e" / "up").symlink_to("..")
    (top / "other" / "top").symlink_to(top)
    (top / "to-itself").symlink_to("to-itself")
    (top / "one").symlink_to("two")
    (top / "two").symlink_to("one")
    found = fs.find(base)
    assert {f"{base}/{name}" for name in FILES} <= set(found)
    assert found == sorted(fs.find(base, detail=True))
    assert len(found) == len(set(found))
    for place in (base, f"{base}/d", f"{base}/d/e", f"{base}/other"):
        names = fs.ls(place, detail=False)
        assert names == [info["name"] for info in fs.ls(place, detail=True)]
        assert len(names) == len(os.listdir(top / os.path.relpath(place, base)))


def test_two_links_to_one_directory_outside_of_the_listed_one(tmp_path):
    make_tree(tmp_path / "elsewhere")
    (tmp_path / "top").mkdir()
    for name in ("one", "two"):
        (tmp_path / "top" / name).symlink_to("../elsewhere")
    fs = OpendalFileSystem("fs", skip_instance_cache=True)
    base = str(tmp_path / "top")
    assert fs.find(base) == sorted(fs.find(base, detail=True)) != []
    both = [f"{base}/one", f"{base}/two"]
    assert fs.ls(base, detail=False) == both
    assert [info["type"] for info in fs.ls(base)] == ["directory"] * 2
    for place in both:
        assert fs.find(place) == sorted(f"{place}/{name}" for name in FILES)


def test_temporary_names_are_left_out(disk):
    fs, base, top = disk
    for folder in (top, top / "d"):
        (folder / ".opendalfs-abc").write_bytes(b"half")
        (folder / ".opendalfs-dir").mkdir()
        (folder / ".opendalfs-dir" / "inner").write_bytes(b"half")
    (top / ".hidden").write_bytes(b"")
    wanted = sorted(f"{base}/{name}" for name in [*FILES, ".hidden"])
    assert fs.find(base) == wanted
    assert sorted(fs.find(base, detail=True)) == wanted
    assert not any("opendalfs-" in name for name in fs.ls(base, detail=False))
    assert not any("opendalfs-" in info["name"] for info in fs.ls(base, detail=True))
    assert not any("opendalfs-" in name for name in fs.find(base, withdirs=True))
    assert not any("opendalfs-" in name for name in fs.glob(f"{base}/**"))


def test_files_empty_and_missing_directories(disk):
    fs, base, _ = disk
    for detail in (True, False):
        assert fs.ls(f"{base}/hollow", detail=detail) == []
        assert list(fs.find(f"{base}/hollow", detail=detail)) == []
        assert list(fs.find(f"{base}/a.txt", detail=detail)) == [f"{base}/a.txt"]
        assert list(fs.find(f"{base}/missing", detail=detail)) == []
        assert list(fs.find(f"{base}/a.txt/below", detail=detail)) == []
        with pytest.raises(FileNotFoundError):
            fs.ls(f"{base}/missing", detail=detail)
        with pytest.raises((FileNotFoundError, NotADirectoryError)):
            fs.ls(f"{base}/a.txt/below", detail=detail)
    assert fs.ls(f"{base}/a.txt", detail=False) == [f"{base}/a.txt"]
    assert fs.ls(f"{base}/a.txt")[0]["size"] == 5


def test_the_root_itself_is_listed(tmp_path):
    make_tree(tmp_path)
    fs = OpendalFileSystem("fs", root=str(tmp_path), skip_instance_cache=True)
    names = sorted(os.listdir(tmp_path))
    for top in ("", "/"):
        assert fs.ls(top, detail=False) == names
        assert [info["name"] for info in fs.ls(top)] == names
        assert fs.find(top) == sorted(FILES)


def test_a_file_of_somebody_else_shows_in_the_next_listing(disk):
    fs, base, top = disk
    for number, folder in enumerate(["", "d", "d/e"] * 3):
        place = f"{base}/{folder}".rstrip("/")
        before = fs.ls(place), fs.ls(place, detail=False), fs.find(base)
        (top / folder / f"new{number}").write_bytes(b"1")
        name = f"{place}/new{number}"
        assert name not in before[1]
        assert name in fs.ls(place, detail=False)
        assert name in [info["name"] for info in fs.ls(place)]
        assert name in fs.find(base)
        assert name in [f"{at}/{n}" for at, _, names in fs.walk(base) for n in names]
        (top / folder / f"new{number}").unlink()
        assert name not in fs.ls(place, detail=False)
        assert name not in [info["name"] for info in fs.ls(place)]


@pytest.mark.parametrize("how", ["pipe_file", "rm", "mv"])
def test_a_change_by_another_instance_shows_in_the_next_listing(disk, how):
    fs, base, _ = disk
    other = OpendalFileSystem("fs", skip_instance_cache=True, **fs._options)
    before = fs.ls(base, detail=False)
    assert before == [info["name"] for info in fs.ls(base)]
    if how == "pipe_file":
        other.pipe_file(f"{base}/new", b"")
    elif how == "rm":
        other.rm(f"{base}/a.txt")
    else:
        other.mv(f"{base}/a.txt", f"{base}/new")
    after = fs.ls(base, detail=False)
    assert after != before
    assert after == [info["name"] for info in fs.ls(base)]


@pytest.mark.parametrize("first", [True, False])
def test_listings_are_kept_on_demand(disk, first):
    _, base, top = disk
    options = {**disk[0]._options, "use_listings_cache": True}
    fs = fsspec.filesystem("opendal", scheme="fs", **options)
    before = fs.ls(base, detail=False)
    fs.ls(base, detail=first)
    (top / "new").write_bytes(b"1")
    for detail in (True, False):
        found = fs.ls(base, detail=detail)
        assert [info["name"] if detail else info for info in found] == before
    assert f"{base}/new" in fs.ls(base, detail=False, refresh=True)
    assert f"{base}/new" in fs.ls(base, detail=False)
    fs.pipe_file(f"{base}/mine", b"")
    assert f"{base}/mine" in fs.ls(base, detail=False)


def test_a_deep_tree_is_listed(tmp_path):
    deep = tmp_path
    for _ in range(400):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "f").write_bytes(b"1")
    fs = OpendalFileSystem("fs", skip_instance_cache=True)
    assert fs.find(str(tmp_path)) == [str(deep / "f")]
    assert list(fs.find(str(tmp_path), detail=True)) == [str(deep / "f")]


async def test_a_deep_tree_is_listed_from_a_coroutine(tmp_path):
    deep = tmp_path
    for _ in range(400):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "f").write_bytes(b"1")
    fs = OpendalFileSystem("fs", asynchronous=True, skip_instance_cache=True)
    assert await fs._find(str(tmp_path)) == [str(deep / "f")]
    assert list(await fs._find(str(tmp_path), detail=True)) == [str(deep / "f")]


def test_a_directory_that_vanishes_while_it_is_listed_is_no_error(tmp_path):
    import threading

    make_tree(tmp_path)
    fs = OpendalFileSystem("fs", skip_instance_cache=True)
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            (tmp_path / "v" / "w").mkdir(parents=True)
            (tmp_path / "v" / "w" / "f").write_bytes(b"")
            (tmp_path / "v" / "w" / "f").unlink()
            (tmp_path / "v" / "w").rmdir()
            (tmp_path / "v").rmdir()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    lasting = {f"{tmp_path}/{name}" for name in FILES}
    try:
        for _ in range(150):
            assert lasting <= set(fs.find(str(tmp_path))) <= lasting | {f"{tmp_path}/v/w/f"}
            assert lasting <= set(fs.find(str(tmp_path), detail=True))
            assert f"{tmp_path}/d" in fs.ls(str(tmp_path), detail=False)
            fs.ls(str(tmp_path))
    finally:
        stop.set()
        thread.join()
