"""Fixtures of the fault tests: other processes, slow and silent servers, foreign clients."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest

from opendalfs import OpendalFileSystem

PRELUDE = """
import json, os, sys
from opendalfs import OpendalFileSystem
SCHEME, OPTIONS, ROOT = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
def new(**more):
    return OpendalFileSystem(SCHEME, **{**OPTIONS, **more})
def join(*parts):
    return "/".join((ROOT, *parts))
"""


class _S3Client:
    def __init__(self, boto, prefix):
        self._boto = boto
        self._bucket, self._prefix = prefix.split("/", 1)

    def write(self, name, content):
        self._boto.put_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}", Body=content)

    def read(self, name):
        answer = self._boto.get_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}")
        return answer["Body"].read()

    def names(self):
        answer = self._boto.list_objects_v2(Bucket=self._bucket, Prefix=f"{self._prefix}/")
        keys = [item["Key"] for item in answer.get("Contents", [])]
        return sorted(key.removeprefix(f"{self._prefix}/") for key in keys)

    def uploads(self):
        # MinIO answers for a whole key or for the whole bucket, not for a prefix.
        answer = self._boto.list_multipart_uploads(Bucket=self._bucket)
        keys = [upload["Key"] for upload in answer.get("Uploads", [])]
        return [key for key in keys if key.startswith(f"{self._prefix}/")]


class _DiskClient:
    def __init__(self, root):
        self._root = root

    def write(self, name, content):
        (self._root / name).write_bytes(content)

    def read(self, name):
        return (self._root / name).read_bytes()

    def names(self):
        files = [path for path in self._root.rglob("*") if path.is_file()]
        return sorted(str(path.relative_to(self._root)) for path in files)

    def uploads(self):
        return []


def _target(request, scheme, tmp_path):
    """Return what a program needs to use a store of this test's own."""
    if scheme == "s3":
        options = request.getfixturevalue("s3_options")
        root = request.getfixturevalue("s3_prefix")
        other = _S3Client(request.getfixturevalue("boto"), root)
    else:
        folder = tmp_path / "root"
        root = f"t-{uuid.uuid4().hex}"
        (folder / root).mkdir(parents=True)
        options = {"root": str(folder)} if scheme == "fs" else {}
        other = _DiskClient(folder / root)

    def make(**extra):
        return OpendalFileSystem(scheme, skip_instance_cache=True, **{**options, **extra})

    def start(program, before=()):
        path = tmp_path / f"program-{uuid.uuid4().hex}.py"
        path.write_text(PRELUDE + program)
        return subprocess.Popen(
            [*before, sys.executable, str(path), scheme, json.dumps(options), root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(program, timeout=60, before=()):
        with start(program, before) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                pytest.fail(f"the program did not end in {timeout} s\n{out}\n{err}")
        return SimpleNamespace(code=process.returncode, out=out, err=err)

    return SimpleNamespace(
        scheme=scheme,
        options=options,
        root=root,
        other=other,
        make=make,
        start=start,
        run=run,
        join=lambda *parts: "/".join((root, *parts)),
    )


@pytest.fixture(params=["memory", "fs", "s3"])
def target(request, tmp_path):
    """Return each kind of store for use by programs."""
    return _target(request, request.param, tmp_path)


@pytest.fixture(params=["fs", "s3"])
def shared(request, tmp_path):
    """Return each kind of store that other processes see as well."""
    return _target(request, request.param, tmp_path)


@pytest.fixture
def s3_target(request, tmp_path):
    """Return the S3 store for use by programs."""
    return _target(request, "s3", tmp_path)


@pytest.fixture
def proxied(request, tmp_path, relay):
    """Return the S3 store behind a proxy that does harm, and what to use it with.

    `other` and `witness` go past the proxy; `folder` is a directory of this machine.
    """
    target = _target(request, "s3", tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()

    def make(**options):
        return target.make(**{**relay.options, **options})

    return SimpleNamespace(
        proxy=relay,
        make=make,
        join=target.join,
        root=target.root,
        other=target.other,
        witness=request.getfixturevalue("witness"),
        folder=folder,
    )


def _unused_address():
    if sys.platform != "linux":
        return "127.0.0.1"
    return f"127.{random.randint(2, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"


@pytest.fixture
def closed_port(closed_ports):
    """Return the address of a port where nobody listens."""
    return closed_ports[0]


@pytest.fixture
def closed_ports():
    """Return the addresses of some ports where nobody listens."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(10)]
        for probe in probes:
            # An address of its own: no other test had a server there that did answer.
            probe.bind((_unused_address(), 0))
        return [f"{probe.getsockname()[0]}:{probe.getsockname()[1]}" for probe in probes]


@pytest.fixture
def silent_port(silent_ports):
    """Return the address of a listener that takes connections and never answers."""
    return silent_ports[0]


@pytest.fixture
def silent_ports():
    """Return the addresses of some such listeners."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(30)]
        for listener in listeners:
            listener.bind((_unused_address(), 0))
            listener.listen(64)
        yield [f"{one.getsockname()[0]}:{one.getsockname()[1]}" for one in listeners]


def _spawn_server(*arguments):
    server = Path(__file__).parent / "s3_server.py"
    return subprocess.Popen(
        [sys.executable, str(server), *arguments], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def slow_s3():
    """Return a function that makes an instance whose server answers after a second.

    The server runs in a process of its own: it answers while this one holds its lock.
    """
    with _spawn_server() as process:
        address = process.stdout.readline().strip()

        def make(**options):
            return OpendalFileSystem(
                "s3",
                key="someone",
                secret="something",
                region="us-east-1",
                endpoint_url=f"http://{address}",
                skip_instance_cache=True,
                **options,
            )

        yield make
        process.terminate()


@pytest.fixture
def ticks():
    """Return a function that runs a call while another thread counts.

    It gives the result of the call and the numbers of 10 ms ticks of the other thread.
    """

    def run(call):
        count, done = 0, threading.Event()

        def tick():
            nonlocal count
            while not done.wait(0.01):
                count += 1

        thread = threading.Thread(target=tick)
        thread.start()
        try:
            result = call()
        finally:
            done.set()
            thread.join()
        return result, count

    return run
