"""Any storage, as files, everywhere: fsspec filesystems over Apache OpenDAL, with a Rust core."""

from __future__ import annotations

from opendalfs._core import __version__
from opendalfs.errors import OpendalfsError
from opendalfs.file import OpendalFile
from opendalfs.fs import OpendalFileSystem
from opendalfs.registry import register, register_as
from opendalfs.services import (
    AzblobFileSystem,
    AzdlsFileSystem,
    FsFileSystem,
    GCSFileSystem,
    GithubFileSystem,
    HttpFileSystem,
    HttpsFileSystem,
    MemoryFileSystem,
    S3FileSystem,
    SftpFileSystem,
    WebdavFileSystem,
)

__all__ = [
    "AzblobFileSystem",
    "AzdlsFileSystem",
    "FsFileSystem",
    "GCSFileSystem",
    "GithubFileSystem",
    "HttpFileSystem",
    "HttpsFileSystem",
    "MemoryFileSystem",
    "OpendalFile",
    "OpendalFileSystem",
    "OpendalfsError",
    "S3FileSystem",
    "SftpFileSystem",
    "WebdavFileSystem",
    "__version__",
    "register",
    "register_as",
]
