"""The errors of opendalfs.

::

    OpendalfsError (OSError)
    +-- NotFound            (also FileNotFoundError)    ENOENT
    +-- AlreadyExists       (also FileExistsError)      EEXIST
    +-- PermissionDenied    (also PermissionError)      EACCES
    +-- IsADirectory        (also IsADirectoryError)    EISDIR
    +-- NotADirectory       (also NotADirectoryError)   ENOTDIR
    +-- NotEmpty                                        ENOTEMPTY
    +-- Unsupported         (also NotImplementedError)  ENOTSUP
    +-- ConfigInvalid       (also ValueError)           EINVAL
    +-- Changed                                         EBUSY
    +-- RateLimited                                     EBUSY
    +-- Timeout             (also TimeoutError)         ETIMEDOUT

Every error is an ``OSError`` with ``errno``, ``strerror`` (one line: operation, path, service,
cause) and ``filename`` (the path as it was given). The classes are raised by the extension.
"""

from __future__ import annotations

__all__ = [
    "AlreadyExists",
    "Changed",
    "ConfigInvalid",
    "IsADirectory",
    "NotADirectory",
    "NotEmpty",
    "NotFound",
    "OpendalfsError",
    "PermissionDenied",
    "RateLimited",
    "Timeout",
    "Unsupported",
]


class OpendalfsError(OSError):
    """Base of all errors of opendalfs; itself for whatever has no better class (EIO)."""

    def __str__(self) -> str:
        # The text has the path already; OSError would append it again.
        return self.strerror or super().__str__()


class NotFound(OpendalfsError, FileNotFoundError):
    """The object, directory or bucket does not exist."""


class AlreadyExists(OpendalfsError, FileExistsError):
    """The object exists and was to be created."""


class PermissionDenied(OpendalfsError, PermissionError):
    """Credentials are missing, wrong or not sufficient, or a path leaves its root."""


class IsADirectory(OpendalfsError, IsADirectoryError):
    """A file was needed, a directory was found."""


class NotADirectory(OpendalfsError, NotADirectoryError):
    """A directory was needed, a file was found."""


class NotEmpty(OpendalfsError):
    """The directory or bucket to remove has entries."""


class Unsupported(OpendalfsError, NotImplementedError):
    """The service cannot do this."""


class ConfigInvalid(OpendalfsError, ValueError):
    """An option, a scheme or a path is not valid."""


class Changed(OpendalfsError):
    """The object is no longer the one that was opened."""


class RateLimited(OpendalfsError):
    """The service asks to slow down."""


class Timeout(OpendalfsError, TimeoutError):
    """No answer within the time allowed."""
