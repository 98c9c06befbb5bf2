"""What every result is kept with: the machine, the versions and the moment."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MIB = 1 << 20

PACKAGES = (
    "opendalfs",
    "fsspec",
    "s3fs",
    "aiobotocore",
    "boto3",
    "obstore",
    "opendal",
    "pyarrow",
    "pandas",
)


def environment(packages: Iterable[str] = PACKAGES) -> dict[str, Any]:
    """Return what a figure depends on besides the code: machine, versions, date and load."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": versions(packages),
        "load": round(os.getloadavg()[0], 2),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """Return the commit of this checkout, with ``-dirty`` where it was changed since."""
    git = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    try:
        done = subprocess.run(
            git, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def cpu_model() -> str:
    """Return the name of the processor as the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def peak_mib() -> float:
    """Return the most memory this process ever held."""
    # ru_maxrss survives an exec: a small process would answer with the peak of its parent.
    value = _of_status("VmHWM")
    if value is not None:
        return value
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MIB if sys.platform == "darwin" else 1024)


def resident_mib() -> float:
    """Return the memory this process holds now; where that is not told, its peak so far."""
    value = _of_status("VmRSS")
    return peak_mib() if value is None else value


def _of_status(name: str) -> float | None:
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))
    except (OSError, StopIteration):
        return None


def write(path: str, result: dict[str, Any]) -> None:
    """Write a result as JSON, one measurement a line, so that two of them can be compared."""
    text = json.dumps(result, indent=1)
    text = re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda found: " ".join(found[0].split()), text)
    Path(path).write_text(text + "\n", encoding="utf-8")
