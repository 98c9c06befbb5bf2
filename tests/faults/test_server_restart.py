"""A server that is killed in the middle of a transfer and comes back."""

import os
import random
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import boto3
import botocore.config
import pytest

from opendalfs import OpendalFileSystem
from tests.conftest import S3_KEY, S3_REGION, S3_SECRET, Witness, missing
from tests.faults.doors import READS, UPLOADS, through_all
from tests.faults.harm import COMPLETE, GET, PART, when
from tests.faults.proxy import Proxy
from tests.faults.waiting import free_port, wait_until

MIB = 2**20
BODY = random.Random(10).randbytes(24 * MIB + 3)
BUCKET = "of-the-test"


def find_minio():
    """Return the program, or None where MinIO runs in a container or elsewhere."""
    # The last is where scripts/services puts what it has to get.
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    places = [os.environ["PATH"], str(Path.home() / "go/bin"), f"{cache}/opendalfs/minio"]
    if go := shutil.which("go"):
        answer = subprocess.run([go, "env", "GOBIN", "GOPATH"], capture_output=True, text=True)
        places += [f"{line}{end}" for line in answer.stdout.split() for end in ("", "/bin")]
    return shutil.which("minio", path=os.pathsep.join(places))


class OwnServer:
    """A MinIO of the test's own, at an address that it keeps."""

    def __init__(self, program, folder):
        self._folder = folder
        self._port = free_port()
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self._command = [
            *(program, "server", "--address", f"127.0.0.1:{self._port}"),
            *("--certs-dir", str(folder / "certs"), str(folder / "data")),
        ]
        (folder / "certs").mkdir()
        (folder / "data").mkdir()

    def start(self):
        """Start and wait until it takes reads and writes."""
        user = {"MINIO_ROOT_USER": S3_KEY, "MINIO_ROOT_PASSWORD": S3_SECRET}
        quiet = {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env={**os.environ, **user, **quiet}, stdout=log, stderr=log
            )
        wait_until(self._is_ready, 30)

    def _is_ready(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.endpoint}/minio/health/ready", timeout=2):
                return True
        except OSError:
            return False

    def kill(self):
        """End it at once, without a chance to tidy up."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def own(tmp_path):
    """Return a store on a server of the test's own, which can be killed."""
    program = find_minio()
    if program is None:
        missing("no minio program (scripts/services install minio)")
    folder = tmp_path / "server"
    folder.mkdir()
    server = OwnServer(program, folder)
    server.start()
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=S3_KEY,
        aws_secret_access_key=S3_SECRET,
        region_name=S3_REGION,
        config=botocore.config.Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket=BUCKET)

    def make(**options):
        given = {
            "key": S3_KEY,
            "secret": S3_SECRET,
            "region": S3_REGION,
            "endpoint_url": server.endpoint,
            "skip_instance_cache": True,
        }
        return OpendalFileSystem("s3", **{**given, **options})

    folder = tmp_path / "folder"
    folder.mkdir()
    yield SimpleNamespace(server=server, witness=Witness(client), make=make, folder=folder)
    client.close()
    server.kill()


def restart(server):
    """Kill the server now, and start it a moment later; return what to wait for."""
    server.kill()
    thread = threading.Thread(target=server.start)
    thread.start()
    return thread


@pytest.fixture
def restarted_at(own):
    """Return a function: the store, whose server dies when a request of a kind comes."""
    proxies = []

    def make(count, **how):
        proxy = Proxy(own.server.endpoint, {})
        proxies.append(proxy)
        is_it, threads, lock = when("drop", **how), [], threading.Lock()
        seen = 0

        def look(request):
            nonlocal seen
            if is_it(request):
                with lock:
                    seen += 1
                    if seen == count:
                        threads.append(restart(own.server))

        proxy.fault = look
        store = SimpleNamespace(
            make=lambda **options: own.make(endpoint_url=f"http://{proxy.address}", **options),
            folder=own.folder,
        )
        return store, threads

    yield make
    for proxy in proxies:
        proxy.close()


def test_reads_outlive_a_server_killed_and_restarted(own, restarted_at):
    own.witness.write(f"{BUCKET}/k", BODY)
    store, restarts = restarted_at(20, **GET)
    got = through_all(READS, lambda door, read: read(store, f"{BUCKET}/k", part_size=MIB) == BODY)
    for thread in restarts:
        thread.join()
    assert len(restarts) == 1
    assert got == dict.fromkeys(READS, True)


@pytest.mark.parametrize("end", [PART, COMPLETE], ids=["in a part", "at the end"])
def test_uploads_outlive_a_server_killed_and_restarted(own, restarted_at, end):
    store, restarts = restarted_at(3, **end)
    got = through_all(
        UPLOADS,
        lambda door, write: write(store, f"{BUCKET}/d/{door}", BODY, part_size=5 * MIB),
    )
    for thread in restarts:
        thread.join()
    assert len(restarts) == 1
    # MinIO puts an object together in steps: killed between them it may have lost parts.
    lost = {door for door, error in got.items() if "InvalidPart" in str(error)}
    assert len(lost) <= 1
    assert {door: error for door, error in got.items() if door not in lost} == dict.fromkeys(
        set(UPLOADS) - lost
    )
    assert own.witness.contents(f"{BUCKET}/d") == dict.fromkeys(set(UPLOADS) - lost, BODY)


def test_an_open_file_is_read_on_over_a_restart_with_no_proxy_between(own):
    own.witness.write(f"{BUCKET}/k", BODY)
    with own.make(part_size=MIB).open(f"{BUCKET}/k") as file:
        head = file.read(3 * MIB)
        thread = restart(own.server)
        assert head + file.read() == BODY
        thread.join()


def test_a_written_file_goes_on_over_a_restart_with_no_proxy_between(own):
    with own.make().open(f"{BUCKET}/k", "wb", block_size=5 * MIB) as file:
        file.write(BODY[: 12 * MIB])
        thread = restart(own.server)
        file.write(BODY[12 * MIB :])
    thread.join()
    assert own.witness.read(f"{BUCKET}/k") == BODY


def test_a_server_that_never_comes_back_is_an_os_error_within_the_budget(own):
    own.witness.write(f"{BUCKET}/k", BODY)
    fs = own.make(part_size=MIB, retry_timeout=2)
    with fs.open(f"{BUCKET}/k") as file:
        file.read(3 * MIB)
        own.server.kill()
        begin = time.monotonic()
        with pytest.raises(OSError, match=own.server.endpoint) as caught:
            file.read()
        assert time.monotonic() - begin < 5
        assert caught.value.errno
