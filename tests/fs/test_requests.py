"""How many requests reads take, and for which bytes: counted on the wire."""

import random

import fsspec
import pytest

MIB = 2**20
BLOCK = 128 * 1024
CONTENT = random.Random(9).randbytes(6 * MIB)


@pytest.fixture
def path(s3):
    s3.fs.pipe_file(s3.join("k"), CONTENT)
    return s3.join("k")


@pytest.fixture
def make(relay):
    """Return a function that makes an instance whose requests are counted."""

    def make(**options):
        options = {**relay.options, "skip_instance_cache": True, **options}
        return fsspec.filesystem("opendal", scheme="s3", **options)

    return make


def read_ranges(fs, path, spans, **options):
    got = fs.cat_ranges([path] * len(spans), *map(list, zip(*spans, strict=True)), **options)
    assert got == [CONTENT[start:end] for start, end in spans]


def test_neighbouring_slices_share_one_request(relay, make, path):
    read_ranges(make(), path, [(5000 * n, 5000 * n + 100) for n in range(40)])
    assert relay.reads() == [(0, 5000 * 39 + 100)]
    assert len(relay.requests) == 1


def test_slices_in_any_order_and_in_each_other_share_one_request(relay, make, path):
    read_ranges(make(), path, [(900, 1000), (10, 2000), (20, 30), (1500, 2500), (10, 2000)])
    assert relay.reads() == [(10, 2500)]


def test_without_a_gap_each_slice_is_asked_for_alone(relay, make, path):
    spans = [(5000 * n, 5000 * n + 100) for n in range(40)]
    read_ranges(make(), path, spans, max_gap=0)
    assert sorted(relay.reads()) == spans


def test_without_a_gap_slices_that_touch_still_share(relay, make, path):
    read_ranges(make(), path, [(0, 100), (100, 200), (150, 300), (301, 400)], max_gap=0)
    assert sorted(relay.reads()) == [(0, 300), (301, 400)]


@pytest.mark.parametrize(
    ("gap", "wanted"),
    [(49, [(0, 10), (60, 70), (170, 180)]), (50, [(0, 70), (170, 180)]), (100, [(0, 180)])],
)
def test_the_gap_decides_who_shares(relay, make, path, gap, wanted):
    read_ranges(make(), path, [(0, 10), (60, 70), (170, 180)], max_gap=gap)
    assert sorted(relay.reads()) == wanted


def test_distant_slices_do_not_share(relay, make, path):
    spans = [(0, 100), (3 * MIB, 3 * MIB + 100), (5 * MIB, 5 * MIB + 100)]
    read_ranges(make(), path, spans)
    assert sorted(relay.reads()) == spans


def test_a_shared_request_is_no_longer_than_a_part(relay, make, path):
    part = 64 * 1024
    read_ranges(make(part_size=part), path, [(1000 * n, 1000 * n + 900) for n in range(300)])
    reads = sorted(relay.reads())
    assert all(end - start <= part for start, end in reads)
    assert 300_000 // part <= len(reads) <= 300_000 // part + 2


def test_slices_of_different_files_do_not_share(relay, make, s3):
    paths = [s3.join(f"f{number}") for number in range(5)]
    s3.fs.pipe({path: path.encode() for path in paths})
    got = make().cat_ranges(paths, 0, 5)
    assert got == [path.encode()[:5] for path in paths]
    assert sorted(request.path for request in relay.requests) == paths


def test_one_missing_file_takes_nothing_from_its_neighbours(relay, make, s3, path):
    paths = [path, s3.join("missing"), path, s3.join("missing")]
    got = make().cat_ranges(paths, [0, 0, 20, 20], [10, 10, 30, 30])
    assert [got[0], got[2]] == [CONTENT[0:10], CONTENT[20:30]]
    assert all(isinstance(error, FileNotFoundError) for error in (got[1], got[3]))
    assert got[1] is not got[3]


def open_reads(relay):
    """Return the bytes asked for since the file was opened by one look."""
    assert [request.method for request in relay.requests[:1]] == ["HEAD"]
    assert {request.method for request in relay.requests[1:]} <= {"GET"}
    return relay.reads()


def test_a_sequential_reader_asks_few_times_and_for_each_byte_once(relay, make, path):
    with make().open(path) as file:
        got = b"".join(iter(lambda: file.read(10_000), b""))
    assert got == CONTENT
    reads = open_reads(relay)
    assert len(reads) <= 12
    position = 0
    for start, end in sorted(reads):
        assert start == position
        position = end
    assert position == len(CONTENT)


def test_lines_are_read_ahead_as_well(relay, make, s3):
    content = b"".join(b"%06d\n" % number for number in range(400_000))
    s3.fs.pipe_file(s3.join("lines"), content)
    with make().open(s3.join("lines")) as file:
        assert sum(1 for _ in file) == 400_000
    assert len(open_reads(relay)) <= 12


def test_a_random_reader_fetches_what_it_asks_for_and_no_more(relay, make, path):
    rng = random.Random(4)
    places = [(rng.randrange(len(CONTENT)), rng.choice([1, 100, 70_000, 400_000]))]
    while len(places) < 25:
        at, count = rng.randrange(len(CONTENT)), rng.choice([1, 100, 70_000, 400_000])
        before = places[-1][0]
        if not before - MIB < at < before + MIB:
            places.append((at, count))
    with make().open(path) as file:
        for at, count in places:
            file.seek(at)
            assert file.read(count) == CONTENT[at : at + count]
    reads = open_reads(relay)
    assert len(reads) == len(places)
    for (start, end), (at, count) in zip(reads, places, strict=True):
        assert start == at
        assert end == min(len(CONTENT), at + max(count, BLOCK))


def test_a_step_back_inside_what_was_read_asks_for_nothing(relay, make, path):
    with make().open(path) as file:
        assert file.read(1000) == CONTENT[:1000]
        count = len(relay.requests)
        for at in (500, 0, 2000, 100, BLOCK - 10):
            file.seek(at)
            assert file.read(10) == CONTENT[at : at + 10]
        assert len(relay.requests) == count


def test_a_short_file_is_read_in_one_request_whatever_the_steps(relay, make, s3):
    s3.fs.pipe_file(s3.join("short"), CONTENT[:1000])
    with make().open(s3.join("short")) as file:
        assert b"".join(iter(lambda: file.read(7), b"")) == CONTENT[:1000]
        file.seek(0)
        assert file.read() == CONTENT[:1000]
    assert [end for _, end in open_reads(relay)] == [1000]


def test_opening_and_seeking_fetch_nothing(relay, make, path):
    with make().open(path) as file:
        file.seek(1000)
        file.seek(-5, 2)
        assert file.read(0) == b""
        file.seek(0, 2)
        assert file.read(10) == b""
        assert file.readline() == b""
    assert open_reads(relay) == []


def test_a_long_readinto_asks_for_each_byte_once(relay, make, path):
    buffer = bytearray(len(CONTENT))
    with make(part_size=MIB).open(path, block_size=MIB) as file:
        assert file.readinto(buffer) == len(CONTENT)
    assert buffer == CONTENT
    assert sorted(open_reads(relay)) == [(n * MIB, (n + 1) * MIB) for n in range(6)]


@pytest.mark.parametrize("cache_type", ["none", "bytes"])
def test_fsspecs_caches_work_on_plain_reads(relay, make, path, cache_type):
    with make().open(path, cache_type=cache_type, block_size=1000) as file:
        assert file.read(100) == CONTENT[:100]
    ((start, end),) = open_reads(relay)
    assert (start, end) == (0, 100 if cache_type == "none" else 1100)
