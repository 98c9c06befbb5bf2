"""Requests that were carried out and nobody heard of it, and answers that promise too much."""

import asyncio
import random

import pytest

from opendalfs import errors
from tests.faults.doors import UPLOADS, WRITES, each_upload, outcome
from tests.faults.harm import COMPLETE, LOST_ANSWER, PUT, START, Body, Status, when

MIB = 2**20
SMALL = b"value"
LARGE = random.Random(7).randbytes(10 * MIB + 5)
PARTS = {"part_size": 5 * MIB}
BODIES = {"empty": b"", "small": SMALL, "in parts": LARGE}

each_body = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)


def end_of(body):
    """Return what the request looks like that publishes these bytes."""
    return COMPLETE if body is LARGE else PUT


def create_by_pipe(fs, path, body):
    fs.pipe_file(path, body, mode="create")


def create_by_open(fs, path, body):
    with fs.open(path, "xb", block_size=5 * MIB) as file:
        file.write(body)


def create_async(fs, path, body):
    async def work():
        async with await fs.open_async(path, "xb") as file:
            await file.write(body)

    asyncio.run(work())


CREATES = {"pipe_file": create_by_pipe, "open": create_by_open, "open_async": create_async}

each_create = pytest.mark.parametrize("create", CREATES.values(), ids=CREATES)


def maker(proxied, create, **options):
    return proxied.make(asynchronous=create is create_async, **options, **PARTS)


WAYS = [(write, body) for write in WRITES.values() for body in (b"", SMALL)]
WAYS += [(write, LARGE) for write in UPLOADS.values()]


@pytest.mark.parametrize(("write", "body"), WAYS)
def test_a_write_whose_answer_is_lost_succeeds(proxied, write, body):
    proxied.other.write("k", b"old")
    proxied.proxy.fault = when(LOST_ANSWER, times=1, **end_of(body))
    write(proxied, proxied.join("k"), body, **PARTS)
    assert proxied.other.read("k") == body
    assert proxied.other.uploads() == []


@each_create
@each_body
def test_a_create_whose_answer_is_lost_knows_its_own_object(proxied, create, body):
    proxied.proxy.fault = when(LOST_ANSWER, times=1, **end_of(body))
    create(maker(proxied, create), proxied.join("k"), body)
    assert proxied.other.read("k") == body
    assert proxied.other.uploads() == []


@each_create
@each_body
def test_a_create_that_another_won_in_a_lost_answer_is_refused(proxied, create, body):
    # The request never came; in the time until the next another client made the object.
    lost = when("drop", times=1, **end_of(body))

    def look(request):
        fault = lost(request)
        if fault:
            proxied.other.write("k", b"of another client")
        return fault

    proxied.proxy.fault = look
    with pytest.raises(FileExistsError):
        create(maker(proxied, create), proxied.join("k"), body)
    assert proxied.other.read("k") == b"of another client"
    assert proxied.other.uploads() == []


@each_create
@each_body
def test_of_eight_creators_at_once_exactly_one_wins(s3_target, in_threads, create, body):
    def work(index):
        fs = s3_target.make(asynchronous=create is create_async, **PARTS)
        create(fs, s3_target.join("k"), body + bytes([index]) * (body != b""))
        return index

    found = in_threads(8, work)
    winners = [index for index in found if isinstance(index, int)]
    assert len(winners) == 1, found
    assert all(isinstance(error, int | FileExistsError) for error in found), found
    assert s3_target.other.read("k") == body + bytes(winners) * (body != b"")
    assert s3_target.other.uploads() == []


@each_upload
def test_an_upload_that_is_gone_is_no_success_because_the_old_object_is_there(proxied, write):
    # As long as what is written, but not that.
    proxied.other.write("k", LARGE[::-1])
    proxied.proxy.fault = when(Status(404, "NoSuchUpload"), **COMPLETE)
    with pytest.raises(OSError, match="NoSuchUpload"):
        write(proxied, proxied.join("k"), LARGE, retry_timeout=1, **PARTS)
    assert proxied.other.read("k") == LARGE[::-1]


@each_upload
def test_an_error_behind_a_200_of_a_completion_heals(proxied, write):
    proxied.proxy.fault = when(Status(200, "InternalError"), times=1, **COMPLETE)
    write(proxied, proxied.join("k"), LARGE, **PARTS)
    assert proxied.other.read("k") == LARGE


@each_upload
def test_an_error_behind_each_200_of_a_completion_is_an_error(proxied, write):
    proxied.other.write("k", b"old")
    proxied.proxy.fault = when(Status(200, "InternalError"), **COMPLETE)
    with pytest.raises(OSError, match="InternalError"):
        write(proxied, proxied.join("k"), LARGE, retry_timeout=1, **PARTS)
    assert proxied.other.read("k") == b"old"
    assert proxied.other.uploads() == []


def test_a_copy_whose_answer_is_lost_succeeds(proxied):
    proxied.other.write("k", SMALL)
    proxied.proxy.fault = when(LOST_ANSWER, key="copy", times=1, **PUT)
    proxied.make().cp_file(proxied.join("k"), proxied.join("copy"))
    assert proxied.other.read("copy") == SMALL


def test_an_error_behind_a_200_of_a_copy_heals_or_is_an_error(proxied):
    proxied.other.write("k", SMALL)
    fs = proxied.make(retry_timeout=1)
    proxied.proxy.fault = when(Status(200, "InternalError"), key="copy", times=1, **PUT)
    fs.cp_file(proxied.join("k"), proxied.join("copy"))
    assert proxied.other.read("copy") == SMALL
    proxied.proxy.fault = when(Status(200, "InternalError"), key="other", **PUT)
    with pytest.raises(OSError, match="InternalError"):
        fs.cp_file(proxied.join("k"), proxied.join("other"))
    with pytest.raises(OSError, match="InternalError"):
        fs.mv_file(proxied.join("k"), proxied.join("other"))
    assert proxied.other.read("k") == SMALL


def test_a_move_whose_answers_are_lost_loses_nothing(proxied):
    proxied.other.write("k", SMALL)
    lost = when(LOST_ANSWER, times=1)
    proxied.proxy.fault = lambda request: lost(request) if request.method != "GET" else None
    proxied.make().mv(proxied.join("k"), proxied.join("moved"))
    assert proxied.witness.contents(proxied.root) == {"moved": SMALL}


@pytest.mark.parametrize("count", [1, 5])
def test_a_removal_whose_answer_is_lost_succeeds(proxied, count):
    names = [f"k{number}" for number in range(count)]
    for name in names:
        proxied.other.write(name, SMALL)
    proxied.proxy.fault = when(
        LOST_ANSWER, times=1, test=lambda r: r.method == "DELETE" or "delete" in r.query
    )
    proxied.make().rm([proxied.join(name) for name in names])
    assert proxied.other.names() == []


def test_a_removal_refused_inside_a_200_names_the_keys(proxied):
    names = ["a", "b", "c"]
    for name in names:
        proxied.other.write(name, SMALL)
    key = f"{proxied.root.partition('/')[2]}/b"
    body = (
        "<DeleteResult><Error>"
        f"<Key>{key}</Key><Code>AccessDenied</Code><Message>not yours</Message>"
        "</Error></DeleteResult>"
    )
    proxied.proxy.fault = when(Body(200, body), query="delete")
    with pytest.raises(PermissionError, match="AccessDenied") as caught:
        proxied.make().rm([proxied.join(name) for name in names])
    assert proxied.join("b") in str(caught.value)


@each_upload
def test_an_upload_whose_start_is_lost_is_started_again(proxied, write):
    proxied.proxy.fault = when(LOST_ANSWER, times=1, **START)
    write(proxied, proxied.join("k"), LARGE, **PARTS)
    assert proxied.other.read("k") == LARGE


@pytest.mark.parametrize("name", ["pipe_file", "open", "async open"])
def test_a_part_that_never_arrives_leaves_no_upload(proxied, name):
    refused = when(Status(403), method="PUT", test=lambda r: r.query.get("partNumber") == "2")
    proxied.proxy.fault = refused
    error = outcome(lambda: WRITES[name](proxied, proxied.join("k"), LARGE, **PARTS))
    assert isinstance(error, errors.PermissionDenied)
    assert "AccessDenied" in str(error)
    assert proxied.other.names() == []
    assert proxied.other.uploads() == []
