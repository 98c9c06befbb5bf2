"""Signed URLs: methods, versions, what the answer is to say."""

import pytest


@pytest.fixture
def path(fs, s3_prefix):
    path = f"{s3_prefix}/d/k +.txt"
    fs.pipe_file(path, b"content")
    return path


def test_a_url_to_read(fs, path, ask):
    assert ask(fs.url(f"s3://{path}"))[2] == b"content"
    with fs.open(path) as f:
        assert ask(f.url(expires=60))[2] == b"content"


def test_a_url_to_look(fs, path, ask):
    status, headers, body = ask(fs.url(path, client_method="head_object"), method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "7", b"")


def test_a_url_to_write(fs, path, ask, witness):
    assert ask(fs.sign(path, method="PUT"), method="PUT", data=b"new")[0] == 200
    assert witness.read(path) == b"new"
    url = fs.url(path, client_method="put_object", ContentType="text/x-odd")
    assert ask(url, "PUT", b"typed", {"Content-Type": "text/x-odd"})[0] == 200
    assert witness.head(path)["ContentType"] == "text/x-odd"
    assert ask(url, "PUT", b"typed", {"Content-Type": "text/other"})[0] == 403


def test_a_url_to_remove(fs, path, ask, witness):
    assert ask(fs.url(path, client_method="delete_object"), method="DELETE")[0] == 204
    assert witness.paths(path.rpartition("/")[0]) == []


def test_a_url_is_for_one_method(fs, path, ask):
    assert ask(fs.url(path), method="DELETE")[0] == 403


def test_a_url_may_say_what_the_answer_has(fs, path, ask):
    wanted = 'attachment; filename="a b/\u00e4.txt"'.encode("ascii", "ignore").decode()
    url = fs.url(path, ResponseContentDisposition=wanted, ResponseContentType="text/x-odd")
    _, headers, body = ask(url)
    assert (headers["Content-Disposition"], headers["Content-Type"]) == (wanted, "text/x-odd")
    assert body == b"content"


def test_a_url_of_a_version(make_s3, versioned, ask):
    fs = make_s3(version_aware=True)
    path = f"{versioned}/k"
    old = fs.pipe_file(path, b"old")["VersionId"]
    fs.pipe_file(path, b"new")
    assert ask(fs.url(path, VersionId=old))[2] == b"old"
    assert ask(fs.sign(path, version_id=old))[2] == b"old"
    assert ask(fs.url(f"{path}?versionId={old}"))[2] == b"old"
    assert ask(fs.url(path))[2] == b"new"


def test_the_time_is_in_the_url(fs, path):
    assert "X-Amz-Expires=77" in fs.url(path, expires=77)
    assert "X-Amz-Expires=78" in fs.sign(path, expiration=78)


def test_what_cannot_be_signed_is_refused(fs, path):
    with pytest.raises(NotImplementedError, match="list_objects"):
        fs.url(path, client_method="list_objects")
    with pytest.raises(ValueError, match="POST"):
        fs.sign(path, method="POST")
    with pytest.raises(ValueError, match="Colour"):
        fs.url(path, Colour="red")


async def test_the_asynchronous_form(make_s3, path, ask):
    fs = make_s3(asynchronous=True)
    assert ask(await fs._url(path))[2] == b"content"
