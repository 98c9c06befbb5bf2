"""What the pages promise has a test, and the tests that they name are there.

Tests are looked up in the source: what may be skipped for want of a server is there all the same.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEMANTICS = ROOT / "docs" / "concepts" / "semantics.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

# What a store has to make promises of.
TOPICS = {
    "Atomic writes",
    "Exclusive creation",
    "Copies and moves",
    "Pinned reads",
    "Retries and their budget",
    "Integrity",
    "The cache of listings",
    "Directories",
    "Keys",
    "Cancelling and waiting",
    "Errors",
    "Processes, threads, loops",
    "Exit",
    "Secrets",
    "Credentials for S3",
    "S3 beyond files",
    "On every store",
}

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
TABLE = re.compile(r"^\| promise \| test \|\n\| --- \| --- \|\n((?:\|.*\|\n)+)", re.MULTILINE)


@cache
def names_of(path: str) -> frozenset[str]:
    """Names of the tests of a module."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return frozenset(name for name in functions if name.startswith("test_"))


def promises() -> dict[str, dict[str, str]]:
    """What is promised, by topic: the promise and the cell with its tests."""
    _, *parts = SECTION.split(SEMANTICS.read_text(encoding="utf-8"))
    return {
        topic: dict(
            [cell.strip() for cell in line[1:-1].rsplit("|", 1)]
            for table in TABLE.findall(text)
            for line in table.splitlines()
        )
        for topic, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_topic_has_promises() -> None:
    assert {topic for topic, made in promises().items() if made} == TOPICS


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_every_promise_names_its_tests_and_nothing_else(topic: str) -> None:
    for promise, tests in promises()[topic].items():
        names = tests.split(", ")
        assert all(NAMED.fullmatch(name) and "::" in name for name in names), (promise, tests)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_tests_that_a_page_names_are_there(page: Path) -> None:
    missing = [
        f"{path}::{test}"
        for path, test in NAMED.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / path).is_file() or (test and test not in names_of(path))
    ]
    assert not missing
