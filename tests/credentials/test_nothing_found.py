"""What is said, and how soon, when no place has credentials, or one of them is broken."""

from __future__ import annotations

import time

import pytest

from tests.conftest import S3_KEY
from tests.credentials.conftest import ROLE


def refused(fs):
    """What a request of OpenDAL's is refused with; one of our own is, too."""
    with pytest.raises(PermissionError) as caught:
        fs.cat_file("test-bucket/x")
    with pytest.raises(PermissionError):
        fs.ls("")
    return str(caught.value)


def test_the_places_are_named(connect, home):
    text = refused(connect())

    for place in (
        "AWS_ACCESS_KEY_ID",
        'profile "default"',
        str(home / ".aws" / "credentials"),
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS",
        "instance's metadata",
        "anon=True",
    ):
        assert place in text


def test_an_instance_that_does_not_answer_is_given_up_soon(connect, monkeypatch, stand_in):
    stand_in.answers["PUT", "/latest/api/token"] = None
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", stand_in.url)
    fs = connect()
    begin = time.monotonic()

    text = refused(fs)

    assert "no answer within 1 s" in text
    assert time.monotonic() - begin < 3
    assert len(stand_in.asked) == 1


def test_no_metadata_service_is_asked_where_it_is_disabled(connect, monkeypatch, stand_in):
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", stand_in.url)

    refused(connect())
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    refused(connect(disable_ec2_metadata=True))

    assert stand_in.asked == []


def test_an_unknown_profile_is_refused_and_the_known_are_named(connect, config):
    config("[profile work]\nregion = us-east-1\n[default]\n")

    with pytest.raises(ValueError, match=r'profile "wrok" .* default, work'):
        connect(profile="wrok")


def test_half_a_pair_in_the_environment_is_not_passed_over(connect, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEY)

    assert "AWS_SECRET_ACCESS_KEY is not" in refused(connect())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"role_arn = {ROLE}", "role_arn needs source_profile"),
        (f"role_arn = {ROLE}\nsource_profile = none", 'no source_profile "none"'),
        (f"role_arn = {ROLE}\nsource_profile = back", "goes round in a circle"),
        (f"role_arn = {ROLE}\nmfa_serial = arn:aws:iam::1:mfa/me", "mfa_serial asks for a code"),
        ("aws_access_key_id = x", "aws_secret_access_key is not"),
        ("credential_process = /none/such --password hush", '"/none/such" could not be started'),
        ("credential_process = false", '"false" ended with exit status: 1'),
        ("credential_process = echo hush", '"echo" printed no JSON'),
        (
            "sso_account_id = 1\nsso_role_name = r\nsso_region = us-east-1\nsso_start_url = u",
            "aws sso login",
        ),
    ],
)
def test_a_profile_that_is_wrong_says_so(connect, config, text, told):
    config(f"[default]\n{text}\n[profile back]\nrole_arn = {ROLE}\nsource_profile = default\n")

    answer = refused(connect())

    assert told in answer
    assert "hush" not in answer
    assert 'profile "default"' in answer


def test_what_the_token_service_refuses_is_told_without_the_token(
    connect, home, monkeypatch, stand_in
):
    (home / "token").write_text("header.payload.signature")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", f"{home}/token")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stand_in.url)
    stand_in.answers["POST", "/"] = lambda asked: (
        400,
        "<ErrorResponse><Error><Code>InvalidIdentityToken</Code>"
        f"<Message>no {asked.values['WebIdentityToken']} here</Message></Error></ErrorResponse>",
    )

    text = refused(connect())

    assert "InvalidIdentityToken" in text
    assert ROLE in text
    assert "header.payload" not in text


def test_a_container_host_of_a_stranger_gets_no_token(connect, monkeypatch):
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.org/role")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hush")

    assert "container host" in refused(connect())
