"""What every store keeps to, by what it says of itself in ``capabilities()``."""

from __future__ import annotations

import os
import threading
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from opendalfs import errors
from tests.stores import SERVERS

TREE = {
    "a.txt": b"alpha",
    "b.bin": bytes(range(256)),
    "empty": b"",
    "sub/c.txt": b"gamma",
    "sub/deep/d.txt": b"delta",
    "sub.txt": b"beside",
}
ODD_NAMES = [
    "a b",
    "a+b",
    "100%",
    "%2F",
    "q?x=1&y=2",
    "h#x",
    "semi;colon,comma",
    "quote'\"<>&",
    "[x]{y}*",
    "ä-ü",
    "a\u0308",
    "😀",
    "trailing.",
    "-dash",
    ".hidden",
]
MIB = 1 << 20


@pytest.fixture
def store(any_store):
    return any_store


@pytest.fixture
def fs(store):
    return store.fs


@pytest.fixture
def can(store):
    """Give what the store can do, and its server in the tests as well."""
    server = SERVERS.get(store.scheme)
    lacking = dict.fromkeys(server.lacks if server else (), False)
    return {**store.fs.capabilities(), **lacking}


@pytest.fixture
def tree(store):
    for name, data in TREE.items():
        store.fs.pipe_file(store.join(name), data)
    return TREE


def relative(store, names):
    return sorted(name.removeprefix(store.root).lstrip("/") for name in names)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        (0, 3),
        (2, None),
        (None, -2),
        (-3, None),
        (-4, -1),
        (5, 100),
        (10, 20),
        (200, 300),
        (3, 3),
        (0, 0),
        (7, 2),
    ],
)
def test_slices_are_those_of_bytes(store, start, end):
    data = b"0123456789"
    store.fs.pipe_file(store.join("digits"), data)
    assert store.fs.cat_file(store.join("digits"), start, end) == data[start:end]


def test_an_empty_file_is_a_file(store, fs):
    fs.pipe_file(store.join("empty"), b"")
    assert fs.cat_file(store.join("empty")) == b""
    assert fs.info(store.join("empty"))["size"] == 0
    assert fs.isfile(store.join("empty"))
    with fs.open(store.join("empty")) as file:
        assert file.read() == b""


def test_a_file_is_described(store, fs, tree):
    info = fs.info(store.join("b.bin"))
    assert info["name"] == store.join("b.bin")
    assert (info["type"], info["size"]) == ("file", 256)
    if "mtime" in info:
        assert abs(datetime.now(UTC) - info["mtime"]) < timedelta(minutes=5)
    listed = {entry["name"]: entry for entry in fs.ls(store.root, detail=True)}
    assert listed[store.join("b.bin")]["size"] == 256
    assert fs.info(store.join("sub"))["type"] == "directory"
    assert listed[store.join("sub")]["type"] == "directory"


def test_trees_are_listed(store, fs, tree):
    assert relative(store, fs.ls(store.root, detail=False)) == [
        "a.txt",
        "b.bin",
        "empty",
        "sub",
        "sub.txt",
    ]
    assert relative(store, fs.find(store.root)) == sorted(tree)
    assert relative(store, fs.find(store.root, maxdepth=1)) == [
        "a.txt",
        "b.bin",
        "empty",
        "sub.txt",
    ]
    assert relative(store, fs.find(store.root, prefix="sub")) == [
        "sub.txt",
        "sub/c.txt",
        "sub/deep/d.txt",
    ]
    assert relative(store, fs.glob(store.join("**", "*.txt"))) == [
        "a.txt",
        "sub.txt",
        "sub/c.txt",
        "sub/deep/d.txt",
    ]
    assert relative(store, [root for root, _, _ in fs.walk(store.root)]) == ["", "sub", "sub/deep"]
    assert fs.du(store.root) == sum(map(len, tree.values()))
    assert fs.ls(store.join("a.txt"), detail=False) == [store.join("a.txt")]


@pytest.mark.parametrize(
    "use",
    [
        lambda fs, path: fs.info(path),
        lambda fs, path: fs.ls(path),
        lambda fs, path: fs.cat_file(path),
        lambda fs, path: fs.cat_file(path, 2, 5),
        lambda fs, path: fs.open(path).read(),
        lambda fs, path: fs.cp_file(path, f"{path}-copy"),
        lambda fs, path: fs.mv(path, f"{path}-moved"),
        lambda fs, path: fs.rm(path),
        lambda fs, path: fs.rm_file(path),
    ],
    ids=["info", "ls", "cat", "range", "open", "cp", "mv", "rm", "rm_file"],
)
def test_what_is_missing_is_not_found(store, tree, use):
    with pytest.raises(FileNotFoundError):
        use(store.fs, store.join("absent"))
    assert not store.fs.exists(store.join("absent"))
    assert relative(store, store.fs.find(store.root)) == sorted(tree)


def test_a_file_is_replaced_by_a_shorter_one(store, fs):
    fs.pipe_file(store.join("k"), b"a longer text")
    fs.pipe_file(store.join("k"), b"short")
    assert fs.cat_file(store.join("k")) == b"short"
    assert fs.info(store.join("k"))["size"] == 5


def test_create_refuses_what_is_there(store, fs):
    fs.pipe_file(store.join("k"), b"new", mode="create")
    with pytest.raises(FileExistsError):
        fs.pipe_file(store.join("k"), b"newer", mode="create")
    with pytest.raises(FileExistsError), fs.open(store.join("k"), "xb") as file:
        file.write(b"newest")
    assert fs.cat_file(store.join("k")) == b"new"
    assert relative(store, fs.find(store.root)) == ["k"]


def test_of_many_who_create_a_file_at_once_one_succeeds(store, fs, can):
    count = 8
    barrier, outcomes = threading.Barrier(count), [""] * count

    def create(number):
        barrier.wait()
        try:
            fs.pipe_file(store.join("k"), b"%d" % number, mode="create")
            outcomes[number] = "created"
        except FileExistsError:
            outcomes[number] = "refused"

    threads = [threading.Thread(target=create, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Elsewhere they look first: all may find nothing.
    assert outcomes.count("created") == 1 if can["create_only"] else "created" in outcomes
    assert outcomes[int(fs.cat_file(store.join("k")))] == "created"
    assert set(outcomes) <= {"created", "refused"}


def test_appending_keeps_what_is_there(store, fs):
    for piece in (b"one ", b"two ", b"three"):
        with fs.open(store.join("log"), "ab") as file:
            file.write(piece)
    assert fs.cat_file(store.join("log")) == b"one two three"


def test_copies_and_moves_replace_files(store, fs, tree):
    fs.cp_file(store.join("a.txt"), store.join("new", "dir", "copy"))
    fs.cp_file(store.join("a.txt"), store.join("b.bin"))
    assert fs.cat_file(store.join("new", "dir", "copy")) == b"alpha"
    assert fs.cat_file(store.join("b.bin")) == fs.cat_file(store.join("a.txt")) == b"alpha"
    fs.mv(store.join("a.txt"), store.join("sub", "c.txt"))
    fs.mv(store.join("empty"), store.join("other", "dir", "empty"))
    assert fs.cat_file(store.join("sub", "c.txt")) == b"alpha"
    assert relative(store, fs.find(store.root)) == [
        "b.bin",
        "new/dir/copy",
        "other/dir/empty",
        "sub.txt",
        "sub/c.txt",
        "sub/deep/d.txt",
    ]


@pytest.mark.parametrize(
    "use",
    [
        lambda fs, source, target: fs.pipe_file(target, b"x"),
        lambda fs, source, target: fs.cp_file(source, target),
        lambda fs, source, target: fs.mv_file(source, target),
    ],
    ids=["write", "copy", "move"],
)
def test_a_file_does_not_take_the_place_of_a_directory(store, fs, can, tree, use):
    if can["directories"]:
        with pytest.raises(IsADirectoryError):
            use(fs, store.join("a.txt"), store.join("sub"))
        assert relative(store, fs.find(store.root)) == sorted(tree)
    else:
        # A key and keys below it are different things.
        use(fs, store.join("a.txt"), store.join("sub"))
        assert store.join("sub") in fs.find(store.root)
    assert fs.cat_file(store.join("sub", "deep", "d.txt")) == b"delta"


def test_a_directory_is_not_read(store, fs, tree):
    with pytest.raises(IsADirectoryError):
        fs.cat_file(store.join("sub"))


def test_metadata_and_content_type_are_kept_where_they_can_be(store, fs, can):
    path = store.join("page")
    fs.pipe_file(path, b"<p>", content_type="text/x-odd", metadata={"author": "me"})
    info = fs.info(path)
    if can["content_type"]:
        assert info["ContentType"] == "text/x-odd"
    assert info.get("Metadata", {}) == ({"author": "me"} if can["user_metadata"] else {})
    assert fs.cat_file(path) == b"<p>"


def test_signed_urls_work_without_the_keys(store, fs, can):
    fs.pipe_file(store.join("a b"), b"shared")
    if can["sign"]:
        with urllib.request.urlopen(fs.sign(store.join("a b"))) as answer:
            assert answer.read() == b"shared"
    else:
        with pytest.raises(errors.Unsupported):
            fs.sign(store.join("a b"))


def test_touch_makes_and_keeps(store, fs):
    fs.touch(store.join("t"))
    assert fs.cat_file(store.join("t")) == b""
    fs.pipe_file(store.join("t"), b"kept")
    fs.touch(store.join("t"), truncate=False)
    assert fs.cat_file(store.join("t")) == b"kept"
    fs.touch(store.join("t"))
    assert fs.cat_file(store.join("t")) == b""


def test_odd_names_are_kept_and_listed(store, fs):
    for name in ODD_NAMES:
        fs.pipe_file(store.join("odd", name), name.encode())
    again = store.again()
    assert relative(store, again.ls(store.join("odd"), detail=False)) == sorted(
        f"odd/{name}" for name in ODD_NAMES
    )
    for name in ODD_NAMES:
        assert again.cat_file(store.join("odd", name)) == name.encode()
        assert again.info(store.join("odd", name))["size"] == len(name.encode())
    fs.rm([store.join("odd", name) for name in ODD_NAMES[:3]])
    assert len(fs.ls(store.join("odd"))) == len(ODD_NAMES) - 3


def test_large_files_go_there_and_back(store, fs, tmp_path):
    data = os.urandom(MIB) * 20 + b"end"
    with fs.open(store.join("large"), "wb") as file:
        for start in range(0, len(data), 3_000_001):
            file.write(data[start : start + 3_000_001])
    again = store.again()
    assert again.info(store.join("large"))["size"] == len(data)
    assert again.cat_file(store.join("large")) == data
    assert (
        again.cat_file(store.join("large"), 9 * MIB - 5, 9 * MIB + 5)
        == data[9 * MIB - 5 : 9 * MIB + 5]
    )
    fs.get_file(store.join("large"), str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == data
    fs.put_file(str(tmp_path / "down"), store.join("up"))
    fs.cp_file(store.join("up"), store.join("copy"))
    with again.open(store.join("copy")) as file:
        file.seek(-7, 2)
        assert file.read() == data[-7:]
        file.seek(5 * MIB)
        assert file.read(100) == data[5 * MIB : 5 * MIB + 100]


def test_many_files_at_once(store, fs):
    files = {store.join("many", f"{number:03}"): b"%d" % number for number in range(60)}
    fs.pipe(files)
    assert fs.cat(store.join("many"), recursive=True) == files
    assert fs.cat_ranges(list(files), [0] * 60, [1] * 60) == [data[:1] for data in files.values()]
    fs.rm(store.join("many"), recursive=True)
    assert not fs.exists(store.join("many"))


def test_nobody_sees_a_file_that_is_not_complete(store, fs, can):
    fs.pipe_file(store.join("d", "old"), b"old")
    other = store.again()
    seen = []
    for name in ("old", "new"):
        with suppress(ZeroDivisionError), fs.open(store.join("d", name), "wb") as file:
            file.write(bytes(18 * MIB))
            seen.append(relative(store, other.find(store.root)))
            seen.append(other.cat_file(store.join("d", "old")) == b"old")
            raise ZeroDivisionError
    fs.rm(store.join("d", "old"))
    left = relative(store, other.find(store.root))
    fs.pipe_file(store.join("d", "old"), b"")
    fs.rm(store.join("d"), recursive=True)
    gone = not other.exists(store.join("d"))

    assert can["atomic_write"]
    assert seen == [["d/old"], True, ["d/old"], True]
    assert left == []
    assert gone


def test_directories_are_real_or_none_of_our_business(store, fs, can):
    fs.pipe_file(store.join("file"), b"")
    fs.mkdir(store.join("a", "b", "c"))
    assert fs.isdir(store.join("a", "b", "c")) is can["directories"]
    if can["directories"]:
        with pytest.raises(FileExistsError):
            fs.mkdir(store.join("a", "b", "c"))
        with pytest.raises(FileNotFoundError):
            fs.mkdir(store.join("x", "y"), create_parents=False)
        with pytest.raises(OSError, match="not empty"):
            fs.rmdir(store.join("a"))
        fs.rmdir(store.join("a", "b", "c"))
        assert fs.ls(store.join("a", "b")) == []
    fs.makedirs(store.join("a", "b", "c"), exist_ok=True)
    fs.makedirs(store.join("a", "b", "c"), exist_ok=True)
    assert relative(store, fs.find(store.root)) == ["file"]


def test_a_reader_never_gets_bytes_of_two_versions(store, fs, can):
    path = store.join("v")
    old, new = b"o" * 20 * MIB, b"n" * 20 * MIB
    fs.pipe_file(path, old)
    with store.again().open(path, cache_type="none") as file:
        begin = file.read(10)
        fs.pipe_file(path, new)
        file.seek(19 * MIB)
        try:
            rest = file.read(10)
        except errors.Changed:
            rest = b""
    assert begin == b"o" * 10
    if can["pinned_reads"]:
        assert rest in (b"", b"o" * 10)
    assert fs.cat_file(path) == new


def test_bytes_below_a_file_are_not_there(store, fs, can):
    fs.pipe_file(store.join("file"), b"1")
    with pytest.raises((FileNotFoundError, NotADirectoryError)):
        fs.cat_file(store.join("file", "below"))
    if can["directories"]:
        with pytest.raises(OSError, match="below"):
            fs.pipe_file(store.join("file", "below"), b"2")
    assert fs.cat_file(store.join("file")) == b"1"
