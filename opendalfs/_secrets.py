"""Secrets among options: shown to nobody, carried where they are needed."""

from __future__ import annotations

import errno
import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from opendalfs import _core
from opendalfs.errors import ConfigInvalid

# Stands in a description for the secrets that were left out of it.
_TOKEN = "secrets_token"
_kept: dict[str, dict[str, Any]] = {}
_salt = secrets.token_bytes(16)


class Secret(str):
    """Text that prints as stars.

    Equal secrets print alike and different ones do not: caches of instances compare what
    options print as. The digits say nothing outside this process.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        digest = hashlib.sha256(_salt + str.encode(self)).hexdigest()[:8]
        return f"'***{digest}'"

    def __str__(self) -> str:
        return repr(self).strip("'")

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce__(self) -> Any:
        return Secret, (plain(self),)


def plain(secret: str) -> str:
    """The text itself."""
    return str.__str__(secret) if type(secret) is str else "".join(secret)


def _names(scheme: str) -> set[str]:
    out: set[str] = set()
    for name, aliases, kind, _, _ in _core.option_table(scheme):
        if kind == "secret":
            out.update((name, *aliases))
    return out


def _walk(options: Mapping[str, Any], change: Callable[[str, Any], Any], prefix: str = "") -> Any:
    out: dict[str, Any] = {}
    for name, value in options.items():
        full = f"{prefix}{name}"
        if isinstance(value, Mapping):
            out[name] = _walk(value, change, f"{full}.")
        else:
            changed = change(full, value)
            if changed is not _GONE:
                out[name] = changed
    return out


_GONE: Any = object()


def hide(scheme: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with secrets that print as stars."""
    names = _names(scheme)

    def change(name: str, value: Any) -> Any:
        return Secret(value) if name in names and isinstance(value, str) else value

    return _walk(options, change)  # type: ignore[no-any-return]


def reveal(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with secrets as plain text."""

    def change(name: str, value: Any) -> Any:
        return plain(value) if isinstance(value, Secret) else value

    return _walk(options, change)  # type: ignore[no-any-return]


def without(scheme: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options less the secrets."""
    names = _names(scheme)
    return _walk(options, lambda n, v: _GONE if n in names else v)  # type: ignore[no-any-return]


def forget(scheme: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options less the secrets, with a token by which `recall` finds them in this process."""
    out = without(scheme, options)
    if out == options:
        return out
    whole = {name: value for name, value in options.items() if out.get(name, _GONE) != value}
    token = hashlib.sha256(_salt + repr(sorted(whole.items())).encode()).hexdigest()[:32]
    _kept[token] = whole
    return {**out, _TOKEN: token}


def recall(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the secrets that a token in them stands for.

    Raises
    ------
    ConfigInvalid
        When the token was made by another process.
    """
    if _TOKEN not in options:
        return dict(options)
    out = dict(options)
    whole = _kept.get(out.pop(_TOKEN))
    if whole is None:
        text = (
            "this description was made without its secrets by another process; "
            "make it with to_json(include_secrets=True), or pass the secrets as options"
        )
        raise ConfigInvalid(errno.EINVAL, text)
    return {**out, **whole}
