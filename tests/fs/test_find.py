"""Recursive listing: find, walk, expand_path."""

import pytest


def test_find_gives_every_file_sorted(store, tree):
    wanted = sorted(store.join(*name.split("/")) for name in tree)
    assert store.fs.find(store.root) == wanted
    assert store.fs.find(store.root + "/") == wanted


def test_find_with_directories_gives_the_start_as_well(store, tree, relative):
    found = store.fs.find(store.root, withdirs=True)
    assert relative(found) == sorted([*tree, "", "other", "sub", "sub/deep"])


def test_find_with_detail_gives_infos(store, tree):
    found = store.fs.find(store.root, detail=True)
    assert {name: info["size"] for name, info in found.items()} == {
        store.join(*name.split("/")): len(content) for name, content in tree.items()
    }
    assert all(info["type"] == "file" for info in found.values())
    assert all(info["name"] == name for name, info in found.items())


def test_find_with_detail_and_directories(store, tree, relative):
    found = store.fs.find(store.join("sub"), detail=True, withdirs=True)
    kinds = {name.removeprefix(store.join("sub")): info["type"] for name, info in found.items()}
    assert kinds == {
        "": "directory",
        "/c.txt": "file",
        "/deep": "directory",
        "/deep/d.txt": "file",
        "/deep/e.csv": "file",
    }


@pytest.mark.parametrize(
    ("maxdepth", "wanted"),
    [
        (1, ["a.txt", "b.bin"]),
        (2, ["a.txt", "b.bin", "other/f.csv", "sub/c.txt"]),
        (9, ["a.txt", "b.bin", "other/f.csv", "sub/c.txt", "sub/deep/d.txt", "sub/deep/e.csv"]),
    ],
)
def test_find_stops_at_maxdepth(store, tree, relative, maxdepth, wanted):
    assert relative(store.fs.find(store.root, maxdepth=maxdepth)) == wanted


def test_find_with_maxdepth_and_directories(store, tree, relative):
    found = store.fs.find(store.root, maxdepth=1, withdirs=True)
    assert relative(found) == ["", "a.txt", "b.bin", "other", "sub"]
    found = store.fs.find(store.root, maxdepth=2, withdirs=True)
    assert relative(found) == [
        "",
        "a.txt",
        "b.bin",
        "other",
        "other/f.csv",
        "sub",
        "sub/c.txt",
        "sub/deep",
    ]


def test_find_refuses_maxdepth_below_one(store, tree):
    with pytest.raises(ValueError, match="maxdepth"):
        store.fs.find(store.root, maxdepth=0)


def test_find_of_a_file_gives_that_file(store, tree):
    path = store.join("a.txt")
    assert store.fs.find(path) == [path]
    assert store.fs.find(path, detail=True)[path]["size"] == 6


def test_find_of_a_missing_path_gives_nothing(store, tree):
    assert store.fs.find(store.join("missing")) == []
    assert store.fs.find(store.join("su")) == []
    assert store.fs.find(store.join("missing"), detail=True) == {}
    assert store.fs.find(store.join("missing"), withdirs=True) == []


def test_find_with_a_prefix_of_the_names(store, tree, relative):
    assert relative(store.fs.find(store.root, prefix="su")) == [
        "sub/c.txt",
        "sub/deep/d.txt",
        "sub/deep/e.csv",
    ]
    assert relative(store.fs.find(store.root, prefix="a")) == ["a.txt"]
    assert relative(store.fs.find(store.join("sub", "deep"), prefix="e")) == ["sub/deep/e.csv"]
    assert store.fs.find(store.root, prefix="nothing") == []
    assert store.fs.find(store.root, prefix=None) == store.fs.find(store.root)


def test_find_with_a_prefix_and_directories_gives_what_begins_so(store, tree, relative):
    assert relative(store.fs.find(store.root, prefix="su", withdirs=True)) == [
        "sub",
        "sub/c.txt",
        "sub/deep",
        "sub/deep/d.txt",
        "sub/deep/e.csv",
    ]


def test_a_bucket_is_not_found_in_itself(s3, new_bucket):
    s3.fs.pipe_file(f"{new_bucket}/d/k", b"")

    assert s3.fs.find(new_bucket, withdirs=True) == [f"{new_bucket}/d", f"{new_bucket}/d/k"]
    # As s3fs: with a depth it is.
    assert s3.fs.find(new_bucket, withdirs=True, maxdepth=1) == [new_bucket, f"{new_bucket}/d"]


def test_walk_goes_from_the_top(store, tree):
    got = [
        (place.removeprefix(store.root).strip("/"), sorted(dirs), sorted(files))
        for place, dirs, files in store.fs.walk(store.root)
    ]
    assert got[0] == ("", ["other", "sub"], ["a.txt", "b.bin"])
    assert sorted(got) == [
        ("", ["other", "sub"], ["a.txt", "b.bin"]),
        ("other", [], ["f.csv"]),
        ("sub", ["deep"], ["c.txt"]),
        ("sub/deep", [], ["d.txt", "e.csv"]),
    ]
    places = [place for place, _, _ in got]
    assert places.index("sub") < places.index("sub/deep")


def test_walk_from_the_bottom(store, tree):
    places = [
        place.removeprefix(store.root).strip("/")
        for place, _, _ in store.fs.walk(store.root, topdown=False)
    ]
    assert sorted(places) == ["", "other", "sub", "sub/deep"]
    assert places[-1] == ""
    assert places.index("sub/deep") < places.index("sub")


def test_walk_stops_at_maxdepth(store, tree):
    got = list(store.fs.walk(store.root, maxdepth=1))
    assert len(got) == 1
    assert (sorted(got[0][1]), sorted(got[0][2])) == (["other", "sub"], ["a.txt", "b.bin"])
    assert len(list(store.fs.walk(store.root, maxdepth=2))) == 3
    with pytest.raises(ValueError, match="maxdepth"):
        list(store.fs.walk(store.root, maxdepth=0))


def test_walk_leaves_out_what_the_caller_removes(store, tree):
    places = []
    for place, dirs, _ in store.fs.walk(store.root):
        places.append(place.removeprefix(store.root).strip("/"))
        if "sub" in dirs:
            dirs.remove("sub")
    assert places == ["", "other"]


def test_walk_with_detail_gives_infos(store, tree):
    place, dirs, files = next(iter(store.fs.walk(store.root, detail=True)))
    assert place.strip("/") == store.root.strip("/")
    assert dirs["sub"]["type"] == "directory"
    assert files["b.bin"]["size"] == 256


def test_walk_of_a_missing_path(store, tree):
    missing = store.join("missing")
    assert [entry[1:] for entry in store.fs.walk(missing)] in ([], [([], [])])
    with pytest.raises(FileNotFoundError):
        list(store.fs.walk(missing, on_error="raise"))
    seen = []
    list(store.fs.walk(missing, on_error=seen.append))
    assert [type(error) for error in seen]
    assert all(isinstance(error, FileNotFoundError) for error in seen)


def test_expand_path_of_names_globs_and_directories(store, tree, relative):
    fs = store.fs
    assert relative(fs.expand_path(store.join("a.txt"))) == ["a.txt"]
    assert relative(fs.expand_path(store.join("*.txt"))) == ["a.txt"]
    assert relative(fs.expand_path([store.join("a.txt"), store.join("sub")])) == ["a.txt", "sub"]
    assert relative(fs.expand_path(store.join("sub"), recursive=True)) == [
        "sub",
        "sub/c.txt",
        "sub/deep",
        "sub/deep/d.txt",
        "sub/deep/e.csv",
    ]
    assert relative(fs.expand_path(store.join("sub"), recursive=True, maxdepth=1)) == [
        "sub",
        "sub/c.txt",
        "sub/deep",
    ]
    assert relative(fs.expand_path(store.join("s*"), recursive=True, maxdepth=2)) == [
        "sub",
        "sub/c.txt",
        "sub/deep",
    ]


def test_expand_path_of_nothing_raises(store, tree):
    with pytest.raises(FileNotFoundError):
        store.fs.expand_path(store.join("*.nothing"))
    with pytest.raises(FileNotFoundError):
        store.fs.expand_path(store.join("missing"), recursive=True)
    with pytest.raises(ValueError, match="maxdepth"):
        store.fs.expand_path(store.root, recursive=True, maxdepth=0)
