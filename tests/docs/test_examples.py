"""What the README and the examples show runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
QUICKSTART = ROOT / "examples" / "quickstart.py"

# a fence with the comment on the line before it
BLOCK = re.compile(r"^<!-- test -->\n```(?:python|py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[str]:
    return BLOCK.findall(README.read_text(encoding="utf-8"))


def run(request: pytest.FixtureRequest, program: Path, folder: Path) -> str:
    """Run a program in an empty folder; with the S3 server where it speaks of one."""
    if "9000" in program.read_text(encoding="utf-8"):
        request.getfixturevalue("minio")
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{program.name} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_readme_examples_run(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    assert blocks(), f"no ```python block after <!-- test --> in {README.name}"
    for number, block in enumerate(blocks()):
        program = tmp_path / f"readme_{number}.py"
        program.write_text(block, encoding="utf-8")
        folder = tmp_path / f"empty_{number}"
        folder.mkdir()
        run(request, program, folder)


def test_quickstart_runs_and_says_what_it_did(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert run(request, QUICKSTART, tmp_path).strip()
