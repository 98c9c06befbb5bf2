"""Many files in one call to the core, with fsspec's callbacks for those who want them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fsspec.callbacks import DEFAULT_CALLBACK, Callback

from opendalfs import _core
from opendalfs._expand import refuse_clash
from opendalfs._look import Look


class Transfer(Look):
    """A store that moves files in bulk."""

    async def _run_jobs(
        self,
        kind: str,
        pairs: list[tuple[str, str]],
        *,
        own: Callback = DEFAULT_CALLBACK,
        every: Callback = DEFAULT_CALLBACK,
        ignore_missing: bool = False,
        store: _core.Store | None = None,
        **how: Any,
    ) -> None:
        """Move files in one call to the core.

        ``own`` counts the bytes of the one file, ``every`` counts files and has a child for
        the bytes of each. ``store`` is that of this call, where it has options of its own.

        Raises
        ------
        ConfigInvalid
            (a ValueError) when two files would go to one place. Nothing is moved then.
        """
        store = store or self._store
        refuse_clash(kind, pairs)
        every.set_size(len(pairs))
        try:
            if own is DEFAULT_CALLBACK and every is DEFAULT_CALLBACK:
                results: list[Any] = await store.run_jobs(kind, pairs, **how)
            else:
                results = await self._report(store, kind, pairs, own, every, how)
        finally:
            if kind != "get":
                self._forget(*(target for _, target in pairs))
        for result in results:
            if result is not None and not (
                ignore_missing and isinstance(result, FileNotFoundError)
            ):
                raise result

    async def _report(
        self,
        store: _core.Store,
        kind: str,
        pairs: list[tuple[str, str]],
        own: Callback,
        every: Callback,
        how: dict[str, Any],
    ) -> list[Any]:
        results: list[Any] = [None] * len(pairs)
        children: dict[int, Callback] = {}
        if own is not DEFAULT_CALLBACK:
            children[0] = own
        transfer = store.start_jobs(kind, pairs, **how)
        while events := await transfer.next():
            for event, index, value in events:
                if index not in children:
                    children[index] = every.branched(*pairs[index])
                child = children[index]
                if event == "total":
                    child.set_size(value)
                elif event == "moved":
                    child.relative_update(value)
                else:
                    results[index] = value
                    every.relative_update(1)
                    if child is not own:
                        child.close()
        return results


def raise_first(results: Iterable[Any]) -> None:
    """Raise the first exception among the outcomes of a bulk call."""
    for result in results:
        if isinstance(result, BaseException):
            raise result


def now(function: Callable[[str], bool]) -> Callable[[str], Any]:
    """A plain function as one that can be awaited."""

    async def call(path: str) -> bool:
        return function(path)

    return call
