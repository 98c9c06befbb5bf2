"""The tree of exceptions: classes, numbers, texts, pickling."""

import errno
import pickle

import pytest

from opendalfs import OpendalFileSystem, OpendalfsError, errors

TABLE = {
    "NotFound": (FileNotFoundError, errno.ENOENT),
    "AlreadyExists": (FileExistsError, errno.EEXIST),
    "PermissionDenied": (PermissionError, errno.EACCES),
    "IsADirectory": (IsADirectoryError, errno.EISDIR),
    "NotADirectory": (NotADirectoryError, errno.ENOTDIR),
    "NotEmpty": (OSError, errno.ENOTEMPTY),
    "Unsupported": (NotImplementedError, errno.ENOTSUP),
    "ConfigInvalid": (ValueError, errno.EINVAL),
    "Changed": (OSError, errno.EBUSY),
    "RateLimited": (OSError, errno.EBUSY),
    "Timeout": (TimeoutError, errno.ETIMEDOUT),
}

each_class = pytest.mark.parametrize("name", TABLE)


def test_the_root_of_the_tree_is_an_os_error():
    assert issubclass(errors.OpendalfsError, OSError)
    assert OpendalfsError is errors.OpendalfsError


@each_class
def test_a_class_is_ours_and_the_built_in(name):
    cls, (built_in, _) = getattr(errors, name), TABLE[name]
    assert issubclass(cls, errors.OpendalfsError)
    assert issubclass(cls, built_in)
    assert cls.__module__ == "opendalfs.errors"
    assert cls.__name__ == name


def test_no_class_is_missing_from_the_table():
    ours = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.OpendalfsError)
    }
    assert ours == {*TABLE, "OpendalfsError"}


@pytest.mark.parametrize("name", [*TABLE, "OpendalfsError"])
def test_an_error_survives_pickling(name):
    number = TABLE[name][1] if name in TABLE else errno.EIO
    before = getattr(errors, name)(number, "what went wrong", "bucket/key")
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is type(before)
    assert (after.errno, after.strerror, after.filename) == (
        number,
        "what went wrong",
        "bucket/key",
    )
    assert str(after) == str(before)


def raised(call):
    with pytest.raises(OSError) as caught:  # noqa: PT011
        call()
    return caught.value


def check(error, name, path):
    assert type(error) is getattr(errors, name), repr(error)
    assert error.errno == TABLE[name][1]
    assert error.strerror
    assert path.strip("/") in str(error.filename)
    text = str(error)
    assert path.strip("/") in text
    assert "\n" not in text
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == text
    assert (again.errno, again.filename) == (error.errno, error.filename)


def test_a_missing_object_raises_not_found(store):
    path = store.join("missing")
    for call in (
        lambda: store.fs.cat_file(path),
        lambda: store.fs.info(path),
        lambda: store.fs.ls(path),
        lambda: store.fs.open(path, "rb"),
        lambda: store.fs.cp_file(path, store.join("x")),
        lambda: store.fs.rm_file(path),
    ):
        check(raised(call), "NotFound", path)


def test_an_existing_object_raises_already_exists(store):
    path = store.join("k")
    store.fs.pipe_file(path, b"")
    check(raised(lambda: store.fs.pipe_file(path, b"", mode="create")), "AlreadyExists", path)


def test_a_missing_bucket_raises_not_found(s3):
    check(
        raised(lambda: s3.fs.cat_file("no-such-bucket-here/k")), "NotFound", "no-such-bucket-here"
    )


def test_a_wrong_key_raises_permission_denied(make_s3, s3_prefix):
    fs = make_s3(secret="wrong-secret")
    path = f"{s3_prefix}/k"
    for call in (
        lambda: fs.cat_file(path),
        lambda: fs.pipe_file(path, b"x"),
        lambda: fs.info(path),
        lambda: fs.ls(s3_prefix),
    ):
        error = raised(call)
        check(error, "PermissionDenied", s3_prefix)
        assert "wrong-secret" not in str(error)


def test_directories_in_the_wrong_place_raise_on_disk(rooted):
    (rooted.path / "d").mkdir()
    (rooted.path / "d" / "k").write_bytes(b"")
    (rooted.path / "f").write_bytes(b"")
    check(raised(lambda: rooted.fs.pipe_file("d", b"x")), "IsADirectory", "d")
    check(raised(lambda: rooted.fs.cat_file("d")), "IsADirectory", "d")
    check(raised(lambda: rooted.fs.pipe_file("f/k", b"x")), "NotADirectory", "f")
    check(raised(lambda: rooted.fs.rmdir("d")), "NotEmpty", "d")


def test_what_a_store_cannot_do_raises_unsupported(memory):
    memory.fs.pipe_file(memory.join("k"), b"")
    check(raised(lambda: memory.fs.sign(memory.join("k"))), "Unsupported", memory.join("k"))


def test_a_wrong_option_raises_config_invalid():
    with pytest.raises(errors.ConfigInvalid) as caught:
        OpendalFileSystem("s3", secrte="x")
    assert caught.value.errno == errno.EINVAL
    assert "\n" not in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


def test_texts_hold_no_query_and_no_debug_dump(s3, make_s3, s3_prefix):
    found = [
        raised(lambda: s3.fs.cat_file(s3.join("missing"))),
        raised(lambda: s3.fs.ls("no-such-bucket-here")),
        raised(lambda: make_s3(secret="wrong-secret").ls(s3_prefix)),
        raised(lambda: make_s3(secret="wrong-secret").cat_file(f"{s3_prefix}/k")),
    ]
    for error in found:
        text = str(error)
        for sign in ("list-type=", "X-Amz-", "Some(", "Parts {", "headers", "minioadmin", "\n"):
            assert sign not in text, text
        assert len(text) < 400


def test_the_text_names_operation_path_and_service(s3):
    text = str(raised(lambda: s3.fs.cat_file(s3.join("missing"))))
    assert "s3" in text
    assert s3.join("missing") in text


async def test_the_asynchronous_calls_raise_the_same(make_s3, s3_prefix):
    fs = make_s3(asynchronous=True)
    with pytest.raises(errors.NotFound) as caught:
        await fs._cat_file(f"{s3_prefix}/missing")
    check(caught.value, "NotFound", f"{s3_prefix}/missing")
