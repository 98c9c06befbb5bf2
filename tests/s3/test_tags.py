"""Tags of objects."""

import pytest

import opendalfs


@pytest.fixture
def path(fs, s3_prefix):
    path = f"{s3_prefix}/k"
    fs.pipe_file(path, b"x")
    return path


def tags_of(boto, path):
    bucket, _, key = path.partition("/")
    found = boto.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


def test_tags_are_set_read_merged_and_removed(fs, path, boto):
    assert fs.get_tags(path) == {}
    fs.put_tags(path, {"a": "1", "b": "2"})
    assert tags_of(boto, path) == fs.get_tags(path) == {"a": "1", "b": "2"}
    fs.put_tags(f"s3://{path}", {"b": "3", "c": "4"}, mode="m")
    assert tags_of(boto, path) == {"a": "1", "b": "3", "c": "4"}
    fs.put_tags(path, {"d": "5"}, mode="o")
    assert tags_of(boto, path) == {"d": "5"}
    fs.rm_tags(f"s3a://{path}")
    assert tags_of(boto, path) == fs.get_tags(path) == {}


def test_tags_may_hold_what_urls_give_a_meaning(fs, path, boto):
    tags = {"a+b": "x y=z", "c/d": "1:2@3"}
    fs.put_tags(path, tags)
    assert tags_of(boto, path) == fs.get_tags(path) == tags


def test_another_mode_is_refused(fs, path):
    with pytest.raises(ValueError, match="mode"):
        fs.put_tags(path, {}, mode="x")


def test_tags_of_nothing_are_not_found(fs, s3_prefix):
    with pytest.raises(FileNotFoundError):
        fs.get_tags(f"{s3_prefix}/nothing")


def test_a_tag_the_service_refuses_is_an_error_with_its_words(fs, path):
    with pytest.raises(OSError, match="InvalidTag"):
        fs.put_tags(path, {"k": "v" * 300})


@pytest.mark.parametrize("size", [3, 12 * 2**20])
def test_a_write_may_bring_its_tags(make_s3, s3_prefix, boto, size):
    fs = make_s3(part_size=5 * 2**20)
    path = f"{s3_prefix}/tagged"
    fs.pipe_file(path, bytes(size), Tagging="a=1&b=x%20y")
    assert tags_of(boto, path) == {"a": "1", "b": "x y"}
    assert fs.info(path)["TagCount"] == "2"
    fs.pipe_file(path, b"without")
    assert tags_of(boto, path) == {}


def test_tags_of_a_version(make_s3, versioned):
    fs = make_s3(version_aware=True)
    path = f"{versioned}/k"
    old = fs.pipe_file(path, b"1", Tagging="a=old")["VersionId"]
    fs.pipe_file(path, b"2", Tagging="a=new")
    assert fs.get_tags(path) == {"a": "new"}
    assert fs.get_tags(path, version_id=old) == {"a": "old"}


@pytest.mark.parametrize("fault", ["busy", "drop"])
def test_a_call_that_fails_for_a_passing_reason_is_made_again(make_s3, relay, path, fault):
    fs = make_s3(**relay.options)
    relay.fault = lambda request: fault if request.number < 2 else None
    fs.put_tags(path, {"a": "1"})
    assert fs.get_tags(path) == {"a": "1"}
    assert [r.method for r in relay.requests] == ["PUT", "PUT", "PUT", "GET"]


def test_a_call_that_is_refused_is_not_made_again(make_s3, relay, path):
    fs = make_s3(**relay.options)
    relay.fault = lambda request: "refuse"
    with pytest.raises(PermissionError):
        fs.get_tags(path)
    assert len(relay.requests) == 1


def test_a_store_without_tags_says_so():
    with pytest.raises(NotImplementedError):
        opendalfs.MemoryFileSystem().get_tags("t-tags/k")


async def test_the_asynchronous_forms(make_s3, path):
    fs = make_s3(asynchronous=True)
    await fs._put_tags(path, {"a": "1"})
    assert await fs._get_tags(path) == {"a": "1"}
    await fs._rm_tags(path)
    assert await fs._get_tags(path) == {}
