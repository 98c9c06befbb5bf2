"""Names of s3fs for what stores with buckets have. The calls are those of `Extras`."""

from __future__ import annotations

import errno
from datetime import datetime
from typing import Any

from opendalfs import _paths
from opendalfs._base import Info
from opendalfs._extras import Extras
from opendalfs.errors import Unsupported

_METHODS = {
    "get_object": "GET",
    "put_object": "PUT",
    "upload_part": "PUT",
    "head_object": "HEAD",
    "delete_object": "DELETE",
}


class S3Names(Extras):
    """A store that answers to s3fs's names."""

    def split_path(self, path: str) -> tuple[str, str, str | None]:
        """Bucket, key and version of a path; the version only with ``version_aware``."""
        path = self._strip(path)
        bucket = str(self._options.get("bucket") or "")
        if not bucket:
            bucket, _, path = path.partition("/")
        if not self.version_aware:
            return bucket, path, None
        key, _, version = path.partition(_paths.VERSION_MARK)
        return bucket, key, version or None

    async def _object_version_info(self, path: str, **kwargs: Any) -> list[Info]:
        """The versions of a file, the latest first, without markers of deletions."""
        _, key, _ = self.split_path(path)
        return [
            {**version, "Key": key, "Size": version["size"]}
            for version in await self._versions(path)
            if "IsDeleteMarker" not in version
        ]

    async def _is_bucket_versioned(self, bucket: str) -> bool:
        """Whether a bucket keeps versions."""
        return await self._store.extras.is_versioned(self._strip(bucket))

    async def _make_bucket_versioned(self, bucket: str, versioned: bool = True) -> None:
        """Have a bucket keep versions, or no longer."""
        await self._store.extras.set_versioned(self._strip(bucket), versioned)

    async def _list_multipart_uploads(self, bucket: str) -> list[Info]:
        """The unfinished uploads of a bucket: ``Key``, ``UploadId`` and ``Initiated``."""
        found: list[Any] = await self._store.extras.uploads(self._strip(bucket))
        return [{**u, "Initiated": datetime.fromisoformat(u["Initiated"])} for u in found]

    async def _clear_multipart_uploads(self, bucket: str) -> None:
        """Give up all unfinished uploads of a bucket, those of other clients too."""
        await self._store.extras.clear_uploads(self._strip(bucket))

    async def _abort_mpu(self, bucket: str, key: str, mpu: str) -> None:
        """Give up one unfinished upload."""
        await self._store.extras.abort_upload(f"{self._strip(bucket)}/{key}", mpu)

    async def _managed_copy(
        self,
        path1: str,
        path2: str,
        size: int | None = None,
        block: int = 50 * 2**20,
        **kwargs: Any,
    ) -> None:
        """Copy a file on the store's side in parts of ``block`` bytes; ``size`` is not needed."""
        parts = {"multipart_copy_threshold": block, "copy_part_size": block}
        await self._cp_file(path1, path2, **parts, **kwargs)

    async def _url(
        self, path: str, expires: float = 3600, client_method: str = "get_object", **kwargs: Any
    ) -> str:
        """`sign` under s3fs's name: ``client_method`` is put_object, head_object, ..."""
        if client_method not in _METHODS:
            text = f"url {path!r}: {client_method!r} is none of {', '.join(_METHODS)}"
            raise Unsupported(errno.ENOTSUP, text, path)
        kwargs.setdefault("method", _METHODS[client_method])
        return await self._sign(path, expiration=expires, **kwargs)

    def invalidate_region_cache(self) -> None:
        """Forget in which regions buckets were found."""
        self._store.extras.forget_regions()
