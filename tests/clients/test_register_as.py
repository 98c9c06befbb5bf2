"""``opendalfs.register_as("s3")`` makes existing ``s3://`` URLs ours.

Every test runs its program in a process of its own: the registry of this one stays as it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest


def run(program: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pandas_uses_us_for_plain_s3_urls(s3_prefix: str, s3fs_options: Any, witness: Any) -> None:
    frame = pd.DataFrame({"number": range(10), "text": list("abcdefghij")})
    witness.write(f"{s3_prefix}/in.csv", frame.to_csv(index=False).encode())
    program = """
import json, sys
import fsspec, opendalfs, pandas as pd
url, options = sys.argv[1], json.loads(sys.argv[2])
opendalfs.register_as("s3")
frame = pd.read_csv(url + "/in.csv", storage_options=options)
frame.to_parquet(url + "/out.parquet", storage_options=options)
fs, _ = fsspec.url_to_fs(url, **options)
print(type(fs).__module__.partition(".")[0], int(frame["number"].sum()))
"""
    said = run(program, f"s3://{s3_prefix}", json.dumps(s3fs_options))

    assert said.split() == ["opendalfs", "45"]
    assert f"{s3_prefix}/out.parquet" in witness.paths(s3_prefix)


def test_paths_with_and_without_the_url_are_one(
    s3_prefix: str, s3fs_options: Any, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/folder/x", b"data")
    program = """
import json, sys
import fsspec, opendalfs
path, options = sys.argv[1], json.loads(sys.argv[2])
opendalfs.register_as("s3")
fs = fsspec.filesystem("s3", **options)
assert fs.cat_file(path + "/folder/x") == b"data"
assert fs.cat_file("s3://" + path + "/folder/x") == b"data"
assert fs.find("s3://" + path) == [path + "/folder/x"]
assert fs.unstrip_protocol(path).endswith("://" + path)
with fsspec.open("s3://" + path + "/y", "wb", **options) as file:
    file.write(b"opened")
"""
    run(program, s3_prefix, json.dumps(s3fs_options))

    assert witness.read(f"{s3_prefix}/y") == b"opened"


def test_worker_started_by_spawn_unpickles_the_filesystem(
    s3_prefix: str, s3fs_options: Any, witness: Any
) -> None:
    witness.write(f"{s3_prefix}/x", b"seen by the child")
    program = """
import json, multiprocessing, operator, sys
import fsspec, opendalfs
if __name__ == "__main__":
    path, options = sys.argv[1], json.loads(sys.argv[2])
    opendalfs.register_as("s3")
    fs = fsspec.filesystem("s3", **options)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        read = operator.methodcaller("cat_file", path + "/x")
        print(pool.apply_async(read, (fs,)).get(60).decode())
        pool.close()
        pool.join()
"""
    assert run(program, s3_prefix, json.dumps(s3fs_options)).strip() == "seen by the child"


@pytest.mark.parametrize("protocol", ["opendal", "opendal+s3", "opendals3", "opendal+memory"])
def test_protocol_is_known_without_importing_us(protocol: str) -> None:
    program = """
import sys
import fsspec
assert "opendalfs" not in sys.modules
print(fsspec.get_filesystem_class(sys.argv[1]).__module__.partition(".")[0])
"""
    assert run(program, protocol).strip() == "opendalfs"


def test_register_as_leaves_s3_alone_until_it_is_called() -> None:
    program = """
import opendalfs
from fsspec.registry import get_filesystem_class
print(get_filesystem_class("s3").__module__.partition(".")[0])
"""
    assert run(program).strip() == "s3fs"
