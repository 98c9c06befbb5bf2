"""Directories and buckets: mkdir, makedirs, rmdir, rm."""

import errno
import json
import uuid

import boto3
import pytest


def test_mkdir_makes_a_directory_on_disk(rooted):
    rooted.fs.mkdir("d")
    assert (rooted.path / "d").is_dir()
    rooted.fs.mkdir("x/y/z")
    assert (rooted.path / "x" / "y" / "z").is_dir()


def test_mkdir_without_parents_needs_the_parent_on_disk(rooted):
    with pytest.raises(FileNotFoundError):
        rooted.fs.mkdir("x/y", create_parents=False)
    assert not (rooted.path / "x").exists()
    rooted.fs.mkdir("x", create_parents=False)
    rooted.fs.mkdir("x/y", create_parents=False)
    assert (rooted.path / "x" / "y").is_dir()


def test_mkdir_of_an_existing_directory_is_refused_on_disk(rooted):
    rooted.fs.mkdir("d")
    with pytest.raises(FileExistsError):
        rooted.fs.mkdir("d")
    (rooted.path / "f").write_bytes(b"1")
    with pytest.raises(FileExistsError):
        rooted.fs.mkdir("f")
    assert (rooted.path / "f").read_bytes() == b"1"


def test_makedirs_on_disk(rooted):
    rooted.fs.makedirs("x/y", exist_ok=False)
    assert (rooted.path / "x" / "y").is_dir()
    rooted.fs.makedirs("x/y", exist_ok=True)
    with pytest.raises(FileExistsError):
        rooted.fs.makedirs("x/y", exist_ok=False)
    with pytest.raises(FileExistsError):
        rooted.fs.makedirs("x/y")


def test_the_other_names_of_mkdir(rooted):
    rooted.fs.makedir("d")
    rooted.fs.mkdirs("e/f", exist_ok=True)
    assert (rooted.path / "d").is_dir()
    assert (rooted.path / "e" / "f").is_dir()


def test_makedirs_then_a_file_works_on_every_store(store):
    store.fs.makedirs(store.join("x", "y"), exist_ok=True)
    store.fs.makedirs(store.join("x", "y"), exist_ok=True)
    store.fs.pipe_file(store.join("x", "y", "k"), b"1")
    assert store.fs.find(store.join("x")) == [store.join("x", "y", "k")]


def test_mkdir_below_a_bucket_writes_nothing(s3, boto, s3_key_prefix):
    s3.fs.mkdir(s3.join("d"))
    s3.fs.makedirs(s3.join("e", "f"), exist_ok=True)
    answer = boto.list_objects_v2(Bucket=s3.root.split("/")[0], Prefix=s3_key_prefix)
    assert answer["KeyCount"] == 0


def test_rmdir_on_disk(rooted):
    rooted.fs.mkdir("d")
    rooted.fs.rmdir("d")
    assert not (rooted.path / "d").exists()
    with pytest.raises(FileNotFoundError):
        rooted.fs.rmdir("d")


def test_rmdir_of_a_full_directory_is_refused_on_disk(rooted):
    (rooted.path / "d").mkdir()
    (rooted.path / "d" / "k").write_bytes(b"1")
    with pytest.raises(OSError) as caught:  # noqa: PT011
        rooted.fs.rmdir("d")
    assert caught.value.errno == errno.ENOTEMPTY
    assert (rooted.path / "d" / "k").read_bytes() == b"1"


def test_rmdir_of_a_file_is_refused_on_disk(rooted):
    (rooted.path / "f").write_bytes(b"1")
    with pytest.raises(NotADirectoryError):
        rooted.fs.rmdir("f")
    assert (rooted.path / "f").read_bytes() == b"1"


def test_rm_of_a_file(store, tree, relative):
    store.fs.rm(store.join("a.txt"))
    assert not store.fs.exists(store.join("a.txt"))
    assert relative(store.fs.find(store.root)) == sorted(set(tree) - {"a.txt"})


def test_rm_of_a_list(store, tree, relative):
    store.fs.rm([store.join("a.txt"), store.join("sub", "deep", "d.txt")])
    assert relative(store.fs.find(store.root)) == sorted(set(tree) - {"a.txt", "sub/deep/d.txt"})


def test_rm_of_a_glob(store, tree, relative):
    store.fs.rm(store.join("*.*"))
    assert relative(store.fs.find(store.root)) == [n for n in sorted(tree) if "/" in n]


def test_rm_recursive_removes_all_below(store, tree, relative):
    store.fs.rm(store.join("sub"), recursive=True)
    assert not store.fs.exists(store.join("sub"))
    assert not store.fs.exists(store.join("sub", "deep"))
    assert relative(store.fs.find(store.root)) == ["a.txt", "b.bin", "other/f.csv"]


def test_rm_recursive_with_a_trailing_slash(store, tree):
    store.fs.rm(store.join("sub") + "/", recursive=True)
    assert not store.fs.exists(store.join("sub"))


def test_rm_recursive_keeps_neighbours_with_the_same_start(store, relative):
    for name in ("d/x", "d.txt", "d2/y"):
        store.fs.pipe_file(store.join(*name.split("/")), b"")
    store.fs.rm(store.join("d"), recursive=True)
    assert relative(store.fs.find(store.root)) == ["d.txt", "d2/y"]


def test_rm_of_a_directory_without_recursive_loses_nothing(store, tree, relative):
    with pytest.raises(OSError):  # noqa: PT011
        store.fs.rm(store.join("sub"))
    assert relative(store.fs.find(store.root)) == sorted(tree)


@pytest.mark.parametrize("recursive", [False, True])
def test_rm_of_a_missing_path_raises(store, tree, recursive):
    with pytest.raises(FileNotFoundError) as caught:
        store.fs.rm(store.join("missing"), recursive=recursive)
    assert "missing" in str(caught.value)


def test_rm_file_of_a_missing_object_raises(store, tree):
    with pytest.raises(FileNotFoundError):
        store.fs.rm_file(store.join("missing"))


def test_rm_stops_at_maxdepth(store, tree, relative):
    store.fs.rm([store.join("sub", "c.txt")], recursive=True, maxdepth=1)
    assert relative(store.fs.find(store.root)) == sorted(set(tree) - {"sub/c.txt"})


def test_delete_is_rm(store, tree):
    store.fs.delete(store.join("sub"), recursive=True)
    assert not store.fs.exists(store.join("sub"))


def test_rm_of_more_keys_than_one_request_takes(s3):
    paths = [s3.join(f"n{number:04d}") for number in range(1203)]
    s3.fs.pipe(dict.fromkeys(paths, b""))
    s3.fs.rm(s3.root, recursive=True)
    assert s3.fs.find(s3.root) == []


def test_rm_recursive_removes_markers_as_well(s3, boto, s3_key_prefix):
    bucket = s3.root.split("/")[0]
    for name in ("d/", "d/e/", "d/e/k"):
        boto.put_object(Bucket=bucket, Key=f"{s3_key_prefix}/{name}", Body=b"")
    s3.fs.rm(s3.join("d"), recursive=True)
    assert boto.list_objects_v2(Bucket=bucket, Prefix=s3_key_prefix)["KeyCount"] == 0


def test_rm_recursive_removes_a_file_of_the_same_name_as_well(memory):
    # MinIO lists nothing below a file.
    memory.fs.pipe({memory.join(name): b"" for name in ("a", "a/k", "ab")})
    memory.fs.rm(memory.join("a"), recursive=True)
    assert memory.fs.find(memory.root) == [memory.join("ab")]


def test_buckets_are_made_listed_and_removed(make_s3, boto):
    fs, name = make_s3(), f"t-{uuid.uuid4().hex}"
    assert not fs.exists(name)
    fs.mkdir(name)
    try:
        assert name in [bucket["Name"] for bucket in boto.list_buckets()["Buckets"]]
        assert name in fs.ls("", detail=False)
        entry = next(entry for entry in fs.ls("", detail=True) if entry["name"] == name)
        assert entry["type"] == "directory"
        assert fs.isdir(name)
        assert fs.ls(name) == []
        with pytest.raises(FileExistsError):
            fs.mkdir(name)
        fs.makedirs(name, exist_ok=True)
        with pytest.raises(FileExistsError):
            fs.makedirs(name, exist_ok=False)
        fs.pipe_file(f"{name}/k", b"1")
        with pytest.raises(OSError) as caught:  # noqa: PT011
            fs.rmdir(name)
        assert caught.value.errno == errno.ENOTEMPTY
        fs.rm_file(f"{name}/k")
    finally:
        fs.rmdir(name)
    assert name not in [bucket["Name"] for bucket in boto.list_buckets()["Buckets"]]
    assert not fs.exists(name)


def test_one_instance_serves_many_buckets(s3, new_bucket, boto):
    s3.fs.pipe_file(f"{new_bucket}/k", b"there")
    assert boto.get_object(Bucket=new_bucket, Key="k")["Body"].read() == b"there"
    s3.fs.copy(f"{new_bucket}/k", s3.join("here"))
    assert s3.fs.cat_file(s3.join("here")) == b"there"
    s3.fs.mv(s3.join("here"), f"{new_bucket}/d/back")
    assert s3.fs.find(new_bucket) == [f"{new_bucket}/d/back", f"{new_bucket}/k"]


def test_rm_recursive_of_a_bucket_removes_the_bucket(s3, boto):
    name = f"t-{uuid.uuid4().hex}"
    s3.fs.mkdir(name)
    s3.fs.pipe({f"{name}/k": b"", f"{name}/d/k": b""})
    s3.fs.rm(name, recursive=True)
    assert name not in [bucket["Name"] for bucket in boto.list_buckets()["Buckets"]]


@pytest.mark.parametrize("recursive", [False, True])
def test_rm_of_a_missing_bucket_is_not_found(s3, recursive):
    with pytest.raises(FileNotFoundError):
        s3.fs.rm(f"t-{uuid.uuid4().hex}", recursive=recursive)


def test_a_bucket_that_may_not_be_looked_at_is_there(s3, make_s3, new_bucket, boto):
    options = {
        "aws_access_key_id": s3.options["key"],
        "aws_secret_access_key": s3.options["secret"],
        "endpoint_url": s3.options["endpoint_url"],
        "region_name": s3.options["region"],
    }
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/*"}
    sts = boto3.client("sts", **options)
    made = sts.assume_role(
        RoleArn="arn:aws:iam::123456789012:role/reader",
        RoleSessionName="tests",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Credentials"]
    sts.close()
    fs = make_s3(
        key=made["AccessKeyId"], secret=made["SecretAccessKey"], token=made["SessionToken"]
    )

    assert fs.exists(new_bucket)
    with pytest.raises(PermissionError):
        fs.exists(f"{new_bucket}/k")
