"""The asynchronous API as a typed program uses it."""

from __future__ import annotations

import asyncio
from typing import Any

from opendalfs import OpendalFileSystem


async def whole_objects(fs: OpendalFileSystem) -> int:
    """Each call is a coroutine."""
    await fs._write("d/k", b"value")
    await fs._pipe_file("d/l", memoryview(b"value"))
    whole: bytes = await fs._read("d/k")
    part: bytes = await fs._cat_file("d/k", start=1, end=3)
    info: dict[str, Any] = await fs._info("d/k")
    exists: bool = await fs._exists("d/k")
    found = await fs._find("d")
    await fs._rm_file("d/l")
    return len(whole) + len(part) + int(info["size"]) + exists + len(found)


async def files(fs: OpendalFileSystem) -> bytes:
    """Files are asynchronous context managers."""
    async with await fs.open_async("d/k", "wb") as file:
        await file.write(b"value")
    async with await fs.open_async("d/k", "rb") as file:
        value: bytes = await file.read()
    return value


async def main() -> int:
    """An asynchronous instance belongs to no loop."""
    fs = OpendalFileSystem("memory", asynchronous=True)
    counts = await asyncio.gather(whole_objects(fs), whole_objects(fs))
    return sum(counts) + len(await files(fs))


if __name__ == "__main__":
    asyncio.run(main())
