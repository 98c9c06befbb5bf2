"""Reading whole objects, ranges and blocks in one call."""

import pytest

DATA = bytes(range(256)) * 4

RANGES = [
    (None, None),
    (0, None),
    (None, 10),
    (5, 15),
    (1000, None),
    (-10, None),
    (None, -10),
    (-20, -10),
    (5, -5),
    (-20, 1020),
    (0, 0),
    (3, 3),
    (10, 5),
    (-5, -10),
    (1000, 2000),
    (1024, None),
    (1024, 1030),
    (2000, None),
    (2000, 3000),
    (-5000, None),
    (-5000, 10),
    (None, -5000),
    (None, 5000),
]


@pytest.fixture
def path(store):
    path = store.join("data.bin")
    store.fs.pipe_file(path, DATA)
    return path


@pytest.mark.parametrize(("start", "end"), RANGES)
def test_cat_file_range_equals_the_python_slice(store, path, start, end):
    assert store.fs.cat_file(path, start=start, end=end) == DATA[start:end]


@pytest.mark.parametrize(("start", "end"), [(None, None), (0, 0), (0, 5), (-5, None), (5, 9)])
def test_any_range_of_an_empty_object_is_empty(store, start, end):
    path = store.join("empty")
    store.fs.pipe_file(path, b"")
    assert store.fs.cat_file(path, start=start, end=end) == b""


def test_cat_file_returns_bytes(store, path):
    assert type(store.fs.cat_file(path)) is bytes
    assert type(store.fs.cat_file(path, 1, 2)) is bytes


def test_cat_file_takes_positional_limits(store, path):
    assert store.fs.cat_file(path, 3, 6) == DATA[3:6]


def test_cat_of_one_path_returns_bytes(store, path):
    assert store.fs.cat(path) == DATA


def test_cat_of_a_list_returns_a_dict(store, path):
    second = store.join("second")
    store.fs.pipe_file(second, b"2")
    assert store.fs.cat([path, second]) == {path: DATA, second: b"2"}


def test_cat_of_a_list_of_one_returns_a_dict(store, path):
    assert store.fs.cat([path]) == {path: DATA}


def test_cat_of_a_glob_returns_a_dict_even_of_one(store, tree):
    fs = store.fs
    assert fs.cat(store.join("*.bin")) == {store.join("b.bin"): tree["b.bin"]}
    got = fs.cat(store.join("sub", "deep", "*"))
    assert got == {
        store.join("sub", "deep", "d.txt"): tree["sub/deep/d.txt"],
        store.join("sub", "deep", "e.csv"): tree["sub/deep/e.csv"],
    }


def test_cat_recursive_returns_every_file_below(store, tree):
    got = store.fs.cat(store.join("sub"), recursive=True, on_error="omit")
    assert got == {
        store.join(*name.split("/")): content
        for name, content in tree.items()
        if name.startswith("sub/")
    }


def test_cat_raises_for_a_missing_member_by_default(store, path):
    with pytest.raises(FileNotFoundError):
        store.fs.cat([path, store.join("missing")])


def test_cat_omits_a_missing_member(store, path):
    assert store.fs.cat([path, store.join("missing")], on_error="omit") == {path: DATA}


def test_cat_returns_the_error_of_a_missing_member(store, path):
    missing = store.join("missing")
    got = store.fs.cat([path, missing], on_error="return")
    assert got.keys() == {path, missing}
    assert got[path] == DATA
    assert isinstance(got[missing], FileNotFoundError)


def test_cat_file_of_a_missing_object_names_it(store):
    with pytest.raises(FileNotFoundError) as caught:
        store.fs.cat_file(store.join("missing"))
    assert "missing" in str(caught.value)


def test_cat_file_of_a_missing_object_raises_for_any_range(store):
    for start, end in [(0, 0), (3, 3), (-5, None), (1, 2), (None, -1)]:
        with pytest.raises(FileNotFoundError):
            store.fs.cat_file(store.join("missing"), start=start, end=end)


def test_cat_file_of_a_directory_raises(store, tree):
    with pytest.raises((FileNotFoundError, IsADirectoryError)):
        store.fs.cat_file(store.join("sub"))


def test_cat_ranges_reads_each_range(store, path):
    starts = [0, 5, None, -10, None, 1000, 3]
    ends = [10, None, 7, None, None, 2000, 3]
    got = store.fs.cat_ranges([path] * 7, starts, ends)
    assert got == [DATA[start:end] for start, end in zip(starts, ends, strict=True)]


def test_cat_ranges_of_several_paths_keeps_the_order(store, path):
    paths = [path]
    for number in range(20):
        paths.append(store.join(f"n{number}"))
        store.fs.pipe_file(paths[-1], b"%04d" % number)
    got = store.fs.cat_ranges(paths[:0:-1], 1, 4)
    assert got == [b"%03d" % number for number in reversed(range(20))]


def test_cat_ranges_takes_one_limit_for_all(store, path):
    assert store.fs.cat_ranges([path, path], 2, 5) == [DATA[2:5]] * 2
    assert store.fs.cat_ranges([path, path], [0, 1], None) == [DATA, DATA[1:]]


def test_cat_ranges_returns_errors_in_place(store, path):
    got = store.fs.cat_ranges([path, store.join("missing"), path], [0, 0, 1], [2, 2, 3])
    assert got[0] == DATA[0:2]
    assert isinstance(got[1], FileNotFoundError)
    assert got[2] == DATA[1:3]


def test_cat_ranges_raises_when_asked(store, path):
    with pytest.raises(FileNotFoundError):
        store.fs.cat_ranges([path, store.join("missing")], 0, 2, on_error="raise")


def test_cat_ranges_refuses_lists_of_different_length(store, path):
    with pytest.raises(ValueError):  # noqa: PT011
        store.fs.cat_ranges([path, path], [0], [1, 2])


def test_cat_ranges_of_nothing_is_nothing(store):
    assert store.fs.cat_ranges([], [], []) == []


def test_read_block_cuts_at_the_delimiter(store):
    path = store.join("people.csv")
    store.fs.pipe_file(path, b"Alice, 100\nBob, 200\nCharlie, 300")
    fs = store.fs
    assert fs.read_block(path, 0, 13) == b"Alice, 100\nBo"
    assert fs.read_block(path, 0, 13, delimiter=b"\n") == b"Alice, 100\nBob, 200\n"
    assert fs.read_block(path, 5, 13, delimiter=b"\n") == b"Bob, 200\n"
    assert fs.read_block(path, 15, 1000, delimiter=b"\n") == b"Charlie, 300"
    assert fs.read_block(path, 0, None, delimiter=b"\n") == fs.cat_file(path)


def test_head_and_tail_read_the_ends(store, path):
    assert store.fs.head(path, 10) == DATA[:10]
    assert store.fs.tail(path, 10) == DATA[-10:]


def test_head_and_tail_of_a_short_object_are_the_whole(store):
    path = store.join("short")
    store.fs.pipe_file(path, b"abc")
    assert store.fs.head(path) == b"abc"
    assert store.fs.tail(path) == b"abc"


def test_read_bytes_and_read_text(store):
    path = store.join("text")
    store.fs.pipe_file(path, "caf\u00e9\n".encode())
    assert store.fs.read_bytes(path) == b"caf\xc3\xa9\n"
    assert store.fs.read_bytes(path, 1, 3) == b"af"
    assert store.fs.read_text(path, encoding="utf-8") == "caf\u00e9\n"


def test_read_returns_the_object(store, path):
    assert store.fs.read(path) == DATA


def test_read_of_a_missing_object_raises(store):
    with pytest.raises(FileNotFoundError):
        store.fs.read(store.join("missing"))


def test_a_large_object_is_read_whole_and_in_parts(store):
    path = store.join("large")
    content = bytes(range(251)) * 80_000
    store.fs.pipe_file(path, content)
    assert store.fs.cat_file(path) == content
    assert store.fs.cat_file(path, 9_000_000, 19_000_001) == content[9_000_000:19_000_001]
    assert store.fs.cat_file(path, -17_000_000) == content[-17_000_000:]


def test_cat_of_one_file_gives_its_bytes_whatever_its_name(store):
    path = store.join("a[1]")
    store.fs.pipe({path: b"named", store.join("a1"): b"other"})
    assert store.fs.cat(path) == b"named"
    assert store.fs.cat(path, start=1, end=3) == b"am"
    assert store.fs.cat(path, recursive=True) == b"named"
    assert store.fs.cat(store.join("a[12]")) == {store.join("a1"): b"other"}
