"""Options on their way to the core: what is fsspec's stays here, the rest becomes text by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from opendalfs import _core
from opendalfs.errors import ConfigInvalid

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
    elif isinstance(value, os.PathLike):
        out[name] = os.fsdecode(value)
    else:
        import errno

        text = f"option {name!r} takes text, a number or a flag, not {type(value).__name__}"
        raise ConfigInvalid(errno.EINVAL, text)


def without_secrets(scheme: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options less those whose values nobody should see."""
    secret: set[str] = set()
    for name, aliases, kind, _, _ in _core.option_table(scheme):
        if kind == "secret":
            secret.update((name, *aliases))
    return _without(secret, "", options)


def _without(secret: set[str], prefix: str, options: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in options.items():
        full = f"{prefix}{name}"
        if full in secret:
            continue
        out[name] = _without(secret, f"{full}.", value) if isinstance(value, Mapping) else value
    return out
