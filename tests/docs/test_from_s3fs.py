"""The guide for those who come from s3fs leaves out nothing that s3fs has, and is true."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import s3fs

from opendalfs import OpendalFile, S3FileSystem

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "from-s3fs.md"
VERDICTS = {"same", "better", "no"}

# Values that an option is tried with.
SAMPLES = {
    "anon": True,
    "asynchronous": True,
    "cache_regions": True,
    "client_kwargs": {"region_name": "eu-west-1", "verify": False},
    "config_kwargs": {
        "connect_timeout": 1,
        "read_timeout": 1,
        "max_pool_connections": 50,
        "retries": {"max_attempts": 2, "mode": "adaptive"},
        "s3": {"addressing_style": "virtual"},
        "signature_version": "s3v4",
    },
    "default_block_size": 2**20,
    "default_cache_type": "block",
    "default_fill_cache": False,
    "endpoint_url": "http://127.0.0.1:9000",
    "fixed_upload_size": True,
    "local_expiry_check": True,
    "loop": None,
    "max_concurrency": 3,
    "requester_pays": True,
    "s3_additional_kwargs": {"ServerSideEncryption": "AES256", "ACL": "private"},
    "token": "t",
    "use_ssl": False,
    "version_aware": False,
}
# Options that come in pairs.
PAIRS = [("key", "secret"), ("username", "password")]


def table(heading):
    """The rows below a heading of the guide: name to verdict and remark."""
    text = GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`(\w+)`", cells[0])
        if len(cells) == 3 and line.startswith("| `"):
            rows |= dict.fromkeys(names, (cells[1], cells[2]))
    return rows


def kept(heading):
    """The names that the guide says are here."""
    return {name for name, (verdict, _) in table(heading).items() if verdict != "no"}


def public(cls, *, is_callable):
    return {
        name
        for name in dir(cls)
        if not name.startswith("_") and callable(getattr(cls, name)) is is_callable
    }


def options():
    return set(inspect.signature(s3fs.S3FileSystem.__init__).parameters) - {"self"}


def parameters(cls, name):
    """The arguments of a method; those of its coroutine, where it has one."""
    method = getattr(cls, f"_{name}", None) or getattr(cls, name)
    return set(inspect.signature(method).parameters) - {"self", "args"}


def own_methods():
    """Methods that s3fs itself defines, by either name."""
    classes = [c for c in s3fs.S3FileSystem.__mro__ if c.__module__.startswith("s3fs")]
    return {
        name
        for name in public(s3fs.S3FileSystem, is_callable=True)
        if any(name in vars(c) or f"_{name}" in vars(c) for c in classes)
    }


HEADINGS = {
    "Options": options(),
    "Methods": public(s3fs.S3FileSystem, is_callable=True),
    "Attributes": public(s3fs.S3FileSystem, is_callable=False),
    "Open files": public(s3fs.S3File, is_callable=True)
    | public(s3fs.S3File, is_callable=False)
    # Made by fsspec for each file.
    | {"details"},
}


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_option_and_method_of_s3fs_is_in_the_guide(heading):
    assert HEADINGS[heading] - set(table(heading)) == set()


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_guide_names_nothing_that_s3fs_has_not(heading):
    assert set(table(heading)) - HEADINGS[heading] == set()


@pytest.mark.parametrize("heading", [*HEADINGS, "Arguments of methods"])
def test_what_is_not_here_has_a_reason(heading):
    rows = table(heading)

    assert rows
    assert {verdict for verdict, _ in rows.values()} <= VERDICTS
    assert [name for name, (verdict, why) in rows.items() if verdict != "same" and not why] == []


def test_the_methods_that_are_kept_are_there():
    names = kept("Methods")

    assert {name for name in names if not callable(getattr(S3FileSystem, name, None))} == set()


def test_the_attributes_that_are_kept_are_there():
    assert {name for name in kept("Attributes") if not hasattr(S3FileSystem, name)} == set()


def test_what_an_open_file_keeps_is_there():
    names = kept("Open files") - {"details"}

    assert {name for name in names if not hasattr(OpendalFile, name)} == set()


def test_each_argument_of_a_method_is_ours_or_in_the_guide():
    arguments = set(table("Arguments of methods"))
    names = kept("Methods") & own_methods()
    missing = {
        f"{name}({argument}=)"
        for name in names
        for argument in parameters(s3fs.S3FileSystem, name) - parameters(S3FileSystem, name)
        if argument not in arguments
    }

    assert missing == set()


@pytest.mark.parametrize("option", sorted(kept("Options") - {n for pair in PAIRS for n in pair}))
def test_an_option_that_is_kept_is_taken(option):
    S3FileSystem(skip_instance_cache=True, **{option: SAMPLES[option]})


@pytest.mark.parametrize("pair", PAIRS)
def test_keys_are_taken_under_both_names(pair):
    S3FileSystem(skip_instance_cache=True, **dict(zip(pair, "ks", strict=True)))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"session": object()}, "profile="),
        ({"cache_region": True}, "cache_regions"),
        ({"client_kwargs": {"api_version": "2006-03-01"}}, "client_kwargs.api_version"),
        ({"config_kwargs": {"proxies": {"https": "x"}}}, "config_kwargs.proxies.https"),
        ({"config_kwargs": {"signature_version": "s3"}}, "signature_version"),
        ({"s3_additional_kwargs": {"NotOfS3": "x"}}, "s3_additional_kwargs.NotOfS3"),
    ],
)
def test_what_is_not_taken_is_named(options, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        S3FileSystem(skip_instance_cache=True, **options)
