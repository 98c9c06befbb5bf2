"""fsspec's meaning of a store: what `OpendalFileSystem` adds to the core.

Every operation is written once, as a coroutine (``_cat_file``). The coroutines await nothing but
operations of the core, so the sync form (``cat_file``) runs the same coroutine to its end on the
calling thread, without an event loop; asynchronous callers await it on any loop of theirs.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import io
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem, get_loop, sync
from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from fsspec.core import get_compression, has_magic
from fsspec.implementations.local import LocalFileSystem, make_path_posix, trailing_sep
from fsspec.utils import check_contained, isfilelike, tokenize

from opendalfs import _core, _expand, _options, _paths
from opendalfs.errors import AlreadyExists, IsADirectory, Unsupported
from opendalfs.file import OpendalAsyncFile, OpendalFile, StackedWriter, TextFile, compress

__all__ = ["OpendalFileSystem"]

Info = dict[str, Any]
_MODES = ("rb", "wb", "ab", "xb")


class OpendalFileSystem(AsyncFileSystem):
    """Any store of OpenDAL as an fsspec filesystem.

    Parameters
    ----------
    scheme : str, default "memory"
        Which service: memory, fs, s3, gcs, azblob, azdls, http, https, webdav, github.
    asynchronous : bool, default False
        For use inside coroutines: call ``await fs._cat_file(...)``.
    use_listings_cache, listings_expiry_time, max_paths
        As in fsspec: keep listings of directories. A listing never answers a question about a
        single path.
    default_block_size : int
        Bytes a file object reads or writes at once; 5 MiB when not given.
    **options
        Options of the service and those common to all (``docs/reference/options.md``); both
        OpenDAL's names and those of s3fs, gcsfs and adlfs.

    Raises
    ------
    ConfigInvalid
        (a ValueError) for an unknown scheme or option, naming the nearest, or a bad value.

    Notes
    -----
    Making an instance sends no request. An instance may be used from any thread and event
    loop, pickles by its options, and works in a forked child.

    Examples
    --------
    >>> fs = OpendalFileSystem("memory")
    >>> fs.pipe_file("docs/a.txt", b"text")
    >>> fs.cat_file("docs/a.txt", start=-2)
    b'xt'
    """

    protocol: str | tuple[str, ...] = "opendal"
    foreign_protocols: tuple[str, ...] = ()
    root_marker = ""
    async_impl = True

    def __init__(
        self,
        scheme: str = "memory",
        *,
        asynchronous: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        batch_size: int | None = None,
        **options: Any,
    ) -> None:
        self.scheme = scheme
        self._store = _core.Store(scheme, _options.flatten(options))
        self._options = options
        self.is_absolute = self._store.is_absolute
        if self.is_absolute:
            self.root_marker = "/"
        self.default_block_size: int = options.get("default_block_size") or 5 * 2**20
        self.default_cache_type: str = options.get("default_cache_type") or "readahead"
        # A method of the instance: the form of a path depends on the store's options.
        self._strip_protocol = self._strip
        super().__init__(
            asynchronous=asynchronous,
            # The dedicated thread of fsspec is started when it is first needed.
            loop=loop if asynchronous else _NO_LOOP,
            batch_size=batch_size,
            **options,
        )
        self._given_loop = loop
        self._loop = None

    # ---- paths, identity, pickling ----------------------------------------------------------

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(p) for p in path]
        return _paths.strip_protocol(path, cls.foreign_protocols)

    def _strip(self, path: Any) -> Any:
        if isinstance(path, list):
            return [self._strip(p) for p in path]
        stripped = _paths.strip_protocol(path, (*self.foreign_protocols, self.scheme))
        return _paths.localise(stripped, is_absolute=self.is_absolute)

    def _parent(self, path: str) -> str:  # type: ignore[override]
        return _paths.parent_of(self._strip(path)) or self.root_marker

    @property
    def fsid(self) -> str:
        """Identity of the filesystem, without secrets."""
        public = _options.without_secrets(self.scheme, self._options)
        return f"opendal-{self.scheme}-{tokenize(public)}"

    @property
    def loop(self) -> Any:
        """fsspec's IO loop, for the few operations that need one; made anew after a fork."""
        if self.asynchronous:
            return self._given_loop
        if self._loop is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._loop = self._given_loop or get_loop()
        return self._loop

    def to_dict(self, *, include_password: bool = True, include_secrets: bool = False) -> Info:
        """Description that `from_dict` makes the instance of again; secrets only on request."""
        out: Info = super().to_dict(include_password=include_password)
        if not include_secrets:
            out = _options.without_secrets(self.scheme, out)
        return out

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.scheme}>"

    def capabilities(self) -> dict[str, bool]:
        """What the store can do, by name. No request is made."""
        return self._store.capabilities()

    # ---- looking things up ------------------------------------------------------------------

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
        return await self._store.stat(self._strip(path))

    async def _exists(self, path: str, **kwargs: Any) -> bool:
        try:
            await self._store.stat(self._strip(path))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    async def _isdir(self, path: str) -> bool:
        try:
            return _expand.is_dir(await self._store.stat(self._strip(path)))
        except OSError:
            return False

    async def _isfile(self, path: str) -> bool:
        try:
            return not _expand.is_dir(await self._store.stat(self._strip(path)))
        except OSError:
            return False

    async def _ls(
        self, path: str, detail: bool = True, refresh: bool = False, **kwargs: Any
    ) -> list[Any]:
        """Entries of a directory; of a file, the file itself. One request for each 1,000."""
        path = self._strip(path)
        entries = None if refresh else self._ls_from_cache(path)
        if entries is None:
            entries = await self._store.list(path)
            is_file = len(entries) == 1 and entries[0]["name"] == path
            if not is_file:
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
        prefix: str = "",
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
            Directories too, the path itself included.
        detail : bool
            A dict of infos by name instead of a list of names.
        prefix : str
            Only names whose part below the path begins so; the store filters.

        Notes
        -----
        One listing of the whole tree without ``maxdepth``, one for each directory with it.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        path = self._strip(path)
        entries = await self._store.find(path, prefix, maxdepth)
        found = {e["name"]: e for e in entries}
        if withdirs:
            if self._store.has_implicit_dirs:
                found = _expand.with_parents(found, path, prefix)
            if path not in ("", self.root_marker) and path not in found:
                found.update(await self._itself(path, has_entries=bool(found)))
        else:
            found = {n: e for n, e in found.items() if e["type"] != "directory"}
        if not entries and path not in found and not prefix:
            info = await self._itself(path, has_entries=False)
            found.update({n: e for n, e in info.items() if not _expand.is_dir(e)})
        names = sorted(found)
        return {n: found[n] for n in names} if detail else names

    async def _itself(self, path: str, *, has_entries: bool) -> dict[str, Info]:
        """The info of a path under its name; nothing when there is none."""
        if has_entries and self._store.has_implicit_dirs:
            return {path: {"name": path, "size": 0, "type": "directory"}}
        try:
            return {path: await self._store.stat(path)}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    async def _du(
        self,
        path: str,
        total: bool = True,
        maxdepth: int | None = None,
        withdirs: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Bytes used: the sum, or a dict by name with ``total=False``. One listing."""
        found = await self._find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True)
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

    async def _modified(self, path: str) -> datetime:
        """Time of the last change, with zone.

        Raises
        ------
        Unsupported
            (a NotImplementedError) where the store keeps none, as for implied directories.
        """
        info = await self._info(path)
        if "mtime" not in info:
            text = f"modified {path!r}: the store keeps no time of it"
            raise Unsupported(errno.ENOTSUP, text, path)
        return info["mtime"]  # type: ignore[no-any-return]

    async def _checksum(self, path: str) -> int:
        """A number that changes with the file: of its ETag, or of its size and time."""
        return int(tokenize(*_state_of(await self._info(path))), 16)

    async def _ukey(self, path: str) -> str:
        """The same as text; caches compare it."""
        return str(tokenize(*_state_of(await self._info(path))))

    async def _sign(
        self, path: str, expiration: float = 100, method: str = "GET", **kwargs: Any
    ) -> str:
        """A URL that anyone can use for ``method`` until it expires (seconds). No request."""
        return await self._store.sign(self._strip(path), method, float(expiration))

    async def _url(self, path: str, expires: float = 3600, method: str = "GET") -> str:
        """`sign` under s3fs's name."""
        return await self._sign(path, expiration=expires, method=method)

    # ---- reading ----------------------------------------------------------------------------

    async def _cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        """Bytes of a file, or of the slice ``start:end`` as Python means it.

        Notes
        -----
        One request; two when an end counts from the end of the file and the other does not.
        """
        return await self._store.read(self._strip(path), start, end)

    _read = _cat_file

    async def _cat(
        self, path: Any, recursive: bool = False, on_error: str = "raise", **kwargs: Any
    ) -> Any:
        """Bytes of one path, or a dict of bytes by name for lists, patterns and trees.

        ``on_error``: "raise", "omit" (leave it out) or "return" (the exception as its value).
        """
        if isinstance(path, str) and not recursive and not has_magic(self._strip(path)):
            try:
                return await self._cat_file(path, **kwargs)
            except Exception as e:
                if on_error == "return":
                    return e
                if on_error == "omit":
                    return {}
                raise
        found = await _expand.expand(self, path, recursive=recursive)
        names = [n for n, info in found.items() if not _expand.is_dir(info)]
        span = (kwargs.get("start"), kwargs.get("end"))
        results = await self._store.read_many([(n, *span) for n in names])
        if on_error == "raise":
            _raise_first(results)
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
        """
        if not isinstance(paths, list):
            raise TypeError("paths must be a list")
        starts = list(starts) if isinstance(starts, Iterable) else [starts] * len(paths)
        ends = list(ends) if isinstance(ends, Iterable) else [ends] * len(paths)
        if len(starts) != len(paths) or len(ends) != len(paths):
            raise ValueError("paths, starts and ends must have the same length")
        spans = [(self._strip(p), s, e) for p, s, e in zip(paths, starts, ends, strict=True)]
        results: list[Any] = await self._store.read_many(spans)
        if on_error == "raise":
            _raise_first(results)
        return results

    async def _get_file(
        self, rpath: str, lpath: Any, callback: Callback = DEFAULT_CALLBACK, **kwargs: Any
    ) -> None:
        """Download one file. The local file appears whole or not at all."""
        rpath = self._strip(rpath)
        if isfilelike(lpath):
            await self._get_into(rpath, lpath, callback)
            return
        lpath = os.fspath(lpath)
        if await self._isdir(rpath):
            os.makedirs(lpath, exist_ok=True)
            return
        os.makedirs(os.path.dirname(lpath) or ".", exist_ok=True)
        await self._run_jobs("get", [(rpath, lpath)], own=callback)

    async def _get_into(self, path: str, target: Any, callback: Callback) -> None:
        reader = await self._store.open_reader(path)
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
            is_target_dir=_now(local.isdir),
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
                files.append((self._strip(source), target))
        await self._run_jobs("get", files, every=callback)

    # ---- writing ----------------------------------------------------------------------------

    async def _pipe_file(
        self, path: str, value: Any, mode: str = "overwrite", **kwargs: Any
    ) -> None:
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
            metadata : dict of str.

        Notes
        -----
        One request up to 16 MiB, a parallel multipart upload beyond.
        """
        path = self._strip(path)
        await self._store.write(path, value, if_not_exists=_create_only(mode), **_kept(kwargs))
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
        results = await self._store.write_many(items, if_not_exists=only, **_kept(kwargs))
        self._forget(*(p for p, _ in items))
        _raise_first(results)

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
            await self._makedirs(rpath, exist_ok=True)
            return
        only = _create_only(mode)
        await self._run_jobs("put", [(lpath, rpath)], own=callback, if_not_exists=only, **_kept(kwargs))

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
            is_source_dir=_now(local.isdir),
            is_target_dir=self._isdir,
        )
        files = []
        for source, target, _ in pairs:
            if os.path.isdir(source):
                await self._makedirs(target, exist_ok=True)
            else:
                files.append((source, self._strip(target)))
        only = _create_only(kwargs.pop("mode", "overwrite"))
        await self._run_jobs("put", files, every=callback, if_not_exists=only, **_kept(kwargs))

    async def _touch(self, path: str, truncate: bool = True, **kwargs: Any) -> None:
        """Make an empty file; with ``truncate=False`` keep the bytes of one that is there and
        renew its time."""
        value = b""
        if not truncate and await self._exists(path):
            value = await self._cat_file(path)
        await self._pipe_file(path, value, **kwargs)

    # ---- moving and removing ----------------------------------------------------------------

    async def _cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy one file, on the store's side where it can."""
        path1, path2 = self._strip(path1), self._strip(path2)
        if await self._isdir(path1):
            await self._makedirs(path2, exist_ok=True)
            return
        await self._store.copy(path1, path2)
        self._forget(path2)

    async def _pairs_within(
        self, path1: Any, path2: Any, recursive: bool, maxdepth: int | None
    ) -> list[tuple[str, str, Info | None]]:
        return await _expand.pair(
            path1,
            path2,
            recursive=recursive,
            maxdepth=maxdepth,
            find=functools.partial(_expand.expand, self),
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
        for source, target, info in await self._pairs_within(path1, path2, recursive, maxdepth):
            if _expand.is_dir(info):
                await self._makedirs(target, exist_ok=True)
            else:
                files.append((self._strip(source), self._strip(target)))
        await self._run_jobs("copy", files, every=callback, ignore_missing=ignores)

    async def _mv_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Move one file: a rename where the store has one."""
        path1, path2 = self._strip(path1), self._strip(path2)
        await self._store.rename(path1, path2)
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
        """
        pairs = await self._pairs_within(path1, path2, recursive, maxdepth)
        if not pairs and isinstance(path1, str) and await self._isdir(path1):
            text = f"mv {path1!r}: is a directory; pass recursive=True"
            raise IsADirectory(errno.EISDIR, text, path1)
        moved: list[tuple[str, bool]] = []
        for source, target, info in pairs:
            source, target = self._strip(source), self._strip(target)
            if source == target:
                await self._info(source)
            elif _expand.is_dir(info):
                await self._makedirs(target, exist_ok=True)
                moved.append((source, True))
            else:
                await self._mv_file(source, target)
        if moved and maxdepth is None:
            await self._remove(moved)

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        """Remove one file.

        Raises
        ------
        NotFound, IsADirectory
        """
        path = self._strip(path)
        await self._store.remove_file(path)
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

        Raises
        ------
        FileNotFoundError
            When nothing is there.
        """
        if isinstance(path, str) and not recursive and not has_magic(self._strip(path)):
            await self._rm_file(path)
            return
        found = await _expand.expand(self, path, recursive=recursive, maxdepth=maxdepth)
        await self._remove([(self._strip(n), _expand.is_dir(i)) for n, i in found.items()])

    async def _remove(self, items: list[tuple[str, bool]]) -> None:
        try:
            results = await self._store.remove_many(items)
        finally:
            self._forget(*(p for p, _ in items))
        _raise_first(results)

    async def _mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Make a directory, or a bucket. On object stores, below a bucket, nothing is written:
        directories there are what keys imply.

        Raises
        ------
        AlreadyExists
            Where directories are real; for a bucket.
        """
        path = self._strip(path)
        await self._store.create_dir(path, create_parents)
        self._forget(path)

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
        await self._store.remove_dir(path)
        self._forget(path)

    # ---- bulk transfers ---------------------------------------------------------------------

    async def _run_jobs(
        self,
        kind: str,
        pairs: list[tuple[str, str]],
        *,
        own: Callback = DEFAULT_CALLBACK,
        every: Callback = DEFAULT_CALLBACK,
        ignore_missing: bool = False,
        **how: Any,
    ) -> None:
        """Move files in one call to the core.

        ``own`` counts the bytes of the one file, ``every`` counts files and has a child for
        the bytes of each.
        """
        every.set_size(len(pairs))
        if own is DEFAULT_CALLBACK and every is DEFAULT_CALLBACK:
            results: list[Any] = await self._store.run_jobs(kind, pairs, **how)
        else:
            results = await self._report(kind, pairs, own, every, how)
        if kind != "get":
            self._forget(*(target for _, target in pairs))
        for result in results:
            if result is not None and not (
                ignore_missing and isinstance(result, FileNotFoundError)
            ):
                raise result

    async def _report(
        self,
        kind: str,
        pairs: list[tuple[str, str]],
        own: Callback,
        every: Callback,
        how: dict[str, Any],
    ) -> list[Any]:
        results: list[Any] = [None] * len(pairs)
        children: dict[int, Callback] = {}
        if own is not DEFAULT_CALLBACK:
            children[0] = own
        transfer = self._store.start_jobs(kind, pairs, **how)
        while events := await transfer.next():
            for event, index, value in events:
                if index not in children:
                    children[index] = every.branched(*pairs[index])
                child = children[index]
                if event == "total":
                    child.set_size(value)
                elif event == "moved":
                    child.relative_update(value)
                else:
                    results[index] = value
                    every.relative_update(1)
                    if child is not own:
                        child.close()
        return results

    # ---- the cache of listings --------------------------------------------------------------

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget listings: all, or those that a change of ``path`` makes wrong."""
        if path is None:
            self.dircache.clear()
        else:
            self._forget(self._strip(path))
        super().invalidate_cache(path)

    def _forget(self, *paths: str) -> None:
        cache = self.dircache
        if not getattr(cache, "_cache", True):
            return
        for path in paths:
            below = f"{path}/"
            for known in [k for k in cache if k.startswith(below)]:
                cache.pop(known, None)
            while path:
                cache.pop(path, None)
                parent = _paths.parent_of(path)
                path = parent if parent != path else ""
            cache.pop(self.root_marker, None)

    # ---- files ------------------------------------------------------------------------------

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | str | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        cache_type: str | None = None,
        **kwargs: Any,
    ) -> OpendalFile:
        self._refuse_sync()
        if mode not in _MODES:
            text = f"open {path!r}: mode {mode!r} is not possible, a file is read or written as a whole"
            raise Unsupported(errno.ENOTSUP, text, path)
        size = self.default_block_size if block_size in (None, "default") else int(block_size)  # type: ignore[arg-type]
        return OpendalFile(
            self,
            self._strip(path),
            mode,
            block_size=size,
            autocommit=autocommit,
            cache_type=cache_type or self.default_cache_type,
            cache_options=cache_options,
            **kwargs,
        )

    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        cache_options: dict[str, Any] | None = None,
        compression: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open a file.

        Parameters
        ----------
        path : str
            The file.
        mode : str
            ``r``, ``w``, ``a`` or ``x`` with ``b`` or ``t``. ``x`` makes the file, atomically
            where the store can.
        block_size : int
            Bytes read ahead, or of one part of an upload.
        compression : str
            As fsspec: "gzip", "bz2", ..., "infer" by the name.
        cache_type, cache_options
            One of fsspec's read caches: readahead (default), none, bytes, block, all, ...
        encoding, errors, newline
            Of text modes.

        Notes
        -----
        A file written to appears when it is closed. Leaving a ``with`` block by an exception
        publishes nothing and keeps the old file.
        """
        if "b" not in mode:
            wrap = {k: kwargs.pop(k) for k in ("encoding", "errors", "newline") if k in kwargs}
            binary = self.open(
                path,
                mode.replace("t", "") + "b",
                block_size=block_size,
                cache_options=cache_options,
                compression=compression,
                **kwargs,
            )
            return TextFile(binary, **wrap)
        raw = super().open(path, mode, block_size=block_size, cache_options=cache_options, **kwargs)
        codec = get_compression(path, compression) if compression is not None else None
        if codec is None:
            return raw
        packed = compress(codec, raw, mode[0])
        return packed if mode == "rb" else StackedWriter(packed, raw)

    async def open_async(self, path: str, mode: str = "rb", **kwargs: Any) -> OpendalAsyncFile:
        """Open a file whose ``read``, ``write`` and ``close`` are coroutines."""
        if mode not in _MODES:
            text = f"open {path!r}: mode {mode!r} is not possible for an asynchronous file"
            raise Unsupported(errno.ENOTSUP, text, path)
        return await OpendalAsyncFile.open(self, self._strip(path), mode, **kwargs)

    # ---- the sync forms that are not made below ---------------------------------------------

    def _refuse_sync(self) -> None:
        if self.asynchronous:
            raise RuntimeError(
                "this filesystem was made with asynchronous=True: await its coroutines "
                "(fs._cat_file), or make one without it for calls like this"
            )

    def walk(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """As `os.walk`; one listing for each directory."""
        self._refuse_sync()
        return AbstractFileSystem.walk(self, path, *args, **kwargs)

    def write(self, path: str, value: Any, **kwargs: Any) -> int:
        """Write a whole file; the result is the count of bytes."""
        self.pipe_file(path, value, **kwargs)
        return memoryview(value).nbytes

    def read_text(
        self,
        path: str,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        **kwargs: Any,
    ) -> str:
        """Text of a file."""
        raw = io.BytesIO(self.cat_file(path))
        return io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline=newline).read()


# Stands for "no loop yet" while fsspec's own __init__ runs, which would start a thread.
_NO_LOOP: Any = object()


def _kept(kwargs: dict[str, Any]) -> dict[str, Any]:
    """What of a call's extra arguments says how to write a file; callers pass others too."""
    names = ("content_type", "cache_control", "content_encoding", "content_disposition", "metadata")
    return {name: kwargs[name] for name in names if name in kwargs}


def _create_only(mode: str) -> bool:
    if mode not in ("overwrite", "create"):
        raise ValueError(f'mode must be "overwrite" or "create", not {mode!r}')
    return mode == "create"


def _raise_first(results: Iterable[Any]) -> None:
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _state_of(info: Info) -> tuple[Any, ...]:
    state = info.get("ETag") or info.get("mtime")
    return (info["name"], info["size"], str(state))


def _now(function: Callable[[str], bool]) -> Callable[[str], Any]:
    """A plain function as one that can be awaited."""

    async def call(path: str) -> bool:
        return function(path)

    return call


def _direct(name: str) -> Callable[..., Any]:
    """The sync form of a coroutine method: run to its end on the calling thread.

    A subclass that replaces the coroutine may await whatever it likes; its version runs on
    fsspec's IO loop.
    """
    ours = getattr(OpendalFileSystem, f"_{name}", None) or getattr(AsyncFileSystem, f"_{name}")

    @functools.wraps(ours)
    def method(self: OpendalFileSystem, *args: Any, **kwargs: Any) -> Any:
        self._refuse_sync()
        coroutine = getattr(self, f"_{name}")
        if coroutine.__module__.startswith(("opendalfs.", "fsspec.")):
            return _core.run_blocking(coroutine(*args, **kwargs))
        return sync(self.loop, coroutine, *args, **kwargs)

    method.__name__ = name
    method.__qualname__ = f"OpendalFileSystem.{name}"
    return method


for _name in (
    "cat",
    "cat_file",
    "cat_ranges",
    "checksum",
    "copy",
    "cp_file",
    "created",
    "du",
    "exists",
    "expand_path",
    "find",
    "get",
    "get_file",
    "glob",
    "info",
    "isdir",
    "isfile",
    "ls",
    "makedirs",
    "mkdir",
    "modified",
    "mv",
    "mv_file",
    "pipe",
    "pipe_file",
    "put",
    "put_file",
    "read",
    "rm",
    "rm_file",
    "rmdir",
    "sign",
    "size",
    "touch",
    "ukey",
    "url",
):
    setattr(OpendalFileSystem, _name, _direct(_name))
