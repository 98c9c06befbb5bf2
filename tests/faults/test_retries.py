"""Passing faults heal, lasting ones end in time, and what cannot heal is asked for once."""

import itertools
import random
import threading
import time
from collections import Counter

import pytest

from tests.faults.doors import READS, UPLOADS, WRITES, outcome, through_all
from tests.faults.harm import (
    GET,
    LOST_ANSWER,
    Cut,
    Garbage,
    HangUp,
    Shorten,
    Stall,
    Status,
    Trickle,
    when,
)

MIB = 2**20
BODY = random.Random(5).randbytes(2 * MIB + 17)
SMALL = BODY[:1000]
# Three parts of the least size that S3 takes.
LARGE = random.Random(6).randbytes(10 * MIB + 5)
PARTS = {"part_size": 5 * MIB}

PASSING = {
    "500": Status(500),
    "502": Status(502, "BadGateway"),
    "503": Status(503),
    "504": Status(504, "GatewayTimeout"),
    "429": Status(429),
    "408": Status(408),
    "a reset": HangUp(),
    "a lost answer": LOST_ANSWER,
    "garbage": Garbage(),
    "a head that stalls": Stall(is_head=True, seconds=3),
}
IN_BODIES = {
    "a cut": Cut(),
    "a cut of a body of no known length": Cut(is_announced=False),
    "a shorter body": Shorten(300_000),
    "no byte": Cut(0),
    "a body that stalls": Stall(seconds=3),
    "a slow body": Trickle(MIB // 4, 0.02),
}
MOST_TRIES = 10
# Of a second's budget the rest is what a loaded machine takes besides.
SLACK = 2


def warm(proxied, **options):
    """Have the server answer once: one that never did is not waited for twice."""
    assert not proxied.make(**options).exists(proxied.join("nothing"))


def is_plain(error):
    """Whether an exception is an `OSError` with a number, and says more than that."""
    return isinstance(error, OSError) and bool(error.errno) and len(str(error)) > 20


def turns(name):
    """Return how often a fault comes: twice, but for those that cost a second each."""
    return 1 if "stalls" in name else 2


@pytest.mark.parametrize("name", PASSING | IN_BODIES)
def test_reads_heal_from_a_fault_that_passes(proxied, name):
    for door in READS:
        proxied.other.write(door, BODY)
    warm(proxied, request_timeout=1)
    proxied.proxy.fault = when((PASSING | IN_BODIES)[name], times=turns(name))
    got = through_all(
        READS, lambda door, read: read(proxied, proxied.join(door), request_timeout=1) == BODY
    )
    assert got == dict.fromkeys(READS, True)


@pytest.mark.parametrize("name", PASSING)
def test_writes_heal_from_a_fault_that_passes(proxied, name):
    warm(proxied, request_timeout=1)
    proxied.proxy.fault = when(PASSING[name], times=turns(name))
    got = through_all(
        WRITES, lambda door, write: write(proxied, proxied.join(door), SMALL, request_timeout=1)
    )
    assert got == dict.fromkeys(WRITES)
    assert proxied.witness.contents(proxied.root) == dict.fromkeys(WRITES, SMALL)


@pytest.mark.parametrize("name", PASSING)
def test_uploads_in_parts_heal_from_a_fault_that_passes(proxied, name):
    warm(proxied, request_timeout=1, **PARTS)
    # Each part, the start and the end of the upload have it once.
    proxied.proxy.fault = when(PASSING[name], times=1)
    got = through_all(
        UPLOADS,
        lambda door, write: write(proxied, proxied.join(door), LARGE, request_timeout=1, **PARTS),
    )
    assert got == dict.fromkeys(UPLOADS)
    assert proxied.witness.contents(proxied.root) == dict.fromkeys(UPLOADS, LARGE)


LASTING = {
    "503": Status(503),
    "a reset": HangUp(),
    "a head that stalls": Stall(is_head=True),
    "garbage": Garbage(),
    "no byte": Cut(0),
    "a body that stalls": Stall(0),
}


@pytest.mark.parametrize("name", LASTING)
def test_reads_give_up_a_lasting_fault_within_their_budget(proxied, name):
    for door in READS:
        proxied.other.write(door, BODY)
    proxied.proxy.fault = when(LASTING[name], **GET)

    def read_in_time(door, read):
        begin = time.monotonic()
        got = outcome(lambda: read(proxied, proxied.join(door), retry_timeout=2))
        seconds = time.monotonic() - begin
        return (is_plain(got) and seconds < 2 + SLACK) or (got, seconds)

    assert through_all(READS, read_in_time) == dict.fromkeys(READS, True)
    assert max(tries_of(proxied).values()) <= MOST_TRIES


# On top of the budget a large body is given the time that it needs on a slow line.
WRITES_GIVEN_UP = [(name, SMALL) for name in ("503", "a reset", "a head that stalls", "garbage")]
WRITES_GIVEN_UP += [(name, LARGE) for name in ("503", "a reset", "garbage")]


@pytest.mark.parametrize(("name", "body"), WRITES_GIVEN_UP)
def test_writes_give_up_a_lasting_fault_within_their_budget(proxied, name, body):
    proxied.proxy.fault = when(LASTING[name], method="PUT")

    def write_in_time(door, write):
        begin = time.monotonic()
        got = outcome(lambda: write(proxied, proxied.join(door), body, retry_timeout=2, **PARTS))
        seconds = time.monotonic() - begin
        return (is_plain(got) and seconds < 2 + SLACK) or (got, seconds)

    doors = WRITES if body is SMALL else UPLOADS
    assert through_all(doors, write_in_time) == dict.fromkeys(doors, True)
    assert max(tries_of(proxied).values()) <= MOST_TRIES
    assert proxied.other.names() == []
    assert proxied.other.uploads() == []


def tries_of(proxied):
    """Return how often each request for an object was sent."""
    return Counter(
        (request.method, request.path, request.start, request.end, *request.query.items())
        for request in proxied.proxy.requests
        if request.path.startswith(proxied.root)
    )


@pytest.mark.soak
def test_a_lasting_fault_is_tried_ten_times_at_most_by_default(proxied):
    proxied.proxy.fault = when(Status(503))
    fs = proxied.make()
    error = outcome(lambda: fs.cat_file(proxied.join("k")))
    assert is_plain(error)
    # An answer which costs no time leaves all tries within the 60 seconds of the default.
    assert 3 <= len(proxied.proxy.requests) <= MOST_TRIES


@pytest.mark.parametrize("code", [400, 403, 404, 405, 409, 412])
def test_what_the_service_refuses_is_asked_for_once(proxied, code):
    proxied.proxy.fault = when(Status(code))
    reads = through_all(READS, lambda door, read: read(proxied, proxied.join(door)))
    writes = through_all(
        WRITES, lambda door, write: write(proxied, proxied.join("w" + door), SMALL)
    )
    assert [got for got in (*reads.values(), *writes.values()) if not is_plain(got)] == []
    assert {what: count for what, count in tries_of(proxied).items() if count > 1} == {}


def test_a_server_that_is_down_for_three_seconds_is_waited_for(proxied):
    for door in READS:
        proxied.other.write(door, BODY)
    warm(proxied)
    proxied.proxy.go_down()
    timer = threading.Timer(3, proxied.proxy.come_up)
    timer.start()

    def use(door, through):
        if door in READS and through is READS[door]:
            return through(proxied, proxied.join(door)) == BODY
        return through(proxied, proxied.join(door), SMALL) is None

    doors = {**READS, **{f"write by {door}": WRITES[door] for door in WRITES}}
    assert through_all(doors, use) == dict.fromkeys(doors, True)
    timer.join()
    contents = proxied.witness.contents(proxied.root)
    assert [contents[f"write by {door}"] for door in WRITES] == [SMALL] * len(WRITES)


def test_an_answer_that_comes_slowly_is_no_failure_however_long_it_takes(proxied):
    proxied.other.write("k", BODY)
    proxied.proxy.fault = when(Trickle(len(BODY) // 8, 0.3), **GET)
    got = through_all(
        READS, lambda door, read: read(proxied, proxied.join("k"), retry_timeout=1) == BODY
    )
    assert got == dict.fromkeys(READS, True)


@pytest.mark.parametrize("code", [503, 429])
def test_retry_after_is_waited_for(proxied, code):
    proxied.other.write("k", SMALL)
    proxied.proxy.fault = when(Status(code, headers=(("Retry-After", "1"),)), times=1)
    assert proxied.make().cat_file(proxied.join("k")) == SMALL
    proxied.make().pipe_file(proxied.join("w"), SMALL)
    for how in ({"method": "GET", "key": "k"}, {"method": "PUT", "key": "w"}):
        first, second = proxied.proxy.asked(**how)
        assert 0.9 < second.at - first.at < 3


def test_a_retry_after_beyond_the_budget_is_not_waited_for(proxied):
    # A server that begins says minutes, and is there in seconds: it is asked as often as others.
    proxied.proxy.fault = when(Status(503, headers=(("Retry-After", "100"),)))
    begin = time.monotonic()
    error = outcome(lambda: proxied.make(retry_timeout=2).cat_file(proxied.join("k")))
    assert is_plain(error)
    assert time.monotonic() - begin < 2 + SLACK
    assert 2 <= len(proxied.proxy.requests) <= MOST_TRIES


def test_tries_that_fail_at_once_are_spread_out(proxied):
    proxied.proxy.fault = when(Status(503))
    for _ in range(3):
        outcome(lambda: proxied.make(retry_timeout=2).cat_file(proxied.join("k")))
    at = [request.at for request in proxied.proxy.requests]
    pauses = [b - a for a, b in itertools.pairwise(at)]
    # No two clients that began together go on in step.
    assert len({round(pause, 3) for pause in pauses}) > 3
    assert max(pauses) > 0.2
