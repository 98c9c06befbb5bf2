"""Downloads and uploads: get, put, their callbacks and their failures."""

import pytest
from fsspec.callbacks import Callback


class Recorder(Callback):
    """A callback that keeps the callbacks of the single files."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.children = []

    def branched(self, path_1, path_2, **kwargs):
        child = Recorder()
        self.children.append(child)
        return child


def write_tree(folder):
    contents = {"a.txt": b"alpha", "d/b.bin": bytes(70_000), "d/e/c.csv": b""}
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return contents


def read_tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_get_file_writes_the_local_file(store, tree, tmp_path):
    target = tmp_path / "b.bin"
    store.fs.get_file(store.join("b.bin"), str(target))
    assert target.read_bytes() == tree["b.bin"]


def test_get_file_replaces_a_longer_local_file(store, tree, tmp_path):
    target = tmp_path / "t"
    target.write_bytes(bytes(5000))
    store.fs.get_file(store.join("a.txt"), str(target))
    assert target.read_bytes() == tree["a.txt"]


def test_get_file_takes_an_open_file(store, tree, tmp_path):
    with open(tmp_path / "t", "w+b") as file:
        store.fs.get_file(store.join("b.bin"), file)
        file.seek(0)
        assert file.read() == tree["b.bin"]


def test_get_of_a_file_into_a_directory_and_to_a_name(store, tree, tmp_path):
    store.fs.get(store.join("a.txt"), f"{tmp_path}/")
    assert (tmp_path / "a.txt").read_bytes() == tree["a.txt"]
    store.fs.get(store.join("a.txt"), f"{tmp_path}/new/z.txt")
    assert (tmp_path / "new" / "z.txt").read_bytes() == tree["a.txt"]
    store.fs.download(store.join("b.bin"), str(tmp_path / "dl"))
    assert (tmp_path / "dl").read_bytes() == tree["b.bin"]


def test_get_of_a_directory_to_a_new_name(store, tree, tmp_path):
    store.fs.get(store.join("sub"), str(tmp_path / "new"), recursive=True)
    assert read_tree(tmp_path / "new") == {
        "c.txt": tree["sub/c.txt"],
        "deep/d.txt": tree["sub/deep/d.txt"],
        "deep/e.csv": tree["sub/deep/e.csv"],
    }


def test_get_of_a_directory_into_an_existing_one(store, tree, tmp_path):
    (tmp_path / "old").mkdir()
    store.fs.get(store.join("sub"), str(tmp_path / "old"), recursive=True)
    assert read_tree(tmp_path / "old").keys() == {"sub/c.txt", "sub/deep/d.txt", "sub/deep/e.csv"}


def test_get_with_a_trailing_slash_gets_the_contents(store, tree, tmp_path):
    (tmp_path / "old").mkdir()
    store.fs.get(store.join("sub") + "/", str(tmp_path / "old"), recursive=True)
    assert read_tree(tmp_path / "old").keys() == {"c.txt", "deep/d.txt", "deep/e.csv"}


def test_get_with_maxdepth_and_glob(store, tree, tmp_path):
    store.fs.pipe_file(store.join("sub", "c2.txt"), b"")
    store.fs.get(store.join("sub") + "/", f"{tmp_path}/one/", recursive=True, maxdepth=1)
    assert read_tree(tmp_path / "one").keys() == {"c.txt", "c2.txt"}
    store.fs.get(store.join("sub", "deep", "*.csv"), f"{tmp_path}/two/")
    assert read_tree(tmp_path / "two").keys() == {"e.csv"}


def test_get_of_lists(store, tree, tmp_path):
    store.fs.get(
        [store.join("a.txt"), store.join("sub", "c.txt")],
        [str(tmp_path / "1"), str(tmp_path / "2")],
    )
    assert (tmp_path / "1").read_bytes() == tree["a.txt"]
    assert (tmp_path / "2").read_bytes() == tree["sub/c.txt"]


def test_put_file_writes_the_object(store, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 1000)
    store.fs.put_file(str(source), store.join("x", "k"))
    assert store.fs.cat_file(store.join("x", "k")) == source.read_bytes()


def test_put_of_an_empty_file(store, tmp_path):
    (tmp_path / "empty").touch()
    store.fs.put(str(tmp_path / "empty"), store.join("k"))
    assert store.fs.cat_file(store.join("k")) == b""


def test_put_of_a_file_into_a_directory(store, tmp_path):
    (tmp_path / "f.txt").write_bytes(b"1")
    store.fs.put(str(tmp_path / "f.txt"), store.join("d") + "/")
    assert store.fs.cat_file(store.join("d", "f.txt")) == b"1"
    store.fs.upload(str(tmp_path / "f.txt"), store.join("up"))
    assert store.fs.cat_file(store.join("up")) == b"1"


def test_put_of_a_directory(store, tmp_path, relative):
    contents = write_tree(tmp_path / "src")
    store.fs.put(str(tmp_path / "src"), store.join("new"), recursive=True)
    assert relative(store.fs.find(store.join("new"))) == sorted(f"new/{n}" for n in contents)
    for name, content in contents.items():
        assert store.fs.cat_file(store.join("new", *name.split("/"))) == content
    store.fs.put(str(tmp_path / "src"), store.join("new"), recursive=True)
    assert store.fs.exists(store.join("new", "src", "d", "b.bin"))


def test_put_with_a_trailing_slash_puts_the_contents(store, tmp_path, relative):
    contents = write_tree(tmp_path / "src")
    store.fs.pipe_file(store.join("new", "old"), b"")
    store.fs.put(f"{tmp_path}/src/", store.join("new"), recursive=True)
    assert relative(store.fs.find(store.join("new"))) == sorted(
        f"new/{name}" for name in [*contents, "old"]
    )


def test_put_of_lists(store, tmp_path):
    (tmp_path / "1").write_bytes(b"one")
    (tmp_path / "2").write_bytes(b"two")
    store.fs.put(
        [str(tmp_path / "1"), str(tmp_path / "2")], [store.join("x"), store.join("d", "y")]
    )
    assert store.fs.cat_file(store.join("x")) == b"one"
    assert store.fs.cat_file(store.join("d", "y")) == b"two"


def test_put_of_a_missing_local_file_raises_and_keeps_the_object(store, tmp_path):
    store.fs.pipe_file(store.join("k"), b"old")
    with pytest.raises(FileNotFoundError):
        store.fs.put_file(str(tmp_path / "missing"), store.join("k"))
    with pytest.raises(FileNotFoundError):
        store.fs.put(str(tmp_path / "missing"), store.join("k"))
    assert store.fs.cat_file(store.join("k")) == b"old"


def test_large_files_travel_whole_both_ways(store, tmp_path):
    content = bytes(range(255)) * 100_000
    (tmp_path / "src").write_bytes(content)
    store.fs.put_file(str(tmp_path / "src"), store.join("k"))
    assert store.fs.info(store.join("k"))["size"] == len(content)
    store.fs.get_file(store.join("k"), str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content


@pytest.mark.parametrize("size", [0, 5, 12_000_000])
def test_callbacks_of_one_file_count_its_bytes(store, tmp_path, size):
    (tmp_path / "src").write_bytes(bytes(size))
    put, get = Callback(), Callback()
    store.fs.put_file(str(tmp_path / "src"), store.join("k"), callback=put)
    store.fs.get_file(store.join("k"), str(tmp_path / "back"), callback=get)
    assert (put.size, put.value) == (size, size)
    assert (get.size, get.value) == (size, size)


def test_callbacks_of_many_files_count_files_and_bytes(store, tmp_path):
    contents = write_tree(tmp_path / "src")
    total = sum(len(content) for content in contents.values())
    put, get = Recorder(), Recorder()
    store.fs.put(f"{tmp_path}/src/", store.join("d"), recursive=True, callback=put)
    assert (put.size, put.value) == (3, 3)
    assert sum(child.value for child in put.children) == total
    assert sum(child.size for child in put.children) == total
    store.fs.get(store.join("d") + "/", f"{tmp_path}/back/", recursive=True, callback=get)
    files = [child for child in get.children if child.value or child.size]
    assert get.value == get.size
    assert sum(child.value for child in files) == total
    assert sum(child.size for child in files) == total


def test_an_error_in_a_callback_reaches_the_caller(store, tmp_path):
    class Broken(Callback):
        def relative_update(self, inc=1):
            raise ZeroDivisionError

        def absolute_update(self, value):
            raise ZeroDivisionError

    store.fs.pipe_file(store.join("k"), bytes(100_000))
    with pytest.raises(ZeroDivisionError):
        store.fs.get_file(store.join("k"), str(tmp_path / "t"), callback=Broken())
    target = tmp_path / "t"
    # The bytes may all have been there before the callback heard of them.
    assert not target.exists() or target.read_bytes() == bytes(100_000)


def test_a_failed_get_leaves_no_local_file(store, tree, tmp_path):
    with pytest.raises(FileNotFoundError):
        store.fs.get_file(store.join("missing"), str(tmp_path / "t"))
    with pytest.raises(FileNotFoundError):
        store.fs.get(store.join("missing"), str(tmp_path / "u"))
    with pytest.raises(FileNotFoundError):
        store.fs.get([store.join("missing")], [str(tmp_path / "v")])
    assert {path.name for path in tmp_path.iterdir()} <= {"store"}


def test_a_failed_get_keeps_the_old_local_file(store, tree, tmp_path):
    (tmp_path / "t").write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        store.fs.get_file(store.join("missing"), str(tmp_path / "t"))
    assert (tmp_path / "t").read_bytes() == b"old"
