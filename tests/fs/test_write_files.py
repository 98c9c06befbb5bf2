"""Open files, writing: modes `wb`, `ab`, `xb` and what is refused."""

import gc
import hashlib
import random

import pytest

from opendalfs import OpendalFileSystem

MIB = 2**20


def test_a_file_is_published_at_close(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with store.fs.open(path, "wb") as file:
        file.write(b"new")
        assert store.fs.cat_file(path) == b"old"
    assert file.closed
    assert store.fs.cat_file(path) == b"new"


def test_a_new_file_is_not_visible_before_close(store):
    path = store.join("d", "k")
    with store.fs.open(path, "wb", block_size=5 * MIB) as file:
        file.write(bytes(11 * MIB))
        file.flush()
        assert not store.fs.exists(path)
        assert store.fs.find(store.root) == []
    assert store.fs.info(path)["size"] == 11 * MIB


def test_a_file_without_a_write_is_an_empty_object(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with store.fs.open(path, "wb"):
        pass
    assert store.fs.cat_file(path) == b""


def test_an_empty_write_is_nothing(store):
    path = store.join("k")
    with store.fs.open(path, "wb") as file:
        assert file.write(b"") == 0
        file.write(b"a")
        assert file.write(b"") == 0
    assert store.fs.cat_file(path) == b"a"


def test_tell_counts_the_bytes_written(store):
    path = store.join("k")
    with store.fs.open(path, "wb", block_size=5 * MIB) as file:
        assert file.tell() == 0
        total = 0
        for size in (1, 1000, 3 * MIB, 7, 6 * MIB, 5 * MIB):
            assert file.write(bytes(size)) == size
            total += size
            assert file.tell() == total
    assert store.fs.info(path)["size"] == total


def test_writes_of_odd_sizes_are_put_together_in_order(store):
    rng = random.Random(5)
    path = store.join("k")
    digest, total = hashlib.sha256(), 0
    with store.fs.open(path, "wb", block_size=5 * MIB) as file:
        while total < 18 * MIB:
            piece = rng.randbytes(rng.choice([1, 7, 1023, 65_537, MIB + 3, 5 * MIB, 5 * MIB + 1]))
            file.write(piece)
            digest.update(piece)
            total += len(piece)
    assert hashlib.sha256(store.fs.cat_file(path)).digest() == digest.digest()


def test_a_file_of_more_than_five_parts_is_stored_exactly(store):
    content = random.Random(6).randbytes(27 * MIB + 12_345)
    path = store.join("big")
    with store.fs.open(path, "wb", block_size=5 * MIB) as file:
        for start in range(0, len(content), MIB):
            file.write(content[start : start + MIB])
    assert store.fs.info(path)["size"] == len(content)
    assert store.fs.cat_file(path) == content
    with store.fs.open(path, "rb", block_size=5 * MIB) as file:
        assert file.read() == content


def test_one_write_far_larger_than_a_block_is_stored_exactly(store):
    content = random.Random(8).randbytes(26 * MIB + 1)
    path = store.join("big")
    with store.fs.open(path, "wb", block_size=5 * MIB) as file:
        assert file.write(content) == len(content)
    assert store.fs.cat_file(path) == content


def test_a_small_block_size_still_works(store):
    content = random.Random(9).randbytes(7 * MIB)
    path = store.join("k")
    with store.fs.open(path, "wb", block_size=1000) as file:
        for start in range(0, len(content), 300_000):
            file.write(content[start : start + 300_000])
    assert store.fs.cat_file(path) == content


def test_many_tiny_writes(store):
    path = store.join("k")
    with store.fs.open(path, "wb") as file:
        for number in range(20_000):
            file.write(b"%06d\n" % number)
    assert store.fs.cat_file(path) == b"".join(b"%06d\n" % number for number in range(20_000))


def test_writelines(store):
    path = store.join("k")
    with store.fs.open(path, "wb") as file:
        file.writelines([b"a\n", b"b\n"])
    assert store.fs.cat_file(path) == b"a\nb\n"


def test_append_adds_to_an_object(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"first ")
    with store.fs.open(path, "ab") as file:
        assert file.tell() == 6
        file.write(b"second")
        assert file.tell() == 12
    assert store.fs.cat_file(path) == b"first second"
    with store.fs.open(path, "ab") as file:
        file.write(b" third")
    assert store.fs.cat_file(path) == b"first second third"


def test_append_makes_a_missing_object(store):
    path = store.join("d", "k")
    with store.fs.open(path, "ab") as file:
        assert file.tell() == 0
        file.write(b"new")
    assert store.fs.cat_file(path) == b"new"


def test_append_of_nothing_changes_nothing(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with store.fs.open(path, "ab"):
        pass
    assert store.fs.cat_file(path) == b"old"


def test_append_to_a_large_object(store):
    old, more = random.Random(1).randbytes(12 * MIB + 5), random.Random(2).randbytes(6 * MIB + 3)
    path = store.join("k")
    store.fs.pipe_file(path, old)
    with store.fs.open(path, "ab", block_size=5 * MIB) as file:
        file.write(more)
    assert store.fs.cat_file(path) == old + more


def test_exclusive_creation_makes_a_new_object(store):
    path = store.join("k")
    with store.fs.open(path, "xb") as file:
        file.write(b"new")
    assert store.fs.cat_file(path) == b"new"


@pytest.mark.parametrize("old", [b"old", b""], ids=["full", "empty"])
@pytest.mark.parametrize("new", [b"new", b"", bytes(11 * MIB)], ids=["small", "nothing", "large"])
def test_exclusive_creation_refuses_an_existing_object(store, old, new):
    path = store.join("k")
    store.fs.pipe_file(path, old)

    def create():
        with store.fs.open(path, "xb", block_size=5 * MIB) as file:
            if new:
                file.write(new)

    with pytest.raises(FileExistsError):
        create()
    assert store.fs.cat_file(path) == old


def test_of_many_exclusive_files_at_once_exactly_one_wins(store, in_threads):
    path = store.join("k")

    def create(index):
        with store.fs.open(path, "xb") as file:
            file.write(b"writer %d" % index)
        return index

    results = in_threads(6, create)
    winners = [result for result in results if isinstance(result, int)]
    losers = [result for result in results if not isinstance(result, int)]
    assert len(winners) == 1, results
    assert all(isinstance(error, FileExistsError) for error in losers), losers
    assert store.fs.cat_file(path) == b"writer %d" % winners[0]


@pytest.mark.parametrize("mode", ["r+b", "w+b"])
def test_a_mode_for_reading_and_writing_gives_a_clear_error(store, mode):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with pytest.raises((ValueError, OSError, NotImplementedError)) as caught:
        store.fs.open(path, mode)
    assert mode in str(caught.value)
    assert store.fs.cat_file(path) == b"old"


def fail_inside(file, content):
    with file:
        file.write(content)
        raise ZeroDivisionError


def test_an_exception_inside_with_publishes_nothing(store):
    path = store.join("k")
    file = store.fs.open(path, "wb")
    with pytest.raises(ZeroDivisionError):
        fail_inside(file, b"half")
    assert file.closed
    assert not store.fs.exists(path)


@pytest.mark.parametrize("mode", ["wb", "ab", "w", "a"])
def test_an_exception_inside_with_keeps_the_old_object(store, mode):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    with pytest.raises(ZeroDivisionError):
        fail_inside(store.fs.open(path, mode), b"half" if "b" in mode else "half")
    assert store.fs.cat_file(path) == b"old"


def test_an_exception_inside_with_keeps_the_old_object_when_compressing(store):
    path = store.join("k.gz")
    store.fs.pipe_file(path, b"old")
    with pytest.raises(ZeroDivisionError):
        fail_inside(store.fs.open(path, "wb", compression="gzip"), b"half")
    assert store.fs.cat_file(path) == b"old"


def test_an_exception_after_some_parts_leaves_the_old_object_and_no_upload(shared):
    shared.other.write("k", b"old")
    with pytest.raises(ZeroDivisionError):
        fail_inside(shared.fs.open(shared.join("k"), "wb", block_size=5 * MIB), bytes(17 * MIB))
    assert shared.other.read("k") == b"old"
    assert shared.other.names() == ["k"]
    assert shared.other.uploads() == []


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("size", [10, 11 * MIB])
def test_a_file_never_closed_commits_nothing(shared, size):
    shared.other.write("k", b"old")
    file = shared.fs.open(shared.join("k"), "wb", block_size=5 * MIB)
    file.write(bytes(size))
    del file
    gc.collect()
    assert shared.other.read("k") == b"old"
    assert shared.other.names() == ["k"]


def test_a_closed_file_refuses_to_write(store):
    path = store.join("k")
    file = store.fs.open(path, "wb")
    file.write(b"a")
    file.close()
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.write(b"b")
    assert store.fs.cat_file(path) == b"a"


def test_a_writing_file_refuses_to_read_and_knows_what_it_is(store):
    with store.fs.open(store.join("k"), "wb") as file:
        assert file.writable()
        assert not file.readable()
        assert not file.seekable()
        with pytest.raises((ValueError, OSError)):
            file.read(1)
        with pytest.raises((ValueError, OSError)):
            file.seek(0)
        file.write(b"still fine")
    assert store.fs.cat_file(store.join("k")) == b"still fine"


def test_a_file_in_the_place_of_a_directory_is_refused_on_disk(rooted):
    (rooted.path / "d").mkdir()
    with pytest.raises(OSError), rooted.fs.open("d", "wb") as file:  # noqa: PT011
        file.write(b"x")
    assert (rooted.path / "d").is_dir()
    with pytest.raises(OSError):  # noqa: PT011
        rooted.fs.pipe_file("d", b"x")


@pytest.mark.parametrize("size", [10, 6 * MIB])
def test_an_append_keeps_type_encoding_and_metadata(s3, witness, size):
    how = {
        "ContentType": "text/csv",
        "ContentEncoding": "gzip",
        "CacheControl": "no-cache",
        "Metadata": {"owner": "tests"},
    }
    witness.write(s3.join("k"), bytes(size), **how)
    with s3.fs.open(s3.join("k"), "ab", content_type="text/plain") as file:
        file.write(b"more")
    head = witness.head(s3.join("k"))
    assert head["ContentLength"] == size + 4
    assert {name: head[name] for name in how} == {**how, "ContentType": "text/plain"}


async def test_an_asynchronous_append_keeps_type_encoding_and_metadata(s3, s3_options, witness):
    witness.write(s3.join("k"), b"old", ContentType="text/csv", Metadata={"owner": "tests"})
    fs = OpendalFileSystem("s3", asynchronous=True, skip_instance_cache=True, **s3_options)
    async with await fs.open_async(s3.join("k"), "ab") as file:
        await file.write(b"more")
    head = witness.head(s3.join("k"))
    assert (head["ContentType"], head["Metadata"]) == ("text/csv", {"owner": "tests"})
