"""Listing one directory, and asking what a path is."""

import pytest


def test_ls_gives_dicts_of_files_and_directories(store, tree, relative):
    entries = store.fs.ls(store.root, detail=True)
    assert relative(entry["name"] for entry in entries) == ["a.txt", "b.bin", "other", "sub"]
    found = {entry["name"].rsplit("/", 1)[-1]: entry for entry in entries}
    assert {name: entry["type"] for name, entry in found.items()} == {
        "a.txt": "file",
        "b.bin": "file",
        "other": "directory",
        "sub": "directory",
    }
    assert found["a.txt"]["size"] == len(tree["a.txt"])
    assert found["b.bin"]["size"] == 256


def test_ls_gives_names_that_can_be_used_again(store, tree):
    names = store.fs.ls(store.root, detail=False)
    assert sorted(names) == [store.join(name) for name in ("a.txt", "b.bin", "other", "sub")]
    assert store.fs.cat_file(next(name for name in names if name.endswith("a.txt")))


def test_ls_gives_dicts_by_default(store, tree):
    assert all(isinstance(entry, dict) for entry in store.fs.ls(store.root))


def test_names_carry_no_trailing_slash(store, tree):
    assert not any(name.endswith("/") for name in store.fs.ls(store.root, detail=False))
    assert not any(name.endswith("/") for name in store.fs.find(store.root, withdirs=True))


def test_ls_of_a_directory_with_a_trailing_slash_is_the_same(store, tree):
    path = store.join("sub")
    assert store.fs.ls(path + "/", detail=False) == store.fs.ls(path, detail=False)


def test_ls_does_not_list_the_directory_itself(store, tree, relative):
    names = store.fs.ls(store.join("sub"), detail=False)
    assert relative(names) == ["sub/c.txt", "sub/deep"]


def test_ls_of_a_file_gives_that_file(store, tree):
    path = store.join("a.txt")
    assert store.fs.ls(path, detail=False) == [path]
    (entry,) = store.fs.ls(path, detail=True)
    assert (entry["name"], entry["type"], entry["size"]) == (path, "file", 6)


@pytest.mark.parametrize("detail", [True, False])
def test_ls_of_a_missing_path_raises(store, tree, detail):
    with pytest.raises(FileNotFoundError) as caught:
        store.fs.ls(store.join("missing"), detail=detail)
    assert "missing" in str(caught.value)


def test_ls_of_half_a_name_raises(store, tree):
    with pytest.raises(FileNotFoundError):
        store.fs.ls(store.join("su"))
    with pytest.raises(FileNotFoundError):
        store.fs.ls(store.join("sub", "c"))


def test_ls_keeps_neighbours_with_the_same_start_apart(store, relative):
    for name in ("d/x", "d.txt", "d2/y", "d-1"):
        store.fs.pipe_file(store.join(*name.split("/")), b"")
    assert relative(store.fs.ls(store.join("d"), detail=False)) == ["d/x"]
    assert relative(store.fs.find(store.join("d"))) == ["d/x"]
    assert relative(store.fs.ls(store.root, detail=False)) == ["d", "d-1", "d.txt", "d2"]


def test_ls_gives_more_than_one_page(s3, boto, s3_key_prefix):
    names = [f"n{number:04d}" for number in range(1203)]
    s3.fs.pipe({s3.join(name): b"" for name in names})
    assert s3.fs.ls(s3.root, detail=False) == [s3.join(name) for name in names]
    assert s3.fs.find(s3.root) == [s3.join(name) for name in names]


def test_listdir_is_ls(store, tree):
    assert store.fs.listdir(store.root, detail=False) == store.fs.ls(store.root, detail=False)


def test_ls_of_the_bare_disk_root_lists_it(rooted):
    (rooted.path / "d").mkdir()
    (rooted.path / "f").write_bytes(b"1")
    for top in ("", "/"):
        assert sorted(rooted.fs.ls(top, detail=False), key=str) == sorted(
            rooted.fs.ls("", detail=False), key=str
        )
        assert [name.strip("/") for name in sorted(rooted.fs.ls(top, detail=False))] == ["d", "f"]


def test_an_empty_directory_on_disk_lists_as_empty(rooted):
    (rooted.path / "d").mkdir()
    assert rooted.fs.ls("d") == []
    assert rooted.fs.isdir("d")
    assert rooted.fs.find("d") == []


def test_exists_isfile_isdir_of_a_file(store, tree):
    path = store.join("sub", "c.txt")
    assert store.fs.exists(path)
    assert store.fs.isfile(path)
    assert not store.fs.isdir(path)
    assert store.fs.lexists(path)


def test_exists_isfile_isdir_of_an_implicit_directory(store, tree):
    for path in (store.join("sub"), store.join("sub", "deep"), store.root):
        assert store.fs.exists(path)
        assert store.fs.isdir(path)
        assert store.fs.isdir(path + "/")
        assert not store.fs.isfile(path)


def test_exists_isfile_isdir_of_what_is_missing(store, tree):
    for parts in (["missing"], ["su"], ["sub", "deep", "d"], ["sub", "missing", "x"]):
        path = store.join(*parts)
        assert store.fs.exists(path) is False
        assert store.fs.isfile(path) is False
        assert store.fs.isdir(path) is False


def test_a_path_through_a_file_does_not_exist(store, tree):
    path = store.join("a.txt", "below")
    assert store.fs.exists(path) is False
    assert store.fs.isdir(path) is False
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        store.fs.info(path)


def test_info_of_an_implicit_directory(store, tree):
    info = store.fs.info(store.join("sub"))
    assert info["name"] == store.join("sub")
    assert info["type"] == "directory"


def test_an_implicit_directory_vanishes_with_its_last_file_on_an_object_store(s3):
    path = s3.join("d", "only")
    s3.fs.pipe_file(path, b"")
    assert s3.fs.isdir(s3.join("d"))
    s3.fs.rm(path)
    assert not s3.fs.exists(s3.join("d"))


def test_size_and_sizes(store, tree):
    paths = [store.join("a.txt"), store.join("b.bin")]
    assert store.fs.size(paths[0]) == 6
    assert store.fs.sizes(paths) == [6, 256]
    with pytest.raises(FileNotFoundError):
        store.fs.size(store.join("missing"))


def test_du_sums_the_files_below(store, tree):
    assert store.fs.du(store.root) == sum(len(content) for content in tree.values())
    assert store.fs.du(store.join("sub")) == 20
    assert store.fs.disk_usage(store.join("sub")) == 20


def test_du_without_total_gives_each_file(store, tree):
    assert store.fs.du(store.root, total=False) == {
        store.join(*name.split("/")): len(content) for name, content in tree.items()
    }


def test_du_of_a_file_and_with_maxdepth(store, tree):
    assert store.fs.du(store.join("b.bin")) == 256
    assert store.fs.du(store.root, maxdepth=1) == 262
    assert store.fs.du(store.root, maxdepth=2, total=False).keys() == {
        store.join(name) for name in ("a.txt", "b.bin", "other/f.csv", "sub/c.txt")
    }


def test_tree_prints_every_name(store, tree):
    drawn = store.fs.tree(store.root, recursion_limit=5)
    for name in ("a.txt", "b.bin", "sub", "deep", "e.csv", "other"):
        assert name in drawn


def test_markers_of_directories_are_understood(s3, boto, s3_key_prefix, relative_s3):
    bucket = s3.root.split("/")[0]
    boto.put_object(Bucket=bucket, Key=f"{s3_key_prefix}/marked/", Body=b"")
    boto.put_object(Bucket=bucket, Key=f"{s3_key_prefix}/full/", Body=b"")
    s3.fs.pipe_file(s3.join("full", "x"), b"1")
    assert s3.fs.isdir(s3.join("marked"))
    assert s3.fs.info(s3.join("marked"))["type"] == "directory"
    assert s3.fs.ls(s3.join("marked")) == []
    assert relative_s3(s3.fs.ls(s3.join("full"), detail=False)) == ["full/x"]
    assert relative_s3(s3.fs.ls(s3.root, detail=False)) == ["full", "marked"]
    assert relative_s3(s3.fs.find(s3.root)) == ["full/x"]
    assert s3.fs.du(s3.root) == 1


@pytest.fixture
def relative_s3(s3):
    return lambda names: sorted(name.removeprefix(s3.root + "/") for name in names)
