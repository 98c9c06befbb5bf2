"""Profiles of hypothesis: quick by default, thorough in CI, or what OPENDALFS_HYPOTHESIS names.

The first two try the same examples each time; `scripts/soak` takes the third.
"""

from __future__ import annotations

import os
import uuid

import pytest
from hypothesis import given, settings

from opendalfs import OpendalFileSystem

settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=400, deadline=None, derandomize=True)
settings.register_profile("soak", max_examples=2000, deadline=None, stateful_step_count=80)

_IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
settings.load_profile(os.environ.get("OPENDALFS_HYPOTHESIS", "thorough" if _IN_CI else "quick"))


@pytest.fixture(params=["memory", "fs", "s3"])
def scheme(request):
    """Return each scheme in turn."""
    return request.param


@pytest.fixture
def new_place(request, scheme, tmp_path):
    """Return a function that gives an instance and a fresh place in it."""

    def make():
        name = f"t-{uuid.uuid4().hex}"
        if scheme == "s3":
            options = request.getfixturevalue("s3_options")
            root = f"{request.getfixturevalue('s3_prefix')}/{name}"
        else:
            options, root = {}, str(tmp_path / name) if scheme == "fs" else name
        return OpendalFileSystem(scheme, use_listings_cache=False, **options), root

    return make


@pytest.fixture
def for_all(scheme):
    """Return a decorator that runs a property at once; fewer examples where each asks a server."""

    def decorate(**strategies):
        def run(check):
            whole = settings.default.max_examples
            examples = max(10, whole // 8) if scheme == "s3" else whole
            settings(max_examples=examples)(given(**strategies)(check))()

        return run

    return decorate
