"""Options: their names, their errors and what is shown of them."""

import logging
import uuid

import pytest

import opendalfs
from opendalfs import OpendalFileSystem, S3FileSystem

SECRET = "a-very-secret-word"


def new(**options):
    return OpendalFileSystem("s3", skip_instance_cache=True, **options)


def shapes(options):
    key, secret = options["key"], options["secret"]
    url, region = options["endpoint_url"], options["region"]
    return {
        "s3fs": {
            "key": key,
            "secret": secret,
            "client_kwargs": {"endpoint_url": url, "region_name": region},
        },
        "s3fs with endpoint_url": {
            "key": key,
            "secret": secret,
            "endpoint_url": url,
            "client_kwargs": {"region_name": region},
        },
        "s3fs with None and more": {
            "key": key,
            "secret": secret,
            "token": None,
            "anon": False,
            "profile": None,
            "client_kwargs": {"endpoint_url": url, "region_name": region, "verify": True},
            "config_kwargs": {},
            "s3_additional_kwargs": {},
            "default_block_size": 5 * 2**20,
            "requester_pays": False,
            "version_aware": False,
        },
        "opendal": {
            "access_key_id": key,
            "secret_access_key": secret,
            "endpoint": url,
            "region": region,
        },
        "short": {"key": key, "secret": secret, "endpoint_url": url, "region": region},
    }


@pytest.mark.parametrize(
    "shape", ["s3fs", "s3fs with endpoint_url", "s3fs with None and more", "opendal", "short"]
)
def test_every_spelling_of_the_options_reaches_the_store(s3_options, s3_prefix, shape):
    fs = new(**shapes(s3_options)[shape])
    fs.pipe_file(f"{s3_prefix}/k", b"value")
    assert fs.cat_file(f"{s3_prefix}/k") == b"value"


def clear_environment(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_the_environment_works_with_no_option(s3_options, s3_prefix, monkeypatch, tmp_path):
    clear_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_options["secret"])
    monkeypatch.setenv("AWS_REGION", s3_options["region"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_options["endpoint_url"])
    fs = new()
    fs.pipe_file(f"{s3_prefix}/k", b"value")
    assert fs.cat_file(f"{s3_prefix}/k") == b"value"


def test_a_profile_gives_the_credentials(s3_options, s3_prefix, monkeypatch, tmp_path):
    clear_environment(monkeypatch, tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = wrong\naws_secret_access_key = wrong\n"
        f"[house]\naws_access_key_id = {s3_options['key']}\n"
        f"aws_secret_access_key = {s3_options['secret']}\n"
    )
    rest = {"endpoint_url": s3_options["endpoint_url"], "region": s3_options["region"]}
    fs = new(profile="house", **rest)
    fs.pipe_file(f"{s3_prefix}/k", b"value")
    assert fs.cat_file(f"{s3_prefix}/k") == b"value"
    with pytest.raises(PermissionError):
        new(profile="default", **rest).cat_file(f"{s3_prefix}/k")


def test_with_a_bucket_the_path_is_the_key(make_s3, s3_prefix, boto):
    bucket, key = s3_prefix.split("/", 1)
    fs = make_s3(bucket=bucket)
    fs.pipe_file(f"{key}/k", b"value")
    assert boto.get_object(Bucket=bucket, Key=f"{key}/k")["Body"].read() == b"value"
    assert fs.find(key) == [f"{key}/k"]
    assert fs.info(f"{key}/k")["name"] == f"{key}/k"


def test_default_block_size_is_the_block_size_of_files(make_s3, s3_prefix):
    fs = make_s3(default_block_size=6 * 2**20)
    fs.pipe_file(f"{s3_prefix}/k", b"value")
    with fs.open(f"{s3_prefix}/k") as file:
        assert file.blocksize == 6 * 2**20


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("secrte", "secret"), ("endpont_url", "endpoint_url"), ("regoin", "region")],
)
def test_an_unknown_option_names_the_nearest(wrong, right):
    with pytest.raises(ValueError, match=right) as caught:
        new(**{wrong: SECRET})
    assert wrong in str(caught.value)
    assert SECRET not in str(caught.value)
    assert isinstance(caught.value, opendalfs.errors.ConfigInvalid)


def test_an_unknown_option_of_any_class_is_refused(tmp_path):
    with pytest.raises(ValueError, match="root"):
        OpendalFileSystem("fs", rott=str(tmp_path))
    with pytest.raises(ValueError, match="nonsense"):
        OpendalFileSystem("memory", nonsense=1)
    with pytest.raises(ValueError, match="region"):
        S3FileSystem(reguon="x")


@pytest.mark.parametrize(
    ("wrong", "right"), [("s33", "s3"), ("memroy", "memory"), ("azblb", "azblob"), ("gsc", "gcs")]
)
def test_an_unknown_scheme_names_the_nearest(wrong, right):
    with pytest.raises(ValueError, match=rf"\b{right}\b") as caught:
        OpendalFileSystem(wrong)
    assert wrong in str(caught.value)
    assert isinstance(caught.value, opendalfs.errors.ConfigInvalid)


def test_an_error_of_the_options_is_no_instance_in_the_cache():
    for _ in range(2):
        with pytest.raises(ValueError, match="nonsense"):
            OpendalFileSystem("memory", nonsense=1)


@pytest.fixture
def secretive():
    """Return an instance with secrets of every kind and an endpoint where nobody answers."""
    return new(
        key="someone",
        secret=SECRET,
        token=f"{SECRET}-token",
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
    )


def test_no_secret_in_repr_and_str(secretive):
    assert SECRET not in repr(secretive)
    assert SECRET not in str(secretive)
    assert SECRET not in f"{secretive}"
    assert "s3" in repr(secretive)


def test_no_secret_in_the_shown_storage_options(secretive):
    assert SECRET not in repr(secretive.storage_options)
    assert SECRET not in f"{secretive.storage_options}"


def test_storage_options_are_usable_again(s3_options, s3_prefix):
    fs = new(**s3_options)
    again = type(fs)(*fs.storage_args, skip_instance_cache=True, **fs.storage_options)
    again.pipe_file(f"{s3_prefix}/k", b"value")
    assert fs.cat_file(f"{s3_prefix}/k") == b"value"


def test_no_secret_in_repr_of_a_file(s3_options, s3_prefix):
    fs = new(**s3_options)
    fs.pipe_file(f"{s3_prefix}/k", b"")
    with fs.open(f"{s3_prefix}/k") as file:
        assert "secret" not in repr(file)
        assert s3_prefix in repr(file)


def test_no_secret_in_errors_and_logs(s3_options, s3_prefix, caplog):
    caplog.set_level(logging.DEBUG)
    fs = new(**{**s3_options, "secret": SECRET})
    with pytest.raises(PermissionError) as caught:
        fs.cat_file(f"{s3_prefix}/k")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    assert SECRET not in caplog.text


def test_anonymous_access_sends_no_signature(s3_options, new_bucket, boto):
    boto.put_object(Bucket=new_bucket, Key="k", Body=b"private")
    fs = new(anon=True, endpoint_url=s3_options["endpoint_url"], region=s3_options["region"])
    with pytest.raises(PermissionError):
        fs.cat_file(f"{new_bucket}/k")
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        f'"Action":"s3:GetObject","Resource":"arn:aws:s3:::{new_bucket}/*"}}]}}'
    )
    boto.put_bucket_policy(Bucket=new_bucket, Policy=policy)
    assert fs.cat_file(f"{new_bucket}/k") == b"private"


def test_a_wrong_type_of_an_option_is_refused():
    with pytest.raises((ValueError, TypeError)):
        new(client_kwargs="no mapping")
    with pytest.raises((ValueError, TypeError)):
        OpendalFileSystem(5)


def test_a_name_of_a_missing_bucket_is_in_the_error(make_s3):
    name = f"t-{uuid.uuid4().hex}"
    with pytest.raises(FileNotFoundError, match=name):
        make_s3().ls(name)
