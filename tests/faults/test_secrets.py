"""A secret is shown by nothing but a pickle."""

import json
import logging
import os
import pickle
import traceback

import fsspec
import pytest

from opendalfs import OpendalFileSystem
from tests.conftest import S3_KEY, S3_REGION
from tests.faults.doors import outcome
from tests.faults.harm import HangUp, Status, when

SECRET = "s3cr3t-thatNobodyMaySee/0123456789"
TOKEN = "t0ken-thatNobodyMaySeeEither"
OPTIONS = {"key": S3_KEY, "secret": SECRET, "token": TOKEN, "region": S3_REGION}


def make(address, **options):
    return OpendalFileSystem(
        "s3",
        **{**OPTIONS, "endpoint_url": f"http://{address}", "skip_instance_cache": True},
        **options,
    )


def clean(text):
    """Whether none of the secrets is in a text."""
    return text and SECRET not in text and TOKEN not in text


SHOWN = {
    "repr": repr,
    "str": str,
    "format": lambda fs: f"{fs}",
    "_repr_html_": lambda fs: getattr(fs, "_repr_html_", fs.__repr__)(),
    "storage_options": lambda fs: repr(fs.storage_options),
    "each of the storage_options": lambda fs: " ".join(
        f"{name}={value}" for name, value in fs.storage_options.items()
    ),
    "to_json": lambda fs: fs.to_json(),
    "to_dict": lambda fs: repr(fs.to_dict()),
    "json of to_dict": lambda fs: json.dumps(fs.to_dict()),
    "fsid": lambda fs: fs.fsid,
    "open file": lambda fs: repr(fs.open("b/k", "wb")),
    "attributes": lambda fs: repr(vars(fs)),
}


@pytest.mark.parametrize("how", SHOWN)
def test_no_text_of_an_instance_shows_a_secret(closed_port, how):
    assert clean(SHOWN[how](make(closed_port)))


def test_the_cache_of_instances_shows_no_secret(closed_port):
    fs = OpendalFileSystem("s3", **OPTIONS, endpoint_url=f"http://{closed_port}")
    assert clean(repr(OpendalFileSystem._cache))
    assert OpendalFileSystem("s3", **OPTIONS, endpoint_url=f"http://{closed_port}") is fs


def test_an_open_file_and_its_filesystem_show_no_secret(closed_port):
    given = {**OPTIONS, "endpoint_url": f"http://{closed_port}"}
    file = fsspec.open("opendal+s3://b/k", "rb", **given)
    assert clean(repr(file))
    assert clean(repr(file.fs))


def test_a_pickle_carries_the_secrets(closed_port):
    fs = make(closed_port)
    assert SECRET.encode() in pickle.dumps(fs)
    assert pickle.loads(pickle.dumps(fs)).fsid == fs.fsid


CALLS = {
    "cat_file": lambda fs: fs.cat_file("b/k"),
    "pipe_file": lambda fs: fs.pipe_file("b/k", b"value"),
    "info": lambda fs: fs.info("b/k"),
    "ls": lambda fs: fs.ls("b"),
    "open": lambda fs: fs.open("b/k"),
    "rm": lambda fs: fs.rm("b/k", recursive=True),
}
FAULTS = {
    "refused": Status(403, "SignatureDoesNotMatch"),
    "reset": HangUp(),
}


def chain(error):
    """Return the whole text of an exception: its causes, its arguments and its traceback."""
    seen = [error, *error.args, vars(error), error.__cause__, error.__context__]
    lines = traceback.format_exception(error)
    return "\n".join([*map(repr, seen), *map(str, seen), *lines])


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_no_exception_and_no_log_shows_a_secret(relay, caplog, name, call):
    relay.fault = when(FAULTS[name])
    with caplog.at_level(logging.DEBUG):
        error = outcome(lambda: CALLS[call](make(relay.address, retry_timeout=0.5)))
    assert isinstance(error, OSError)
    assert clean(chain(error))
    assert SECRET not in caplog.text
    assert TOKEN not in caplog.text


PROGRAM = """
import asyncio, logging
logging.basicConfig(level=logging.DEBUG)
fs = new(skip_instance_cache=True)
for call in (
    lambda: fs.cat_file("b/k"),
    lambda: fs.pipe_file("b/k", b"value"),
    lambda: fs.ls("b"),
    lambda: fs.open("b/k"),
    lambda: fs.sign("b/k"),
):
    try:
        print(call())
    except OSError as error:
        print(repr(error))
fs.cat_file("b/k")
"""


@pytest.mark.parametrize("variable", ["RUST_LOG", "OPENDAL_LOG"])
def test_no_output_of_a_program_that_fails_shows_a_secret(relay, s3_target, monkeypatch, variable):
    relay.fault = when(Status(403))
    monkeypatch.setenv(variable, "trace")
    monkeypatch.setenv("RUST_BACKTRACE", "full")
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    given = {**OPTIONS, "endpoint_url": f"http://{relay.address}"}
    program = f"OPTIONS = {given!r}\n" + PROGRAM
    done = s3_target.run(program)
    assert done.code == 1
    assert "PermissionDenied" in done.err
    # A signed URL has the token in it, and the access key; the secret it only proves.
    assert SECRET not in done.out + done.err
    assert clean(done.err)
    assert os.environ[variable] == "trace"


@pytest.mark.parametrize(
    "options",
    [
        {"secret": SECRET, "secrte": SECRET},
        {"secret": {"nested": SECRET}},
        {"secret": SECRET, "request_timeout": "soon"},
        {"secret": SECRET, "endpoint_url": ""},
        {"secret": [SECRET]},
    ],
    ids=["misspelt", "nested", "another is wrong", "no endpoint", "a list"],
)
def test_options_that_are_wrong_are_refused_without_a_secret_in_the_text(options):
    error = outcome(lambda: OpendalFileSystem("s3", key="k", skip_instance_cache=True, **options))
    assert isinstance(error, OSError | TypeError | ValueError)
    assert clean(chain(error).replace(repr(options), ""))


def test_the_headers_of_a_request_hold_no_secret_in_clear(relay):
    relay.fault = when(Status(403))
    outcome(lambda: make(relay.address).cat_file("b/k"))
    (request,) = relay.asked(method="GET", query="")
    assert SECRET not in str(request.headers)
    # The token is what the service knows the session by.
    assert request.headers["x-amz-security-token"] == TOKEN
