"""What an object carries beside its bytes."""

import pytest


@pytest.fixture
def path(fs, s3_prefix):
    path = f"{s3_prefix}/k.csv"
    fs.pipe_file(
        path,
        b"x",
        ContentType="text/x-odd",
        CacheControl="max-age=7",
        ContentDisposition="inline",
        Metadata={"one": "1", "two-a": "2"},
        Tagging="t=1",
    )
    return path


def test_metadata_and_its_entries_are_read(fs, path, witness):
    assert fs.metadata(path) == witness.head(path)["Metadata"] == {"one": "1", "two-a": "2"}
    assert fs.getxattr(path, "two_a") == fs.getxattr(f"s3://{path}", "two-a") == "2"
    assert fs.getxattr(path, "three") is None
    with fs.open(path) as f:
        assert f.metadata() == {"one": "1", "two-a": "2"}
        assert f.getxattr("one") == "1"


def test_setxattr_changes_what_it_names_and_nothing_else(fs, path, witness, boto):
    fs.setxattr(path, one=None, two_a="new", three="3")
    head = witness.head(path)
    assert head["Metadata"] == fs.metadata(path) == {"two-a": "new", "three": "3"}
    assert head["ContentType"] == "text/x-odd"
    assert head["CacheControl"] == "max-age=7"
    assert head["ContentDisposition"] == "inline"
    assert fs.get_tags(path) == {"t": "1"}
    assert witness.read(path) == b"x"


def test_setxattr_takes_arguments_of_a_copy(fs, path, witness):
    fs.setxattr(path, copy_kwargs={"ContentType": "application/pdf"}, four="4")
    head = witness.head(path)
    assert head["ContentType"] == "application/pdf"
    assert head["Metadata"] == {"one": "1", "two-a": "2", "four": "4"}


def test_all_metadata_can_be_removed(fs, path, witness):
    with fs.open(path) as f:
        f.setxattr(one=None, two_a=None)
    assert witness.head(path)["Metadata"] == {}


def test_a_copy_keeps_or_replaces_what_its_source_carries(fs, path, witness):
    fs.cp_file(path, f"{path}-same")
    head = witness.head(f"{path}-same")
    assert (head["ContentType"], head["CacheControl"]) == ("text/x-odd", "max-age=7")
    assert head["Metadata"] == {"one": "1", "two-a": "2"}
    fs.copy(path, f"{path}-new", ContentType="text/new", Metadata={"n": "9"})
    head = witness.head(f"{path}-new")
    assert (head["ContentType"], head["CacheControl"]) == ("text/new", "max-age=7")
    assert head["Metadata"] == {"n": "9"}
    fs.cp_file(path, f"{path}-bare", MetadataDirective="REPLACE")
    assert witness.head(f"{path}-bare")["Metadata"] == {}


@pytest.mark.parametrize("entries", [{"a": "\u00e4"}, {"a": "x\ny"}, {"\u00e4": "a"}, {"a": " x"}])
def test_metadata_that_would_not_survive_is_refused(fs, path, s3_prefix, entries):
    with pytest.raises(ValueError, match="metadata"):
        fs.pipe_file(f"{s3_prefix}/odd", b"x", metadata=entries)
    assert not fs.exists(f"{s3_prefix}/odd")
    with pytest.raises(ValueError, match="metadata"):
        fs.setxattr(path, **entries)


def test_info_has_the_names_of_s3fs(fs, path, boto):
    bucket, _, key = path.partition("/")
    head = boto.head_object(Bucket=bucket, Key=key)
    info = fs.info(path)
    assert info["Key"] == info["name"] == path
    assert info["Size"] == info["size"] == 1
    for name in ("ETag", "LastModified", "ContentType"):
        assert info[name] == head[name]
    assert info["StorageClass"] == "STANDARD"
    folder = path.rpartition("/")[0]
    assert fs.info(folder)["StorageClass"] == "DIRECTORY"
    listed = fs.ls(folder, detail=True)[0]
    assert (listed["Key"], listed["Size"], listed["ETag"]) == (path, 1, head["ETag"])


# moto, because MinIO knows no class but STANDARD and REDUCED_REDUNDANCY.
@pytest.mark.parametrize("size", [3, 11 * 2**20])
def test_a_write_may_name_its_storage_class(on_moto, moto_boto, size):
    fs, bucket = on_moto
    fs.pipe_file(f"{bucket}/k", bytes(size), StorageClass="STANDARD_IA", part_size=5 * 2**20)
    assert moto_boto.head_object(Bucket=bucket, Key="k")["StorageClass"] == "STANDARD_IA"
    assert fs.info(f"{bucket}/k")["StorageClass"] == "STANDARD_IA"
    fs.cp_file(f"{bucket}/k", f"{bucket}/l", StorageClass="ONEZONE_IA")
    assert fs.info(f"{bucket}/l")["StorageClass"] == "ONEZONE_IA"
    assert "~storage-class" not in fs.metadata(f"{bucket}/k")


def test_arguments_of_a_call_are_those_of_that_call_alone(on_moto, moto_boto):
    fs, bucket = on_moto
    with fs.open(f"{bucket}/a", "wb", StorageClass="STANDARD_IA", ACL="public-read") as f:
        f.write(b"x")
    fs.touch(f"{bucket}/b")
    heads = [moto_boto.head_object(Bucket=bucket, Key=key) for key in "ab"]
    assert [head.get("StorageClass") for head in heads] == ["STANDARD_IA", None]


@pytest.mark.parametrize(
    "call",
    [
        lambda fs, path, **kwargs: fs.pipe_file(path, b"x", **kwargs),
        lambda fs, path, **kwargs: fs.cp_file(path, f"{path}2", **kwargs),
        lambda fs, path, **kwargs: fs.open(path, "wb", **kwargs),
        lambda fs, path, **kwargs: fs.cat_file(path, **kwargs),
        lambda fs, path, **kwargs: fs.open(path, **kwargs),
    ],
    ids=["pipe_file", "cp_file", "open to write", "cat_file", "open to read"],
)
def test_an_argument_that_means_nothing_is_an_error(fs, path, s3_prefix, witness, call):
    before = witness.contents(s3_prefix)
    with pytest.raises(NotImplementedError, match="IfMatch"):
        call(fs, path, IfMatch="red")
    assert before
    assert witness.contents(s3_prefix) == before


@pytest.mark.parametrize(
    "call",
    [
        "cat", "cat_file", "info", "exists", "ls", "find", "du", "glob", "metadata", "open",
        "read_text", "rm", "rm_file",
    ],
)  # fmt: skip
def test_reads_and_removals_take_no_argument_that_means_nothing(fs, path, s3_prefix, call, witness):
    with pytest.raises(NotImplementedError, match="Colour"):
        getattr(fs, call)(path, Colour="red")
    assert witness.paths(s3_prefix) == [path]


def test_bulk_calls_take_no_argument_that_means_nothing(fs, path, s3_prefix, tmp_path, witness):
    calls = [
        lambda: fs.cat([path], Colour="red"),
        lambda: fs.cat_ranges([path], 0, 1, Colour="red"),
        lambda: fs.get([path], [str(tmp_path / "k")], Colour="red"),
        lambda: fs.mv(path, f"{path}-2", Colour="red"),
        lambda: fs.rm([path], Colour="red"),
    ]
    for call in calls:
        with pytest.raises(NotImplementedError, match="Colour"):
            call()
    assert witness.paths(s3_prefix) == [path]
    assert not (tmp_path / "k").exists()


async def test_the_asynchronous_forms(make_s3, path):
    fs = make_s3(asynchronous=True)
    await fs._setxattr(path, five="5")
    assert await fs._getxattr(path, "five") == "5"
    assert (await fs._metadata(path))["one"] == "1"
