"""What `info` tells of one object, and times: modified, created, checksum, touch."""

import datetime
import time

import pytest


def now():
    return datetime.datetime.now(datetime.UTC)


def test_info_has_name_size_and_type(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"12345")
    info = store.fs.info(path)
    assert (info["name"], info["size"], info["type"]) == (path, 5, "file")
    assert type(info["size"]) is int


def test_info_of_a_missing_object_raises(store):
    with pytest.raises(FileNotFoundError) as caught:
        store.fs.info(store.join("missing"))
    assert "missing" in str(caught.value)


def test_stat_is_info(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"12345")
    assert store.fs.stat(path) == store.fs.info(path)


def test_mtime_is_an_aware_datetime(store):
    path = store.join("k")
    before = now() - datetime.timedelta(seconds=2)
    store.fs.pipe_file(path, b"")
    for info in (store.fs.info(path), store.fs.ls(store.root, detail=True)[0]):
        assert isinstance(info["mtime"], datetime.datetime)
        assert info["mtime"].utcoffset() == datetime.timedelta(0)
        assert before <= info["mtime"] <= now() + datetime.timedelta(seconds=2)


def test_info_may_be_changed_by_the_caller(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"12345")
    store.fs.info(path)["size"] = 0
    assert store.fs.info(path)["size"] == 5


def test_s3_info_has_what_the_store_tells(s3, boto, s3_key_prefix):
    path = s3.join("k.csv")
    s3.fs.pipe_file(path, b"a,b\n")
    bucket = s3.root.split("/")[0]
    head = boto.head_object(Bucket=bucket, Key=f"{s3_key_prefix}/k.csv")
    info = s3.fs.info(path)
    assert info["ETag"].strip('"') == head["ETag"].strip('"')
    assert info["LastModified"] == head["LastModified"]
    assert info["mtime"] == head["LastModified"]
    assert info["ContentType"] == "text/csv"


def test_s3_listings_have_etag_and_time(s3, boto, s3_key_prefix):
    s3.fs.pipe_file(s3.join("k"), b"x")
    bucket = s3.root.split("/")[0]
    head = boto.head_object(Bucket=bucket, Key=f"{s3_key_prefix}/k")
    (entry,) = s3.fs.ls(s3.root, detail=True)
    assert entry["ETag"].strip('"') == head["ETag"].strip('"')
    assert abs(entry["LastModified"] - head["LastModified"]) < datetime.timedelta(seconds=1)


def test_s3_info_has_the_metadata_of_the_object(s3, boto, s3_key_prefix):
    boto.put_object(
        Bucket=s3.root.split("/")[0],
        Key=f"{s3_key_prefix}/k",
        Body=b"",
        Metadata={"owner": "tests"},
        ContentType="application/x-odd",
    )
    info = s3.fs.info(s3.join("k"))
    assert info["Metadata"] == {"owner": "tests"}
    assert info["ContentType"] == "application/x-odd"


CONTENT_TYPES = {
    "k.csv": "text/csv",
    "k.json": "application/json",
    "k.html": "text/html",
    "k.png": "image/png",
    "k.txt": "text/plain",
    "k.pdf": "application/pdf",
}


def _by_open(fs, path, tmp_path):
    with fs.open(path, "wb") as file:
        file.write(b"x")


def _by_put(fs, path, tmp_path):
    (tmp_path / "source").write_bytes(b"x")
    fs.put_file(str(tmp_path / "source"), path)


def _by_large_open(fs, path, tmp_path):
    with fs.open(path, "wb", block_size=5 * 2**20) as file:
        file.write(bytes(11 * 2**20))


@pytest.mark.parametrize("name", CONTENT_TYPES)
@pytest.mark.parametrize(
    "write",
    [lambda fs, path, _: fs.pipe_file(path, b"x"), _by_open, _by_put],
    ids=["pipe", "open", "put"],
)
def test_the_content_type_is_guessed_from_the_name(s3, boto, s3_key_prefix, tmp_path, name, write):
    write(s3.fs, s3.join(name), tmp_path)
    head = boto.head_object(Bucket=s3.root.split("/")[0], Key=f"{s3_key_prefix}/{name}")
    assert head["ContentType"].split(";")[0] == CONTENT_TYPES[name]


def test_the_content_type_of_a_multipart_upload_is_guessed(s3, boto, s3_key_prefix, tmp_path):
    _by_large_open(s3.fs, s3.join("k.json"), tmp_path)
    head = boto.head_object(Bucket=s3.root.split("/")[0], Key=f"{s3_key_prefix}/k.json")
    assert head["ContentType"] == "application/json"


def test_modified_is_an_aware_datetime(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"")
    modified = store.fs.modified(path)
    assert modified == store.fs.info(path)["mtime"]
    assert abs(now() - modified) < datetime.timedelta(seconds=60)
    with pytest.raises(FileNotFoundError):
        store.fs.modified(store.join("missing"))


def test_modified_of_a_directory_that_keys_imply_is_refused(s3):
    s3.fs.pipe_file(s3.join("d", "k"), b"")
    for path in (s3.join("d"), s3.root.partition("/")[0]):
        with pytest.raises(IsADirectoryError):
            s3.fs.modified(path)


def test_created_is_an_aware_datetime_or_said_to_be_unknown(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"")
    try:
        created = store.fs.created(path)
    except NotImplementedError as error:
        assert "created" in str(error)  # noqa: PT017
    else:
        assert created.utcoffset() is not None
        assert abs(now() - created) < datetime.timedelta(seconds=60)


def test_checksum_and_ukey_change_with_the_content(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"one")
    first = store.fs.checksum(path), store.fs.ukey(path)
    assert (store.fs.checksum(path), store.fs.ukey(path)) == first
    time.sleep(0.01)
    store.fs.pipe_file(path, b"two")
    assert store.fs.checksum(path) != first[0]
    assert store.fs.ukey(path) != first[1]


def test_checksum_and_ukey_of_a_missing_object_raise(store):
    with pytest.raises(FileNotFoundError):
        store.fs.checksum(store.join("missing"))
    with pytest.raises(FileNotFoundError):
        store.fs.ukey(store.join("missing"))


def test_touch_makes_an_empty_object(store):
    path = store.join("d", "k")
    store.fs.touch(path)
    assert store.fs.info(path)["size"] == 0
    assert store.fs.cat_file(path) == b""


@pytest.mark.parametrize("options", [{}, {"truncate": True}])
def test_touch_empties_an_existing_object(store, options):
    path = store.join("k")
    store.fs.pipe_file(path, b"old")
    store.fs.touch(path, **options)
    assert store.fs.cat_file(path) == b""


def test_touch_without_truncate_keeps_the_content_and_renews_the_time(store):
    path = store.join("k.csv")
    store.fs.pipe_file(path, b"old")
    before = store.fs.modified(path)
    time.sleep(1.1)
    store.fs.touch(path, truncate=False)
    assert store.fs.cat_file(path) == b"old"
    assert store.fs.modified(path) > before


def test_touch_without_truncate_makes_a_missing_object(store):
    path = store.join("k")
    store.fs.touch(path, truncate=False)
    assert store.fs.cat_file(path) == b""


def test_touch_without_truncate_keeps_type_encoding_and_metadata(s3, boto, s3_key_prefix):
    bucket, key = s3.root.split("/")[0], f"{s3_key_prefix}/k"
    how = {
        "Metadata": {"owner": "tests"},
        "ContentType": "text/csv",
        "ContentEncoding": "gzip",
        "CacheControl": "no-cache",
    }
    boto.put_object(Bucket=bucket, Key=key, Body=b"x", **how)
    s3.fs.touch(s3.join("k"), truncate=False)
    head = boto.head_object(Bucket=bucket, Key=key)
    assert {name: head[name] for name in how} == how


def test_info_tells_the_version_where_the_bucket_keeps_versions(make_s3, boto, new_bucket):
    boto.put_bucket_versioning(Bucket=new_bucket, VersioningConfiguration={"Status": "Enabled"})
    fs = make_s3()
    fs.pipe_file(f"{new_bucket}/k", b"1")
    wanted = boto.head_object(Bucket=new_bucket, Key="k")["VersionId"]
    assert fs.info(f"{new_bucket}/k")["version_id"] == wanted
