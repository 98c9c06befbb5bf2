"""Which files a call with globs, directories and lists means, and where each goes.

The rules are fsspec's (https://filesystem-spec.readthedocs.io/en/latest/copying.html); the types
of what is found come along, so that nobody asks the store for them again.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from fsspec.implementations.local import trailing_sep
from fsspec.utils import other_paths

from opendalfs import _paths
from opendalfs.errors import ConfigInvalid

if TYPE_CHECKING:
    from opendalfs.fs import OpendalFileSystem

Info = dict[str, Any]
# A path that nobody looked up has no info.
Found = dict[str, Info | None]


def is_dir(info: Info | None) -> bool:
    """Whether an info is known to be one of a directory."""
    return info is not None and info["type"] == "directory"


async def expand(
    fs: OpendalFileSystem,
    path: str | Iterable[str],
    *,
    recursive: bool = False,
    maxdepth: int | None = None,
) -> Found:
    """Every path meant, sorted, with its info where one was come by.

    Raises
    ------
    FileNotFoundError
        When nothing is there. A plain path without ``recursive`` is not looked up.
    ValueError
        For a ``maxdepth`` below 1.
    """
    if maxdepth is not None and maxdepth < 1:
        raise ValueError("maxdepth must be at least 1")
    given = [path] if isinstance(path, str) else list(path)
    out: Found = {}
    for one in (fs._strip_protocol(p) for p in given):
        if _paths.is_pattern(one) and not await _is_name(fs, one):
            matched: Found = await fs._glob(one, maxdepth=maxdepth, detail=True)
            out.update(matched)
            # The pattern took one level.
            deeper = None if maxdepth is None else maxdepth - 1
            if recursive and deeper != 0 and not matched:
                raise FileNotFoundError(one)
            if recursive and deeper != 0:
                for name in matched:
                    out.update(await _below(fs, name, deeper))
        elif recursive:
            out.update(await _below(fs, one, maxdepth))
        else:
            out.setdefault(one, None)
    if not out:
        raise FileNotFoundError(path)
    return dict(sorted(out.items()))


async def _is_name(fs: OpendalFileSystem, path: str) -> bool:
    """Whether a path with brackets is the name of something, not a pattern for another."""
    return "[" in path and not ("*" in path or "?" in path) and await fs._exists(path)


async def _below(fs: OpendalFileSystem, path: str, maxdepth: int | None) -> Found:
    found: Found = await fs._find(path, maxdepth=maxdepth, withdirs=True, detail=True)
    if path not in found:
        info = await fs._info_if_any(path)
        if info is not None:
            found[path] = info
    return found


def refuse_clash(verb: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse to write two files to one place: one of them would be lost.

    Raises
    ------
    ConfigInvalid
        (a ValueError) naming the place.
    """
    source_of: dict[str, str] = {}
    for source, target in pairs:
        if source_of.setdefault(target, source) != source:
            text = f"{verb} {source!r}: {source_of[target]!r} would go to the same {target!r}"
            raise ConfigInvalid(errno.EINVAL, text, source)


def refuse_overlap(verb: str, pairs: list[tuple[str, str, Info | None]]) -> None:
    """Refuse to move something into itself, or onto something else that is moved as well.

    Raises
    ------
    ConfigInvalid
        (a ValueError) naming the place.
    """
    moved = {source for source, target, _ in pairs if source != target}
    for source, target, info in pairs:
        is_into_itself = is_dir(info) and target.startswith(f"{source}/")
        if is_into_itself or (source != target and target in moved):
            text = f"{verb} {source!r}: its target {target!r} is among what is moved"
            raise ConfigInvalid(errno.EINVAL, text, source)


async def pair(
    source: str | list[str],
    target: str | list[str],
    *,
    recursive: bool,
    maxdepth: int | None,
    find: Callable[..., Awaitable[Found]],
    is_source_dir: Callable[[str], Awaitable[bool]],
    is_target_dir: Callable[[str], Awaitable[bool]],
) -> list[tuple[str, str, Info | None]]:
    """Sources with their targets, for copies in any direction.

    Parameters
    ----------
    source, target : str or list of str
        As the user gave them; two lists are paired as they are.
    find
        Expands the source into a `Found`.
    is_source_dir, is_target_dir
        Look a path up.

    Returns
    -------
    list of (source, target, info of the source or None)
        Directories are among them when ``recursive``.
    """
    if isinstance(source, list) and isinstance(target, list):
        return [(s, t, None) for s, t in zip(source, target, strict=True)]
    is_one = isinstance(source, str)
    found = await find(source, recursive=recursive, maxdepth=maxdepth)
    if is_one and (not recursive or maxdepth is not None):
        # Without recursion, a pattern or a path copies files alone.
        files: Found = {}
        for name, info in found.items():
            if trailing_sep(name):
                continue
            if not (await is_source_dir(name) if info is None else is_dir(info)):
                files[name] = info
        found = files
    if not found:
        return []
    names = list(found)
    keeps_name = False
    if isinstance(source, str):
        into_dir = isinstance(target, str) and (trailing_sep(target) or await is_target_dir(target))
        if _paths.is_pattern(source):
            keeps_name = len(names) == 1
        else:
            keeps_name = into_dir and not trailing_sep(source)
    targets = other_paths(names, target, exists=keeps_name, flatten=not is_one)
    return [(n, t, found[n]) for n, t in zip(names, targets, strict=True)]


def with_parents(
    found: dict[str, Info], base: str, prefix: str, implied: Callable[[str], Info]
) -> dict[str, Info]:
    """Add the directories that keys below ``base`` imply; ``implied`` makes their infos."""
    dirs: dict[str, Info] = {}
    start = f"{base}/{prefix}" if base else prefix
    for name in found:
        parent = _paths.parent_of(name)
        while len(parent) > len(base) and parent not in dirs and parent not in found:
            if parent.startswith(start):
                dirs[parent] = implied(parent)
            parent = _paths.parent_of(parent)
    return {**found, **dirs}


def listings(
    found: dict[str, Info], top: str, implied: Callable[[str], Info]
) -> dict[str, list[Info]]:
    """What `ls` gives of each directory of a tree, of all that is below ``top``.

    ``implied`` makes the infos of directories that keys imply.
    """
    if top in found and not is_dir(found[top]):
        return {}
    # A file and a directory of one name are two entries.
    out: dict[str, dict[tuple[str, bool], Info]] = {top: {}}
    for name, info in found.items():
        parent = _paths.parent_of(name)
        directory = name if is_dir(info) else parent
        # Up to the first directory that is known, each is an entry of the one above it.
        new = []
        while directory not in out:
            new.append(directory)
            directory = _paths.parent_of(directory)
        for one in reversed(new):
            out[one] = {}
            out[_paths.parent_of(one)][one, True] = implied(one)
        if name != top:
            out[parent][name, is_dir(info)] = info
    return {path: [entries[key] for key in sorted(entries)] for path, entries in out.items()}
