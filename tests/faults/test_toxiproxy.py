"""Bad transport between client and server, made by Toxiproxy: right bytes or an `OSError`."""

import hashlib
import json
import os
import random
import threading
import time
import urllib.request
import uuid
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from tests.conftest import S3_ENDPOINT, missing
from tests.faults.doors import READS, UPLOADS, WRITES, outcome, through_all

API = os.environ.get("OPENDALFS_TOXIPROXY_ENDPOINT", "http://127.0.0.1:8474")
MIB = 2**20
SMALL = b"value"
BODY = random.Random(8).randbytes(4 * MIB + 11)
LARGE = random.Random(9).randbytes(10 * MIB + 11)
PARTS = {"part_size": 5 * MIB}


def call(method, path, value=None):
    """Ask Toxiproxy for something."""
    body = None if value is None else json.dumps(value).encode()
    request = urllib.request.Request(API + path, data=body, method=method)
    # Toxiproxy refuses browsers, which name themselves at length.
    request.add_header("User-Agent", "tests")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


@pytest.fixture(scope="module")
def toxiproxy():
    """Find Toxiproxy. Without it the test is skipped, and fails where ``CI`` is set."""
    try:
        call("GET", "/proxies")
    except OSError as error:
        missing(f"no Toxiproxy at {API} (scripts/services start toxiproxy): {error}")


@pytest.fixture
def toxic(toxiproxy, proxied):
    """Return the S3 store behind a connection that `add` makes worse."""
    name = f"t-{uuid.uuid4().hex}"
    upstream = urlsplit(S3_ENDPOINT).netloc
    given = {"name": name, "listen": "127.0.0.1:0", "upstream": upstream, "enabled": True}
    address = call("POST", "/proxies", given)["listen"]

    def add(kind, stream="downstream", **attributes):
        value = {"type": kind, "stream": stream, "attributes": attributes}
        call("POST", f"/proxies/{name}/toxics", value)

    def heal():
        for found in call("GET", f"/proxies/{name}/toxics"):
            call("DELETE", f"/proxies/{name}/toxics/{found['name']}")

    def enable(enabled):
        call("POST", f"/proxies/{name}", {"listen": address, "enabled": enabled})

    def make(**options):
        return proxied.make(endpoint_url=f"http://{address}", **options)

    yield SimpleNamespace(
        **{**vars(proxied), "make": make}, add=add, heal=heal, enable=enable, address=address
    )
    call("DELETE", f"/proxies/{name}")


def digest(data):
    return hashlib.sha256(data).hexdigest()


# What slows a connection down or ends it, and leaves the bytes as they are.
PASSABLE = {
    "latency": {"kind": "latency", "latency": 150, "jitter": 50},
    "bandwidth": {"kind": "bandwidth", "rate": 8000},
    "slices": {"kind": "slicer", "average_size": 1400, "size_variation": 500, "delay": 10},
    "slow_close": {"kind": "slow_close", "delay": 500},
}
each_passable = pytest.mark.parametrize("name", PASSABLE)


def read_all(store, **options):
    """Return what came of reading BODY through every door."""
    for door in READS:
        store.other.write(door, BODY)
    return through_all(
        READS,
        lambda door, read: digest(read(store, store.join(door), **options)) == digest(BODY),
    )


def write_all(store, doors, body, **options):
    """Write through every door; return what came of it and what is stored, by its digest."""
    got = through_all(doors, lambda door, write: write(store, store.join(door), body, **options))
    stored = {name: digest(data) for name, data in store.witness.contents(store.root).items()}
    return got, stored


@each_passable
def test_reads_pass_a_bad_connection(toxic, name):
    toxic.add(**PASSABLE[name])
    assert read_all(toxic) == dict.fromkeys(READS, True)


@each_passable
@pytest.mark.parametrize("body", [BODY, LARGE], ids=["one request", "in parts"])
def test_writes_pass_a_bad_connection(toxic, name, body):
    toxic.add(stream="upstream", **PASSABLE[name])
    doors = WRITES if body is BODY else UPLOADS
    got, stored = write_all(toxic, doors, body, **PARTS)
    assert got == dict.fromkeys(doors)
    assert stored == dict.fromkeys(doors, digest(body))


def test_reads_get_through_connections_that_end_after_a_megabyte(toxic):
    toxic.add("limit_data", bytes=1_000_000)
    assert read_all(toxic) == dict.fromkeys(READS, True)


def test_writes_get_through_connections_that_end_after_their_first_answers(toxic):
    # An answer to a write has about a thousand bytes: the third or fourth is cut off.
    toxic.add("limit_data", bytes=3000)
    got, stored = write_all(toxic, UPLOADS, LARGE, **PARTS)
    assert got == dict.fromkeys(UPLOADS)
    assert stored == dict.fromkeys(UPLOADS, digest(LARGE))


DEAD = {
    "reset_peer": {"kind": "reset_peer", "timeout": 0},
    "timeout": {"kind": "timeout", "timeout": 0},
}


@pytest.mark.parametrize("name", DEAD)
def test_a_dead_connection_is_an_os_error_within_the_budget(toxic, name):
    toxic.add(**DEAD[name])
    doors = {**READS, **{f"write by {door}": WRITES[door] for door in WRITES}}

    def use(door, through):
        begin = time.monotonic()
        data = () if door in READS else (SMALL,)
        got = outcome(lambda: through(toxic, toxic.join(door), *data, retry_timeout=2))
        seconds = time.monotonic() - begin
        return (isinstance(got, OSError) and bool(got.errno) and seconds < 5) or (got, seconds)

    assert through_all(doors, use) == dict.fromkeys(doors, True)
    # The answers never came back; what was stored in spite of that is whole.
    stored = toxic.witness.contents(toxic.root)
    assert set(stored.values()) <= {SMALL}


@pytest.mark.parametrize("name", DEAD)
def test_a_connection_that_comes_back_to_life_heals(toxic, name):
    for door in READS:
        toxic.other.write(door, BODY)
    assert toxic.make(request_timeout=1).exists(toxic.join("open"))
    toxic.add(**DEAD[name])
    heal = threading.Timer(2, toxic.heal)
    heal.start()
    assert read_all(toxic, request_timeout=1) == dict.fromkeys(READS, True)
    heal.join()


def test_a_server_down_for_three_seconds_is_waited_for(toxic):
    for door in READS:
        toxic.other.write(door, BODY)
    toxic.enable(False)
    up = threading.Timer(3, lambda: toxic.enable(True))
    up.start()
    doors = {**READS, **{f"write by {door}": WRITES[door] for door in WRITES}}

    def use(door, through):
        if door in READS:
            return digest(through(toxic, toxic.join(door))) == digest(BODY)
        return through(toxic, toxic.join(door), BODY) is None

    assert through_all(doors, use) == dict.fromkeys(doors, True)
    up.join()
    stored = toxic.witness.contents(toxic.root)
    assert {name: digest(data) for name, data in stored.items()} == dict.fromkeys(
        doors, digest(BODY)
    )
