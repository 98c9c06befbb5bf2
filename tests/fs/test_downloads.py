"""Downloads of files around the size of a part, into places of every kind."""

import os
import random

import fsspec
import pytest
from fsspec.callbacks import Callback

from tests.faults.harm import Cut

PART = 64 * 1024
SIZES = [0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 7, 20 * PART + 1]
CONTENT = random.Random(6).randbytes(max(SIZES))


class Sums(Callback):
    """A callback that keeps every number it is told."""

    def __init__(self):
        super().__init__()
        self.sizes, self.steps = [], []

    def set_size(self, size):
        self.sizes.append(size)
        super().set_size(size)

    def relative_update(self, inc=1):
        self.steps.append(inc)
        super().relative_update(inc)


@pytest.fixture
def fs(store):
    return fsspec.filesystem(
        "opendal", **{**store.options, "part_size": PART, "skip_instance_cache": True}
    )


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "local"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("size", SIZES)
def test_a_download_of_any_size_is_the_object(store, fs, folder, size):
    store.fs.pipe_file(store.join("k"), CONTENT[:size])
    fs.get_file(store.join("k"), str(folder / "t"))
    assert (folder / "t").read_bytes() == CONTENT[:size]
    assert os.listdir(folder) == ["t"]


@pytest.mark.parametrize("size", SIZES)
def test_a_callback_is_told_the_size_once_and_all_bytes(store, fs, folder, size):
    store.fs.pipe_file(store.join("k"), CONTENT[:size])
    sums = Sums()
    fs.get_file(store.join("k"), str(folder / "t"), callback=sums)
    assert (sums.size, sums.value) == (size, size)
    assert set(sums.sizes) == {size}
    assert sum(sums.steps) == size
    assert (folder / "t").read_bytes() == CONTENT[:size]


@pytest.mark.parametrize("size", SIZES)
async def test_an_awaited_download_is_the_object(store, folder, size):
    store.fs.pipe_file(store.join("k"), CONTENT[:size])
    fs = fsspec.filesystem("opendal", **store.options, part_size=PART, asynchronous=True)
    sums = Sums()
    await fs._get_file(store.join("k"), str(folder / "t"), callback=sums)
    await fs._get_file(store.join("k"), str(folder / "u"))
    assert (folder / "t").read_bytes() == (folder / "u").read_bytes() == CONTENT[:size]
    assert (sums.size, sums.value) == (size, size)


@pytest.mark.parametrize("size", SIZES)
def test_a_download_into_an_open_file_is_the_object(store, fs, folder, size):
    store.fs.pipe_file(store.join("k"), CONTENT[:size])
    sums = Sums()
    with open(folder / "t", "w+b") as file:
        fs.get_file(store.join("k"), file, callback=sums)
    assert (folder / "t").read_bytes() == CONTENT[:size]
    assert (sums.size, sums.value) == (size, size)


def test_files_of_all_sizes_come_in_one_call(store, fs, folder):
    store.fs.pipe({store.join("d", f"{size}"): CONTENT[:size] for size in SIZES})
    fs.get(store.join("d") + "/", f"{folder}/", recursive=True)
    assert {int(name): (folder / name).read_bytes() for name in os.listdir(folder)} == {
        size: CONTENT[:size] for size in SIZES
    }


def test_a_missing_local_directory_is_made(store, fs, folder):
    store.fs.pipe_file(store.join("k"), CONTENT)
    fs.get_file(store.join("k"), str(folder / "a" / "b" / "t"))
    assert (folder / "a" / "b" / "t").read_bytes() == CONTENT


def test_a_local_path_without_a_directory_is_one_of_the_working_directory(
    store, fs, folder, monkeypatch
):
    store.fs.pipe_file(store.join("k"), CONTENT)
    monkeypatch.chdir(folder)
    fs.get_file(store.join("k"), "t")
    assert (folder / "t").read_bytes() == CONTENT


def test_a_local_directory_is_not_replaced_by_a_file(store, fs, folder):
    store.fs.pipe_file(store.join("k"), CONTENT)
    (folder / "t").mkdir()
    (folder / "t" / "kept").write_bytes(b"kept")
    with pytest.raises(IsADirectoryError, match="t"):
        fs.get_file(store.join("k"), str(folder / "t"))
    assert (folder / "t" / "kept").read_bytes() == b"kept"
    assert os.listdir(folder) == ["t"]


def test_a_local_file_in_the_way_of_a_directory_is_an_error(store, fs, folder):
    store.fs.pipe_file(store.join("k"), CONTENT)
    (folder / "t").write_bytes(b"kept")
    with pytest.raises((FileExistsError, NotADirectoryError)):
        fs.get_file(store.join("k"), str(folder / "t" / "below"))
    assert (folder / "t").read_bytes() == b"kept"


@pytest.mark.skipif(os.name != "posix", reason="a mode of the file")
def test_a_replaced_local_file_keeps_its_mode_and_a_link_to_it_is_replaced(store, fs, folder):
    store.fs.pipe_file(store.join("k"), CONTENT)
    (folder / "t").write_bytes(bytes(5))
    (folder / "t").chmod(0o640)
    fs.get_file(store.join("k"), str(folder / "t"))
    assert (folder / "t").read_bytes() == CONTENT
    assert (folder / "t").stat().st_mode & 0o777 == 0o640


def test_a_missing_object_leaves_no_local_file(store, fs, folder):
    for parts in ([store.join("missing")], [store.join("d", "missing")]):
        with pytest.raises(FileNotFoundError, match="missing"):
            fs.get_file(*parts, str(folder / "t"))
        sums = Sums()
        with pytest.raises(FileNotFoundError, match="missing"):
            fs.get_file(*parts, str(folder / "t"), callback=sums)
        assert sum(sums.steps) == 0
    assert os.listdir(folder) == []


def test_a_directory_of_the_store_becomes_a_local_directory(store, fs, folder):
    store.fs.pipe_file(store.join("d", "k"), CONTENT)
    fs.get_file(store.join("d"), str(folder / "t"))
    assert (folder / "t").is_dir()
    assert os.listdir(folder / "t") == []


@pytest.fixture
def slow_way(relay, s3):
    """Return an instance with small parts whose requests can be made to fail, and its relay."""
    s3.fs.pipe_file(s3.join("k"), CONTENT)
    s3.fs.pipe_file(s3.join("l"), CONTENT[: PART + 5])
    options = {**relay.options, "part_size": PART, "max_retries": 1, "skip_instance_cache": True}
    return fsspec.filesystem("opendal", scheme="s3", **options), relay


@pytest.mark.parametrize("fault", ["refuse", "cut"])
@pytest.mark.parametrize("failing", [0, PART, 19 * PART])
def test_a_download_that_fails_in_the_middle_leaves_nothing(slow_way, s3, folder, fault, failing):
    fs, relay = slow_way

    def answer(request):
        # Who wants all asks for all; that is also the request for the first part.
        if request.method == "GET" and request.query == {} and (request.start or 0) == failing:
            return Cut(PART // 2) if (fault, failing) == ("cut", 0) else fault
        # What is asked for behind the cut: of the answer for all, that may be more than a part.
        is_behind = failing < (request.start or 0) < failing + PART
        is_rest = failing == 0 and (request.start or 0) % PART != 0
        return "drop" if is_behind or is_rest else None

    relay.fault = answer
    (folder / "old").write_bytes(b"old")
    for target, how in (("t", {"callback": Sums()}), ("old", {})):
        with pytest.raises(OSError, match="k"):
            fs.get_file(s3.join("k"), str(folder / target), **how)
        assert os.listdir(folder) == ["old"]
        assert (folder / "old").read_bytes() == b"old"
    relay.fault = lambda request: None
    fs.get_file(s3.join("k"), str(folder / "t"))
    assert (folder / "t").read_bytes() == CONTENT


def test_one_failure_of_many_downloads_is_raised_and_leaves_no_half_file(slow_way, s3, folder):
    fs, relay = slow_way
    relay.fault = lambda request: "drop" if request.start == 3 * PART else None
    with pytest.raises(OSError, match="k"):
        fs.get([s3.join("k"), s3.join("l")], [str(folder / "k"), str(folder / "l")])
    assert os.listdir(folder) in ([], ["l"])
    if os.listdir(folder):
        assert (folder / "l").read_bytes() == CONTENT[: PART + 5]


def test_a_download_of_a_replaced_object_is_no_mixture(slow_way, s3, witness, folder):
    fs, relay = slow_way

    def replace(request):
        if request.start == 5 * PART:
            witness.write(s3.join("k"), bytes(len(CONTENT)))

    relay.fault = replace
    with pytest.raises(OSError, match="k"):
        fs.get_file(s3.join("k"), str(folder / "t"))
    assert os.listdir(folder) == []


def test_a_download_asks_for_each_byte_once(slow_way, s3, folder):
    fs, relay = slow_way
    fs.get_file(s3.join("k"), str(folder / "t"))
    reads = sorted((start or 0, end) for start, end in relay.reads())
    assert [start for start, _ in reads] == list(range(0, len(CONTENT), PART))
    # One look whether it is a directory.
    assert len(relay.requests) <= len(reads) + 1
