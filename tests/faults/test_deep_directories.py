"""A tree as deep as the system lets one be is listed, or refused by an exception."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from opendalfs import OpendalFileSystem
top = sys.argv[1]
fs = OpendalFileSystem("fs")
awaited = OpendalFileSystem("fs", asynchronous=True)
for call in (
    lambda: fs.find(top),
    lambda: list(fs.find(top, detail=True)),
    lambda: asyncio.run(awaited._find(top)),
    lambda: list(asyncio.run(awaited._find(top, detail=True))),
    lambda: asyncio.run(awaited._du(top, total=False)),
):
    try:
        assert len(call()) == 1
    except OSError as error:
        print(error)
print("done")
"""


@pytest.fixture
def deepest(tmp_path):
    """Return a directory with one file in it, as many levels down as a path has room for."""
    home = os.open(".", os.O_RDONLY)
    top = os.open(tmp_path, os.O_RDONLY)
    levels = (4095 - len(str(tmp_path)) - 10) // 2
    try:
        os.fchdir(top)
        for _ in range(levels):
            os.mkdir("d")
            os.chdir("d")
        with open("f", "wb"):
            pass
        os.fchdir(home)
        yield str(tmp_path)
        # Too deep for `shutil.rmtree`.
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)
    finally:
        os.fchdir(home)
        os.close(home)
        os.close(top)


def test_the_deepest_tree_does_no_harm(deepest):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, deepest],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.endswith("done\n")
