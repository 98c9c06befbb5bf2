"""The candidate `bare`: what the machine and the server allow, by the program of `floor/`.

It does the requests of three cases with a bare HTTP client and presigned URLs. `bare-huge` has
its one large buffer in huge pages; which of the two is faster depends on how fragmented the
memory of the machine is, so both are measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from candidates import BUCKET, Boto3
from cases import BIG, SMALL, TINY, names

ROOT = Path(__file__).resolve().parents[1]

# The arguments of the program, and the keys it reads.
_GET = (["get", "--bytes", str(BIG), "--concurrency", "4", "--part-mib", "8"], ["big"])
WORK: dict[str, dict[str, tuple[list[str], list[str]]]] = {
    "bare": {
        "get_256M": _GET,
        "cat_2000x10K": (["cat", "--bytes", str(SMALL), "--concurrency", "16"], names()),
        "tiny_get_us": (["tiny", "--bytes", str(TINY), "--repeat", "300"], ["tiny"]),
    },
    "bare-huge": {"get_256M": ([*_GET[0], "--huge-pages"], _GET[1])},
}


def find_program() -> str | None:
    """Return the program where `cargo build --release -p opendalfs-floor` leaves it, if it did."""
    command = ("cargo", "metadata", "--format-version=1", "--no-deps", "--offline")
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    facts: dict[str, Any] = json.loads(done.stdout)
    program = Path(facts["target_directory"], "release", "opendalfs-floor")
    return str(program) if program.exists() else None


def become(program: str, name: str, case: str) -> None:
    """Make the URLs, then become the program, whose line of JSON is the measurement."""
    arguments, keys = WORK[name][case]
    with tempfile.TemporaryFile() as urls:
        urls.write("\n".join(presigned(keys)).encode())
        urls.seek(0)
        os.dup2(urls.fileno(), 0)
    os.execv(program, [program, *arguments])


def presigned(keys: list[str]) -> list[str]:
    """Return URLs which read the objects for an hour."""
    boto = Boto3(signature_version="s3v4")
    return [
        boto.s3.generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=3600
        )
        for key in keys
    ]
