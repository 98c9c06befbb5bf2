"""Running a coroutine to its end without an event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from opendalfs._core import set_blocking

_R = TypeVar("_R")


def run(coroutine: Coroutine[Any, Any, _R]) -> _R:
    """Run a coroutine that awaits only operations of the core, on this thread.

    Raises
    ------
    RuntimeError
        When it waits for anything else.

    Notes
    -----
    In Python rather than in the extension: at the end of the interpreter, frames of Python must
    not lie on top of frames of Rust.
    """
    before = set_blocking(True)
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    finally:
        set_blocking(before)
    coroutine.close()
    raise RuntimeError("this coroutine waits for something that needs an event loop")
