"""Access control lists, and access without a key."""

import json

import pytest

import opendalfs

PUBLIC = "http://acs.amazonaws.com/groups/global/AllUsers"


def is_public(answer):
    return any(grant["Grantee"].get("URI") == PUBLIC for grant in answer["Grants"])


# moto, because MinIO keeps no ACLs: it answers the same to all questions about them.
def test_chmod_of_an_object(on_moto, moto_boto):
    fs, bucket = on_moto
    fs.pipe_file(f"{bucket}/k", b"x")
    assert not is_public(moto_boto.get_object_acl(Bucket=bucket, Key="k"))
    fs.chmod(f"s3://{bucket}/k", "public-read")
    assert is_public(moto_boto.get_object_acl(Bucket=bucket, Key="k"))


def test_chmod_of_a_tree_and_its_bucket(on_moto, moto_boto):
    fs, bucket = on_moto
    fs.pipe({f"{bucket}/d/{i}": b"x" for i in range(3)} | {f"{bucket}/other": b"y"})
    fs.chmod(f"{bucket}/d", "public-read", recursive=True)
    acls = [moto_boto.get_object_acl(Bucket=bucket, Key=f"d/{i}") for i in range(3)]
    assert all(is_public(acl) for acl in acls)
    assert not is_public(moto_boto.get_object_acl(Bucket=bucket, Key="other"))
    fs.chmod(bucket, "public-read", recursive=True)
    assert is_public(moto_boto.get_object_acl(Bucket=bucket, Key="other"))
    assert is_public(moto_boto.get_bucket_acl(Bucket=bucket))


def test_a_write_may_bring_its_acl(on_moto, moto_boto):
    fs, bucket = on_moto
    with fs.open(f"{bucket}/a", "wb", acl="public-read") as f:
        f.write(b"x")
    fs.pipe_file(f"{bucket}/b", b"x", ACL="public-read")
    fs.cp_file(f"{bucket}/a", f"{bucket}/c", ACL="public-read")
    fs.cp_file(f"{bucket}/a", f"{bucket}/d")
    acls = [moto_boto.get_object_acl(Bucket=bucket, Key=key) for key in "abcd"]
    assert [is_public(acl) for acl in acls] == [True, True, True, False]


def test_a_bucket_may_be_made_with_an_acl(on_moto, moto_boto):
    fs, bucket = on_moto
    fs.mkdir(f"{bucket}-2", acl="public-read")
    assert is_public(moto_boto.get_bucket_acl(Bucket=f"{bucket}-2"))


@pytest.mark.parametrize("path", ["k", ""])
def test_an_unknown_acl_is_refused_before_a_request(fs, s3_prefix, path):
    where = f"{s3_prefix}/{path}" if path else s3_prefix.partition("/")[0]
    with pytest.raises(ValueError, match="aws-exec-reed"):
        fs.chmod(where, "aws-exec-reed")


def test_anon_reads_what_is_public_and_nothing_else(make_s3, bucket, boto):
    boto.put_object(Bucket=bucket, Key="open/k", Body=b"open")
    boto.put_object(Bucket=bucket, Key="shut/k", Body=b"shut")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/open/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    boto.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    anon = make_s3(anon=True, key=None, secret=None)
    assert anon.cat_file(f"{bucket}/open/k") == b"open"
    assert anon.info(f"{bucket}/open/k")["size"] == 4
    with pytest.raises(PermissionError):
        anon.cat_file(f"{bucket}/shut/k")


def test_a_store_without_acls_says_so():
    with pytest.raises(NotImplementedError):
        opendalfs.MemoryFileSystem().chmod("t-acl/k", "private")
