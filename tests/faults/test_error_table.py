"""Whatever goes wrong is an `OSError` with a number, the service's code and what was done."""

import errno
import pickle
import time

import pytest

from opendalfs import OpendalFileSystem, errors
from tests.faults.doors import READS, WRITES, outcome
from tests.faults.harm import COMPLETE, Body, Cut, Garbage, HangUp, Stall, Status, when

MIB = 2**20
# What comes over the wire, what that is, and a text that tells which it was.
FAULTS = {
    "AccessDenied": (Status(403), PermissionError, "AccessDenied"),
    "ExpiredToken": (Status(400, "ExpiredToken"), OSError, "ExpiredToken"),
    "InvalidAccessKeyId": (
        Status(403, "InvalidAccessKeyId"),
        PermissionError,
        "InvalidAccessKeyId",
    ),
    "SignatureDoesNotMatch": (
        Status(403, "SignatureDoesNotMatch"),
        PermissionError,
        "SignatureDoesNotMatch",
    ),
    "RequestTimeTooSkewed": (
        Status(403, "RequestTimeTooSkewed"),
        PermissionError,
        r"RequestTimeTooSkewed.*\bclock\b",
    ),
    "NoSuchBucket": (Status(404, "NoSuchBucket"), FileNotFoundError, "NoSuchBucket"),
    "InvalidObjectState": (Status(403, "InvalidObjectState"), OSError, "InvalidObjectState"),
    "InternalError": (Status(500), OSError, "InternalError"),
    "SlowDown": (Status(503), OSError, "SlowDown"),
    "TooManyRequests": (Status(429), OSError, "TooManyRequests"),
    "MethodNotAllowed": (Status(405), OSError, "MethodNotAllowed"),
    "no XML": (Body(500, "<html>Bad Gateway</html>"), OSError, "500"),
    "nothing": (Body(502, ""), OSError, "502"),
    "unknown": (Status(418, "Teapot"), OSError, "Teapot"),
    "a reset": (HangUp(), OSError, "reset|closed"),
    "garbage": (Garbage(), OSError, "(?i)invalid|parse|http"),
    "a stall": (Stall(is_head=True), TimeoutError, "no answer|timed out"),
}
CALLS = {
    "cat_file": lambda fs, path: fs.cat_file(path),
    "cat_file of a slice": lambda fs, path: fs.cat_file(path, 1, 5),
    "cat": lambda fs, path: fs.cat([path]),
    "cat_ranges": lambda fs, path: fs.cat_ranges([path], [0], [5], on_error="raise"),
    "pipe_file": lambda fs, path: fs.pipe_file(path, b"value"),
    "create": lambda fs, path: fs.pipe_file(path, b"value", mode="create"),
    "upload in parts": lambda fs, path: fs.pipe_file(path, bytes(11 * MIB)),
    "ls": lambda fs, path: fs.ls(path.rpartition("/")[0]),
    "find": lambda fs, path: fs.find(path.rpartition("/")[0]),
}
# Answers to HEAD have no body: there the status is all that is known.
WITHOUT_BODY = {
    "info": lambda fs, path: fs.info(path),
    "open": lambda fs, path: fs.open(path),
    "exists": lambda fs, path: fs.exists(path),
    "cp_file": lambda fs, path: fs.cp_file(path, f"{path}2"),
    "rm_file": lambda fs, path: fs.rm_file(path),
}


def check(error, kind, path):
    assert isinstance(error, kind), repr(error)
    assert isinstance(error, errors.OpendalfsError)
    assert error.errno in errno.errorcode
    text = str(error)
    assert "\n" not in text
    assert path in text
    assert len(text) < 600
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.errno) == (type(error), text, error.errno)


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_an_os_error_with_its_number_and_its_code(proxied, name):
    fault, kind, text = FAULTS[name]
    fs = proxied.make(request_timeout=0.3, retry_timeout=0.5, max_retries=1, part_size=5 * MIB)
    proxied.proxy.fault = when(fault)
    for how, call in CALLS.items():
        path = proxied.join("d", "k")
        with pytest.raises(OSError, match=text) as caught:
            call(fs, path)
        check(caught.value, kind, proxied.root if kind is not FileNotFoundError else "test-bucket")
        assert caught.value.filename, how


@pytest.mark.parametrize("name", [name for name in FAULTS if "NoSuch" not in name])
def test_a_fault_without_words_is_an_os_error_with_a_number(proxied, name):
    fault, kind, _ = FAULTS[name]
    fs = proxied.make(request_timeout=0.3, retry_timeout=0.5, max_retries=1)
    proxied.proxy.fault = when(fault)
    for call in WITHOUT_BODY.values():
        with pytest.raises(OSError) as caught:  # noqa: PT011
            call(fs, proxied.join("k"))
        check(caught.value, kind, proxied.root)
        assert not isinstance(caught.value, FileNotFoundError)
        if isinstance(fault, Status | Body):
            assert str(fault.code) in str(caught.value)


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_every_door_raises_an_os_error(proxied, name):
    proxied.proxy.fault = when(Status(403))
    door, data = (READS[name], ()) if name in READS else (WRITES[name], (b"value",))
    error = outcome(lambda: door(proxied, proxied.join("k"), *data))
    check(error, errors.PermissionDenied, proxied.join("k"))


def test_a_part_of_an_upload_that_fails_tells_its_code(proxied):
    proxied.proxy.fault = when(Status(400, "EntityTooSmall"), **COMPLETE)
    with pytest.raises(OSError, match="EntityTooSmall"):
        proxied.make(part_size=5 * MIB).pipe_file(proxied.join("k"), bytes(11 * MIB))


def test_an_error_of_one_of_many_is_the_same_error(proxied):
    for name in ("a", "b"):
        proxied.other.write(name, b"value")
    proxied.proxy.fault = when(Status(403), key="/b")
    paths = [proxied.join("a"), proxied.join("b")]
    found = proxied.make().cat(paths, on_error="return")
    assert found[paths[0]] == b"value"
    check(found[paths[1]], errors.PermissionDenied, paths[1])
    with pytest.raises(PermissionError, match="AccessDenied"):
        proxied.make().cat(paths)


def test_a_body_that_always_breaks_off_at_once_is_an_os_error(proxied):
    proxied.other.write("k", b"value" * 1000)
    proxied.proxy.fault = when(Cut(0), method="GET")
    with pytest.raises(OSError) as caught:  # noqa: PT011
        proxied.make(retry_timeout=1).cat_file(proxied.join("k"))
    check(caught.value, OSError, proxied.join("k"))


NO_URLS = [
    "",
    " ",
    "http://",
    "http:///",
    "http://[::1",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:port",
    "http://a b",
    "ftp://127.0.0.1:9000",
    "file:///etc/passwd",
    "\x00",
]
NOBODY_THERE = [
    "127.0.0.1:1",
    "localhost:1",
    "//127.0.0.1:1",
    "http://user:pass@127.0.0.1:1",
    "http://\N{SNOWMAN}.invalid",
    "http://nowhere.invalid:9000",
]


def ask(endpoint):
    """Make an instance for an endpoint and read something; return the error and the time."""
    begin = time.monotonic()
    with pytest.raises((OSError, ValueError)) as caught:
        OpendalFileSystem(
            "s3",
            key="someone",
            secret="something",
            region="us-east-1",
            endpoint_url=endpoint,
            retry_timeout=2,
            skip_instance_cache=True,
        ).cat_file("bucket/k")
    text = str(caught.value)
    assert "endpoint" in text
    for wrong in ("\n", "panic", "something", "user:pass"):
        assert wrong not in text
    return caught.value, time.monotonic() - begin


@pytest.mark.parametrize("endpoint", NO_URLS)
def test_an_endpoint_that_is_no_url_is_refused_at_once(endpoint):
    error, seconds = ask(endpoint)
    assert isinstance(error, errors.ConfigInvalid)
    assert seconds < 1


@pytest.mark.parametrize("endpoint", NOBODY_THERE)
def test_an_endpoint_where_nobody_answers_is_an_os_error_within_the_budget(endpoint):
    error, seconds = ask(endpoint)
    assert error.errno in errno.errorcode
    assert not isinstance(error, FileNotFoundError)
    assert seconds < 5
