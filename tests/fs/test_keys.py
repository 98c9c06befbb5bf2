"""Odd names: kept exactly, or refused with a clear error and nothing stored."""

import pytest
from fsspec.asyn import sync

NAMES = {
    "blank inside": "a b",
    "blank at the end": "tail ",
    "blank at the start": " lead",
    "blanks only": "  ",
    "percent": "100%",
    "percent code": "a%20b%2Fc",
    "plus": "a+b",
    "hash": "a#b",
    "question mark": "a?b",
    "query": "a?b=c&d=e",
    "colon": "a:b",
    "semicolon": "a;b",
    "comma": "a,b",
    "at": "a@b",
    "equals": "a=b",
    "quotes": "a'b\"c",
    "tilde": "~a",
    "brackets": "[a]",
    "braces": "{a}",
    "star": "a*b",
    "backslash": "a\\b",
    "pipe": "a|b",
    "less and more": "<a>",
    "dots": "a..b",
    "leading dot": ".a",
    "trailing dot": "a.",
    "three dots": "...",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "cjk": "\u4e2d\u6587",
    "emoji": "\U0001f600",
    "no-break blank": "\u00a0a\u00a0",
    "tab": "a\tb",
    "newline": "a\nb",
    "control": "a\x01b",
    "xml": "a&amp;b",
    "deep blank": "d /e ",
    "double slash": "a//b",
    "dot dot": "a/../b",
    "dot": "a/./b",
    "dot dot first": "../b",
    "slash at the start": "/a",
}

each_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())


def long_name(count):
    """Return a name of `count` bytes in parts a disk takes as well."""
    parts = []
    while count > 0:
        parts.append("n" * min(count, 200))
        count -= len(parts[-1]) + 1
    return "/".join(parts) if count != 0 else "/".join(parts) + "x"


@each_name
def test_a_key_is_stored_exactly_or_refused(shared, name):
    fs, path = shared.fs, shared.join(name)
    try:
        fs.pipe_file(path, b"value")
    except (ValueError, OSError) as error:
        assert str(error)  # noqa: PT017
        assert shared.other.names() == []
        return
    assert shared.other.names() == [name]
    assert shared.other.read(name) == b"value"
    assert fs.cat_file(path) == b"value"
    assert fs.info(path)["size"] == 5
    assert fs.info(path)["name"] == path
    assert fs.exists(path)
    assert fs.find(shared.join()) == [path]
    with fs.open(path, "rb") as file:
        assert file.read() == b"value"
    fs.rm_file(path)
    assert shared.other.names() == []


@each_name
def test_a_key_of_memory_is_stored_exactly_or_refused(memory, name):
    path = memory.join(name)
    try:
        memory.fs.pipe_file(path, b"value")
    except (ValueError, OSError) as error:
        assert str(error)  # noqa: PT017
        assert memory.fs.find(memory.root) == []
        return
    assert memory.fs.cat_file(path) == b"value"
    assert memory.fs.info(path)["name"] == path
    assert memory.fs.find(memory.root) == [path]


@pytest.mark.parametrize(
    "case",
    [
        "blank at the end",
        "blank at the start",
        "percent code",
        "plus",
        "question mark",
        "hash",
        "composed",
        "deep blank",
        "double slash",
    ],
)
@pytest.mark.parametrize("how", ["open", "put", "cp", "mv_file"])
def test_every_way_to_write_keeps_the_key(shared, tmp_path_factory, case, how):
    fs, name, path = shared.fs, NAMES[case], shared.join(NAMES[case])
    folder = tmp_path_factory.mktemp("source")
    (folder / "source").write_bytes(b"value")
    try:
        if how == "open":
            with fs.open(path, "wb") as file:
                file.write(b"value")
        elif how == "put":
            fs.put_file(str(folder / "source"), path)
        else:
            fs.pipe_file(shared.join("start"), b"value")
            fs.cp_file(shared.join("start"), path)
            fs.rm_file(shared.join("start"))
            if how == "mv_file":
                sync(fs.loop, fs._mv_file, path, shared.join("middle"))
                sync(fs.loop, fs._mv_file, shared.join("middle"), path)
    except (ValueError, OSError) as error:
        assert case == "double slash", error  # noqa: PT017
        assert name not in shared.other.names()
        return
    assert shared.other.names() == [name]
    assert shared.other.read(name) == b"value"
    fs.get_file(path, str(folder / "back"))
    assert (folder / "back").read_bytes() == b"value"


@pytest.mark.parametrize(
    "name", [value for case, value in NAMES.items() if "dot dot" not in case and case != "dot"]
)
def test_keys_of_another_client_are_found_and_read_on_s3(s3, boto, s3_key_prefix, name):
    bucket = s3.root.split("/")[0]
    boto_error = boto.exceptions.ClientError
    try:
        boto.put_object(Bucket=bucket, Key=f"{s3_key_prefix}/d/{name}", Body=b"value")
    except boto_error:
        with pytest.raises((ValueError, OSError)):
            s3.fs.pipe_file(s3.join("d", name), b"value")
        return
    listed = boto.list_objects_v2(Bucket=bucket, Prefix=f"{s3_key_prefix}/d/")["Contents"]
    keys = [item["Key"] for item in listed]
    assert s3.fs.find(s3.join("d")) == [f"{bucket}/{key}" for key in keys]
    assert s3.fs.cat_file(f"{bucket}/{keys[0]}") == b"value"
    s3.fs.rm(s3.join("d"), recursive=True)
    assert boto.list_objects_v2(Bucket=bucket, Prefix=f"{s3_key_prefix}/d/")["KeyCount"] == 0


def test_names_that_differ_in_a_blank_are_two_objects(shared):
    for name in ("a", "a ", " a"):
        shared.fs.pipe_file(shared.join(name), name.encode())
    assert sorted(shared.other.names()) == [" a", "a", "a "]
    listed = shared.fs.ls(shared.join(), detail=False)
    assert sorted(listed) == sorted(shared.join(name) for name in ("a", "a ", " a"))
    shared.fs.rm_file(shared.join("a "))
    assert sorted(shared.other.names()) == [" a", "a"]


def test_names_that_differ_in_composition_are_two_objects(shared):
    for name in ("caf\u00e9", "cafe\u0301"):
        shared.fs.pipe_file(shared.join(name), name.encode())
    assert shared.other.read("caf\u00e9") != shared.other.read("cafe\u0301")


def test_names_with_a_slash_more_are_two_objects_or_refused(s3, boto, s3_key_prefix):
    s3.fs.pipe_file(s3.join("a", "b"), b"one")
    try:
        s3.fs.pipe_file(s3.join("a//b"), b"two")
    except (ValueError, OSError):
        pass
    else:
        assert s3.fs.cat_file(s3.join("a//b")) == b"two"
    assert s3.fs.cat_file(s3.join("a", "b")) == b"one"


def test_a_key_of_1024_bytes_is_stored_exactly(s3, boto, s3_key_prefix):
    name = long_name(1024 - len(s3_key_prefix) - 1)
    key = f"{s3_key_prefix}/{name}"
    assert len(key.encode()) == 1024
    s3.fs.pipe_file(s3.join(name), b"value")
    bucket = s3.root.split("/")[0]
    assert boto.get_object(Bucket=bucket, Key=key)["Body"].read() == b"value"
    assert s3.fs.find(s3.root) == [f"{bucket}/{key}"]
    assert s3.fs.cat_file(s3.join(name)) == b"value"


def test_a_key_of_1025_bytes_is_refused(s3, s3_key_prefix):
    name = long_name(1025 - len(s3_key_prefix) - 1)
    with pytest.raises((ValueError, OSError)) as caught:
        s3.fs.pipe_file(s3.join(name), b"value")
    assert str(caught.value)
    assert s3.fs.find(s3.root) == []


def test_a_long_name_is_stored_or_refused_on_disk(rooted):
    rooted.fs.pipe_file("n" * 255, b"value")
    assert (rooted.path / ("n" * 255)).read_bytes() == b"value"
    with pytest.raises((ValueError, OSError)):
        rooted.fs.pipe_file("m" * 256, b"value")
    assert [path.name for path in rooted.path.iterdir()] == ["n" * 255]


@pytest.mark.parametrize("path", ["", "/"])
def test_an_empty_path_is_no_object(store, path):
    with pytest.raises((ValueError, OSError)):
        store.fs.pipe_file(path, b"value")


def test_a_name_with_a_zero_byte_is_refused(shared):
    with pytest.raises((ValueError, OSError)):
        shared.fs.pipe_file(shared.join("a\x00b"), b"value")
    assert shared.other.names() == []


def test_a_name_that_is_no_unicode_is_refused(shared):
    with pytest.raises((ValueError, OSError)):
        shared.fs.pipe_file(shared.join("a\udc80b"), b"value")
    assert shared.other.names() == []
