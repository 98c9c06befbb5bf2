"""`OpendalFileSystem`: any store of OpenDAL as an fsspec filesystem.

Every operation is written once, as a coroutine (``_cat_file``), in one of the modules this class
is stacked of: ``_base`` (store, paths, identity), ``_look``, ``_transfer``, ``_read``, ``_move``,
``_write``. The coroutines await nothing but operations of the core, so the sync form
(``cat_file``) runs the same coroutine to its end on the calling thread, without an event loop;
asynchronous callers await it on any loop of theirs.
"""

from __future__ import annotations

import errno
import functools
import io
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem, sync
from fsspec.core import get_compression

from opendalfs import _blocking
from opendalfs._extras import Extras
from opendalfs._look import Look
from opendalfs._move import Move
from opendalfs._read import Read
from opendalfs._s3 import S3Names
from opendalfs._write import Write
from opendalfs.errors import ConfigInvalid, Unsupported
from opendalfs.file import OpendalAsyncFile, OpendalFile, StackedWriter, TextFile, compress

__all__ = ["OpendalFileSystem"]

_MODES = ("rb", "wb", "ab", "xb")


_P = ParamSpec("_P")
_R = TypeVar("_R")


def direct(coroutine: Callable[_P, Coroutine[Any, Any, _R]]) -> Callable[_P, _R]:
    """Make the sync form of a coroutine method: run to its end on the calling thread.

    A subclass that replaces the coroutine may await whatever it likes; its version runs on
    fsspec's IO loop.
    """
    name = coroutine.__name__

    @functools.wraps(coroutine)
    def method(self: OpendalFileSystem, *args: Any, **kwargs: Any) -> Any:
        if self.asynchronous:
            self._refuse_sync()
        verb = getattr(self, name)
        is_ours = getattr(verb, "__func__", None) is coroutine
        if is_ours or verb.__module__.startswith(("opendalfs.", "fsspec.")):
            return _blocking.run(verb(*args, **kwargs))
        return sync(self.loop, verb, *args, **kwargs)

    method.__name__ = name.removeprefix("_")
    method.__qualname__ = f"OpendalFileSystem.{method.__name__}"
    return method  # type: ignore[return-value]


class OpendalFileSystem(S3Names):
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
            raise _refused_mode(path, mode)
        size = self.default_block_size if block_size in (None, "default") else int(block_size)
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
            raise _refused_mode(path, mode)
        return await OpendalAsyncFile.open(self, self._strip(path), mode, **kwargs)

    # ---- sync forms with a meaning of their own

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
        raw = io.BytesIO(self.cat_file(path, **kwargs))
        return io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline=newline).read()

    # ---- sync forms of the coroutines

    abort_mpu = direct(S3Names._abort_mpu)
    cat = direct(Read._cat)
    # fsspec's own annotations know less.
    cat_file: Callable[..., bytes] = direct(Read._cat_file)
    cat_ranges = direct(Read._cat_ranges)
    checksum = direct(Look._checksum)
    chmod = direct(Extras._chmod)
    clear_multipart_uploads = direct(S3Names._clear_multipart_uploads)
    copy = direct(Move._copy)
    cp_file = direct(Move._cp_file)
    created = direct(Look._created)
    du = direct(Look._du)
    exists = direct(Look._exists)
    expand_path = direct(Look._expand_path)
    find = direct(Look._find)
    get = direct(Read._get)
    get_file = direct(Read._get_file)
    get_tags = direct(Extras._get_tags)
    getxattr = direct(Extras._getxattr)
    glob = direct(AsyncFileSystem._glob)
    info = direct(Look._info)
    is_bucket_versioned = direct(S3Names._is_bucket_versioned)
    isdir = direct(Look._isdir)
    isfile = direct(Look._isfile)
    list_multipart_uploads = direct(S3Names._list_multipart_uploads)
    ls = direct(Look._ls)
    make_bucket_versioned = direct(S3Names._make_bucket_versioned)
    makedirs = direct(Move._makedirs)
    managed_copy = direct(S3Names._managed_copy)
    merge = direct(Extras._merge)
    metadata = direct(Extras._metadata)
    mkdir = direct(Move._mkdir)
    modified = direct(Look._modified)
    mv = direct(Move._mv)
    mv_file = direct(Move._mv_file)
    object_version_info = direct(S3Names._object_version_info)
    pipe = direct(Write._pipe)
    pipe_file: Callable[..., dict[str, Any]] = direct(Write._pipe_file)
    put = direct(Write._put)
    put_file = direct(Write._put_file)
    put_tags = direct(Extras._put_tags)
    read = direct(Read._read)
    restore = direct(Extras._restore)
    rm = direct(Move._rm)
    rm_file = direct(Move._rm_file)
    rm_tags = direct(Extras._rm_tags)
    rmdir = direct(Move._rmdir)
    setxattr = direct(Extras._setxattr)
    sign = direct(Look._sign)
    size = direct(AsyncFileSystem._size)
    touch = direct(Write._touch)
    ukey = direct(Look._ukey)
    url = direct(S3Names._url)
    versions = direct(Extras._versions)


def _refused_mode(path: str, mode: str) -> Exception:
    if "+" in mode and mode.replace("+", "") in _MODES:
        text = f"open {path!r}: mode {mode!r} is not possible, files are read or written as a whole"
        return Unsupported(errno.ENOTSUP, text, path)
    text = f"open {path!r}: mode {mode!r} is none of {', '.join(_MODES)}"
    return ConfigInvalid(errno.EINVAL, text, path)
