"""Signed URLs."""

import time
import urllib.error
import urllib.request

import pytest


def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


@pytest.mark.parametrize("name", ["plain", "a b", "a+b", "100%", "a%20b", "caf\u00e9", "x&y=z#q"])
@pytest.mark.parametrize("method", ["sign", "url"])
def test_a_signed_url_gives_the_object_without_a_key(s3, name, method):
    path = s3.join("d", name)
    s3.fs.pipe_file(path, name.encode())
    url = getattr(s3.fs, method)(path)
    assert url.startswith("http://")
    assert fetch(url) == name.encode()


def test_without_the_signature_the_server_refuses(s3):
    path = s3.join("k")
    s3.fs.pipe_file(path, b"private")
    bare = s3.fs.sign(path).split("?")[0]
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(bare)
    assert caught.value.code == 403
    caught.value.close()


def test_a_signed_url_expires(s3):
    path = s3.join("k")
    s3.fs.pipe_file(path, b"private")
    url = s3.fs.sign(path, expiration=1)
    assert "X-Amz-Expires=1" in url.split("?")[1].split("&")
    assert "X-Amz-Expires=500" in s3.fs.sign(path, expiration=500)
    time.sleep(2.5)
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(url)
    assert caught.value.code == 403
    caught.value.close()


def test_a_signed_url_does_not_hold_the_secret(make_s3, s3_prefix):
    fs = make_s3(secret="a-very-secret-word")
    assert "a-very-secret-word" not in fs.sign(f"{s3_prefix}/k")


@pytest.mark.parametrize("method", ["sign", "url"])
def test_a_store_that_cannot_sign_says_so(memory, local, method):
    for store in (memory, local):
        store.fs.pipe_file(store.join("k"), b"")
        with pytest.raises(NotImplementedError):
            getattr(store.fs, method)(store.join("k"))


async def test_the_asynchronous_sign(make_s3, s3_prefix):
    fs = make_s3(asynchronous=True)
    await fs._pipe_file(f"{s3_prefix}/k", b"x")
    assert fetch(await fs._sign(f"{s3_prefix}/k")) == b"x"
