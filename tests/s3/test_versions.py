"""Versions of objects: reading, listing, removing and restoring them."""

import pickle

import fsspec
import pytest

import opendalfs


@pytest.fixture
def aware(make_s3):
    return make_s3(version_aware=True)


@pytest.fixture
def two(aware, versioned):
    """Return a path with two versions, and the ids of these."""
    path = f"{versioned}/d/k"
    return path, [aware.pipe_file(path, data)["VersionId"] for data in (b"first", b"second!")]


def test_a_bucket_is_made_to_keep_versions(fs, bucket, boto):
    assert fs.is_bucket_versioned(bucket) is False
    fs.make_bucket_versioned(bucket)
    assert boto.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert fs.is_bucket_versioned(bucket) is True
    fs.make_bucket_versioned(f"s3://{bucket}", versioned=False)
    assert fs.is_bucket_versioned(bucket) is False


def test_a_write_tells_its_version(aware, two, boto):
    path, ids = two
    bucket, _, key = path.partition("/")
    assert boto.head_object(Bucket=bucket, Key=key)["VersionId"] == ids[1]
    assert aware.info(path)["VersionId"] == ids[1]
    with aware.open(path, "wb") as f:
        f.write(b"third")
    assert f.version_id == aware.info(path)["VersionId"] not in ids


@pytest.mark.parametrize("how", ["path", "s3 path", "argument"])
def test_an_old_version_is_read(aware, two, how):
    path, ids = two
    given = {"version_id": ids[0]} if how == "argument" else {}
    if how != "argument":
        path = f"{'s3://' if how == 's3 path' else ''}{path}?versionId={ids[0]}"
    assert aware.cat_file(path, **given) == b"first"
    assert aware.cat_file(path, start=1, end=3, **given) == b"ir"
    assert aware.info(path, **given)["size"] == 5
    assert aware.info(path, **given)["VersionId"] == ids[0]
    assert aware.info(path, **given)["name"] == two[0]
    assert aware.exists(path, **given)
    with aware.open(path, **given) as f:
        assert (f.read(), f.version_id) == (b"first", ids[0])


def test_a_call_may_name_a_version_without_the_option(fs, two):
    path, ids = two
    assert fs.cat_file(path, version_id=ids[0]) == b"first"
    assert fs.cat_file(path) == b"second!"


def test_a_version_named_is_never_another(fs, two):
    path, ids = two
    assert fs.cat_ranges([path, path], [0, 1], [2, 3], version_id=ids[0]) == [b"fi", b"ir"]
    assert fs.read_text(path, version_id=ids[0]) == "first"
    assert fs.cat([path], version_id=ids[0]) == {path: b"first"}
    with pytest.raises(ValueError, match="version"):
        fs.rm([path], version_id=ids[0])
    assert fs.cat_file(path) == b"second!"


@pytest.mark.parametrize("version_aware", [True, False])
def test_all_of_a_file_open_at_a_version_is_of_that_version(make_s3, versioned, ask, version_aware):
    fs = make_s3(version_aware=version_aware)
    path = f"{versioned}/k"
    old = fs.pipe_file(path, b"old", metadata={"a": "1"})["VersionId"]
    fs.pipe_file(path, b"newer", metadata={"a": "2"})
    with fs.open(path, version_id=old) as f:
        assert (f.path, f.size, f.version_id) == (path, 3, old)
        assert (f.metadata(), f.getxattr("a")) == ({"a": "1"}, "1")
        assert ask(f.url())[2] == b"old"
        with pickle.loads(pickle.dumps(f)) as again:
            assert (again.read(), again.version_id) == (b"old", old)
        with pytest.raises(NotImplementedError, match="old version"):
            f.setxattr(a="3")
    assert fs.metadata(path) == {"a": "2"}


def test_an_old_version_is_not_opened_for_writing(fs, two):
    path, ids = two
    with (
        pytest.raises(ValueError, match="old version"),
        fs.open(path, "wb", version_id=ids[0]) as f,
    ):
        f.write(b"x")
    assert fs.cat_file(path) == b"second!"


def test_an_info_has_a_version_where_there_is_none(fs, bucket):
    fs.pipe_file(f"{bucket}/d/k", b"x")
    for path in (f"{bucket}/d/k", f"{bucket}/d", bucket):
        assert fs.info(path)["VersionId"] is None


def test_without_the_option_the_mark_is_part_of_the_key(fs, s3_prefix, witness):
    path = f"{s3_prefix}/k?versionId=null"
    fs.pipe_file(path, b"odd")
    assert witness.paths(s3_prefix) == [path]
    assert fs.cat(path) == b"odd"


def test_a_path_and_a_call_may_not_name_different_versions(aware, two):
    path, ids = two
    with pytest.raises(ValueError, match="version"):
        aware.info(f"{path}?versionId={ids[0]}", version_id=ids[1])


def test_a_url_with_a_version_makes_an_instance_that_knows_versions(two, s3_options):
    path, ids = two
    url = f"opendal+s3://{path}?versionId={ids[0]}"
    with fsspec.open(url, **s3_options) as f:
        assert f.read() == b"first"
    fs, _ = fsspec.core.url_to_fs(f"opendal+s3://{path}", **s3_options)
    assert fs.version_aware is False


def test_whole_paths_work_in_calls_that_take_patterns(aware, two, tmp_path):
    path, ids = two
    old = f"{path}?versionId={ids[0]}"
    assert aware.cat(old) == b"first"
    aware.get(old, str(tmp_path / "k"))
    assert (tmp_path / "k").read_bytes() == b"first"
    aware.get(path, str(tmp_path / "l"), version_id=ids[0])
    assert (tmp_path / "l").read_bytes() == b"first"


def test_a_copy_takes_the_version_named(aware, two, witness):
    path, ids = two
    aware.cp_file(f"{path}?versionId={ids[0]}", f"{path}-2")
    aware.cp_file(path, f"{path}-3", version_id=ids[0])
    assert witness.read(f"{path}-2") == witness.read(f"{path}-3") == b"first"


def test_an_open_file_stays_at_its_version(aware, two, witness):
    path, _ = two
    with aware.open(path, cache_type="none") as f:
        witness.write(path, b"replaced")
        assert f.read() == b"second!"
        f.seek(0)
        assert f.read() == b"second!"


def test_versions_are_listed_with_the_markers_of_deletions(aware, two, boto):
    path, ids = two
    bucket, _, key = path.partition("/")
    marker = boto.delete_object(Bucket=bucket, Key=key)["VersionId"]
    found = aware.versions(path)
    assert [v["VersionId"] for v in found] == [marker, ids[1], ids[0]]
    assert [v.get("IsDeleteMarker", False) for v in found] == [True, False, False]
    assert [v["IsLatest"] for v in found] == [True, False, False]
    assert [v["size"] for v in found] == [0, 7, 5]
    assert not aware.exists(path)


def test_object_version_info_lists_one_key_alone(aware, two, boto):
    path, ids = two
    aware.pipe_file(f"{path}-longer", b"other")
    info = aware.object_version_info(path)
    bucket, _, key = path.partition("/")
    expected = boto.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    for name in ("Key", "VersionId", "IsLatest", "Size", "ETag", "LastModified"):
        assert [v[name] for v in info] == [v[name] for v in expected if v["Key"] == key], name
    assert [v["VersionId"] for v in info] == ids[::-1]


def test_ls_with_versions_gives_paths_that_can_be_read(aware, two):
    path, ids = two
    names = aware.ls(path.rpartition("/")[0], versions=True)
    assert names == [f"{path}?versionId={i}" for i in ids[::-1]]
    assert [aware.cat_file(n) for n in names] == [b"second!", b"first"]


def test_versions_of_nothing_is_not_found(aware, versioned):
    with pytest.raises(FileNotFoundError):
        aware.versions(f"{versioned}/nothing")


def test_rm_of_a_version_removes_it_for_good(aware, two):
    path, ids = two
    aware.rm(path, version_id=ids[1])
    assert aware.cat_file(path) == b"first"
    aware.rm(f"{path}?versionId={ids[0]}")
    with pytest.raises(FileNotFoundError):
        aware.versions(path)


def test_a_marker_can_be_removed(aware, two):
    path, _ = two
    aware.rm(path)
    aware.rm_file(path, version_id=aware.versions(path)[0]["VersionId"])
    assert aware.cat_file(path) == b"second!"


def test_restore_takes_a_deletion_back(aware, two):
    path, ids = two
    aware.rm(path)
    aware.restore(path)
    assert aware.cat_file(path) == b"second!"
    assert aware.info(path)["VersionId"] == ids[1]


def test_restore_makes_an_old_version_the_current_one(aware, versioned, boto):
    path = f"{versioned}/k"
    old = aware.pipe_file(path, b"old", content_type="text/x-old", metadata={"a": "1"})
    aware.pipe_file(path, b"new")
    aware.restore(path, version_id=old["VersionId"])
    head = boto.head_object(Bucket=versioned, Key="k")
    assert (head["ContentType"], head["Metadata"]) == ("text/x-old", {"a": "1"})
    assert aware.cat_file(path) == b"old"
    assert len(aware.versions(path)) == 3


def test_restore_is_seen_in_a_listing_that_was_kept(aware, two):
    path, _ = two
    folder = path.rpartition("/")[0]
    aware.pipe_file(f"{folder}/other", b"")
    aware.rm(path)
    assert aware.ls(folder) == [f"{folder}/other"]
    aware.restore(path)
    assert aware.ls(folder) == [path, f"{folder}/other"]


def test_an_old_version_cannot_be_written(aware, two):
    path, ids = two
    with pytest.raises(ValueError, match="old version"):
        aware.pipe_file(f"{path}?versionId={ids[0]}", b"x")


def test_a_missing_version_is_not_found(aware, two):
    path, _ = two
    assert not aware.exists(path, version_id="11111111-1111-1111-1111-111111111111")


def test_split_path_tells_the_version_only_to_those_who_know_versions(aware, fs):
    assert aware.split_path("s3://b/d/k?versionId=v") == ("b", "d/k", "v")
    assert aware.split_path("b/d/k") == ("b", "d/k", None)
    assert aware.split_path("b") == ("b", "", None)
    assert fs.split_path("s3a://b/d/k?versionId=v") == ("b", "d/k?versionId=v", None)


def test_stores_without_versions_say_so():
    fs = opendalfs.MemoryFileSystem()
    with pytest.raises(NotImplementedError):
        fs.cat_file("t-versions/k", version_id="v")
    with pytest.raises(NotImplementedError):
        fs.versions("t-versions/k")


async def test_the_asynchronous_forms(make_s3, versioned):
    fs = make_s3(asynchronous=True, version_aware=True)
    path = f"{versioned}/k"
    old = (await fs._pipe_file(path, b"old"))["VersionId"]
    await fs._pipe_file(path, b"new")
    assert await fs._cat_file(path, version_id=old) == b"old"
    assert len(await fs._versions(path)) == len(await fs._object_version_info(path)) == 2
    await fs._rm_file(path)
    await fs._restore(path)
    async with await fs.open_async(path, version_id=old) as f:
        assert await f.read() == b"old"
