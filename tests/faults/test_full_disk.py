"""Disks that are full, and what a download does to the local disk before it appears."""

import random
import shutil
import subprocess
import tempfile
import threading

import pytest

from tests.faults.harm import GET, Stall, when

MIB = 2**20
BODY = random.Random(13).randbytes(6 * MIB)

# A file may not grow beyond a megabyte.
LIMITED = """
import errno, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
WANTED = errno.EFBIG
"""
# A disk of three megabytes, mounted where nobody else sees it.
MOUNTED = """
import errno
WANTED = errno.ENOSPC
"""
UNSHARED = (
    *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c"),
    'mount -t tmpfs -o size=3m tmpfs "$0" && exec "$@"',
)


def can_mount():
    """Whether this system lets its users mount something for themselves."""
    if not shutil.which("unshare"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([*UNSHARED, folder, "true"], capture_output=True).returncode == 0


DOWNLOADS = """
import asyncio, time
target = os.path.join(folder, "t")
fs = new()
afs = new(asynchronous=True)
calls = {
    "get_file": lambda: fs.get_file(join("k"), target),
    "get": lambda: fs.get([join("k")], [target]),
    "get recursive": lambda: fs.get(ROOT, os.path.join(folder, "d"), recursive=True),
    "awaited": lambda: asyncio.run(afs._get_file(join("k"), target)),
}
local = type(fs)("fs", skip_instance_cache=True)
def write_open():
    with local.open(target, "wb") as file:
        for _ in range(6):
            file.write(bytes(2**20))
calls["pipe_file to the disk"] = lambda: local.pipe_file(target, bytes(6 * 2**20))
calls["open on the disk"] = write_open
def make_old():
    # What was fetched is given back to the disk when the last of it has been dropped.
    end = time.monotonic() + 5
    while True:
        try:
            with open(target, "wb") as file:
                file.write(b"old")
            return
        except OSError:
            assert time.monotonic() < end, "the disk stays full"
            time.sleep(0.01)
for old in (None, b"old"):
    for name, call in calls.items():
        if old is not None:
            make_old()
        try:
            call()
        except OSError as error:
            assert error.errno == WANTED, (name, error)
            assert folder in str(error.filename) + str(error), (name, error)
        else:
            raise AssertionError(f"{name} wrote to a full disk")
        found = {n: os.path.getsize(os.path.join(p, n)) for p, _, ns in os.walk(folder) for n in ns}
        assert found == ({} if old is None else {"t": 3}), (name, found)
print("done")
"""


DISKS = {"a file may not grow": (LIMITED, ())}
if can_mount():
    DISKS["the disk is full"] = (MOUNTED, UNSHARED)


@pytest.mark.parametrize("disk", DISKS)
def test_a_full_disk_leaves_nothing_at_the_name(s3_target, tmp_path, disk):
    s3_target.other.write("k", BODY)
    folder = tmp_path / "small"
    folder.mkdir()
    (begin, before) = DISKS[disk]
    program = f"folder = {str(folder)!r}{begin}{DOWNLOADS}"
    # The directory for the mount comes behind `sh -c SCRIPT`, then the program.
    done = s3_target.run(program, before=(*before, str(folder)) if before else ())
    assert (done.code, done.out) == (0, "done\n"), done.err


# Says on stderr what is at the name of the download when its bytes are sent to the disk.
WATCH = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static int watched(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    const char *path = getenv("WATCHED");
    if (path && access(path, F_OK) == 0) (void)!write(2, "sync behind\n", 12);
    else (void)!write(2, "sync before\n", 12);
    return real(fd);
}
int fsync(int fd) { return watched("fsync", fd); }
int fdatasync(int fd) { return watched("fdatasync", fd); }
"""


@pytest.mark.parametrize("call", ["get_file(join('k'), target)", "get([join('k')], [target])"])
def test_a_download_is_on_the_disk_before_it_has_its_name(s3_target, tmp_path, monkeypatch, call):
    s3_target.other.write("k", BODY)
    (tmp_path / "watch.c").write_text(WATCH)
    library, target = tmp_path / "watch.so", tmp_path / "t"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", library, tmp_path / "watch.c", "-ldl"], check=True
    )
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("WATCHED", str(target))
    done = s3_target.run(f"target = {str(target)!r}\nnew().{call}")
    assert done.code == 0, done.err
    assert target.read_bytes() == BODY
    # Once for its bytes, before the name; what follows is the directory's.
    assert done.err.splitlines()[:1] == ["sync before"]


@pytest.mark.parametrize("old", [None, b"old"], ids=["new", "old"])
def test_a_download_under_way_has_nothing_at_its_name(proxied, old):
    proxied.other.write("k", BODY)
    target = proxied.folder / "t"
    if old is not None:
        target.write_bytes(old)
    proxied.proxy.fault = when(Stall(5 * MIB), **GET)
    thread = threading.Thread(target=proxied.make().get_file, args=(proxied.join("k"), target))
    thread.start()
    assert proxied.proxy.stalled.wait(30)
    assert (target.read_bytes() if target.exists() else None) == old
    proxied.proxy.release()
    thread.join(30)
    assert target.read_bytes() == BODY
    assert list(proxied.folder.iterdir()) == [target]
