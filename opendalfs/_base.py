"""What all verbs of the filesystem stand on: the store, paths, identity, the cache of listings."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fsspec.asyn import AsyncFileSystem, get_loop
from fsspec.spec import make_instance
from fsspec.utils import tokenize

from opendalfs import _core, _options, _paths, _secrets
from opendalfs.errors import Unsupported

Info = dict[str, Any]

# Stands for "no loop yet" while fsspec's own __init__ runs, which would start a thread.
_NO_LOOP: Any = object()


class Base(AsyncFileSystem):
    """A store with fsspec's identity, not yet with its verbs."""

    protocol: str | tuple[str, ...] = "opendal"
    foreign_protocols: tuple[str, ...] = ()
    root_marker = ""
    async_impl = True
    default_block_size: int = 5 * 2**20

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
        options = _secrets.reveal(_secrets.recall(options))
        self._store = _core.Store(scheme, _options.flatten(options))
        self._options = _secrets.hide(scheme, options)
        self.is_absolute = self._store.is_absolute
        foreign = self.foreign_protocols or _paths.FOREIGN.get(scheme, ())
        self._accepted_protocols = (*foreign, scheme)
        self.version_aware = bool(options.get("version_aware"))
        if self.is_absolute:
            self.root_marker = "/"
        self.default_block_size = options.get("default_block_size") or self.default_block_size
        self.default_cache_type: str = options.get("default_cache_type") or "readahead"
        # A method of the instance: the form of a path depends on the store's options.
        self._strip_protocol = self._strip  # type: ignore[method-assign]
        self._parent = self._parent_here  # type: ignore[method-assign]
        super().__init__(
            asynchronous=asynchronous,
            # The dedicated thread of fsspec is started when it is first needed.
            loop=loop if asynchronous else _NO_LOOP,
            batch_size=batch_size,
            **options,
        )
        # What is on this machine changes under other hands, and is listed in no time.
        keeps = bool(options.get("use_listings_cache", not self._store.is_local))
        self._keeps_listings = self.dircache.use_listings_cache = keeps
        # Counts changes: a listing that was asked for before one is not kept.
        self._changes = 0
        self._given_loop = loop
        self._pid: int = os.getpid()
        self._loop: Any = None

    # ---- paths, identity, pickling

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(p) for p in path]
        return _paths.strip_protocol(path, cls.foreign_protocols)

    def _strip(self, path: Any) -> Any:
        # Most paths need nothing; finding that out costs less than doing it.
        if (
            type(path) is str
            and path.startswith("/") is self.is_absolute
            and not path.endswith("/")
            and "://" not in path
        ):
            return path
        if isinstance(path, list):
            return [self._strip(p) for p in path]
        stripped = _paths.strip_protocol(path, self._accepted_protocols)
        return _paths.localise(stripped, is_absolute=self.is_absolute)

    @classmethod
    def _parent(cls, path: str) -> str:
        return _paths.parent_of(cls._strip_protocol(path)) or cls.root_marker

    def _parent_here(self, path: str) -> str:
        return _paths.parent_of(self._strip(path)) or self.root_marker

    @property
    def fsid(self) -> str:
        """Identity of the filesystem, without secrets."""
        public = _secrets.without(self.scheme, self._options)
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

    @property
    def storage_options(self) -> Info:
        """The options it was made with; secrets in it print as stars."""
        return self._shown_options

    @storage_options.setter
    def storage_options(self, options: Info) -> None:
        self._shown_options = _secrets.hide(self.scheme, _secrets.recall(options))

    def __reduce__(self) -> Any:
        # Pickles carry the secrets, as plain text: the other process needs them.
        options = _secrets.reveal(self.storage_options)
        return make_instance, (type(self), self.storage_args, options)

    def to_dict(self, *, include_password: bool = True, include_secrets: bool = False) -> Info:
        """Description that `from_dict` makes the instance of again.

        Secrets are in it on request alone. Without them the description works in this process,
        which keeps them; elsewhere it raises ConfigInvalid.
        """
        out: Info = super().to_dict(include_password=include_password)
        out.update(_secrets.reveal(self.storage_options))
        return out if include_secrets else _secrets.forget(self.scheme, out)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.scheme}>"

    def capabilities(self) -> dict[str, bool]:
        """What the store can do, by name. No request is made.

        Returns
        -------
        dict of str to bool
            ``read``, ``pinned_reads``, ``versions``, ``write``, ``atomic_write``,
            ``create_only``, ``multipart``, ``append``, ``user_metadata``, ``content_type``,
            ``delete``, ``bulk_delete``, ``list``, ``list_recursive``, ``copy``, ``rename``,
            ``sign``, ``directories``, ``buckets``; their meanings are in the documentation,
            ``docs/reference/services.md``. What is False raises `Unsupported`, or is done
            another way.
        """
        return self._store.capabilities()

    # ---- what a single call asks for

    def _store_for(self, kwargs: Mapping[str, Any]) -> _core.Store:
        """The store with those arguments of one call that are options of it."""
        if not kwargs:
            return self._store
        changes = _options.of_call(self.scheme, kwargs)
        if kwargs.get("version_id") is not None:
            if not self.capabilities()["versions"]:
                raise Unsupported(errno.ENOTSUP, f"version_id: {self.scheme} keeps no versions")
            changes["version_aware"] = "true"
        return self._store.with_options(changes) if changes else self._store

    def _path_for(self, path: str, kwargs: Mapping[str, Any]) -> str:
        """The path as that store takes it, with the version that the call names."""
        path = self._strip(path)
        version_id = kwargs.get("version_id")
        if version_id is None:
            return path
        if not self.version_aware:
            return f"{path}{_paths.VERSION_MARK}{version_id}"
        key, _, own = path.partition(_paths.VERSION_MARK)
        if own not in ("", version_id):
            raise ValueError(f"the path names version {own!r}, the call {version_id!r}")
        return f"{key}{_paths.VERSION_MARK}{version_id}"

    def _refuse_sync(self) -> None:
        if self.asynchronous:
            raise RuntimeError(
                "this filesystem was made with asynchronous=True: await its coroutines "
                "(fs._cat_file), or make one without it for calls like this"
            )

    # ---- the cache of listings

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget listings: all, or those that a change of ``path`` makes wrong."""
        if path is None:
            self._changes += 1
            self.dircache.clear()
        else:
            self._forget(self._strip(path))
        super().invalidate_cache(path)

    def _forget(self, *paths: str) -> None:
        """Forget the listings that a change makes wrong.

        After failures too: a change whose answer was lost may have happened.
        """
        self._changes += 1
        cache = self.dircache
        if not getattr(cache, "_cache", True):
            return
        for path in map(_paths.unversioned, paths):
            below = f"{path}/"
            for known in [k for k in cache if k.startswith(below)]:
                self._drop(known)
            while path:
                self._drop(path)
                parent = _paths.parent_of(path)
                path = parent if parent != path else ""
            self._drop(self.root_marker)

    def _drop(self, path: str) -> None:
        # Another thread may have dropped it, or it may have expired.
        with suppress(KeyError):
            del self.dircache[path]
