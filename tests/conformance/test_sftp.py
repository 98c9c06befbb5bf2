"""SFTP: what is on the server's disk, and the program that goes there."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from opendalfs import SftpFileSystem, errors
from tests.stores import SERVERS, setting


@pytest.fixture
def place(tmp_path):
    SERVERS["sftp"].need()
    options = SERVERS["sftp"].options(tmp_path)
    fs = SftpFileSystem(root=str(tmp_path), skip_instance_cache=True, **options)
    return fs, tmp_path


def test_the_disk_of_the_server_has_the_files(place):
    fs, disk = place
    fs.pipe_file("d/file", b"content")
    assert (disk / "d" / "file").read_bytes() == b"content"
    (disk / "d" / "other").write_bytes(b"from there")
    assert fs.cat_file("d/other") == b"from there"
    assert fs.ls("d", detail=False) == ["d/file", "d/other"]


def test_links_lead_to_what_they_name(place):
    fs, disk = place
    (disk / "real").mkdir()
    (disk / "real" / "file").write_bytes(b"12345")
    (disk / "link").symlink_to("real")
    (disk / "to-file").symlink_to("real/file")
    (disk / "nowhere").symlink_to("absent")
    listed = {entry["name"]: (entry["type"], entry["size"]) for entry in fs.ls("", detail=True)}
    assert listed == {
        "link": ("directory", 0),
        "real": ("directory", 0),
        "to-file": ("file", 5),
    }
    assert fs.cat_file("link/file") == b"12345"


def test_an_unfinished_file_is_left_out_and_goes_with_its_directory(place):
    fs, disk = place
    (disk / "d").mkdir()
    (disk / "d" / ".opendalfs-0123456789abcdef").write_bytes(b"half")
    assert fs.ls("d") == []
    fs.rm("d", recursive=True)
    assert not (disk / "d").exists()


def test_what_may_not_be_read_is_refused(place):
    fs, disk = place
    (disk / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="sftp"):
        fs.cat_file("loop")


def test_the_host_is_the_first_part_of_a_path(place):
    _, disk = place
    (disk / "file").write_bytes(b"content")
    address = setting("SFTP_ENDPOINT").removeprefix("ssh://")
    fs = SftpFileSystem(
        key=setting("SFTP_KEY"), known_hosts_strategy="accept", skip_instance_cache=True
    )
    url = f"opendal+sftp://{setting('SFTP_USER')}@{address}{disk}"
    assert fs.cat_file(f"{url}/file") == b"content"


def test_a_wrong_key_is_a_permission_error(place, tmp_path):
    key = tmp_path / "wrong"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    fs = SftpFileSystem(
        **{**SERVERS["sftp"].options(tmp_path), "key_filename": str(key)},
        skip_instance_cache=True,
    )
    with pytest.raises(PermissionError):
        fs.ls("tmp")


def test_an_unknown_host_is_refused_unless_told_otherwise(place, tmp_path):
    options = {**SERVERS["sftp"].options(tmp_path), "known_hosts_strategy": "strict"}
    # A name by which the server is not remembered.
    options["endpoint"] = options["endpoint"].replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(OSError, match="sftp"):
        SftpFileSystem(**options, max_retries=0, skip_instance_cache=True).ls("tmp")


def test_a_strategy_that_is_none_is_named(tmp_path):
    with pytest.raises(errors.ConfigInvalid, match="known_hosts_strategy"):
        SftpFileSystem(endpoint="h", known_hosts_strategy="maybe", skip_instance_cache=True)


def children(pid):
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == pid and row[2].startswith("ssh ")]


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_connection_serves_all_and_ends_with_the_process(place, tmp_path):
    code = """
import os, sys
from opendalfs import SftpFileSystem
fs = SftpFileSystem(**eval(sys.argv[1]))
fs.pipe({f"d/{n}": b"x" for n in range(40)})
assert len(fs.cat("d", recursive=True)) == 40
print(os.getpid(), flush=True)
sys.stdin.read()
"""
    options = {**SERVERS["sftp"].options(tmp_path), "root": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code, repr(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        pid = int(process.stdout.readline())
        connections = children(pid)
        process.stdin.close()
        assert process.wait(30) == 0
    assert len(connections) == 1
    deadline = time.monotonic() + 10
    while any(is_running(connection) for connection in connections):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_lost_connection_is_made_again(place):
    fs, disk = place
    (disk / "file").write_bytes(b"content")
    before = set(children(os.getpid()))
    assert fs.cat_file("file") == b"content"
    for connection in set(children(os.getpid())) - before:
        os.kill(connection, 9)
    assert fs.cat_file("file") == b"content"
