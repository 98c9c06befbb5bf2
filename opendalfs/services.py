"""A class for each service: protocols and defaults, nothing else.

Services of a build without a class here get one by name on first use
(``opendalfs.services.RedisFileSystem``), always the same one, so that instances pickle.
"""

from __future__ import annotations

from typing import Any

from opendalfs import _core, _paths
from opendalfs._base import Info
from opendalfs.fs import OpendalFileSystem

__all__ = [
    "AzblobFileSystem",
    "AzdlsFileSystem",
    "FsFileSystem",
    "GCSFileSystem",
    "GithubFileSystem",
    "HttpFileSystem",
    "HttpsFileSystem",
    "MemoryFileSystem",
    "S3FileSystem",
    "SftpFileSystem",
    "WebdavFileSystem",
]


def protocols_of(scheme: str) -> tuple[str, str]:
    """Both protocols of a scheme; the second is for those who take no ``+`` in a URL."""
    return f"opendal+{scheme}", f"opendal{scheme}"


class _Service(OpendalFileSystem):
    """A filesystem whose scheme is fixed by its class."""

    scheme = ""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.pop("scheme", None)
        super().__init__(self.scheme, *args, **options)


class _NamesFirst(_Service):
    """For those whose users expect names from ``ls``."""

    async def _ls(
        self,
        path: str,
        detail: bool = False,
        refresh: bool = False,
        versions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """List a directory: names, or dicts with ``detail=True``."""
        return await super()._ls(path, detail=detail, refresh=refresh, versions=versions, **kwargs)


class MemoryFileSystem(_Service):
    """The embedded memory store: one for the process, gone with it."""

    scheme = "memory"
    protocol = protocols_of("memory")
    foreign_protocols = ("memory",)


class FsFileSystem(_Service):
    """The local disk; with ``root=``, what lies below a directory."""

    scheme = "fs"
    protocol = protocols_of("fs")
    foreign_protocols = ("file", "local", "fs")
    root_marker = "/"


class S3FileSystem(_NamesFirst):
    """Amazon S3 and what speaks its protocol. Takes the options of s3fs."""

    scheme = "s3"
    protocol = protocols_of("s3")
    foreign_protocols = _paths.FOREIGN["s3"]

    async def _info(self, path: str, **kwargs: Any) -> Info:
        """As of every store; ``VersionId`` is None where a bucket keeps no versions."""
        return {"VersionId": None, **await super()._info(path, **kwargs)}

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        """A URL that names a version is one of a filesystem that knows versions."""
        return {"version_aware": True} if _paths.VERSION_MARK in path else {}


class GCSFileSystem(_NamesFirst):
    """Google Cloud Storage. Takes the options of gcsfs."""

    scheme = "gcs"
    protocol = protocols_of("gcs")
    foreign_protocols = ("gs", "gcs")


class AzblobFileSystem(_Service):
    """Azure Blob Storage. Takes the options of adlfs."""

    scheme = "azblob"
    protocol = protocols_of("azblob")
    foreign_protocols = ("az", "azblob")


class AzdlsFileSystem(_Service):
    """Azure Data Lake Storage Gen2."""

    scheme = "azdls"
    protocol = protocols_of("azdls")
    foreign_protocols = ("abfs", "abfss", "azdls")


class HttpFileSystem(_Service):
    """Files on web servers over http, read-only: ``opendal+http://host/path``."""

    scheme = "http"
    protocol = protocols_of("http")
    foreign_protocols = ("http",)


class HttpsFileSystem(_Service):
    """Files on web servers over https, read-only: ``opendal+https://host/path``."""

    scheme = "https"
    protocol = protocols_of("https")
    foreign_protocols = ("https",)


class SftpFileSystem(_Service):
    """SFTP servers, through this machine's ``ssh``: ``opendal+sftp://user@host:port/path``.

    Not on Windows.
    """

    scheme = "sftp"
    protocol = protocols_of("sftp")
    foreign_protocols = ("sftp", "ssh")


class WebdavFileSystem(_Service):
    """WebDAV servers; ``endpoint=`` is required."""

    scheme = "webdav"
    protocol = protocols_of("webdav")
    foreign_protocols = ("webdav",)


class GithubFileSystem(_Service):
    """Files of a repository on GitHub; ``owner=`` and ``repo=`` are required."""

    scheme = "github"
    protocol = protocols_of("github")
    foreign_protocols = ("github",)


_SPECIAL = {"gcs": "GCSFileSystem", "s3": "S3FileSystem"}


def class_name(scheme: str) -> str:
    """Name of the class of a scheme in this module."""
    words = scheme.replace("_", "-").split("-")
    return _SPECIAL.get(scheme, "".join(w.capitalize() for w in words) + "FileSystem")


def __getattr__(name: str) -> type[OpendalFileSystem]:
    for scheme, title in _core.schemes():
        if class_name(scheme) == name:
            members = {
                "scheme": scheme,
                "protocol": protocols_of(scheme),
                "foreign_protocols": (scheme,),
                "__module__": __name__,
                "__doc__": f"{title}.",
            }
            made = type(name, (_Service,), members)
            globals()[name] = made
            return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
