"""Buckets: where they are, how they are named on the wire, who pays."""

import random
import uuid

import pytest

import opendalfs

OPTIONS = {"key": "someone", "secret": "something-long"}


def make(endpoint, **options):
    return opendalfs.S3FileSystem(
        endpoint_url=endpoint, skip_instance_cache=True, **OPTIONS, **options
    )


def test_buckets_are_made_found_listed_and_removed(fs, boto):
    name = f"t-{uuid.uuid4().hex}"
    assert not fs.exists(name)
    fs.mkdir(f"s3a://{name}")
    assert fs.exists(name)
    assert name in fs.ls("")
    assert fs.info(name)["StorageClass"] == "DIRECTORY"
    with pytest.raises(FileExistsError):
        fs.mkdir(name)
    fs.rmdir(f"s3://{name}")
    assert name not in [b["Name"] for b in boto.list_buckets()["Buckets"]]


@pytest.fixture
def name(boto):
    """Return a name for a bucket, which is removed in the end."""
    name = f"t-{uuid.uuid4().hex}"
    yield name
    if name in [b["Name"] for b in boto.list_buckets()["Buckets"]]:
        boto.delete_bucket(Bucket=name)


@pytest.mark.parametrize("call", ["mkdir", "makedirs"])
def test_a_directory_is_made_with_its_bucket(fs, name, boto, call):
    getattr(fs, call)(f"{name}/a/b")
    getattr(fs, call)(f"{name}/a/b")
    assert boto.list_objects_v2(Bucket=name)["KeyCount"] == 0


def test_a_directory_without_its_bucket_is_not_made(fs, name):
    with pytest.raises(FileNotFoundError):
        fs.mkdir(f"{name}/a/b", create_parents=False)
    assert not fs.exists(name)
    fs.mkdir(name)
    fs.mkdir(f"{name}/a/b", create_parents=False)


def test_transfers_make_no_bucket(fs, name, bucket, tmp_path):
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "k").write_bytes(b"x")
    fs.pipe_file(f"{bucket}/d/e/k", b"x")
    calls = [
        lambda: fs.put(str(tmp_path / "d"), f"{name}/d", recursive=True),
        lambda: fs.copy(f"{bucket}/d", f"{name}/d", recursive=True, on_error="raise"),
        lambda: fs.mv(f"{bucket}/d", f"{name}/d", recursive=True),
    ]
    for call in calls:
        with pytest.raises(FileNotFoundError):
            call()
    assert not fs.exists(name)


def test_what_is_made_already_is_not_made_anew(on_moto):
    # As AWS in us-east-1, moto tells an owner that the bucket was made.
    fs, name = on_moto
    for call in (fs.mkdir, fs.makedirs):
        with pytest.raises(FileExistsError):
            call(name)
    fs.makedirs(name, exist_ok=True)


def test_nothing_is_removed_from_a_bucket_that_is_missing(fs, name):
    for path in (f"{name}/k", [f"{name}/k"], [f"{name}/k", f"{name}/l"]):
        with pytest.raises(FileNotFoundError):
            fs.rm(path)


def test_a_bucket_in_another_region_is_found(far_minio):
    name = f"t-{uuid.uuid4().hex}"
    home = make(far_minio, region="eu-far-7")
    home.mkdir(name)
    away = make(far_minio, region="us-east-1")
    away.pipe_file(f"{name}/k", b"value", Tagging="a=1")
    assert away.cat_file(f"{name}/k") == home.cat_file(f"{name}/k") == b"value"
    assert away.get_tags(f"{name}/k") == {"a": "1"}
    assert away.ls(name) == [f"{name}/k"]
    away.invalidate_region_cache()
    assert away.info(f"{name}/k")["size"] == 5
    away.rm(f"{name}/k")


def test_a_url_is_signed_for_the_region_found(far_minio, ask):
    name = f"t-{uuid.uuid4().hex}"
    make(far_minio, region="eu-far-7").mkdir(name)
    away = make(far_minio, region="us-east-1")
    away.pipe_file(f"{name}/k", b"value")
    assert ask(away.url(f"{name}/k"))[2] == b"value"


def test_a_bucket_may_be_made_in_a_region_of_the_call(far_minio):
    name = f"t-{uuid.uuid4().hex}"
    make(far_minio, region="us-east-1").mkdir(name, region_name="eu-far-7")
    assert name in make(far_minio, region="eu-far-7").ls("")


@pytest.mark.parametrize("option", ["requester_pays", "argument"])
def test_who_pays_is_said_with_each_request(make_s3, relay, bucket, option):
    is_option = option == "requester_pays"
    fs = make_s3(**relay.options, requester_pays=is_option)
    more = {} if is_option else {"requester_pays": True}
    fs.pipe_file(f"{bucket}/k", b"x", **more)
    fs.cat_file(f"{bucket}/k", **more)
    fs.info(f"{bucket}/k", **more)
    assert [r.headers.get("x-amz-request-payer") for r in relay.requests] == ["requester"] * 3
    relay.requests.clear()
    if is_option:
        fs.get_tags(f"{bucket}/k")
        assert relay.requests[0].headers["x-amz-request-payer"] == "requester"
    else:
        fs.info(f"{bucket}/k")
        assert "x-amz-request-payer" not in relay.requests[0].headers


@pytest.mark.parametrize(
    "options",
    [
        {"enable_virtual_host_style": True},
        {"config_kwargs": {"s3": {"addressing_style": "virtual"}}},
    ],
)
def test_the_bucket_may_be_in_the_name_of_the_host(make_s3, relay, options, monkeypatch):
    # A proxy is asked for any host; what stands behind the relay knows none of such a name and
    # refuses: the request is what counts.
    monkeypatch.setenv("http_proxy", f"http://{relay.address}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    # A client of this test's own, made with that proxy.
    given = {"endpoint_url": "http://s3.test", "connect_timeout": 3 + random.random()}
    fs = make_s3(**{**relay.options, **given}, **options)
    relay.fault = lambda request: "refuse"
    for call in (fs.info, fs.cat_file, fs.get_tags):
        with pytest.raises(PermissionError):
            call("box/d/k")
    assert {r.headers["host"] for r in relay.requests} == {"box.s3.test"}
    assert {r.path for r in relay.requests} == {"d/k"}
