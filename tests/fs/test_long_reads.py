"""Reads of objects longer than one part, which come in several requests at once."""

import asyncio
import random

import fsspec
import pytest

PART = 64 * 1024
MIB = 2**20
SIZES = [0, 1, PART - 1, PART, PART + 1, 3 * PART + 7, MIB - 1, MIB, MIB + 1, MIB + 5 * PART + 3]
CONTENT = random.Random(5).randbytes(max(SIZES))


def spans_of(size):
    """Return slices that begin and end at, before and behind whatever may matter."""
    marks = {0, 1, PART - 1, PART, PART + 1, 2 * PART, size - PART - 1, size - 1, size, size + 9}
    marks = sorted(mark for mark in marks if mark >= 0)
    spans = [(None, None), (-1, None), (-PART - 1, None), (-size - 5, None), (None, -1)]
    spans += [(-PART - 3, -2), (5, -PART), (PART + 3, PART + 3), (size, 0), (0, 2**63 - 1)]
    spans += [(2**62, None), (7, 2**62), (-(2**62), None), (None, -(2**62))]
    spans += [(mark, None) for mark in marks] + [(None, mark) for mark in marks]
    return spans + [(a, b) for a in marks for b in (a + 1, a + PART, a + MIB) if a < size]


@pytest.fixture(params=SIZES)
def size(request):
    return request.param


@pytest.fixture
def path(store, size):
    path = store.join("k")
    store.fs.pipe_file(path, CONTENT[:size])
    return path


@pytest.fixture
def options(store):
    return {**store.options, "part_size": PART, "skip_instance_cache": True}


def differing(got, wanted):
    """Return the slices whose bytes are others; the bytes would drown a message."""
    assert len(got) == len(wanted)
    return [span for span, bytes_ in got.items() if bytes_ != wanted[span]]


def test_any_slice_of_any_size_is_the_slice_of_python(options, path, size):
    fs = fsspec.filesystem("opendal", **options)
    content = CONTENT[:size]
    spans = spans_of(size)
    got = {span: fs.cat_file(path, start=span[0], end=span[1]) for span in spans}
    assert differing(got, {(start, end): content[start:end] for start, end in spans}) == []
    assert all(type(value) is bytes for value in got.values())


async def test_awaited_slices_at_once_are_the_slices_of_python(options, path, size):
    fs = fsspec.filesystem("opendal", asynchronous=True, **options)
    content = CONTENT[:size]
    spans = spans_of(size)
    found = await asyncio.gather(*(fs._cat_file(path, start, end) for start, end in spans))
    got = dict(zip(spans, found, strict=True))
    assert differing(got, {(start, end): content[start:end] for start, end in spans}) == []


@pytest.mark.parametrize("concurrency", [1, 3, 64])
def test_the_count_of_parts_at_once_changes_no_byte(store, concurrency):
    store.fs.pipe_file(store.join("k"), CONTENT)
    fs = fsspec.filesystem("opendal", **store.options, part_size=PART, part_concurrency=concurrency)
    assert fs.cat_file(store.join("k")) == CONTENT
    assert fs.cat_file(store.join("k"), 3, -3) == CONTENT[3:-3]


def test_a_part_of_one_byte_is_possible(store):
    store.fs.pipe_file(store.join("k"), CONTENT[:300])
    fs = fsspec.filesystem("opendal", **store.options, part_size=1)
    assert fs.cat_file(store.join("k")) == CONTENT[:300]
    with fs.open(store.join("k")) as file:
        assert file.read(20) + file.read() == CONTENT[:300]


def test_a_missing_object_is_named_for_every_kind_of_slice(options, store):
    fs = fsspec.filesystem("opendal", **options)
    for start, end in [(None, None), (0, MIB), (2 * MIB, None), (-MIB, None), (-MIB, -1), (5, 5)]:
        with pytest.raises(FileNotFoundError, match="missing"):
            fs.cat_file(store.join("missing"), start, end)


def test_two_results_of_one_object_are_apart(options, store):
    """A result is filled in place: it must not be memory of another."""
    fs = fsspec.filesystem("opendal", **options)
    for name, byte in [("a", b"a"), ("b", b"b")]:
        store.fs.pipe_file(store.join(name), byte * (2 * MIB))
    first, second = fs.cat_file(store.join("a")), fs.cat_file(store.join("b"))
    assert first == b"a" * (2 * MIB)
    assert second == b"b" * (2 * MIB)


def test_each_byte_is_asked_for_once(relay, s3):
    s3.fs.pipe_file(s3.join("k"), CONTENT)
    fs = fsspec.filesystem("opendal", scheme="s3", part_size=PART, **relay.options)
    assert fs.cat_file(s3.join("k")) == CONTENT
    reads = sorted((start or 0, end or PART) for start, end in relay.reads())
    assert len(relay.requests) == len(reads) == -(-len(CONTENT) // PART)
    assert [start for start, _ in reads] == list(range(0, len(CONTENT), PART))
    assert all(end - start <= PART for start, end in reads)


@pytest.mark.parametrize(
    ("start", "end", "requests"),
    [(0, 100, 1), (5, PART + 5, 1), (-100, None, 1), (None, -5, 1), (7, 7, 1), (-20, -10, 2)],
)
def test_a_short_slice_takes_one_request_or_two(relay, s3, start, end, requests):
    s3.fs.pipe_file(s3.join("k"), CONTENT[: PART // 2])
    fs = fsspec.filesystem("opendal", scheme="s3", part_size=PART, **relay.options)
    assert fs.cat_file(s3.join("k"), start, end) == CONTENT[: PART // 2][start:end]
    wanted = 2 if end is not None and end < 0 else requests
    assert len(relay.requests) == wanted


SIZE = 24 * PART


def refused_when_replaced(relay, s3, witness, content):
    """Check that a long read is an error when the object is replaced by `content` meanwhile."""
    witness.write(s3.join("k"), b"o" * SIZE)

    def replace(request):
        if request.start == 4 * PART:
            witness.write(s3.join("k"), content)

    relay.fault = replace
    fs = fsspec.filesystem("opendal", scheme="s3", part_size=PART, **relay.options)
    with pytest.raises(OSError, match="k"):
        fs.cat_file(s3.join("k"))
    return fs


def test_a_long_read_of_a_replaced_object_is_no_mixture(relay, s3, witness):
    fs = refused_when_replaced(relay, s3, witness, b"n" * SIZE)
    relay.fault = lambda request: None
    assert fs.cat_file(s3.join("k")) == b"n" * SIZE


def test_a_long_read_of_an_object_made_shorter_is_an_error(relay, s3, witness):
    refused_when_replaced(relay, s3, witness, b"o" * PART)


@pytest.mark.parametrize(
    "span", [(2**63 - 1, None), (2**63 - 2, 2**63 - 1), (-(2**63), None), (None, -(2**63))]
)
def test_the_largest_numbers_are_limits_like_others(store, span):
    store.fs.pipe_file(store.join("k"), CONTENT[:100])
    assert store.fs.cat_file(store.join("k"), *span) == CONTENT[:100][slice(*span)]
