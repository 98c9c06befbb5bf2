"""A proxy in front of an S3 server which writes down what it is asked, and does harm on demand."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.faults.harm import CALLED, GET, Answer, Disconnected, Fault, Request, when

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# How long anything waits that nobody lets go on.
_PATIENCE = 60


class Proxy:
    """A server in front of an S3 server which writes down what it is asked.

    Attributes
    ----------
    requests : list of Request
        In the order in which they came.
    fault : callable
        Called with each request; the result says what goes wrong with it: a fault, or the name
        of one (``cut``, ``stall``, ``drop``, ``refuse``). None answers well.
    closes : bool
        Whether connections are closed behind each answer, without a word in the answer.
    idle : float or None
        Seconds after which a connection nobody uses is closed.
    stalled : threading.Event
        Set when a fault made an answer wait.
    most_connections : int
        How many connections were open at once, at most.
    """

    def __init__(self, upstream: str, options: Mapping[str, Any]) -> None:
        self.requests: list[Request] = []
        self.fault: Callable[[Request], Fault | str | None] = lambda request: None
        self.closes = False
        self.idle: float | None = None
        self.stalled = threading.Event()
        self.most_connections = 0
        self.upstream = urlsplit(upstream).netloc
        self._given = dict(options)
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._listen(0)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def options(self) -> dict[str, Any]:
        """Options of an instance that goes this way."""
        return {**self._given, "endpoint_url": f"http://{self.address}"}

    def reads(self) -> list[tuple[int | None, int | None]]:
        """What was asked for by GET requests for objects, in the order in which they came."""
        return [(request.start, request.end) for request in self.asked(**GET)]

    def asked(self, **how: Any) -> list[Request]:
        """Return the requests that look so; the arguments are those of `when`."""
        is_it = when("refuse", **how)
        return [request for request in self.requests if is_it(request)]

    def note(self, method: str, target: str, headers: Mapping[str, str]) -> Request:
        """Write a request down."""
        url = urlsplit(target)
        given = {name.lower(): value for name, value in headers.items()}
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", given.get("range", ""))
        start = int(found[1]) if found else None
        end = int(found[2]) + 1 if found and found[2] else None
        values = parse_qs(url.query, keep_blank_values=True)
        query = {name: value[0] for name, value in values.items()}
        # Every request to S3 may have this one.
        query.pop("x-id", None)
        path = unquote(url.path).lstrip("/")
        with self._lock:
            number, now = len(self.requests), time.monotonic()
            request = Request(method, path, query, start, end, number, given, now)
            self.requests.append(request)
        return request

    def choose(self, request: Request) -> Fault:
        """Return what goes wrong with a request."""
        fault = self.fault(request)
        return CALLED[fault] if isinstance(fault, str) else fault or Fault()

    def wait(self, seconds: float | None) -> None:
        """Hold an answer back until `release`, or for some seconds."""
        if seconds is None:
            self.stalled.set()
        self._released.wait(_PATIENCE if seconds is None else seconds)

    def release(self) -> None:
        """Let answers go on that were held back, and answer well from now on."""
        self.fault = lambda request: None
        self._released.set()

    def opened(self, connection: socket.socket) -> None:
        """Count a connection."""
        with self._lock:
            self._connections.add(connection)
            self.most_connections = max(self.most_connections, len(self._connections))

    def ended(self, connection: socket.socket) -> None:
        """Count a connection no more."""
        with self._lock:
            self._connections.discard(connection)

    def go_down(self) -> None:
        """Take no connections any more and end those there are."""
        self._stop()
        with self._lock:
            left = list(self._connections)
        for connection in left:
            _reset(connection)

    def come_up(self) -> None:
        """Take connections again, at the same address."""
        self._listen(int(self.address.rpartition(":")[2]))

    def close(self) -> None:
        """Stop the server."""
        self.release()
        self._stop()

    def _listen(self, port: int) -> None:
        proxy = self

        class Handler(_Connection):
            def setup(self) -> None:
                self.proxy = proxy
                self.timeout = proxy.idle
                super().setup()

        self._server = _Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may leave in the middle of an answer."""


def _reset(connection: socket.socket) -> None:
    try:
        # Without waiting for what was sent: the other side is told at once, and rudely.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
        connection.close()
    except OSError:
        pass  # ended by itself


class _Connection(BaseHTTPRequestHandler):
    """One request after the other on a connection, and one to the server for each."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: Proxy
    body: bytes

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.proxy.upstream, timeout=30)
        self.proxy.opened(self.connection)

    def finish(self) -> None:
        self.proxy.ended(self.connection)
        self._upstream.close()
        super().finish()

    @property
    def is_head(self) -> bool:
        return self.command == "HEAD"

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        if len(self.body) < length:
            self.close_connection = True
            return
        fault = self.proxy.choose(self.proxy.note(self.command, self.path, self.headers))
        try:
            fault.send(self, fault.ask(self))
        except Disconnected:
            self.close_connection = True
        if self.proxy.closes:
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def pass_on(self) -> Answer:
        try:
            return self._ask()
        except (http.client.RemoteDisconnected, ConnectionError):
            # Nobody had used the connection for a while: the server may have closed it.
            self._upstream.close()
            return self._ask()

    def _ask(self) -> Answer:
        upstream = self._upstream
        # The signature covers the name of the host that was asked: this one's.
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(self.body or None)
        response = upstream.getresponse()
        skipped = {"connection", "transfer-encoding"}
        if not self.is_head:
            skipped.add("content-length")
        headers = [(n, v) for n, v in response.getheaders() if n.lower() not in skipped]
        return Answer(response.status, headers, response.read())

    def begin(self, answer: Answer, length: int | None) -> None:
        self.send_response_only(answer.code)
        for name, value in answer.headers:
            self.send_header(name, value)
        if length is None:
            self.send_header("Connection", "close")
        elif not self.is_head:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def write(self, data: bytes) -> None:
        if not self.is_head:
            self.wfile.write(data)

    def wait(self, seconds: float | None) -> None:
        self.proxy.wait(seconds)

    def reset(self) -> None:
        _reset(self.connection)

    def log_message(self, *args: Any) -> None:
        """The list of requests is the log."""
