"""File objects: a window on an object that is read, or one that appears when it is closed."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Any

from fsspec.asyn import AbstractAsyncStreamedFile
from fsspec.compression import compr
from fsspec.core import OpenFile
from fsspec.spec import AbstractBufferedFile

from opendalfs import _blocking, _core
from opendalfs._options import kept, kept_of
from opendalfs.errors import AlreadyExists, OpendalfsError, Unsupported

if TYPE_CHECKING:
    from opendalfs.fs import OpendalFileSystem

__all__ = ["OpendalAsyncFile", "OpendalFile"]


# Pieces of this size go to the network as they are.
_LARGE_BYTES = 2**16
# What `readline` looks through at first; longer lines double it.
_LINE_BYTES = 8192


class OpendalFile(AbstractBufferedFile):
    """A file open for reading, writing, appending or exclusive creation, in binary.

    Reads see one version of the file; where the store can tell, a replaced file raises Changed.
    Writes of any size are buffered to parts and uploaded in the background; at most six parts
    are in memory. The file appears at `close` (at `commit` without ``autocommit``), whole. A
    file that is discarded, left by an exception or never closed leaves nothing.
    """

    fs: OpendalFileSystem
    closed: bool

    def __init__(
        self,
        fs: OpendalFileSystem,
        path: str,
        mode: str = "rb",
        block_size: int = 5 * 2**20,
        autocommit: bool = True,
        cache_type: str = "readahead",
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._reader: _core.Reader | None = None
        self._writer: _core.Writer | None = None
        self._pid = os.getpid()
        self._how = kept(kwargs)
        self._store = fs._store_for(kwargs)
        self._version = {k: v for k, v in kwargs.items() if k == "version_id"}
        # Where the bytes are; the version that a call names is in it.
        self._place = fs._path_for(path, kwargs)
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self.seeks_for_encoder = False
        self._is_done = False
        self._is_torn = False
        # Given by a pickle of a file; the file itself knows better.
        kwargs.pop("size", None)
        size = None
        if mode == "rb":
            self._reader = self._store.open_reader(self._place).wait()
            self.details = self._reader.info
            size = self.details["size"]
        elif mode == "xb" and fs.exists(path, **kwargs):
            raise AlreadyExists(errno.EEXIST, f"open {path!r}: already exists", path)
        super().__init__(
            fs,
            path,
            mode,
            block_size,
            autocommit=autocommit,
            cache_type=cache_type,
            cache_options=cache_options,
            size=size,
            **kwargs,
        )
        # The core's own; fsspec's other caches work on top of plain reads.
        self._reads_ahead = cache_type == "readahead" and not cache_options
        if mode == "ab":
            # As for the local disk: the end of what is there.
            present = _blocking.run(fs._info_if_any(path))
            self.loc = present["size"] if present else 0
            self._how = {**kept_of(present), **self._how}

    # ---- reading

    def _fetch_range(self, start: int, end: int) -> bytes:
        reader = self._reader
        assert reader is not None
        return reader.read(start, max(start, end)).wait()

    def read(self, length: int = -1) -> bytes:
        """The next bytes, all of them for -1; empty at the end.

        Notes
        -----
        Reads that go straight on are fetched ahead in the background, further each time, up to
        16 MiB; after a jump only what is asked for is fetched.
        """
        if self._reader is None or not self._reads_ahead:
            return super().read(length)  # type: ignore[no-any-return]
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        size: int = self.size
        end = size if length is None or length < 0 else min(size, self.loc + length)
        if end <= self.loc:
            return b""
        data: bytes = self._reader.read_on(self.loc, end).wait()
        self.loc += len(data)
        return data

    def readinto(self, b: Any) -> int:
        """Fill a buffer; long reads go from the network into it without a stop."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        view = memoryview(b).cast("B")
        if self._reader is not None and len(view) >= self.blocksize:
            count: int = self._reader.read_into(view, self.loc).wait()
            self.loc += count
            return count
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    readinto1 = readinto

    def readline(self, size: int | None = -1) -> bytes:
        """The bytes up to the next newline, with it; at most ``size``."""
        limit = sys.maxsize if size is None or size < 0 else size
        start, pieces, step = self.loc, [], _LINE_BYTES
        while limit > 0:
            piece = self.read(min(step, limit))
            end = piece.find(b"\n") + 1
            pieces.append(piece[:end] if end else piece)
            limit -= len(piece)
            if end or not piece:
                break
            step *= 2
        line = b"".join(pieces)
        self.loc = start + len(line)
        return line

    def seekable(self) -> bool:
        """Whether `seek` works: on files that are read."""
        return self.seeks_for_encoder or self.readable()

    # ---- writing

    def write(self, data: Any) -> int:
        """Take the bytes of any contiguous buffer; the result is their count."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if not self.writable():
            raise ValueError("File not in write mode")
        if self._is_done:
            raise ValueError("the file was discarded")
        self._check_whole()
        piece = data if isinstance(data, bytes) else memoryview(data).tobytes()
        self._pending.append(piece)
        self._pending_bytes += len(piece)
        self.loc += len(piece)
        if self._pending_bytes >= self.blocksize:
            self._send()
        return len(piece)

    def flush(self, force: bool = False) -> None:
        """Nothing: parts are sent when they are full, the file appears when it is closed."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def _check_whole(self) -> None:
        """Refuse to go on where bytes of this file are elsewhere or lost."""
        if self._pid != os.getpid():
            text = f"write {self.path!r}: the file was opened by another process, before a fork"
            raise OpendalfsError(errno.EIO, text, self.path)
        if self._is_torn:
            raise _torn(self.path)

    def _take(self) -> list[bytes]:
        pieces, size = self._pending, self._pending_bytes
        self._pending, self._pending_bytes = [], 0
        # Joining copies; many small pieces cost more than that.
        return pieces if size >= _LARGE_BYTES * len(pieces) else [b"".join(pieces)]

    def _send(self) -> None:
        try:
            if self._writer is None:
                self._writer = self._store.open_writer(
                    self._place,
                    append=self.mode == "ab",
                    if_not_exists=self.mode == "xb",
                    part_bytes=max(self.blocksize, 5 * 2**20),
                    **self._how,
                ).wait()
            data = self._take()
            if data:
                self._writer.write(data).wait()
        except BaseException:
            # Nobody knows which bytes went: what follows would come after a gap, or twice.
            self._is_torn = True
            raise

    def commit(self) -> None:
        """Publish a file opened with ``autocommit=False``; called by transactions."""
        if self._is_done or self.mode == "rb":
            return
        self._check_whole()
        if self._writer is None and self.mode != "ab":
            # Small enough for one request.
            create = self.mode == "xb"
            data = self._take()
            self._is_done = True
            done = self._store.write(self._place, data, if_not_exists=create, **self._how)
        else:
            self._send()
            writer, self._writer, self._is_done = self._writer, None, True
            assert writer is not None
            done = writer.close()
        try:
            self.details = done.wait()
        finally:
            self.fs._forget(self.path)

    def discard(self) -> None:
        """Throw away what was written; nothing appears and nothing stays behind."""
        self._is_done = True
        self._pending.clear()
        writer, self._writer = self._writer, None
        if writer is not None and self._pid == os.getpid():
            writer.abort().wait()

    def close(self) -> None:
        """Publish what was written, unless an exception is on its way out of a ``with``."""
        if self.closed:
            return
        try:
            if self.writable() and not self._is_done:
                if _leaves_by_exception():
                    self.discard()
                elif self.autocommit:
                    try:
                        self.commit()
                    except BaseException:
                        self.discard()
                        raise
        finally:
            self.closed = True

    def __exit__(self, exc_type: Any, *args: object) -> None:
        if exc_type is not None and self.mode != "rb":
            self.discard()
        self.close()

    def __del__(self) -> None:
        # A file that nobody closed commits nothing; dropping the writer aborts the upload.
        self.closed = True

    @property
    def version_id(self) -> str | None:
        """Version that was opened or written, where the store has versions."""
        return (self.details or {}).get("version_id")

    def metadata(self, refresh: bool = False, **kwargs: Any) -> dict[str, str]:
        """The user's own metadata of the file."""
        return self.fs.metadata(self.path, refresh, **{**self._version, **kwargs})

    def getxattr(self, xattr_name: str, **kwargs: Any) -> str | None:
        """One entry of `metadata`, or None."""
        return self.fs.getxattr(self.path, xattr_name, **{**self._version, **kwargs})

    def setxattr(self, copy_kwargs: dict[str, Any] | None = None, **kwargs: str | None) -> None:
        """Set entries of the file's metadata; see `OpendalFileSystem.setxattr`."""
        if self.writable():
            text = f"setxattr {self.path!r}: the file is open for writing"
            raise Unsupported(errno.ENOTSUP, text, self.path)
        if self._version.get("version_id") is not None:
            text = f"setxattr {self.path!r}: the file is open at an old version"
            raise Unsupported(errno.ENOTSUP, text, self.path)
        self.fs.setxattr(self.path, copy_kwargs=copy_kwargs, **kwargs)

    def url(self, **kwargs: Any) -> str:
        """A signed URL of the file."""
        return self.fs.url(self.path, **{**self._version, **kwargs})


def _torn(path: str) -> OpendalfsError:
    return OpendalfsError(errno.EIO, f"write {path!r}: an earlier write ended half-way", path)


def _leaves_by_exception() -> bool:
    """Whether `fsspec.open`'s own file is closing this one because of an exception.

    Its ``__exit__`` does not tell the files below about the exception, and a file closed
    normally inside an ``except`` block must be published: so look at that very call.
    """
    if sys.exc_info()[0] is None:
        return False
    frame = sys._getframe(2)
    for _ in range(6):
        if frame is None:
            return False
        if frame.f_code is OpenFile.__exit__.__code__:
            args: list[Any] = list(frame.f_locals.get("args") or [None])
            return args[0] is not None
        frame = frame.f_back  # type: ignore[assignment]
    return False


class TextFile(io.TextIOWrapper):
    """Text over a binary file; an exception in its ``with`` block reaches the file below."""

    def __init__(self, binary: Any, **kwargs: Any) -> None:
        # TextIOWrapper writes a byte order mark at the start of files that can tell where they
        # are, and takes no other sign that this is the start.
        binary.seeks_for_encoder = True
        super().__init__(binary, **kwargs)
        binary.seeks_for_encoder = False

    def __exit__(self, exc_type: Any, exc: Any, traceback: Any) -> None:
        if exc_type is None or not self.writable():
            self.close()
            return
        binary: Any = self.buffer
        binary.__exit__(exc_type, exc, traceback)

    def __del__(self) -> None:
        # io's own would close, and so publish, what nobody closed.
        pass


class StackedWriter(io.BufferedIOBase):
    """A compressor over a file: closing it closes both, an exception discards the file."""

    def __init__(self, outer: Any, inner: OpendalFile) -> None:
        self._outer = outer
        self._inner = inner
        self.seeks_for_encoder = False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.seeks_for_encoder

    def write(self, data: Any) -> int:
        return self._outer.write(data)  # type: ignore[no-any-return]

    def flush(self) -> None:
        if not self._inner.closed:
            self._outer.flush()

    def tell(self) -> int:
        return self._outer.tell()  # type: ignore[no-any-return]

    def close(self) -> None:
        if not self.closed and not self._inner.closed:
            try:
                self._outer.close()
            except BaseException:
                self._inner.discard()
                raise
            finally:
                self._inner.close()
        super().close()

    def __exit__(self, exc_type: Any, *args: object) -> None:
        if exc_type is not None:
            self._inner.discard()
            self._inner.close()
        self.close()

    def __del__(self) -> None:
        # As for the file below: what nobody closed is not published.
        self._inner.closed = True


def compress(codec: str, file: Any, mode: str) -> Any:
    """A file of fsspec's compression ``codec`` over another."""
    return compr[codec](file, mode=mode)


class OpendalAsyncFile(AbstractAsyncStreamedFile):
    """A file whose calls are coroutines; the rules of `OpendalFile` hold.

    Use ``async with``; leaving it by an exception publishes nothing.
    """

    fs: OpendalFileSystem
    closed: bool

    @classmethod
    async def open(
        cls, fs: OpendalFileSystem, path: str, mode: str, **kwargs: Any
    ) -> OpendalAsyncFile:
        """Open; see `OpendalFileSystem.open_async`."""
        how, store = kept(kwargs), fs._store_for(kwargs)
        path = fs._path_for(path, kwargs)
        reader = writer = None
        size, at = None, 0
        if mode == "rb":
            reader = await store.open_reader(path)
            size = reader.info["size"]
        else:
            present = None if mode == "wb" else await fs._info_if_any(path)
            if mode == "xb" and present is not None:
                raise AlreadyExists(errno.EEXIST, f"open {path!r}: already exists", path)
            if mode == "ab" and present is not None:
                at = present["size"]
                how = {**kept_of(present), **how}
            writer = await store.open_writer(
                path, append=mode == "ab", if_not_exists=mode == "xb", **how
            )
        out = cls(fs, path, mode, size=size, cache_type="none", **kwargs)
        out._reader, out._writer, out.loc = reader, writer, at
        return out

    _reader: _core.Reader | None = None
    _writer: _core.Writer | None = None
    _is_torn = False

    async def read(self, length: int = -1) -> bytes:
        """The next bytes, all of them for -1; empty at the end."""
        if self.closed or self._reader is None:
            raise ValueError("File not in read mode" if not self.closed else "file is closed")
        end = self.size if length < 0 else min(self.size, self.loc + length)
        if end <= self.loc:
            return b""
        data: bytes = await self._reader.read_on(self.loc, end)
        self.loc += len(data)
        return data

    async def write(self, data: Any) -> int:
        """Take the bytes of any contiguous buffer; the result is their count."""
        if self.closed or self._writer is None:
            raise ValueError("File not in write mode" if not self.closed else "file is closed")
        if self._is_torn:
            raise _torn(self.path)
        count = memoryview(data).nbytes
        try:
            await self._writer.write(data)
        except BaseException:
            # A cancellation too: whether these bytes went is not known.
            self._is_torn = True
            raise
        self.loc += count
        return count

    async def flush(self, force: bool = False) -> None:
        """Nothing: the file appears when it is closed."""

    async def discard(self) -> None:
        """Throw away what was written."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.abort()

    async def close(self) -> None:
        """Publish what was written."""
        if self.closed:
            return
        if self._is_torn and self._writer is not None:
            await self.discard()
            self.closed = True
            raise _torn(self.path)
        self.closed = True
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                self.details = await writer.close()
            finally:
                self.fs._forget(self.path)

    async def __aexit__(self, exc_type: Any, exc: Any, traceback: Any) -> None:
        if exc_type is not None:
            await self.discard()
        await self.close()

    def __del__(self) -> None:
        self.closed = True
