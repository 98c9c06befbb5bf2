"""What can go wrong with a request to S3, and with which request it does.

The faults are done by `tests.faults.proxy`. `when` chooses by what requests look like::

    proxy.fault = when(Status(503), method="PUT", key="k", times=2)
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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


class Exchange(Protocol):
    """A request that waits for its answer, as faults see it."""

    body: bytes

    @property
    def is_head(self) -> bool:
        """Whether the answer has no body, whatever its head says."""

    def pass_on(self) -> Answer:
        """Return what the server says to the request."""

    def begin(self, answer: Answer, length: int | None) -> None:
        """Send the head of an answer; its length is what is promised of the body."""

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""

    def wait(self, seconds: float | None) -> None:
        """Hold the answer back, until it is let go on without a number of seconds."""

    def reset(self) -> None:
        """End the connection the hard way."""


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
CALLED: dict[str, Fault] = {
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
