"""Keys that S3 takes are stored, found, read, copied and removed exactly as they were given.

MinIO refuses some of them, so they go to moto's server as well; boto3 is the witness on both.
"""

import subprocess
import sys
from types import SimpleNamespace

import boto3
import botocore.config
import pytest

from opendalfs import OpendalFileSystem
from tests.conftest import Witness
from tests.faults.waiting import free_port, wait_until

KEYS = {
    "blank": "a b",
    "blank only": " ",
    "blanks at both ends": " a ",
    "no-break blank": "\u00a0a\u00a0",
    "tab": "a\tb",
    "carriage return": "a\rb",
    "control": "a\x01b",
    "delete": "a\x7fb",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "emoji": "\U0001f600\U0001f468\u200d\U0001f469",
    "percent": "100%",
    "percent code": "a%2Fb%20c",
    "question mark": "a?b=c",
    "hash": "a#b",
    "plus": "a+b",
    "ampersand": "a&b;c=d&amp;",
    "less and more": "<a>]]>",
    "quotes": "a'b\"c",
    "backslash": "a\\b",
    "colon": "a:b",
    "stars": "a*[b]?{c}",
    "tilde": "~",
    "non-characters": "\ufffda",
}
# MinIO refuses these or lists them in a way that no client can read, S3 does not.
REFUSED_BY_MINIO = {
    "escape": "a\x1bb",
    "double slash": "a//b",
    "three slashes": "a///b",
    "slash at the start": "/a",
    "slashes at the start": "//a",
    "dot": "a/./b",
    "dot at the start": "./a",
    "dot at the end": "a/.",
    "dot dot": "a/../b",
    "dot dot at the start": "../a",
    "dot dot at the end": "a/..",
    "dot dot only": "..",
    "a segment of 300 bytes": "n" * 300,
}


@pytest.fixture(scope="module")
def moto():
    """Run moto's server; give its endpoint."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        endpoint = f"http://127.0.0.1:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="someone",
            aws_secret_access_key="something",
            region_name="us-east-1",
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
            ),
        )

        def answers():
            try:
                return client.list_buckets()
            except botocore.exceptions.ConnectionError:
                return None

        wait_until(answers, 30)
        yield SimpleNamespace(client=client, endpoint=endpoint)
        client.close()
        process.terminate()


@pytest.fixture
def on_moto(moto):
    """Return moto's server as a store: an empty bucket."""
    moto.client.create_bucket(Bucket="of-moto")

    def keys():
        try:
            answer = moto.client.list_objects_v2(Bucket="of-moto")
        except moto.client.exceptions.NoSuchBucket:
            # It went with all that was in it.
            return []
        return [found["Key"] for found in answer.get("Contents", ())]

    yield SimpleNamespace(
        root="of-moto",
        witness=Witness(moto.client),
        fs=OpendalFileSystem(
            "s3",
            key="someone",
            secret="something",
            region="us-east-1",
            endpoint_url=moto.endpoint,
            skip_instance_cache=True,
        ),
        keys=keys,
    )
    for key in keys():
        moto.client.delete_object(Bucket="of-moto", Key=key)


@pytest.fixture
def on_minio(s3, witness):
    """Return MinIO as a store: a prefix of the test's own."""
    prefix = len(s3.root) + 1
    return SimpleNamespace(
        root=s3.root,
        witness=witness,
        fs=s3.fs,
        keys=lambda: [path[prefix:] for path in witness.paths(s3.root)],
    )


def check_kept(store, key):
    """See that every verb means this key and no other."""
    fs, path = store.fs, f"{store.root}/{key}"
    fs.pipe_file(path, b"value")
    assert store.keys() == [key]
    assert store.witness.read(path) == b"value"
    assert fs.find(store.root) == [path]
    assert fs.info(path)["name"] == path
    assert fs.info(path)["size"] == 5
    assert fs.isfile(path)
    assert fs.cat_file(path) == b"value"
    assert fs.cat_file(path, 1, 3) == b"al"
    with fs.open(path) as file:
        assert file.read() == b"value"
    with fs.open(path, "wb") as file:
        file.write(b"more")
    assert store.witness.read(path) == b"more"
    fs.cp_file(path, f"{store.root}/copy")
    assert sorted(store.keys()) == sorted([key, "copy"])
    fs.rm_file(path)
    assert store.keys() == ["copy"]
    fs.cp_file(f"{store.root}/copy", path)
    fs.rm_file(f"{store.root}/copy")
    assert store.keys() == [key]
    fs.rm(store.root, recursive=True)
    assert store.keys() == []


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_kept_on_minio(on_minio, name):
    check_kept(on_minio, KEYS[name])


@pytest.mark.parametrize("name", KEYS | REFUSED_BY_MINIO)
def test_a_key_is_kept_on_moto(on_moto, name):
    check_kept(on_moto, (KEYS | REFUSED_BY_MINIO)[name])


@pytest.mark.parametrize("name", KEYS | REFUSED_BY_MINIO)
def test_a_key_of_another_client_is_found_on_moto(on_moto, name):
    key = f"d/{(KEYS | REFUSED_BY_MINIO)[name]}"
    on_moto.witness.write(f"of-moto/{key}", b"value")
    assert on_moto.keys() == [key]
    assert on_moto.fs.find("of-moto") == [f"of-moto/{key}"]
    assert on_moto.fs.cat_file(f"of-moto/{key}") == b"value"
    walk = on_moto.fs.walk("of-moto", detail=True)
    assert [info["name"] for _, _, files in walk for info in files.values()] == [f"of-moto/{key}"]
    on_moto.fs.rm("of-moto/d", recursive=True)
    assert on_moto.keys() == []


@pytest.mark.parametrize("body", [b"", b"of another client"], ids=["a marker", "with bytes"])
def test_a_key_that_ends_with_a_slash_is_a_directory(on_moto, body):
    on_moto.witness.write("of-moto/d/e/", body)
    on_moto.witness.write("of-moto/d/k", b"value")
    assert on_moto.fs.isdir("of-moto/d/e")
    assert on_moto.fs.find("of-moto/d") == ["of-moto/d/k"]
    assert on_moto.fs.find("of-moto/d", withdirs=True) == [
        "of-moto/d",
        "of-moto/d/e",
        "of-moto/d/k",
    ]
    assert on_moto.keys() == ["d/e/", "d/k"]
    on_moto.fs.rm("of-moto/d", recursive=True)
    assert on_moto.keys() == []


def test_an_object_and_a_prefix_of_one_name_are_both_there(on_moto):
    fs = on_moto.fs
    fs.pipe_file("of-moto/a", b"object")
    fs.pipe_file("of-moto/a/b", b"below")
    fs.pipe_file("of-moto/a/c/d", b"deeper")
    assert on_moto.keys() == ["a", "a/b", "a/c/d"]
    assert fs.find("of-moto") == ["of-moto/a", "of-moto/a/b", "of-moto/a/c/d"]
    assert fs.cat_file("of-moto/a") == b"object"
    assert fs.cat_file("of-moto/a/b") == b"below"
    assert fs.isfile("of-moto/a")
    assert fs.info("of-moto/a")["size"] == 6
    kinds = {(entry["name"], entry["type"]) for entry in fs.ls("of-moto", detail=True)}
    assert kinds == {("of-moto/a", "file"), ("of-moto/a", "directory")}
    fs.rm_file("of-moto/a")
    assert on_moto.keys() == ["a/b", "a/c/d"]
    assert fs.isdir("of-moto/a")


def test_a_key_of_1024_bytes_is_kept_and_one_more_refused(on_moto):
    check_kept(on_moto, "\u00e9" * 512)
    with pytest.raises((ValueError, OSError)):
        on_moto.fs.pipe_file(f"of-moto/{'n' * 1025}", b"value")
    assert on_moto.keys() == []


def test_names_that_normalise_to_one_are_as_many_objects(on_moto):
    names = ["caf\u00e9", "cafe\u0301", "a/b", "a//b", "/a/b", "A/b", "a%2Fb", "a+b", "a b"]
    for name in names:
        on_moto.fs.pipe_file(f"of-moto/{name}", name.encode())
    assert sorted(on_moto.keys()) == sorted(names)
    assert [on_moto.fs.cat_file(f"of-moto/{name}").decode() for name in names] == names
    assert sorted(on_moto.fs.find("of-moto")) == sorted(f"of-moto/{name}" for name in names)
