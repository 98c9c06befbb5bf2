"""Verbs that move and remove: copy, mv, rm, mkdir, rmdir."""

from __future__ import annotations

import errno
import functools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK, Callback

from opendalfs import _core, _expand, _links, _paths
from opendalfs._base import Info
from opendalfs._options import kept
from opendalfs._read import Read
from opendalfs._transfer import raise_first
from opendalfs.errors import AlreadyExists, ConfigInvalid, IsADirectory, NotFound


class Move(Read):
    """A store whose files and directories can be moved and removed."""

    async def _cp_file(
        self, path1: str, path2: str, callback: Callback = DEFAULT_CALLBACK, **kwargs: Any
    ) -> None:
        """Copy one file, on the store's side where it can.

        Parameters
        ----------
        path1, path2 : str
            From, to.
        version_id : str, optional
            The version to copy, where the store has them.
        **kwargs
            As for `pipe_file`: what the copy is to have instead of what its source has.
        """
        how = kept(kwargs)
        path2 = self._strip(path2)
        if _expand.is_dir(await self._info_if_any(path1, **kwargs)):
            await self._make_target(path2)
            return
        pairs, store = [(self._path_for(path1, kwargs), path2)], self._store_for(kwargs)
        await self._run_jobs("copy", pairs, own=callback, store=store, **how)

    async def _pairs_within(
        self,
        path1: Any,
        path2: Any,
        recursive: bool,
        maxdepth: int | None,
        find: Callable[..., Awaitable[_expand.Found]],
    ) -> list[tuple[str, str, Info | None]]:
        return await _expand.pair(
            path1,
            path2,
            recursive=recursive,
            maxdepth=maxdepth,
            find=find,
            is_source_dir=self._isdir,
            is_target_dir=self._isdir,
        )

    async def _copy(
        self,
        path1: Any,
        path2: Any,
        recursive: bool = False,
        on_error: str | None = None,
        maxdepth: int | None = None,
        batch_size: int | None = None,
        callback: Callback = DEFAULT_CALLBACK,
        **kwargs: Any,
    ) -> None:
        """Copy files, patterns or trees inside the store; some at once, in one call.

        ``on_error="ignore"``, the default with ``recursive``, passes over files that are gone
        by the time they are copied.
        """
        ignores = (on_error or ("ignore" if recursive else "raise")) == "ignore"
        files = []
        find = functools.partial(_expand.expand, self)
        pairs = await self._pairs_within(path1, path2, recursive, maxdepth, find)
        for source, target, info in pairs:
            if _expand.is_dir(info):
                await self._make_target(target)
            else:
                files.append((self._path_for(source, kwargs), self._strip(target)))
        await self._run_jobs(
            "copy",
            files,
            every=callback,
            ignore_missing=ignores,
            store=self._store_for(kwargs),
            **kept(kwargs),
        )

    async def _own_entries(self, path: Any, **how: Any) -> _expand.Found:
        """What a path means for those who take it away."""
        return _links.own_entries(self, await _expand.expand(self, path, **how))

    async def _mv_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Move one file: a rename where the store has one."""
        path1, path2 = self._strip(path1), self._strip(path2)
        try:
            await self._store_for(kwargs).rename(path1, path2)
        finally:
            self._forget(path1, path2)

    async def _mv(
        self,
        path1: Any,
        path2: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Move files, patterns or trees.

        Raises
        ------
        NotFound
            When the source is not there.
        IsADirectory
            For a directory without ``recursive``.
        ConfigInvalid
            (a ValueError) when something would be moved into itself or onto something else that
            is moved, or two files to one place. Nothing is moved then.
        """
        pairs = await self._pairs_within(path1, path2, recursive, maxdepth, self._own_entries)
        if not pairs and isinstance(path1, str) and await self._isdir(path1):
            text = f"mv {path1!r}: is a directory; pass recursive=True"
            raise IsADirectory(errno.EISDIR, text, path1)
        pairs = [(self._strip(s), self._strip(t), info) for s, t, info in pairs]
        _expand.refuse_clash("mv", ((s, t) for s, t, _ in pairs))
        _expand.refuse_overlap("mv", pairs)
        moved: list[tuple[str, bool]] = []
        for source, target, info in pairs:
            if source == target:
                await self._info(source)
            elif _expand.is_dir(info):
                await self._make_target(target)
                moved.append((source, True))
            else:
                await self._mv_file(source, target, **kwargs)
        if moved and maxdepth is None:
            await self._remove(moved)

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        """Remove one file.

        Raises
        ------
        NotFound, IsADirectory
        """
        path = self._path_for(path, kwargs)
        try:
            await self._store_for(kwargs).remove_file(path)
        except IsADirectory:
            # A bucket may not even be there.
            await self._info(path)
            raise
        finally:
            self._forget(path)

    async def _rm(
        self,
        path: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Remove files, patterns or trees, in batches where the store has them.

        With ``recursive`` a bucket goes, too, when nothing is left in it.

        Raises
        ------
        FileNotFoundError
            When nothing is there.
        """
        if isinstance(path, str) and not recursive and not _paths.is_pattern(self._strip(path)):
            await self._rm_file(path, **kwargs)
            return
        if kwargs.get("version_id") is not None:
            raise ConfigInvalid(errno.EINVAL, f"rm {path!r}: a version is one of a single file")
        store = self._store_for(kwargs)
        found = await self._own_entries(path, recursive=recursive, maxdepth=maxdepth)
        items = [(self._strip(n), _expand.is_dir(i)) for n, i in found.items()]
        given = {self._strip(p) for p in ([path] if isinstance(path, str) else path)}
        whole = given if recursive and maxdepth is None else set()
        if self._store.has_implicit_dirs:
            # A file may have the name of the directory.
            items += [(n, False) for n, is_dir in items if is_dir and n in whole]
        await self._remove(items, store)
        for bucket in filter(self._is_bucket, whole):
            await self._rmdir(bucket)

    async def _remove(
        self, items: list[tuple[str, bool]], store: _core.Store | None = None
    ) -> None:
        try:
            results = await (store or self._store).remove_many(items)
        finally:
            self._forget(*(path for path, _ in items))
        raise_first(results)

    async def _mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Make a directory, or a bucket.

        On object stores, below a bucket, nothing is written: directories there are what keys
        imply. The bucket is made, if it is missing, with ``create_parents``. It may get an
        ``acl`` and a ``region_name``.

        Raises
        ------
        AlreadyExists
            Where directories are real; for a bucket.
        NotFound
            Without ``create_parents``, when the directory above or the bucket is not there.
        """
        path = self._strip(path)
        if self._store.has_containers and "/" in path:
            await self._need_bucket(path, create_parents, kwargs)
            return
        try:
            await self._store_for(kwargs).create_dir(path, create_parents)
        finally:
            self._forget(path)

    async def _need_bucket(
        self, path: str, create_parents: bool, kwargs: Mapping[str, Any]
    ) -> None:
        bucket = path.partition("/")[0]
        if await self._exists(bucket, **kwargs):
            return
        if not create_parents:
            raise NotFound(errno.ENOENT, f"mkdir {path!r}: there is no bucket {bucket!r}", path)
        with suppress(AlreadyExists):
            # Somebody else may be as quick.
            await self._mkdir(bucket, **kwargs)

    async def _make_target(self, path: str) -> None:
        """Make a directory for what is copied into it; below a bucket keys will imply it."""
        if not self._store.has_implicit_dirs or self._is_bucket(self._strip(path)):
            await self._makedirs(path, exist_ok=True)

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a directory and those above it."""
        try:
            await self._mkdir(path, create_parents=True)
        except AlreadyExists:
            if not exist_ok or not await self._isdir(path):
                raise

    async def _rmdir(self, path: str) -> None:
        """Remove an empty directory or bucket."""
        path = self._strip(path)
        try:
            await self._store.remove_dir(path)
        finally:
            self._forget(path)
