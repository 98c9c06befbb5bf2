"""Credentials are asked for once, and again before they end."""

from __future__ import annotations

import hashlib
import itertools
import json

import pytest


@pytest.fixture
def container(monkeypatch, stand_in, temporary):
    """Give a function that sets what the container's service answers."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{stand_in.url}/role")

    def answer(*lifetimes):
        given = itertools.chain(lifetimes, itertools.repeat(lifetimes[-1]))

        def next_one(asked):
            seconds = next(given)
            if seconds is None:
                return 500, "out of order"
            return 200, temporary.metadata(seconds=seconds)

        stand_in.answers["GET", "/role"] = next_one

    return answer


def test_many_requests_and_instances_ask_once(connect, s3_prefix, stand_in, container):
    container(3600)
    first, second = connect(), connect(max_concurrency=2)

    first.pipe({f"{s3_prefix}/{number}": b"x" for number in range(20)})
    second.ls("")
    second.find(s3_prefix)

    assert len(stand_in.asked) == 1


def test_what_is_about_to_end_is_renewed_before_the_next_request(
    connect, s3_prefix, stand_in, container
):
    container(60, 3600)
    fs = connect()

    fs.pipe_file(f"{s3_prefix}/x", b"x")
    assert len(stand_in.asked) == 1
    assert fs.cat_file(f"{s3_prefix}/x") == b"x"
    assert len(stand_in.asked) == 2
    fs.ls("")
    assert fs.cat_file(f"{s3_prefix}/x") == b"x"
    assert len(stand_in.asked) == 2


def test_a_source_that_is_away_does_no_harm_while_they_are_good(
    connect, s3_prefix, stand_in, container
):
    container(60, None)
    fs = connect()

    fs.pipe_file(f"{s3_prefix}/x", b"x")
    for _ in range(5):
        assert fs.cat_file(f"{s3_prefix}/x") == b"x"

    assert 1 < len(stand_in.asked) <= 4


def test_a_source_that_fails_for_a_moment_is_asked_again(connect, s3_prefix, stand_in, container):
    container(None, 3600)

    connect().pipe_file(f"{s3_prefix}/x", b"x")

    assert len(stand_in.asked) == 2


def test_expired_ones_are_not_sent(connect, s3_prefix, container):
    container(-60)

    with pytest.raises(PermissionError, match="expired"):
        connect().cat_file(f"{s3_prefix}/x")


def test_a_signed_url_does_not_outlive_its_credentials(connect, s3_prefix, container):
    container(600)
    fs = connect()

    assert s3_prefix in fs.sign(f"{s3_prefix}/x", expiration=300)
    with pytest.raises(PermissionError, match="expires before"):
        fs.sign(f"{s3_prefix}/x", expiration=3600)


@pytest.fixture
def login(config, home, monkeypatch, stand_in, temporary):
    """Give the file of a login that has ended; the portal takes the token ``new`` alone."""
    config(
        "[default]\nsso_session = ours\nsso_account_id = 1\nsso_role_name = reader\n"
        "[sso-session ours]\nsso_region = us-east-1\nsso_start_url = u\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", stand_in.url)
    folder = home / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    file = folder / f"{hashlib.sha1(b'ours').hexdigest()}.json"
    means = {"clientId": "client", "clientSecret": "hush", "refreshToken": "once"}
    kept = {"accessToken": "old", "expiresAt": temporary.expiring(seconds=-60), "startUrl": "u"}
    file.write_text(json.dumps(kept | means))

    def portal(asked):
        if asked.headers["x-amz-sso_bearer_token"] != "new":
            return 401, "who is that?"
        told = {
            "accessKeyId": temporary.key,
            "secretAccessKey": temporary.secret,
            "sessionToken": temporary.token,
            "expiration": 4_000_000_000_000,
        }
        return 200, json.dumps({"roleCredentials": told})

    stand_in.answers["GET", "/federation/credentials"] = portal
    return file


def test_a_login_that_has_ended_is_renewed_and_kept(connect, s3_prefix, stand_in, login):
    renewed = {"accessToken": "new", "refreshToken": "twice", "expiresIn": 28800}
    stand_in.answers["POST", "/token"] = json.dumps(renewed)

    connect().pipe_file(f"{s3_prefix}/x", b"x")

    kept = json.loads(login.read_text())
    assert (kept["accessToken"], kept["refreshToken"]) == ("new", "twice")
    assert (kept["clientId"], kept["startUrl"]) == ("client", "u")
    assert kept["expiresAt"] > "2026"
    assert login.stat().st_mode & 0o077 == 0


def test_a_login_that_cannot_be_renewed_is_told(connect, s3_prefix, stand_in, login):
    stand_in.answers["POST", "/token"] = lambda asked: (400, '{"error": "invalid_grant"}')
    before = login.read_text()

    with pytest.raises(PermissionError, match="aws sso login") as caught:
        connect().cat_file(f"{s3_prefix}/x")

    assert "hush" not in str(caught.value)
    assert login.read_text() == before
