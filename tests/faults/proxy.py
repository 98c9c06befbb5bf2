"""A proxy in front of an S3 server which writes down what it is asked, and does harm on demand.

`Proxy.fault` is asked for each request what goes wrong with it: one of the faults of this
module, or None. `when` makes such a function from what requests look like::

    proxy.fault = when(Status(503), method="PUT", key="k", times=2)
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# How long anything waits that nobody lets go on.
_PATIENCE = 60


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire.

    Attributes
    ----------
    method : str
        ``GET``, ``HEAD``, ...
    path : str
        Decoded, without the slash at its start: ``bucket/key`` of an object.
    query : dict
        First value of each parameter.
    start, end : int or None
        The bytes that a ``Range`` header asks for; ``end`` is the one after the last.
    number : int
        How many requests came before it.
    headers : dict
        By their names in small letters.
    at : float
        Seconds of the monotonic clock.
    """

    method: str
    path: str
    query: dict[str, str]
    start: int | None
    end: int | None
    number: int
    headers: dict[str, str]
    at: float


@dataclass
class Answer:
    """What the server said."""

    code: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def replace_header(self, name: str, change: Callable[[str], str]) -> None:
        """Change the value of a header, where there is one."""
        self.headers = [(n, change(v) if n.lower() == name.lower() else v) for n, v in self.headers]


class Disconnected(Exception):
    """The connection is over."""


# ---- what can go wrong


@dataclass(frozen=True)
class Fault:
    """Nothing goes wrong: the request is passed on and its answer comes back."""

    def ask(self, exchange: Exchange) -> Answer:
        """Return the answer to a request."""
        return exchange.pass_on()

    def send(self, exchange: Exchange, answer: Answer) -> None:
        """Send the answer back."""
        exchange.begin(answer, len(answer.body))
        exchange.write(answer.body)


@dataclass(frozen=True)
class Status(Fault):
    """The answer is an error of S3, and the server hears nothing of the request.

    With ``code=200`` it is the kind of error that S3 sends behind a head that promises well.
    """

    code: int
    name: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    message: str = "made by the proxy"

    NAMES = {  # noqa: RUF012
        400: "InvalidRequest",
        403: "AccessDenied",
        404: "NoSuchKey",
        405: "MethodNotAllowed",
        408: "RequestTimeout",
        409: "InvalidBucketState",
        412: "PreconditionFailed",
        416: "InvalidRange",
        429: "TooManyRequests",
        500: "InternalError",
        503: "SlowDown",
    }

    def ask(self, exchange: Exchange) -> Answer:
        name = self.name or self.NAMES.get(self.code, "InternalError")
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{name}</Code><Message>{self.message}</Message></Error>"
        )
        headers = [("Content-Type", "application/xml"), *self.headers]
        return Answer(self.code, headers, body.encode())


@dataclass(frozen=True)
class Body(Fault):
    """The answer is what the test says, and the server hears nothing of the request."""

    code: int
    body: str

    def ask(self, exchange: Exchange) -> Answer:
        return Answer(self.code, [("Content-Type", "application/xml")], self.body.encode())


@dataclass(frozen=True)
class HangUp(Fault):
    """The connection is reset: before the server hears of the request, or when it has done it."""

    is_done: bool = False

    def ask(self, exchange: Exchange) -> Answer:
        if self.is_done:
            exchange.pass_on()
        exchange.reset()
        raise Disconnected


# The request was carried out and nobody hears of it.
LOST_ANSWER = HangUp(is_done=True)


@dataclass(frozen=True)
class Cut(Fault):
    """The body breaks off after some bytes, by default in its middle.

    With ``is_announced=False`` the answer does not tell how long it is: where it ends is where
    the connection does.
    """

    after: int | None = None
    is_announced: bool = True

    def send(self, exchange: Exchange, answer: Answer) -> None:
        after = len(answer.body) // 2 if self.after is None else self.after
        if exchange.is_head or (after >= len(answer.body) and self.is_announced):
            super().send(exchange, answer)
            return
        exchange.begin(answer, len(answer.body) if self.is_announced else None)
        exchange.write(answer.body[:after])
        raise Disconnected


@dataclass(frozen=True)
class Shorten(Fault):
    """The answer has fewer bytes, and says so: nothing in it is wrong but the missing end."""

    to: int

    def send(self, exchange: Exchange, answer: Answer) -> None:
        answer.body = answer.body[: self.to]
        super().send(exchange, answer)


@dataclass(frozen=True)
class Stall(Fault):
    """Nothing comes any more: no head, or no more of the body after some bytes.

    Until `Proxy.release`, or for some seconds.
    """

    after: int | None = None
    is_head: bool = False
    seconds: float | None = None

    def ask(self, exchange: Exchange) -> Answer:
        if self.is_head:
            exchange.wait(self.seconds)
        return exchange.pass_on()

    def send(self, exchange: Exchange, answer: Answer) -> None:
        if self.is_head or exchange.is_head:
            super().send(exchange, answer)
            return
        after = len(answer.body) // 2 if self.after is None else self.after
        exchange.begin(answer, len(answer.body))
        exchange.write(answer.body[:after])
        exchange.wait(self.seconds)
        exchange.write(answer.body[after:])


@dataclass(frozen=True)
class Trickle(Fault):
    """The body comes in small steps, with a pause behind each."""

    step: int
    pause: float

    def send(self, exchange: Exchange, answer: Answer) -> None:
        exchange.begin(answer, len(answer.body))
        for at in range(0, len(answer.body), self.step):
            exchange.write(answer.body[at : at + self.step])
            exchange.wait(self.pause)


@dataclass(frozen=True)
class FlipSent(Fault):
    """One bit of the body of the request arrives wrong."""

    at: int = -1

    def ask(self, exchange: Exchange) -> Answer:
        exchange.body = flipped(exchange.body, self.at)
        return exchange.pass_on()


@dataclass(frozen=True)
class FlipAnswer(Fault):
    """One bit of the body of the answer arrives wrong."""

    at: int = -1

    def ask(self, exchange: Exchange) -> Answer:
        answer = exchange.pass_on()
        answer.body = flipped(answer.body, self.at)
        return answer


@dataclass(frozen=True)
class FlipHeader(Fault):
    """One digit in a header of the answer arrives wrong."""

    name: str = "ETag"

    def ask(self, exchange: Exchange) -> Answer:
        answer = exchange.pass_on()
        # Its last digit, whichever it is: in quotation marks or not.
        answer.replace_header(
            self.name, lambda v: re.sub(r"\w(?=\W*$)", lambda m: "1" if m[0] != "1" else "2", v)
        )
        return answer


@dataclass(frozen=True)
class Garbage(Fault):
    """The answer is not HTTP."""

    def ask(self, exchange: Exchange) -> Answer:
        exchange.write(b"\x00\xff this is not the protocol you are looking for\r\n\r\n")
        raise Disconnected


def flipped(data: bytes, at: int) -> bytes:
    """Return data with one bit of the byte at a place turned over."""
    out = bytearray(data)
    if out:
        out[at] ^= 1
    return bytes(out)


# What the most usual ones are called.
_CALLED: dict[str, Fault] = {
    "cut": Cut(),
    "stall": Stall(),
    "drop": HangUp(),
    "refuse": Status(403),
}


def when(
    fault: Fault | str,
    *,
    method: str = "",
    key: str = "",
    query: str | None = None,
    skip: int = 0,
    times: int | None = None,
    test: Callable[[Request], bool] = lambda request: True,
) -> Callable[[Request], Fault | str | None]:
    """Return a function for `Proxy.fault`: requests that look so get the fault.

    They are counted for each method, path and query by itself: parts of an upload each have
    their own first time.

    Parameters
    ----------
    fault : Fault or str
        What happens to them.
    method : str
        Their method; empty for each.
    key : str
        What their path ends with.
    query : str, optional
        A parameter they have; an empty text for those that have none.
    skip : int
        How many of them go well at first.
    times : int, optional
        How many of them get the fault; without a number all that follow do.
    test : callable
        Whatever else is asked of them.
    """
    lock = threading.Lock()
    seen: Counter[Any] = Counter()

    def choose(request: Request) -> Fault | str | None:
        if method not in ("", request.method) or not request.path.endswith(key):
            return None
        if query is not None and (query not in request.query if query else request.query):
            return None
        if not test(request):
            return None
        kind = request.method, request.path, *request.query.items()
        with lock:
            seen[kind] += 1
            turn = seen[kind] - skip
        return fault if turn > 0 and (times is None or turn <= times) else None

    return choose


# What writes are made of, as arguments of `when`.
PUT: Mapping[str, Any] = {"method": "PUT", "query": ""}
START: Mapping[str, Any] = {"method": "POST", "query": "uploads"}
PART: Mapping[str, Any] = {"method": "PUT", "query": "partNumber"}
COMPLETE: Mapping[str, Any] = {"method": "POST", "query": "uploadId"}
GET: Mapping[str, Any] = {"method": "GET", "query": ""}


# ---- the server


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
        return _CALLED[fault] if isinstance(fault, str) else fault or Fault()

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

        class Handler(Exchange):
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


class Exchange(BaseHTTPRequestHandler):
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
        """Whether the answer has no body, whatever its head says."""
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
        """Return what the server says to the request."""
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
        """Send the head of an answer; its length is what is promised of the body."""
        self.send_response_only(answer.code)
        for name, value in answer.headers:
            self.send_header(name, value)
        if length is None:
            self.send_header("Connection", "close")
        elif not self.is_head:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        if not self.is_head:
            self.wfile.write(data)

    def wait(self, seconds: float | None) -> None:
        """Hold the answer back."""
        self.proxy.wait(seconds)

    def reset(self) -> None:
        """End the connection the hard way."""
        _reset(self.connection)

    def log_message(self, *args: Any) -> None:
        """The list of requests is the log."""
