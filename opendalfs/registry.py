"""Which protocol leads to which class.

Nothing is made here: classes are named, and imported when they are first asked for, so that
instances pickle.
"""

from __future__ import annotations

import errno

import fsspec

from opendalfs import _core, services
from opendalfs.errors import ConfigInvalid

__all__ = ["register", "register_as"]

# Protocols of other packages and the scheme that can stand in for them.
_STAND_INS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azblob",
    "abfs": "azdls",
    "abfss": "azdls",
    "file": "fs",
    "local": "fs",
    "memory": "memory",
    "http": "http",
    "https": "https",
    "sftp": "sftp",
    "ssh": "sftp",
    "webdav": "webdav",
    "github": "github",
}


def register(scheme: str) -> None:
    """Make ``opendal+<scheme>://`` and ``opendal<scheme>://`` known to fsspec.

    Services with a class of their own are known without this.

    Parameters
    ----------
    scheme : str
        Scheme of a service of this build.

    Raises
    ------
    ConfigInvalid
        For an unknown scheme; it names the nearest.
    """
    _core.option_table(scheme)  # raises for an unknown scheme
    name = services.class_name(scheme)
    for protocol in services.protocols_of(scheme):
        fsspec.register_implementation(protocol, f"opendalfs.services.{name}", clobber=True)


def register_as(protocol: str) -> None:
    """Make existing URLs of another package ours: ``register_as("s3")`` for ``s3://``.

    Parameters
    ----------
    protocol : str
        One of s3, s3a, gs, gcs, az, abfs, abfss, file, local, memory, http, https, sftp,
        ssh, webdav, github.

    Raises
    ------
    ConfigInvalid
        For any other protocol.
    """
    scheme = _STAND_INS.get(protocol)
    if scheme is None:
        known = ", ".join(_STAND_INS)
        text = f"no service stands in for protocol {protocol!r}; known are {known}"
        raise ConfigInvalid(errno.EINVAL, text)
    name = services.class_name(scheme)
    fsspec.register_implementation(protocol, f"opendalfs.services.{name}", clobber=True)
