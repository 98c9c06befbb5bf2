"""Each place that AWS's own tools look at gives credentials which the S3 server takes."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys

import pytest

from tests.conftest import S3_ENDPOINT, S3_KEY, S3_REGION, S3_SECRET
from tests.credentials.conftest import ROLE

KEYS = f"aws_access_key_id = {S3_KEY}\naws_secret_access_key = {S3_SECRET}\n"
WRONG = "aws_access_key_id = somebody\naws_secret_access_key = else\n"


def works(fs, place):
    """Whether one request each of OpenDAL's and of our own is taken."""
    fs.pipe_file(f"{place}/x", b"taken")
    assert fs.cat_file(f"{place}/x") == b"taken"
    assert place.partition("/")[0] in fs.ls("")


def test_keys_in_the_environment(connect, s3_prefix, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_SECRET)

    works(connect(), s3_prefix)


def test_temporary_keys_in_the_environment(connect, s3_prefix, monkeypatch, temporary):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", temporary.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", temporary.secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", temporary.token)

    works(connect(), s3_prefix)


def test_temporary_keys_among_the_options(connect, s3_prefix, temporary):
    works(connect(key=temporary.key, secret=temporary.secret, token=temporary.token), s3_prefix)


@pytest.mark.parametrize(
    ("file", "section", "options", "variable"),
    [
        ("credentials", "default", {}, None),
        ("config", "default", {}, None),
        ("credentials", "work", {"profile": "work"}, None),
        ("config", "profile work", {"profile": "work"}, None),
        ("config", 'profile "our work"', {"credentials": "our work"}, None),
        ("credentials", "work", {}, ("AWS_PROFILE", "work")),
        ("credentials", "work", {"credentials": "env"}, ("AWS_PROFILE", "work")),
    ],
)
def test_a_profile(connect, s3_prefix, home, monkeypatch, file, section, options, variable):
    (home / ".aws" / file).write_text(f"[other]\n{WRONG}\n[{section}]\n{KEYS}")
    if variable:
        monkeypatch.setenv(*variable)

    works(connect(**options), s3_prefix)


def test_files_elsewhere(connect, s3_prefix, home, monkeypatch):
    (home / "keys").write_text(f"[work]\n{KEYS}")
    (home / "settings").write_text("[profile work]\nregion = us-east-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "~/keys")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "settings"))

    works(connect(profile="work"), s3_prefix)


def test_a_profile_asked_for_counts_over_the_environment(connect, s3_prefix, config, monkeypatch):
    config(f"[profile work]\n{KEYS}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "else")

    works(connect(profile="work"), s3_prefix)


@pytest.mark.parametrize(
    "text",
    [
        f"[profile work]\nendpoint_url = {S3_ENDPOINT}\n",
        "[profile work]\nservices = here\nendpoint_url = http://127.0.0.1:1\n"
        f"[services here]\ns3 =\n    endpoint_url = {S3_ENDPOINT}\n",
    ],
    ids=["of the profile", "of the service"],
)
def test_a_profile_says_where_the_service_is(connect, s3_prefix, config, text):
    first, _, rest = text.partition("\n")
    config(f"{first}\nregion = {S3_REGION}\n{KEYS}{rest}")

    works(connect(profile="work", endpoint_url=None, region=None), s3_prefix)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_the_environment_says_where_the_service_is(connect, s3_prefix, monkeypatch, name):
    if name == "AWS_ENDPOINT_URL_S3":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(name, S3_ENDPOINT)

    works(connect(key=S3_KEY, secret=S3_SECRET, endpoint_url=None), s3_prefix)


def test_the_region_of_a_profile_is_signed_for(connect, config):
    config(f"[profile far]\nregion = eu-central-1\n{KEYS}")
    fs = connect(profile="far", region=None)

    assert "eu-central-1" in fs.sign("bucket/key")


def test_a_program_of_the_profile(connect, s3_prefix, config, home, temporary):
    program = home / "a program.py"
    program.write_text(f"print({temporary.printed()!r})")
    config(f"[default]\ncredential_process = {shlex.join([sys.executable, str(program)])}\n")

    works(connect(), s3_prefix)


@pytest.mark.parametrize("has_session", [True, False])
def test_a_single_sign_on(
    connect, s3_prefix, config, home, monkeypatch, stand_in, temporary, has_session
):
    url = "https://example.awsapps.com/start"
    login = f"sso_region = us-east-1\nsso_start_url = {url}\n"
    role = "sso_account_id = 123456789012\nsso_role_name = reader\n"
    config(
        f"[default]\nsso_session = ours\n{role}[sso-session ours]\n{login}"
        if has_session
        else f"[default]\n{role}{login}"
    )
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    name = hashlib.sha1(("ours" if has_session else url).encode()).hexdigest()
    kept = {"accessToken": "bearer", "expiresAt": temporary.expiring()}
    (cache / f"{name}.json").write_text(json.dumps(kept))
    told = {
        "accessKeyId": temporary.key,
        "secretAccessKey": temporary.secret,
        "sessionToken": temporary.token,
        "expiration": 4_000_000_000_000,
    }
    stand_in.answers["GET", "/federation/credentials"] = json.dumps({"roleCredentials": told})
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", stand_in.url)

    works(connect(), s3_prefix)
    asked = stand_in.asked[0]
    assert asked.values == {"role_name": "reader", "account_id": "123456789012"}
    assert asked.headers["x-amz-sso_bearer_token"] == "bearer"


@pytest.mark.parametrize("is_in_profile", [True, False])
def test_a_web_identity(
    connect, s3_prefix, config, home, monkeypatch, stand_in, temporary, is_in_profile
):
    (home / "token").write_text("header.payload.signature\n")
    if is_in_profile:
        config(f"[default]\nrole_arn = {ROLE}\nweb_identity_token_file = {home}/token\n")
    else:
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", f"{home}/token")
        monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    stand_in.answers["POST", "/"] = temporary.granted("AssumeRoleWithWebIdentity")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stand_in.url)

    works(connect(), s3_prefix)
    asked = stand_in.asked[0]
    assert asked.values["WebIdentityToken"] == "header.payload.signature"
    assert asked.values["RoleArn"] == ROLE
    assert "Authorization" not in asked.headers


def test_a_role_assumed_at_the_server_itself(connect, s3_prefix, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", S3_ENDPOINT)

    works(connect(key=S3_KEY, secret=S3_SECRET, role_arn=ROLE), s3_prefix)


def test_a_role_of_a_profile_assumed_at_the_server_itself(connect, s3_prefix, config, monkeypatch):
    config(f"[profile base]\n{KEYS}[profile work]\nrole_arn = {ROLE}\nsource_profile = base\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", S3_ENDPOINT)

    works(connect(profile="work"), s3_prefix)


def test_how_a_role_is_asked_for(connect, s3_prefix, config, monkeypatch, stand_in, temporary):
    config(
        f"[default]\nrole_arn = {ROLE}\nsource_profile = default\n{KEYS}"
        "external_id = of-a-friend\nrole_session_name = nightly\nduration_seconds = 900\n"
    )
    stand_in.answers["POST", "/"] = temporary.granted("AssumeRole")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", stand_in.url)

    works(connect(), s3_prefix)
    asked = stand_in.asked[0]
    assert asked.values == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "nightly",
        "ExternalId": "of-a-friend",
        "DurationSeconds": "900",
    }
    assert f"Credential={S3_KEY}/" in asked.headers["Authorization"]


@pytest.mark.parametrize("is_in_file", [True, False])
def test_the_role_of_a_container(
    connect, s3_prefix, home, monkeypatch, stand_in, temporary, is_in_file
):
    (home / "token").write_text("of the container\n")
    stand_in.answers["GET", "/role"] = temporary.metadata()
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{stand_in.url}/role")
    if is_in_file:
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", f"{home}/token")
    else:
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of the container")

    works(connect(), s3_prefix)
    assert stand_in.asked[0].headers["Authorization"] == "of the container"


def test_the_role_of_an_instance(connect, s3_prefix, monkeypatch, stand_in, temporary):
    folder = "/latest/meta-data/iam/security-credentials/"
    stand_in.answers["PUT", "/latest/api/token"] = "for the session"
    stand_in.answers["GET", folder] = "reader"
    stand_in.answers["GET", f"{folder}reader"] = temporary.metadata()
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{stand_in.url}/")

    works(connect(), s3_prefix)
    assert stand_in.asked[-1].headers["x-aws-ec2-metadata-token"] == "for the session"


def test_what_the_options_say_counts_over_every_place(connect, s3_prefix, monkeypatch, home):
    (home / ".aws" / "credentials").write_text(f"[default]\n{WRONG}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "else")

    works(connect(key=S3_KEY, secret=S3_SECRET), s3_prefix)


def test_a_profile_of_the_environment_that_is_not_there_does_not_hinder_given_keys(
    connect, s3_prefix, monkeypatch
):
    monkeypatch.setenv("AWS_PROFILE", "of-another-machine")

    works(connect(key=S3_KEY, secret=S3_SECRET), s3_prefix)
