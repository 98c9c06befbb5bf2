"""The servers of the tests besides S3: one row each, and what a test needs to use it.

Addresses and keys can be set by the ``OPENDALFS_*`` variables of ``scripts/env.sh``, whose
defaults are repeated here, so that pytest can be started without it. ``scripts/services``
starts them. Services that a build does not have have no row.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from opendalfs import _core

if TYPE_CHECKING:
    from collections.abc import Callable

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opendalfs"
_DEFAULTS = {
    "GCS_ENDPOINT": "http://127.0.0.1:4443",
    "GCS_BUCKET": "test-bucket",
    "AZBLOB_ENDPOINT": "http://127.0.0.1:10000/devstoreaccount1",
    "AZBLOB_ACCOUNT": "devstoreaccount1",
    # The key every emulator has.
    "AZBLOB_KEY": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
    "K1SZFPTOtr/KBHBeksoGMGw==",
    "AZBLOB_CONTAINER": "test-container",
    "HTTP_ENDPOINT": "http://127.0.0.1:8088",
    "WEBDAV_ENDPOINT": "http://127.0.0.1:8090",
    "WEBDAV_USER": "testuser",
    "WEBDAV_PASSWORD": "testpass",
    "SFTP_ENDPOINT": "ssh://127.0.0.1:2223",
    "SFTP_USER": os.environ.get("USER", "root"),
    "SFTP_KEY": str(_CACHE / "sftp" / "key"),
    "REDIS_ENDPOINT": "redis://127.0.0.1:6399",
}


def setting(name: str) -> str:
    """Return ``OPENDALFS_<name>``, or what scripts/env.sh would set it to."""
    return os.environ.get(f"OPENDALFS_{name}") or _DEFAULTS[name]


@dataclass(frozen=True)
class Server:
    """A row of the table.

    Attributes
    ----------
    scheme : str
        Name of the service.
    started_as : str or None
        Its name in ``scripts/services``; None for what needs no server.
    address : str or None
        Name of the setting that says where it answers.
    options : callable
        Makes the options of an instance, given a directory of the test's own.
    root : callable
        Makes a path no other test uses, given the same directory.
    lacks : tuple of str
        Capabilities of the service that this server, an emulator, does not have.
    """

    scheme: str
    started_as: str | None
    address: str | None
    options: Callable[[Path], dict[str, Any]]
    root: Callable[[Path], str] = lambda directory: f"t-{uuid.uuid4().hex}"
    lacks: tuple[str, ...] = ()

    def need(self) -> None:
        """Skip the test where the server is missing; fail where ``CI`` is set."""
        if self.address is None:
            return
        url = urlsplit(setting(self.address))
        try:
            socket.create_connection((url.hostname, url.port), timeout=5).close()
        except OSError as error:
            reason = (
                f"no server at {url.netloc} (scripts/services start {self.started_as}): {error}"
            )
            if os.environ.get("CI", "").lower() not in ("", "0", "false"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


def _sqlite(directory: Path) -> dict[str, Any]:
    path = directory / "store.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE data (key TEXT PRIMARY KEY NOT NULL, data BLOB)")
    connection.close()
    return {
        "connection_string": f"sqlite://{path}",
        "table": "data",
        "key_field": "key",
        "value_field": "data",
    }


_TABLE = [
    Server(
        "gcs",
        "gcs",
        "GCS_ENDPOINT",
        lambda directory: {
            "endpoint_url": setting("GCS_ENDPOINT"),
            "token": "anon",
            "disable_vm_metadata": True,
            "disable_config_load": True,
            # fake-gcs-server knows no uploads in parts: whole files are sent.
            "part_size": 64 << 20,
            "default_block_size": 64 << 20,
        },
        lambda directory: f"{setting('GCS_BUCKET')}/t-{uuid.uuid4().hex}",
        # It answers a read whatever its conditions say.
        lacks=("multipart", "pinned_reads"),
    ),
    Server(
        "azblob",
        "azurite",
        "AZBLOB_ENDPOINT",
        lambda directory: {
            "endpoint_url": setting("AZBLOB_ENDPOINT"),
            "account_name": setting("AZBLOB_ACCOUNT"),
            "account_key": setting("AZBLOB_KEY"),
        },
        lambda directory: f"{setting('AZBLOB_CONTAINER')}/t-{uuid.uuid4().hex}",
    ),
    Server(
        "webdav",
        "webdav",
        "WEBDAV_ENDPOINT",
        lambda directory: {
            "endpoint_url": setting("WEBDAV_ENDPOINT"),
            "username": setting("WEBDAV_USER"),
            "password": setting("WEBDAV_PASSWORD"),
        },
    ),
    Server(
        "sftp",
        "sftp",
        "SFTP_ENDPOINT",
        lambda directory: {
            "endpoint": setting("SFTP_ENDPOINT"),
            "username": setting("SFTP_USER"),
            "key_filename": setting("SFTP_KEY"),
            "known_hosts_strategy": "accept",
        },
        # The server shows the files of this machine.
        lambda directory: f"{directory.as_posix().lstrip('/')}/sftp",
    ),
    Server(
        "redis",
        "redis",
        "REDIS_ENDPOINT",
        lambda directory: {"endpoint": setting("REDIS_ENDPOINT")},
    ),
    Server("sqlite", None, None, _sqlite),
]

#: Read-only: the tests put files there by PUT.
HTTP = Server(
    "http", "http", "HTTP_ENDPOINT", lambda directory: {"endpoint": setting("HTTP_ENDPOINT")}
)

_BUILT = {scheme for scheme, _ in _core.schemes()}

#: The rows of the services of this build, by scheme.
SERVERS = {server.scheme: server for server in _TABLE if server.scheme in _BUILT}

#: Those of databases, which list nothing.
DATABASES = [scheme for scheme in ("redis", "sqlite") if scheme in SERVERS]

#: Every store that files can be written to and found again, by scheme.
WRITABLE = ["memory", "fs", "s3", *(scheme for scheme in SERVERS if scheme not in DATABASES)]
