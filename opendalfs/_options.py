"""Options on their way to the core: what is fsspec's stays here, the rest becomes text by name."""

from __future__ import annotations

import base64
import errno
import functools
import os
from collections.abc import Mapping
from typing import Any

from opendalfs import _core
from opendalfs.errors import ConfigInvalid, Unsupported

# Options of fsspec itself and of its files; the core never sees them.
_OF_FSSPEC = frozenset(
    {
        "use_listings_cache",
        "listings_expiry_time",
        "max_paths",
        "skip_instance_cache",
        "default_block_size",
        "default_cache_type",
        "default_fill_cache",
    }
)


def flatten(options: Mapping[str, Any]) -> dict[str, str]:
    """Options of a store as text: nested dicts become ``outer.inner``, None is left out.

    Raises
    ------
    ConfigInvalid
        For a value that has no plain text form (a live session, say): options must survive
        pickling.
    """
    out: dict[str, str] = {}
    for name, value in options.items():
        if name not in _OF_FSSPEC:
            _add(out, name, value)
    return out


def _add(out: dict[str, str], name: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, Mapping):
        for inner, nested in value.items():
            _add(out, f"{name}.{inner}", nested)
    elif isinstance(value, bool):
        out[name] = "true" if value else "false"
    elif isinstance(value, str | int | float):
        out[name] = str(value)
    elif isinstance(value, bytes):
        # A key for encryption.
        out[name] = base64.b64encode(value).decode()
    elif isinstance(value, os.PathLike):
        out[name] = os.fsdecode(value)
    else:
        text = f"option {name!r} takes text, a number or a flag, not {type(value).__name__}"
        if name == "session":
            text = "no session of botocore is used; name its credentials by profile=, key=, ..."
        raise ConfigInvalid(errno.EINVAL, text)


# How to write a file: our names, and those of s3fs beside them.
_WRITING = {
    "content_type": "content_type",
    "cache_control": "cache_control",
    "content_encoding": "content_encoding",
    "content_disposition": "content_disposition",
    "metadata": "metadata",
    "ContentType": "content_type",
    "CacheControl": "cache_control",
    "ContentEncoding": "content_encoding",
    "ContentDisposition": "content_disposition",
    "Metadata": "metadata",
}
# Says whether a copy keeps the metadata of its source.
_DIRECTIVE = "MetadataDirective"


# Where options of s3fs are that can be given to a single call as well.
_OF_CALLS = "s3_additional_kwargs."
_ALSO_OF_CALLS = (
    "acl",
    "region_name",
    "requester_pays",
    "multipart_copy_threshold",
    "copy_part_size",
    "preserve_etag",
)


@functools.cache
def _call_options(scheme: str) -> dict[str, str]:
    """Names that a call may give to options of the store."""
    out: dict[str, str] = {}
    for name, aliases, _, _, _ in _core.option_table(scheme):
        for given in (name, *aliases):
            if given.startswith(_OF_CALLS):
                out[given.removeprefix(_OF_CALLS)] = name
            elif given in _ALSO_OF_CALLS:
                out[given] = name
    return out


def of_call(scheme: str, kwargs: Mapping[str, Any]) -> dict[str, str]:
    """What of a call's extra arguments are options of the store, as text by their names.

    fsspec and its users pass others through these calls too; they mean nothing here.

    Raises
    ------
    Unsupported
        For arguments of s3fs that neither the store knows nor those who write files: they must
        not be lost without a word.
    """
    known = _call_options(scheme)
    for name, value in kwargs.items():
        is_theirs = name[:1].isupper() or (name == "acl" and value)
        if is_theirs and not (name in known or name in _WRITING or name == _DIRECTIVE):
            text = f"{name!r} means nothing to a call on {scheme}"
            raise Unsupported(errno.ENOTSUP, text)
    given = {known[name]: value for name, value in kwargs.items() if name in known and value}
    return flatten(given)


def kept(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """What of a call's extra arguments says how to write a file."""
    how: dict[str, Any] = {}
    for name, value in kwargs.items():
        if name in _WRITING:
            how[_WRITING[name]] = value
        elif name == _DIRECTIVE:
            how.setdefault("metadata", {} if value == "REPLACE" else None)
    return how


# Of these an info tells under the same names.
_TOLD = ("ContentType", "ContentEncoding", "CacheControl", "Metadata")


def kept_of(info: Mapping[str, Any] | None) -> dict[str, Any]:
    """How a file was written, as far as its info tells, for one who writes it anew."""
    return {_WRITING[name]: info[name] for name in _TOLD if info and info.get(name) is not None}
