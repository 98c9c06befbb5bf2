"""Secrets are seen by nobody; with ``credentials=`` they are not even in a pickle."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import pytest

from tests.conftest import S3_ENDPOINT, S3_KEY, S3_REGION, S3_SECRET

SECRET = "a-secret-nobody-sees"

PROGRAM = """
import json, logging, pickle, sys
logging.basicConfig(level=1, stream=sys.stderr)
import fsspec
options = json.loads(sys.argv[1])
fs = fsspec.filesystem("opendals3", **options)
print(repr(fs), str(fs), fs.to_json(), fs.storage_options, repr(fs.__dict__))
try:
    fs.cat_file("test-bucket/absent")
except OSError as error:
    print(error, repr(error), error.args, repr(error.__dict__), error.__cause__)
try:
    fs.ls("")
except OSError as error:
    print(error, repr(error))
"""


@pytest.mark.parametrize("place", ["options", "environment", "profile"])
def test_no_secret_in_texts_logs_and_errors(place, home, monkeypatch):
    options = {"endpoint_url": S3_ENDPOINT, "region": S3_REGION}
    if place == "options":
        options |= {"key": "somebody", "secret": SECRET, "token": f"{SECRET}-token"}
    elif place == "environment":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    else:
        (home / ".aws" / "credentials").write_text(
            f"[default]\naws_access_key_id = somebody\naws_secret_access_key = {SECRET}\n"
        )
    monkeypatch.setenv("RUST_LOG", "trace")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(options)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert "PermissionDenied" in done.stdout
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("chosen", ["env", "work"])
def test_with_credentials_no_secret_is_in_a_pickle_and_the_copy_works(
    connect, s3_prefix, home, monkeypatch, chosen
):
    monkeypatch.setenv("AWS_PROFILE", "work")
    (home / ".aws" / "credentials").write_text(
        f"[work]\naws_access_key_id = {S3_KEY}\naws_secret_access_key = {S3_SECRET}\n"
    )
    fs = connect(credentials=chosen)
    fs.pipe_file(f"{s3_prefix}/x", b"x")
    sent = pickle.dumps(fs)
    assert S3_SECRET.encode() not in sent
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer).cat_file(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, f"{s3_prefix}/x"],
        input=sent,
        capture_output=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.strip() == b"b'x'"


@pytest.mark.parametrize(
    "secret",
    [{"key": "k", "secret": "s"}, {"token": "t"}, {"server_side_encryption_customer_key": "c"}],
)
def test_credentials_stands_beside_no_secret(connect, secret):
    with pytest.raises(ValueError, match="keeps secrets out"):
        connect(credentials="env", **secret).cat_file("test-bucket/x")


def test_credentials_and_profile_do_not_contradict_each_other(connect, config):
    config("[profile one]\n[profile two]\n")
    with pytest.raises(ValueError, match="two profiles"):
        connect(credentials="one", profile="two").cat_file("test-bucket/x")
