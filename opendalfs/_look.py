"""Verbs that look: info, ls, find, du, sizes, times, signed URLs."""

from __future__ import annotations

import errno
from datetime import datetime
from typing import Any

from fsspec.utils import tokenize

from opendalfs import _expand, _paths
from opendalfs._base import Base, Info
from opendalfs.errors import ConfigInvalid, IsADirectory, Unsupported


class Look(Base):
    """A store that can be looked at."""

    async def _info(self, path: str, **kwargs: Any) -> Info:
        """One path: name, size (bytes), type ("file" or "directory").

        Where the store tells: mtime and LastModified (datetime with zone), ETag, version_id,
        ContentType, Metadata.

        Raises
        ------
        NotFound
            (a FileNotFoundError) when neither a file nor a directory is there.

        Notes
        -----
        One request for a file, two for a directory that keys imply. Never answered from a
        listing.
        """
        if not kwargs:
            return await self._store.stat(self._strip(path))
        return await self._store_for(kwargs).stat(self._path_for(path, kwargs))

    async def _info_if_any(self, path: str, **kwargs: Any) -> Info | None:
        """The info of a path, or None when nothing is there."""
        try:
            return await self._store_for(kwargs).stat(self._path_for(path, kwargs))
        except (FileNotFoundError, NotADirectoryError):
            return None

    async def _exists(self, path: str, **kwargs: Any) -> bool:
        """Whether a file or directory is there.

        A bucket that may not be looked at is there: a missing one would be told to be missing.
        """
        try:
            return await self._info_if_any(path, **kwargs) is not None
        except PermissionError:
            if not self._is_bucket(self._strip(path)):
                raise
            return True

    async def _isdir(self, path: str) -> bool:
        try:
            return _expand.is_dir(await self._store.stat(self._strip(path)))
        except (FileNotFoundError, NotADirectoryError, ConfigInvalid):
            return False

    async def _isfile(self, path: str) -> bool:
        try:
            return not _expand.is_dir(await self._store.stat(self._strip(path)))
        except (FileNotFoundError, NotADirectoryError, ConfigInvalid):
            return False

    async def _ls(
        self,
        path: str,
        detail: bool = True,
        refresh: bool = False,
        versions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Entries of a directory; of a file, the file itself. One request for each 1,000.

        With ``versions``, each file once for each of its versions, under names that such a path
        has; never from the cache.
        """
        path, store = self._strip(path), self._store_for(kwargs)
        if versions:
            found = await store.extras.list_versions(path)
            found = [_under_version(e) for e in found if "IsDeleteMarker" not in e]
            return found if detail else [e["name"] for e in found]
        if refresh:
            self._drop(path)
        entries = self._ls_from_cache(path)
        if entries is None:
            if not detail and not self._keeps_listings:
                return await store.list_names(path)
            changes = self._changes
            entries = await store.list(path)
            is_file = len(entries) == 1 and entries[0]["name"] == path
            # What changed meanwhile may be missing in it.
            if not is_file and changes == self._changes:
                self.dircache[path] = entries
        if detail:
            return list(entries)
        return sorted(e["name"] for e in entries)

    def _ls_from_cache(self, path: str) -> list[Info] | None:
        try:
            return self.dircache[path]  # type: ignore[no-any-return]
        except KeyError:
            return None

    async def _find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        prefix: str | None = "",
        **kwargs: Any,
    ) -> Any:
        """Every file below a path, sorted by name.

        Parameters
        ----------
        path : str
            A directory; of a file, the file itself is found.
        maxdepth : int, optional
            How many levels; 1 is what `ls` shows.
        withdirs : bool
            Directories too, the path itself included; not a bucket, without ``maxdepth``.
        detail : bool
            A dict of infos by name instead of a list of names.
        prefix : str
            Only names whose part below the path begins so; the store filters.

        Notes
        -----
        One listing of the whole tree without ``maxdepth``, one for each directory with it.
        Where listings are kept, that of a whole tree with details is kept as those of its
        directories.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        path, prefix, store = self._strip(path), prefix or "", self._store_for(kwargs)
        if not withdirs and not detail:
            names = await store.find_names(path, prefix, maxdepth)
            if names:
                return names
        entries = await store.find(path, prefix, maxdepth)
        found = {e["name"]: e for e in entries}
        if entries and not prefix and maxdepth is None and self._keeps_listings:
            self.dircache.update(_expand.listings(found, path, store.implied))
        if withdirs:
            if self._store.has_implicit_dirs:
                found = _expand.with_parents(found, path, prefix, store.implied)
            is_top = path in ("", self.root_marker)
            is_left_out = prefix or (maxdepth is None and self._is_bucket(path))
            if not is_top and not is_left_out and path not in found:
                found.update(await self._itself(path, has_entries=bool(found)))
        else:
            found = {n: e for n, e in found.items() if e["type"] != "directory"}
        if not entries and path not in found and not prefix:
            info = await self._itself(path, has_entries=False)
            found.update({n: e for n, e in info.items() if not _expand.is_dir(e)})
        names = sorted(found)
        return {n: found[n] for n in names} if detail else names

    def _is_bucket(self, path: str) -> bool:
        return self._store.has_containers and bool(path) and "/" not in path

    async def _itself(self, path: str, *, has_entries: bool) -> dict[str, Info]:
        """The info of a path under its name; nothing when there is none."""
        if has_entries and self._store.has_implicit_dirs:
            return {path: self._store.implied(path)}
        info = await self._info_if_any(path)
        return {} if info is None else {path: info}

    async def _du(
        self,
        path: str,
        total: bool = True,
        maxdepth: int | None = None,
        withdirs: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Bytes used: the sum, or a dict by name with ``total=False``. One listing."""
        found = await self._find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True, **kwargs)
        sizes = {name: info["size"] or 0 for name, info in found.items()}
        return sum(sizes.values()) if total else sizes

    async def _expand_path(
        self,
        path: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        assume_literal: bool = False,
        **kwargs: Any,
    ) -> list[str]:
        return list(await _expand.expand(self, path, recursive=recursive, maxdepth=maxdepth))

    async def _created(self, path: str) -> datetime:
        """Time of the last change: stores keep no other."""
        return await self._modified(path)

    async def _modified(
        self, path: str, version_id: str | None = None, refresh: bool = False
    ) -> datetime:
        """Time of the last change, with zone; always asked for anew.

        Raises
        ------
        IsADirectory
            For a directory that keys imply: it has no time.
        Unsupported
            (a NotImplementedError) where the store keeps none.
        """
        info = await self._info(path, version_id=version_id)
        if "mtime" not in info and _expand.is_dir(info):
            raise IsADirectory(errno.EISDIR, f"modified {path!r}: is a directory", path)
        if "mtime" not in info:
            text = f"modified {path!r}: the store keeps no time of it"
            raise Unsupported(errno.ENOTSUP, text, path)
        return info["mtime"]  # type: ignore[no-any-return]

    async def _checksum(self, path: str, refresh: bool = False) -> int:
        """A number that changes with the file: of its ETag, or of its size and time.

        Always asked for anew.
        """
        return int(tokenize(*_state_of(await self._info(path))), 16)

    async def _ukey(self, path: str) -> str:
        """The same as text; caches compare it."""
        return str(tokenize(*_state_of(await self._info(path))))

    async def _sign(
        self, path: str, expiration: float = 100, method: str = "GET", **kwargs: Any
    ) -> str:
        """A URL that anyone can use for ``method`` until it expires (seconds). No request.

        Parameters
        ----------
        path : str
            The file.
        expiration : float
            Seconds.
        method : str
            GET, PUT, HEAD or DELETE.
        version_id : str, optional
            The version, where the store has them.
        **kwargs : str
            On S3 more parameters of the call: ResponseContentDisposition,
            ResponseContentType, ...
        """
        how = {"version_id": kwargs.pop("version_id", None)}
        store, path = self._store_for(how), self._path_for(path, how)
        parameters = [(name, str(value)) for name, value in kwargs.items() if value is not None]
        return await store.sign(path, method, float(expiration), parameters)


def _under_version(info: Info) -> Info:
    version = info.get("VersionId", "null")
    if version == "null":
        return info
    return {**info, "name": f"{info['name']}{_paths.VERSION_MARK}{version}"}


def _state_of(info: Info) -> tuple[Any, ...]:
    state = info.get("ETag") or info.get("mtime")
    return (info["name"], info["size"], str(state))
