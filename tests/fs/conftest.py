"""Fixtures of the behaviour tests: small trees, second clients, instances of one store."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest

from opendalfs import OpendalFileSystem

TREE = {
    "a.txt": b"alpha\n",
    "b.bin": bytes(range(256)),
    "sub/c.txt": b"gamma\n",
    "sub/deep/d.txt": b"delta\n",
    "sub/deep/e.csv": b"x,y\n1,2\n",
    "other/f.csv": b"x\n1\n",
}


@pytest.fixture
def tree(store):
    """Write TREE below the store's root and return it: relative name -> content."""
    for name, content in TREE.items():
        store.fs.pipe_file(store.join(*name.split("/")), content)
    store.fs.invalidate_cache()
    return dict(TREE)


@pytest.fixture
def relative(store):
    """Return a function that makes full names relative to the store's root, sorted."""
    root = store.fs._strip_protocol(store.root).strip("/")

    def strip(names):
        bare = [name.strip("/") for name in names]
        assert all(name == root or name.startswith(f"{root}/") or not root for name in bare), bare
        return sorted(name.removeprefix(root).lstrip("/") for name in bare)

    return strip


@pytest.fixture
def make_s3(s3_options):
    """Return a function that makes a new, uncached S3 instance with extra options."""

    def make(**options):
        return OpendalFileSystem("s3", skip_instance_cache=True, **{**s3_options, **options})

    return make


@pytest.fixture
def rooted(tmp_path):
    """Return an instance of the local disk rooted in a fresh directory, and that directory."""
    root = tmp_path / "root"
    root.mkdir()
    fs = OpendalFileSystem("fs", root=str(root), skip_instance_cache=True)
    return SimpleNamespace(fs=fs, path=root)


class _S3Client:
    """Another client of the bucket: boto3."""

    def __init__(self, boto, prefix):
        self._boto = boto
        self._bucket, self._prefix = prefix.split("/", 1)

    def _key(self, name):
        return f"{self._prefix}/{name}"

    def write(self, name, content):
        self._boto.put_object(Bucket=self._bucket, Key=self._key(name), Body=content)

    def read(self, name):
        return self._boto.get_object(Bucket=self._bucket, Key=self._key(name))["Body"].read()

    def delete(self, name):
        self._boto.delete_object(Bucket=self._bucket, Key=self._key(name))

    def names(self):
        pages = self._boto.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._prefix}/"
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sorted(key.removeprefix(f"{self._prefix}/") for key in keys)

    def uploads(self):
        # MinIO answers for a whole key or for the whole bucket, not for a prefix.
        answer = self._boto.list_multipart_uploads(Bucket=self._bucket)
        keys = [upload["Key"] for upload in answer.get("Uploads", [])]
        return [key for key in keys if key.startswith(f"{self._prefix}/")]


class _DiskClient:
    """Another client of the directory: pathlib."""

    def __init__(self, root):
        self._root = root

    def write(self, name, content):
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def read(self, name):
        return (self._root / name).read_bytes()

    def delete(self, name):
        (self._root / name).unlink()

    def names(self):
        files = [path for path in self._root.rglob("*") if path.is_file()]
        return sorted(str(path.relative_to(self._root)) for path in files)

    def uploads(self):
        return []


@pytest.fixture(params=["fs", "s3"])
def shared(request, tmp_path):
    """Return a store that a second, foreign client (`other`) sees as well.

    `make(**options)` gives a new uncached instance; `join` makes a full path.
    """
    if request.param == "s3":
        prefix = request.getfixturevalue("s3_prefix")
        options = request.getfixturevalue("s3_options")
        other = _S3Client(request.getfixturevalue("boto"), prefix)
    else:
        prefix = "place"
        (tmp_path / "root" / prefix).mkdir(parents=True)
        options = {"root": str(tmp_path / "root")}
        other = _DiskClient(tmp_path / "root" / prefix)

    def make(**extra):
        return OpendalFileSystem(request.param, skip_instance_cache=True, **{**options, **extra})

    def join(*parts):
        return "/".join((prefix, *parts))

    return SimpleNamespace(
        scheme=request.param, options=options, make=make, fs=make(), join=join, other=other
    )


@pytest.fixture
def new_bucket(boto):
    """Return the name of a bucket of this test's own, emptied and removed afterwards."""
    name = f"t-{uuid.uuid4().hex}"
    boto.create_bucket(Bucket=name)
    yield name
    for page in boto.get_paginator("list_object_versions").paginate(Bucket=name):
        for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            boto.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])
    boto.delete_bucket(Bucket=name)
