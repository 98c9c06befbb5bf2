"""Buckets of a test's own, other S3 servers, instances for them."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import closing, contextmanager, suppress

import boto3
import pytest
import trustme

from opendalfs import S3FileSystem

KEY, SECRET = "someone", "something-long"


@pytest.fixture
def make_s3(s3_options):
    """Return a function that makes a new, uncached instance with extra options."""

    def make(**options):
        return S3FileSystem(skip_instance_cache=True, **{**s3_options, **options})

    return make


@pytest.fixture
def fs(make_s3):
    """Return an instance of the S3 class."""
    return make_s3()


def _empty_and_remove(boto, name):
    for page in boto.get_paginator("list_object_versions").paginate(Bucket=name):
        for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            boto.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])
    for upload in boto.list_multipart_uploads(Bucket=name).get("Uploads", []):
        boto.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    boto.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(boto):
    """Return the name of a bucket of this test's own."""
    name = f"t-{uuid.uuid4().hex}"
    boto.create_bucket(Bucket=name)
    yield name
    _empty_and_remove(boto, name)


@pytest.fixture
def versioned(boto, bucket):
    """Return the name of a bucket that keeps versions."""
    boto.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def _free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _minio_program():
    found = shutil.which("minio") or os.path.expanduser("~/go/bin/minio")
    if not os.path.exists(found):
        pytest.fail("no minio program on PATH: scripts/services install minio")
    return found


@contextmanager
def _running(arguments, environment, ready):
    """Run a server until the block ends; it answers when the block begins."""
    with subprocess.Popen(
        arguments,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + 30
            while not ready():
                assert process.poll() is None, f"{arguments[0]} ended with {process.returncode}"
                assert time.monotonic() < deadline, f"{arguments[0]} does not answer"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def _listens(port):
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _minio(folder, **environment):
    """Run a MinIO of its own; give the arguments of a client for it."""
    port = _free_port()
    certificates = folder / "certs"
    is_tls = (certificates / "public.crt").exists()
    certificates.mkdir(exist_ok=True)
    address = f"127.0.0.1:{port}"
    arguments = [
        _minio_program(), "server", "--quiet", "--address", address,
        "--console-address", f"127.0.0.1:{_free_port()}",
        "--certs-dir", str(certificates), str(folder / "data"),
    ]  # fmt: skip
    environment = {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, **environment}
    endpoint = f"{'https' if is_tls else 'http'}://{address}"

    @contextmanager
    def run():
        def is_ready():
            # A server that is up refuses what nobody signed.
            client = boto3.client(
                "s3",
                endpoint_url=endpoint,
                aws_access_key_id=KEY,
                aws_secret_access_key=SECRET,
                region_name=environment.get("MINIO_SITE_REGION", "us-east-1"),
                verify=str(folder / "authority.pem") if is_tls else None,
            )
            try:
                client.list_buckets()
            except Exception:
                return False
            finally:
                client.close()
            return True

        with _running(arguments, environment, lambda: _listens(port) and is_ready()):
            yield endpoint

    return run()


@pytest.fixture(scope="session")
def secure_minio(tmp_path_factory):
    """Return a MinIO with TLS and a key to encrypt with.

    Gives its URL, the certificate of the authority that vouches for it and a boto3 client.
    """
    folder = tmp_path_factory.mktemp("secure-minio")
    (folder / "certs").mkdir()
    authority = trustme.CA()
    certificate = folder / "authority.pem"
    authority.cert_pem.write_to_path(certificate)
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "certs" / "private.key")
    issued.cert_chain_pems[0].write_to_path(folder / "certs" / "public.crt")
    key = base64.b64encode(bytes(range(32))).decode()
    with _minio(folder, MINIO_KMS_SECRET_KEY=f"my-key:{key}") as endpoint:
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            verify=str(certificate),
        )
        client.create_bucket(Bucket="box")
        yield endpoint, certificate, client
        client.close()


@pytest.fixture
def make_secure(secure_minio):
    """Return a function that makes an instance for the MinIO with TLS."""
    endpoint, certificate, _ = secure_minio

    def make(**options):
        given = {"key": KEY, "secret": SECRET, "endpoint_url": endpoint, "region": "us-east-1"}
        given["verify"] = str(certificate)
        return S3FileSystem(skip_instance_cache=True, **{**given, **options})

    return make


@pytest.fixture(scope="session")
def far_minio(tmp_path_factory):
    """Return the URL of a MinIO in another region."""
    folder = tmp_path_factory.mktemp("far-minio")
    with _minio(folder, MINIO_SITE_REGION="eu-far-7") as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def moto():
    """Return the URL of moto's server: it keeps ACLs and storage classes, which MinIO does not."""
    port = _free_port()
    program = (
        "from moto.server import ThreadedMotoServer as S; import time\n"
        f"S('127.0.0.1', {port}, verbose=False).start()\n"
        "time.sleep(3600)"
    )
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        with suppress(OSError), urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5):
            return True
        return False

    with _running([sys.executable, "-c", program], {}, is_ready):
        yield url


@pytest.fixture
def moto_boto(moto):
    """Return a boto3 client for moto's server."""
    client = boto3.client(
        "s3",
        endpoint_url=moto,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    yield client
    client.close()


@pytest.fixture
def on_moto(moto, moto_boto):
    """Return an instance for moto's server, and a bucket there."""
    name = f"t-{uuid.uuid4().hex}"
    moto_boto.create_bucket(Bucket=name)
    options = {"key": KEY, "secret": SECRET, "endpoint_url": moto, "region": "us-east-1"}
    return S3FileSystem(skip_instance_cache=True, **options), name


def fetch(url, method="GET", data=None, headers=()):
    """Ask for a URL without a key; give status, headers and body."""
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@pytest.fixture
def ask():
    """Return a function that asks for a URL without a key."""
    return fetch
