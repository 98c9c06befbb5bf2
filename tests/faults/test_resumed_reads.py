"""Reads that break off go on where they stopped, in the object they began with."""

import itertools
import os
import random
import threading

import pytest

from opendalfs import errors
from tests.faults.doors import READS, each_read, outcome
from tests.faults.harm import GET, Cut, FlipHeader, Shorten, when

MIB = 2**20
SIZE = 4 * MIB + MIB // 2
OLD = random.Random(1).randbytes(SIZE)
NEW = random.Random(2).randbytes(SIZE)

SHORT_ANSWERS = {
    "cut": Cut(MIB),
    "cut where the length is not told": Cut(MIB, is_announced=False),
    "shorter": Shorten(MIB),
}


@each_read
@pytest.mark.parametrize("name", SHORT_ANSWERS)
def test_answers_of_one_mebibyte_each_make_up_the_object(proxied, read, name):
    proxied.other.write("k", OLD)
    proxied.proxy.fault = when(SHORT_ANSWERS[name], **GET)
    got = outcome(lambda: read(proxied, proxied.join("k"), retry_timeout=2))
    if name == "shorter" and isinstance(got, errors.OpendalfsError):
        # Memory had been made for as much as the answer spoke of.
        assert "another size" in str(got)
        return
    assert got == OLD
    requests = proxied.proxy.asked(**GET)
    ends = [min(request.end or SIZE, SIZE) for request in requests]
    starts = [request.start or 0 for request in requests]
    sent = sum(min(MIB, end - start) for start, end in zip(starts, ends, strict=True))
    # Going on from the place of the break, nothing is fetched twice. An answer to a request for
    # all that does not say how much that is cannot be used.
    unused = MIB if "not told" in name and requests[0].start is None else 0
    assert sent == SIZE + unused
    resumed = [request for request in requests if request.start not in (0, None)]
    assert len(resumed) >= 4
    etag = proxied.witness.head(proxied.join("k"))["ETag"]
    cut_off = {start + MIB for start in starts}
    pins = {request.headers.get("if-match") for request in resumed if request.start in cut_off}
    assert pins == {etag}


def cut_and(change, turn):
    """Return a fault: each answer has a mebibyte, and before one of those that go on `change`.

    `turn` says before which of them, from 1.
    """
    resumed, lock = [], threading.Lock()

    def look(request):
        if request.method != "GET" or request.query:
            return None
        with lock:
            # Who goes on holds it to its version; where, depends on the bytes that came through.
            if request.start and "if-match" in request.headers:
                resumed.append(request.start)
                if len(resumed) == turn:
                    change()
        return Cut(MIB)

    return look


@each_read
@pytest.mark.parametrize("turn", [1, 2])
def test_an_object_replaced_by_one_of_equal_size_in_a_break_is_a_changed_error(proxied, read, turn):
    proxied.other.write("k", OLD)
    proxied.proxy.fault = cut_and(lambda: proxied.other.write("k", NEW), turn)
    with pytest.raises(errors.Changed) as caught:
        read(proxied, proxied.join("k"), part_size=8 * MIB)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno
    assert proxied.join("k") in str(caught.value)
    # No half of a download is left either.
    left = [name for _, _, names in os.walk(proxied.folder) for name in names]
    assert left == []


@each_read
def test_an_object_removed_in_a_break_is_an_error_and_no_bytes(proxied, read):
    proxied.other.write("k", OLD)
    proxied.proxy.fault = cut_and(lambda: proxied.witness.delete(proxied.join("k")), 1)
    with pytest.raises((errors.Changed, errors.NotFound)):
        read(proxied, proxied.join("k"), part_size=8 * MIB)


@pytest.mark.parametrize("name", READS)
def test_an_object_replaced_between_two_parts_is_never_a_mixture(proxied, name):
    proxied.other.write("k", OLD)
    # cat_ranges reads slices of their own; the other doors read one thing.
    seen = when("drop", skip=1, times=1, **GET)

    def look(request):
        if seen(request):
            proxied.other.write("k", NEW)

    proxied.proxy.fault = look
    got = outcome(lambda: READS[name](proxied, proxied.join("k"), part_size=MIB))
    if "cat_ranges" in name and isinstance(got, bytes):
        bounds = [*range(0, SIZE, SIZE // 4), SIZE]
        for start, end in itertools.pairwise(bounds):
            assert got[start:end] in (OLD[start:end], NEW[start:end])
    else:
        assert isinstance(got, errors.Changed), got


@each_read
def test_an_etag_that_arrives_wrong_never_gives_wrong_bytes(proxied, read):
    proxied.other.write("k", OLD)
    cut, flip = when(Cut(MIB), times=1, **GET), when(FlipHeader(), method="HEAD", times=1)
    proxied.proxy.fault = lambda request: cut(request) or flip(request)
    got = outcome(lambda: read(proxied, proxied.join("k")))
    assert got == OLD or isinstance(got, errors.Changed)
