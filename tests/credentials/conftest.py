"""A machine of nobody's: no AWS variable, no home, and small stand-ins for the services of AWS
that hand out credentials. What they hand out is real: the S3 server made it.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
import fsspec
import pytest

from tests.conftest import S3_ENDPOINT, S3_KEY, S3_REGION, S3_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROLE = "arn:aws:iam::123456789012:role/reader"


@dataclass(frozen=True)
class Asked:
    """One request to a stand-in: ``values`` are those of its query or form."""

    method: str
    path: str
    headers: Any
    values: dict[str, str]


class StandIn:
    """A server whose answers are set by path: a function of the request, or plain text.

    Attributes
    ----------
    answers : dict
        ``(method, path)`` to the body, or to a function that gives ``(status, body)``; None
        for the body says nothing until the test is over.
    asked : list of Asked
        In the order in which requests came.
    """

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.asked: list[Asked] = []
        self._over = threading.Event()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                url = urlsplit(self.path)
                values = {n: v[0] for n, v in parse_qs(url.query or body).items()}
                asked = Asked(self.command, url.path, self.headers, values)
                stand_in.asked.append(asked)
                given = stand_in.answers.get((self.command, url.path), lambda asked: (404, ""))
                status, text = given(asked) if callable(given) else (200, given)
                if text is None:
                    stand_in._over.wait(60)
                    self.close_connection = True
                    return
                self.send_response_only(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST = answer

            def log_message(self, *args: Any) -> None:
                """`asked` is the log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True)
class Temporary:
    """Temporary credentials that the S3 server takes, in the forms in which they are told."""

    key: str
    secret: str
    token: str

    def expiring(self, **lifetime: float) -> str:
        end = datetime.now(UTC) + timedelta(**(lifetime or {"hours": 1}))
        return end.strftime("%Y-%m-%dT%H:%M:%SZ")

    def metadata(self, **lifetime: float) -> str:
        """As the services of instances and containers do."""
        return json.dumps(
            {
                "Code": "Success",
                "AccessKeyId": self.key,
                "SecretAccessKey": self.secret,
                "Token": self.token,
                "Expiration": self.expiring(**lifetime),
            }
        )

    def printed(self, **lifetime: float) -> str:
        """As a ``credential_process`` does."""
        return json.dumps(
            {
                "Version": 1,
                "AccessKeyId": self.key,
                "SecretAccessKey": self.secret,
                "SessionToken": self.token,
                "Expiration": self.expiring(**lifetime),
            }
        )

    def granted(self, action: str, **lifetime: float) -> str:
        """As the Security Token Service does."""
        return (
            f"<{action}Response><{action}Result><Credentials>"
            f"<AccessKeyId>{self.key}</AccessKeyId>"
            f"<SecretAccessKey>{self.secret}</SecretAccessKey>"
            f"<SessionToken>{self.token}</SessionToken>"
            f"<Expiration>{self.expiring(**lifetime)}</Expiration>"
            f"</Credentials></{action}Result></{action}Response>"
        )


@pytest.fixture(scope="session")
def temporary(minio: Any) -> Temporary:
    """Give credentials made by the S3 server's own token service."""
    sts = boto3.client(
        "sts",
        endpoint_url=S3_ENDPOINT,
        aws_access_key_id=S3_KEY,
        aws_secret_access_key=S3_SECRET,
        region_name=S3_REGION,
    )
    made = sts.assume_role(RoleArn=ROLE, RoleSessionName="tests")["Credentials"]
    sts.close()
    return Temporary(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """Give a server that answers what it was told to."""
    server = StandIn()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give an empty home; no variable of AWS is set, and no instance's metadata is there."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / ".aws").mkdir()
    return tmp_path


@pytest.fixture
def config(home: Path) -> Callable[[str], None]:
    """Give a function that writes ``~/.aws/config``."""
    return (home / ".aws" / "config").write_text


@pytest.fixture
def connect() -> Callable[..., Any]:
    """Give a function that makes an instance for the S3 server, with no key among its options."""

    def make(**options: Any) -> Any:
        options = {"endpoint_url": S3_ENDPOINT, "region": S3_REGION, **options}
        return fsspec.filesystem("opendals3", skip_instance_cache=True, **options)

    return make
