"""Paths and URLs: the one place that takes them apart.

What remains is what the core takes: ``bucket/key``, or a key, or for the local disk an absolute
path. Splitting bucket from key is the core's.
"""

from __future__ import annotations

import os
import re
from typing import Any

from fsspec.core import has_magic
from fsspec.utils import stringify_path

# What in a path separates a key from its version, where paths may name one.
VERSION_MARK = "?versionId="

# Protocols of other packages whose paths a scheme takes.
FOREIGN = {"s3": ("s3", "s3a")}

# "opendal://", "opendal+s3://", "opendals3://"
_OURS = re.compile(r"opendal\+?[a-z0-9-]*://")


def strip_protocol(path: Any, foreign: tuple[str, ...] = ()) -> str:
    """Cut the protocol off a path or URL, and slashes off its end.

    Parameters
    ----------
    path : str or os.PathLike
        A path, or a URL of one of this package's protocols.
    foreign : tuple of str
        Other protocols to accept, such as ``s3``.

    Returns
    -------
    str
        Blanks, ``?``, ``#``, ``%`` and doubled slashes inside stay as they are: they are part
        of keys.
    """
    text: str = path if type(path) is str else stringify_path(path)
    if "://" in text:
        found = _OURS.match(text)
        if found:
            text = text[found.end() :]
        else:
            for protocol in foreign:
                if text.startswith(f"{protocol}://"):
                    text = text[len(protocol) + 3 :]
                    break
    if not text.endswith("/"):
        return text
    return text.rstrip("/") or ("/" if text.startswith("/") else "")


def localise(path: str, *, is_absolute: bool) -> str:
    """Bring a stripped path into the form of a store.

    Parameters
    ----------
    path : str
        What `strip_protocol` returned.
    is_absolute : bool
        Whether the store's paths begin with a slash; a relative path is then one of the
        working directory, as for the local disk everywhere.
    """
    if is_absolute:
        if path.startswith("/"):
            return path
        return os.path.abspath(path) if path else "/"
    return path.removeprefix("/")


def unversioned(path: str) -> str:
    """The path without a version in it."""
    return path.partition(VERSION_MARK)[0]


def is_pattern(path: str) -> bool:
    """Whether a path is to be matched; the mark of a version is none of the wildcards."""
    return bool(has_magic(unversioned(path)))


def parent_of(path: str) -> str:
    """Name of the directory a path lies in; empty (or ``/``) at the top."""
    head, slash, _ = path.rpartition("/")
    return head or ("/" if slash and path.startswith("/") else "")
