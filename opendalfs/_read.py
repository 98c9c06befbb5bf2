"""Verbs that read: cat, cat_ranges, get."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from fsspec.implementations.local import LocalFileSystem, make_path_posix
from fsspec.utils import check_contained, isfilelike

from opendalfs import _core, _expand, _paths
from opendalfs._transfer import Transfer, now, raise_first


class Read(Transfer):
    """A store that can be read."""

    async def _cat_file(
        self,
        path: str,
        start: int | None = None,
        end: int | None = None,
        **kwargs: Any,
    ) -> bytes:
        """Bytes of a file, or of the slice ``start:end`` as Python means it.

        Notes
        -----
        One request; two when an end counts from the end of the file and the other does not.
        """
        if not kwargs:
            return await self._store.read(self._strip(path), start, end)
        return await self._store_for(kwargs).read(self._path_for(path, kwargs), start, end)

    _read = _cat_file

    async def _cat(
        self, path: Any, recursive: bool = False, on_error: str = "raise", **kwargs: Any
    ) -> Any:
        """Bytes of one path, or a dict of bytes by name for lists, patterns and trees.

        ``on_error``: "raise", "omit" (leave it out) or "return" (the exception as its value).
        """
        found: _expand.Found = {}
        is_one = isinstance(path, str)
        if not is_one or recursive or _paths.is_pattern(self._strip(path)):
            found = await _expand.expand(self, path, recursive=recursive)
            # A name with brackets may be that of a file.
            is_one = is_one and list(found) == [self._strip(path)]
        names = [n for n, info in found.items() if not _expand.is_dir(info)]
        if is_one and len(names) == len(found):
            try:
                return await self._cat_file(path, **kwargs)
            except Exception as e:
                if on_error == "return":
                    return e
                if on_error == "omit":
                    return {}
                raise
        span = (kwargs.get("start"), kwargs.get("end"))
        store, paths = self._store_for(kwargs), [self._path_for(n, kwargs) for n in names]
        results = await store.read_many([(p, *span) for p in paths])
        if on_error == "raise":
            raise_first(results)
        return {
            name: result
            for name, result in zip(names, results, strict=True)
            if on_error != "omit" or not isinstance(result, Exception)
        }

    async def _cat_ranges(
        self,
        paths: list[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Slices of many files in one call, in the order asked for.

        ``starts`` and ``ends`` are lists or one value for all. An exception stands in place of
        what could not be read, unless ``on_error="raise"``.

        Notes
        -----
        Slices of one file with at most ``max_gap`` bytes between them (1 MiB when not given)
        come in one request.
        """
        if not isinstance(paths, list):
            raise TypeError("paths must be a list")
        starts = list(starts) if isinstance(starts, Iterable) else [starts] * len(paths)
        ends = list(ends) if isinstance(ends, Iterable) else [ends] * len(paths)
        if len(starts) != len(paths) or len(ends) != len(paths):
            raise ValueError("paths, starts and ends must have the same length")
        store, places = self._store_for(kwargs), [self._path_for(p, kwargs) for p in paths]
        spans = list(zip(places, starts, ends, strict=True))
        results: list[Any] = await store.read_many(spans, max_gap)
        if on_error == "raise":
            raise_first(results)
        return results

    async def _get_file(
        self, rpath: str, lpath: Any, callback: Callback = DEFAULT_CALLBACK, **kwargs: Any
    ) -> None:
        """Download one file. The local file appears whole or not at all."""
        store, rpath = self._store_for(kwargs), self._path_for(rpath, kwargs)
        if isfilelike(lpath):
            await self._get_into(store, rpath, lpath, callback)
            return
        lpath = os.fspath(lpath)
        if store is self._store and await self._isdir(rpath):
            os.makedirs(lpath, exist_ok=True)
            return
        os.makedirs(os.path.dirname(lpath) or ".", exist_ok=True)
        await self._run_jobs("get", [(rpath, lpath)], own=callback, store=store)

    async def _get_into(
        self, store: _core.Store, path: str, target: Any, callback: Callback
    ) -> None:
        reader = await store.open_reader(path)
        size, at = reader.info["size"], 0
        callback.set_size(size)
        while at < size:
            data = await reader.read(at, at + 4 * self.default_block_size)
            target.write(data)
            at += len(data)
            callback.relative_update(len(data))

    async def _get(
        self,
        rpath: Any,
        lpath: Any,
        recursive: bool = False,
        callback: Callback = DEFAULT_CALLBACK,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Download files, patterns or trees; some at once, in one call."""
        local = LocalFileSystem()
        if not isinstance(lpath, list):
            lpath = make_path_posix(os.fspath(lpath))
        pairs = await _expand.pair(
            rpath,
            lpath,
            recursive=recursive,
            maxdepth=maxdepth,
            find=functools.partial(_expand.expand, self),
            is_source_dir=self._isdir,
            is_target_dir=now(local.isdir),
        )
        if isinstance(lpath, str):
            # A ".." in a name of the store must not place a file above the target.
            check_contained(lpath, [t for _, t, _ in pairs])
        files = []
        for source, target, info in pairs:
            if _expand.is_dir(info):
                os.makedirs(target, exist_ok=True)
            else:
                os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
                files.append((self._path_for(source, kwargs), target))
        await self._run_jobs("get", files, every=callback, store=self._store_for(kwargs))
