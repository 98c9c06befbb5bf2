"""What some stores have beside files: versions, tags, metadata, access control, merging."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from opendalfs import _paths
from opendalfs._base import Info
from opendalfs._options import kept
from opendalfs._transfer import raise_first
from opendalfs._write import Write
from opendalfs.errors import ConfigInvalid


class Extras(Write):
    """A store with more than files; where it has not, `Unsupported` is raised."""

    # ---- versions

    async def _versions(self, path: str) -> list[Info]:
        """The versions of a file and the markers of its deletions, the latest first.

        Each has ``VersionId``, ``IsLatest``, ``LastModified`` and ``size``; a marker has
        ``IsDeleteMarker`` too. Deleted files have versions still.

        Raises
        ------
        NotFound
            When there never was such a file, or all of its versions are gone.
        """
        return await self._store.extras.versions(self._strip(path))

    async def _restore(self, path: str, version_id: str | None = None) -> None:
        """Make an old version the current one; without one, take the last deletion back."""
        how = {"version_id": version_id}
        store, path = self._store_for(how), self._path_for(path, how)
        await store.extras.restore(path)
        self._forget(path)

    # ---- tags and metadata

    async def _get_tags(self, path: str, version_id: str | None = None) -> dict[str, str]:
        """The tags of a file."""
        how = {"version_id": version_id}
        return await self._store_for(how).extras.tags(self._path_for(path, how))

    async def _put_tags(self, path: str, tags: Mapping[str, str], mode: str = "o") -> None:
        """Tag a file.

        Parameters
        ----------
        path : str
            The file.
        tags : dict of str
            Its tags.
        mode : "o" or "m"
            "o" for these tags and no others, "m" for these beside what there is (one more
            request).
        """
        if mode not in ("o", "m"):
            raise ValueError(f'mode must be "o" or "m", not {mode!r}')
        await self._store.extras.put_tags(self._strip(path), dict(tags), mode == "m")

    async def _rm_tags(self, path: str) -> None:
        """Remove all tags of a file."""
        await self._store.extras.put_tags(self._strip(path), {}, False)

    async def _metadata(self, path: str, refresh: bool = False, **kwargs: Any) -> dict[str, str]:
        """The user's own metadata of a file. Never from a cache."""
        found: Info = (await self._info(path, **kwargs)).get("Metadata", {})
        return {name.replace("_", "-"): value for name, value in found.items()}

    async def _getxattr(self, path: str, attr_name: str, **kwargs: Any) -> str | None:
        """One entry of `metadata`, or None."""
        return (await self._metadata(path, **kwargs)).get(attr_name.replace("_", "-"))

    async def _setxattr(
        self, path: str, copy_kwargs: Mapping[str, Any] | None = None, **kw_args: str | None
    ) -> None:
        """Set entries of a file's metadata, or remove those whose value is None.

        Parameters
        ----------
        path : str
            The file. It is copied onto itself, on the store's side.
        copy_kwargs : dict, optional
            What else to change: ContentType, CacheControl, StorageClass, ...
        **kw_args : str or None
            The entries; ``_`` in a name stands for ``-``.

        Notes
        -----
        Content type, tags and all that is not named stay as they are.
        """
        changes = {name.replace("_", "-"): value for name, value in kw_args.items()}
        entries = {**await self._metadata(path), **changes}
        given = dict(copy_kwargs or {})
        how = {**kept(given), "metadata": _given(entries)}
        source = self._strip(path)
        pairs = [(source, _paths.unversioned(source))]
        await self._run_jobs("copy", pairs, store=self._store_for(given), **how)

    # ---- who may use it

    async def _chmod(self, path: str, acl: str, recursive: bool = False, **kwargs: Any) -> None:
        """Say who may use a file or bucket by a canned ACL such as "public-read".

        With ``recursive``, every file below.

        Raises
        ------
        ConfigInvalid
            For any other word.
        """
        path = self._strip(path)
        paths = [path]
        if recursive:
            found: list[str] = await self._find(path)
            paths = [*found, path] if self._is_bucket(path) else found
        raise_first(await self._store.extras.set_acl(paths, acl))
        self._forget(path)

    # ---- files made of others

    async def _merge(self, path: str, filelist: list[str], **kwargs: Any) -> None:
        """Make one file of others, in their order, on the store's side. The others stay.

        Notes
        -----
        The bytes of files below 5 MiB pass through here.
        """
        if not filelist:
            raise ConfigInvalid(errno.EINVAL, f"merge {path!r}: of no files", path)
        path = self._strip(path)
        sources = [self._strip(f) for f in filelist]
        how = kept(kwargs)
        await self._store_for(kwargs).extras.merge(path, sources, **how)
        self._forget(path)


def _given(entries: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in entries.items() if value is not None}
