"""Encryption on the server's side, and TLS. MinIO takes keys of the user's own over TLS alone."""

import base64

import pytest

MIB = 2**20
KEY = bytes(range(100, 132))


def test_a_certificate_nobody_vouches_for_is_refused(make_secure):
    with pytest.raises(OSError, match="certificate"):
        make_secure(verify=True, max_retries=0).ls("box")


def test_a_bundle_of_authorities_or_no_check_is_enough(make_secure):
    assert make_secure().exists("box")
    assert make_secure(verify=False).exists("box")


@pytest.mark.parametrize("size", [3, 11 * MIB])
@pytest.mark.parametrize(
    "how",
    [
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "my-key"},
    ],
)
def test_a_write_may_ask_for_encryption(make_secure, secure_minio, size, how):
    fs, client = make_secure(part_size=5 * MIB), secure_minio[2]
    fs.pipe_file("box/sse", bytes(size), **how)
    head = client.head_object(Bucket="box", Key="sse")
    assert head["ServerSideEncryption"] == how["ServerSideEncryption"]
    assert fs.info("box/sse")["ServerSideEncryption"] == how["ServerSideEncryption"]
    assert fs.cat_file("box/sse") == bytes(size)
    fs.pipe_file("box/sse", b"")
    assert "ServerSideEncryption" not in client.head_object(Bucket="box", Key="sse")


def test_encryption_may_be_an_option_of_the_store(make_secure, secure_minio):
    fs = make_secure(s3_additional_kwargs={"ServerSideEncryption": "AES256"})
    fs.pipe_file("box/option", b"x")
    head = secure_minio[2].head_object(Bucket="box", Key="option")
    assert head["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize("size", [3, 11 * MIB])
@pytest.mark.parametrize("key", [KEY, base64.b64encode(KEY).decode(), "k" * 32])
def test_a_key_of_the_users_own_is_needed_to_read(make_secure, secure_minio, size, key):
    fs, client = make_secure(part_size=5 * MIB), secure_minio[2]
    data = bytes(range(256)) * (size // 256 + 1)
    fs.pipe_file("box/own", data, SSECustomerKey=key)
    raw = KEY if key != "k" * 32 else key
    answer = client.get_object(
        Bucket="box", Key="own", SSECustomerKey=raw, SSECustomerAlgorithm="AES256"
    )
    with answer["Body"] as body:
        assert body.read() == data
    assert fs.cat_file("box/own", SSECustomerKey=key) == data
    assert fs.cat_file("box/own", start=1, end=3, SSECustomerKey=key) == data[1:3]
    assert fs.info("box/own", SSECustomerKey=key)["size"] == len(data)
    with fs.open("box/own", SSECustomerKey=key) as f:
        assert f.read() == data
    with pytest.raises(OSError, match="box/own"):
        fs.cat_file("box/own")


def test_a_store_with_a_key_copies_renames_and_merges(make_secure, tmp_path):
    fs = make_secure(
        s3_additional_kwargs={"SSECustomerKey": base64.b64encode(KEY).decode()},
        multipart_copy_threshold=6 * MIB,
    )
    data = bytes(7 * MIB)
    fs.pipe_file("box/a", data)
    fs.cp_file("box/a", "box/b")
    fs.pipe_file("box/small", b"small")
    fs.cp_file("box/small", "box/c")
    fs.merge("box/all", ["box/b", "box/c"])
    assert fs.cat_file("box/all") == data + b"small"
    fs.get("box/all", str(tmp_path / "all"))
    assert (tmp_path / "all").stat().st_size == 7 * MIB + 5
    with pytest.raises(OSError, match="box/all"):
        make_secure().info("box/all")


def test_a_key_of_another_length_is_refused(make_secure):
    with pytest.raises(ValueError, match="32 bytes"):
        make_secure().pipe_file("box/k", b"x", SSECustomerKey="short")


def test_a_key_is_not_shown(make_secure):
    fs = make_secure(s3_additional_kwargs={"SSECustomerKey": base64.b64encode(KEY).decode()})
    assert base64.b64encode(KEY).decode() not in repr(fs.storage_options) + fs.to_json()
