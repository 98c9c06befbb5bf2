"""Verbs that write: pipe, put, touch."""

from __future__ import annotations

import os
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from fsspec.implementations.local import LocalFileSystem, make_path_posix, trailing_sep

from opendalfs import _expand
from opendalfs._base import Info
from opendalfs._move import Move
from opendalfs._options import kept, kept_of
from opendalfs._transfer import now, raise_first


class Write(Move):
    """A store that can be written to."""

    async def _pipe_file(
        self, path: str, value: Any, mode: str = "overwrite", **kwargs: Any
    ) -> Info:
        """Write a whole file: all of it or nothing is ever visible.

        Parameters
        ----------
        path : str
            The file.
        value : bytes or any contiguous buffer
            Its bytes; ``bytes`` are not copied on their way to the network.
        mode : "overwrite" or "create"
            "create" raises AlreadyExists (a FileExistsError) when the file is there; atomic
            where the store can (S3, GCS, Azure, memory, the local disk).
        **kwargs
            content_type, cache_control, content_encoding, content_disposition : str;
            metadata : dict of str. On S3 also, under these names, ACL, StorageClass,
            ServerSideEncryption, SSEKMSKeyId, SSECustomerKey, Tagging and others.

        Returns
        -------
        dict
            What the store tells of the file: ``ETag``, ``VersionId``, ...

        Notes
        -----
        One request up to 16 MiB, a parallel multipart upload beyond.
        """
        path, only = self._strip(path), _create_only(mode)
        how = kept(kwargs)
        try:
            return await self._store_for(kwargs).write(path, value, if_not_exists=only, **how)
        finally:
            self._forget(path)

    async def _write(self, path: str, value: Any, **kwargs: Any) -> None:
        """`_pipe_file` under the name that asynchronous callers know."""
        await self._pipe_file(path, value, **kwargs)

    async def _pipe(
        self, path: Any, value: Any = None, batch_size: int | None = None, **kwargs: Any
    ) -> None:
        """Write one file, or a dict of values by path in one call."""
        if isinstance(path, str):
            await self._pipe_file(path, value, **kwargs)
            return
        only = _create_only(kwargs.pop("mode", "overwrite"))
        items = [(self._strip(p), v) for p, v in path.items()]
        store, how = self._store_for(kwargs), kept(kwargs)
        try:
            results = await store.write_many(items, if_not_exists=only, **how)
        finally:
            self._forget(*(path for path, _ in items))
        raise_first(results)

    async def _put_file(
        self,
        lpath: Any,
        rpath: str,
        callback: Callback = DEFAULT_CALLBACK,
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> None:
        """Upload one file; of a directory, make the directory."""
        rpath = self._strip(rpath)
        lpath = os.fspath(lpath)
        if os.path.isdir(lpath):
            await self._make_target(rpath)
            return
        only = _create_only(mode)
        await self._run_jobs(
            "put",
            [(lpath, rpath)],
            own=callback,
            store=self._store_for(kwargs),
            if_not_exists=only,
            **kept(kwargs),
        )

    async def _put(
        self,
        lpath: Any,
        rpath: Any,
        recursive: bool = False,
        callback: Callback = DEFAULT_CALLBACK,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Upload files, patterns or trees; some at once, in one call."""
        local = LocalFileSystem()

        async def find(path: Any, **how: Any) -> _expand.Found:
            return dict.fromkeys(local.expand_path(path, **how))

        if not isinstance(lpath, list):
            lpath = make_path_posix(os.fspath(lpath))
        if isinstance(rpath, str):
            rpath = self._strip(rpath) + ("/" if trailing_sep(rpath) else "")
        pairs = await _expand.pair(
            lpath,
            rpath,
            recursive=recursive,
            maxdepth=maxdepth,
            find=find,
            is_source_dir=now(local.isdir),
            is_target_dir=self._isdir,
        )
        files = []
        for source, target, _ in pairs:
            if os.path.isdir(source):
                await self._make_target(target)
            else:
                files.append((source, self._strip(target)))
        only = _create_only(kwargs.pop("mode", "overwrite"))
        await self._run_jobs(
            "put",
            files,
            every=callback,
            store=self._store_for(kwargs),
            if_not_exists=only,
            **kept(kwargs),
        )

    async def _touch(self, path: str, truncate: bool = True, **kwargs: Any) -> Info:
        """Make an empty file.

        With ``truncate=False`` keep the bytes of one that is there and renew its time.
        """
        value = b""
        info = None if truncate else await self._info_if_any(path)
        if info is not None:
            value = await self._cat_file(path)
            kwargs = {**kept_of(info), **kwargs}
        return await self._pipe_file(path, value, **kwargs)


def _create_only(mode: str) -> bool:
    if mode not in ("overwrite", "create"):
        raise ValueError(f'mode must be "overwrite" or "create", not {mode!r}')
    return mode == "create"
