"""Files that somebody replaces while they are read: one version or an error, never both."""

import random
import threading

import fsspec
import pytest

from opendalfs.errors import Changed

KIB = 1024
SIZE = 3000 * KIB
OLD = random.Random(1).randbytes(SIZE)
NEW = {"same size": random.Random(2).randbytes(SIZE), "shorter": bytes(1000 * KIB)}
NEW |= {"longer": bytes(SIZE + 1000 * KIB), "empty": b""}


@pytest.fixture(params=[64 * KIB, 400 * KIB, 8192 * KIB], ids=lambda part: f"{part // KIB}K")
def fs(request, s3_options):
    """Return an instance: one that cannot read ahead far, one that can, the usual one."""
    return fsspec.filesystem("opendal", scheme="s3", part_size=request.param, **s3_options)


def read_to_its_end(file, step, got=b""):
    """Return what can be read, and whether that ended with the error for a replaced file."""
    try:
        while piece := file.read(step):
            got += piece
    except Changed:
        return got, True
    return got, False


@pytest.mark.parametrize("new", NEW)
@pytest.mark.parametrize("before", [0, 10 * KIB, 700 * KIB, 2900 * KIB])
def test_a_reader_that_goes_straight_on_sees_one_version(fs, s3_prefix, witness, new, before):
    path = f"{s3_prefix}/k"
    witness.write(path, OLD)
    with fs.open(path) as file:
        got = b""
        while len(got) < before:
            got += file.read(10 * KIB)
        witness.write(path, NEW[new])
        got, was_told = read_to_its_end(file, 50 * KIB, got)
        is_old = got == OLD[: len(got)]
        assert is_old, "bytes of another version"
        # All of it may have been here before it was replaced.
        assert was_told or len(got) == SIZE
        assert file.tell() == len(got)
    with fs.open(path) as file:
        is_new = file.read() == NEW[new]
        assert is_new


@pytest.mark.parametrize("new", NEW)
def test_jumps_after_the_replacement_are_told(fs, s3_prefix, witness, new):
    path = f"{s3_prefix}/k"
    witness.write(path, OLD)
    with fs.open(path) as file:
        assert file.read(100) == OLD[:100]
        witness.write(path, NEW[new])
        for _ in range(2):
            for at in (2000 * KIB, 1500 * KIB, SIZE - 10):
                file.seek(at)
                with pytest.raises(Changed, match="k"):
                    file.read(10)
                with pytest.raises(Changed, match="k"):
                    file.readline()
                assert file.tell() == at
        file.seek(0)
        with pytest.raises(Changed):
            file.read()
        with pytest.raises(Changed):
            file.readinto(bytearray(SIZE))


async def test_an_asynchronous_reader_sees_one_version(s3_options, s3_prefix, witness):
    fs = fsspec.filesystem(
        "opendal", scheme="s3", part_size=400 * KIB, asynchronous=True, **s3_options
    )
    path, got = f"{s3_prefix}/k", b""
    witness.write(path, OLD)
    async with await fs.open_async(path) as file:
        while len(got) < 700 * KIB:
            got += await file.read(10 * KIB)
        witness.write(path, NEW["same size"])
        try:
            while piece := await file.read(50 * KIB):
                got += piece
        except Changed:
            pass
        else:
            pytest.fail("bytes of the new version were read behind those of the old")
    is_old = got == OLD[: len(got)]
    assert is_old


def test_lines_and_text_are_those_of_one_version(fs, s3_prefix, witness):
    old, new = b"old\n" * 500_000, b"new\n" * 500_000
    path = f"{s3_prefix}/k"
    witness.write(path, old)
    lines = []

    def read(file):
        for number, line in enumerate(file):
            lines.append(line)
            if number == 1000:
                witness.write(path, new)

    with fs.open(path, "r") as file:
        try:
            read(file)
        except Changed:
            assert len(lines) < 500_000
        else:
            assert len(lines) == 500_000
    assert set(lines) == {"old\n"}


def test_threads_with_files_of_their_own_read_on_while_others_replace(fs, s3_prefix, witness):
    versions = [bytes([byte]) * SIZE for byte in range(1, 5)]
    path, stop, failures = f"{s3_prefix}/k", threading.Event(), []
    witness.write(path, versions[0])

    def replace():
        for number in range(1000):
            if stop.is_set():
                return
            witness.write(path, versions[number % 4])

    def read():
        for _ in range(5):
            with fs.open(path) as file:
                got, was_told = read_to_its_end(file, 100 * KIB)
            if len(set(got)) > 1 or not (was_told or len(got) == SIZE):
                failures.append((len(got), set(got), was_told))

    readers = [threading.Thread(target=read) for _ in range(3)]
    writer = threading.Thread(target=replace)
    for thread in [*readers, writer]:
        thread.start()
    for thread in readers:
        thread.join()
    stop.set()
    writer.join()
    assert failures == []
