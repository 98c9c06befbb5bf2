#!/usr/bin/env python3
"""Measure single calls, without a network, beside the peers one would otherwise use.

    python benches/micro.py
    python benches/micro.py --only memory,local --rounds 15 --json out.json

Groups: `memory` and `await` (16 bytes in the memory store), `local` (the local disk, in TMPDIR),
`import`, `threads`, and `peak` (memory of large transfers, where an S3 server answers at
S3_ENDPOINT). The candidates of a case take turns within a round; the figure is the median of the
rounds. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import record
import targets
from targets import OURS

SMALL = b"sixteen bytes..."
FILE_BYTES = 4096
LS_FILES = 10_000
FIND_FOLDERS, FIND_FILES = 100, 1000
THREADS = (1, 4, 16)
PEAKS = ("peak_get_file", "peak_read", "peak_put_stream")
PROBES = str(Path(__file__).with_name("probes.py"))

Measure = Callable[[], float]


@dataclass
class Case:
    """One figure of several candidates.

    Attributes
    ----------
    name, about, unit : str
        What is measured, and in what.
    candidates : dict
        By name, a function that measures once and returns a figure in `unit`.
    rounds : int, optional
        Where the case has a number of its own.
    """

    name: str
    about: str
    unit: str
    candidates: dict[str, Measure] = field(default_factory=dict)
    rounds: int | None = None


def per_call(call: Callable[[], Any], count: int) -> Measure:
    """Return a measure of the microseconds of one call, of `count` in a row."""

    def measure() -> float:
        begin = time.perf_counter()
        for _ in range(count):
            call()
        return (time.perf_counter() - begin) / count * 1e6

    return measure


def once(call: Callable[[], Any], wanted: int) -> Measure:
    """Return a measure of the milliseconds of one call, which finds `wanted` things."""

    def measure() -> float:
        begin = time.perf_counter()
        found = call()
        elapsed = (time.perf_counter() - begin) * 1e3
        if len(found) != wanted:
            raise SystemExit(f"wrong result: {len(found)} instead of {wanted}")
        return elapsed

    return measure


# --- memory ----------------------------------------------------------------------------------


def memory_clients() -> dict[str, Callable[[], Any]]:
    """Return a plain read of 16 bytes by every client there is."""
    import fsspec

    ours = fsspec.filesystem("opendal", scheme="memory", skip_instance_cache=True)
    theirs = fsspec.filesystem("memory", skip_instance_cache=True)
    for fs in (ours, theirs):
        fs.pipe_file("/bench/k", SMALL)
    calls: dict[str, Callable[[], Any]] = {
        OURS: lambda: ours.cat_file("/bench/k"),
        "fsspec": lambda: theirs.cat_file("/bench/k"),
    }
    try:
        import obstore
        from obstore.store import MemoryStore

        store = MemoryStore()
        obstore.put(store, "bench/k", SMALL)
        calls["obstore"] = lambda: obstore.get(store, "bench/k").bytes()
    except ImportError:
        pass
    try:
        import opendal

        operator = opendal.Operator("memory")
        operator.write("bench/k", SMALL)
        calls["opendal"] = lambda: operator.read("bench/k")
    except ImportError:
        pass
    for name, call in calls.items():
        if bytes(call()) != SMALL:
            raise SystemExit(f"wrong result of {name}")
    return calls


def memory_cases() -> Iterator[Case]:
    """Give the plain read."""
    calls = memory_clients()
    yield Case(
        "memory_cat_file",
        "`cat_file` of 16 bytes, memory",
        "us",
        {name: per_call(call, 5000) for name, call in calls.items()},
    )


Reader = Callable[[], Awaitable[Any]]


async def awaited_clients() -> dict[str, Reader]:
    """Return an awaited read of 16 bytes by every client there is."""
    import fsspec

    ours = fsspec.filesystem(
        "opendal", scheme="memory", asynchronous=True, skip_instance_cache=True
    )
    await ours._pipe_file("/bench/k", SMALL)
    calls: dict[str, Reader] = {OURS: lambda: ours._cat_file("/bench/k")}
    try:
        import obstore
        from obstore.store import MemoryStore

        store = MemoryStore()
        await obstore.put_async(store, "bench/k", SMALL)

        async def get() -> Any:
            return await (await obstore.get_async(store, "bench/k")).bytes_async()

        calls["obstore"] = get
    except ImportError:
        pass
    try:
        import opendal

        operator = opendal.AsyncOperator("memory")
        await operator.write("bench/k", SMALL)
        calls["opendal"] = lambda: operator.read("bench/k")
    except ImportError:
        pass
    for name, call in calls.items():
        if bytes(await call()) != SMALL:
            raise SystemExit(f"wrong result of {name}")
    return calls


def in_loop(name: str, work: Callable[[Reader], Awaitable[int]]) -> Measure:
    """Return a measure of the microseconds of one of the calls which `work` awaits."""

    async def main() -> float:
        call = (await awaited_clients())[name]
        await work(call)  # the first calls wake threads up
        begin = time.perf_counter()
        count = await work(call)
        return (time.perf_counter() - begin) / count * 1e6

    return lambda: asyncio.run(main())


async def one_by_one(call: Reader) -> int:
    """Await calls one after the other."""
    for _ in range(2000):
        await call()
    return 2000


async def by_hundreds(call: Reader) -> int:
    """Await a hundred calls at once, again and again."""
    for _ in range(30):
        await asyncio.gather(*(call() for _ in range(100)))
    return 3000


def await_cases() -> Iterator[Case]:
    """Give the awaited reads."""
    names = list(asyncio.run(awaited_clients()))
    yield Case(
        "memory_await",
        "awaited `_cat_file` of 16 bytes, memory",
        "us",
        {name: in_loop(name, one_by_one) for name in names},
    )
    yield Case(
        "memory_gather",
        "the same, 100 in `asyncio.gather`",
        "us",
        {name: in_loop(name, by_hundreds) for name in names},
    )


# --- the local disk --------------------------------------------------------------------------


@contextmanager
def local_tree(with_many: bool = True) -> Iterator[str]:
    """Give a directory with one file of 4 KiB, one of 10,000 files and one of 100,000."""
    root = tempfile.mkdtemp(prefix="opendalfs-bench-")
    try:
        Path(root, "one").write_bytes(os.urandom(FILE_BYTES))
        if with_many:
            os.mkdir(f"{root}/ls")
            for number in range(LS_FILES):
                open(f"{root}/ls/{number:05}", "x").close()
            for folder in range(FIND_FOLDERS):
                os.makedirs(f"{root}/find/{folder:03}")
                for number in range(FIND_FILES):
                    open(f"{root}/find/{folder:03}/{number:04}", "x").close()
        yield root
    finally:
        shutil.rmtree(root)


def local_clients() -> dict[str, Any]:
    """Return new filesystems of the local disk."""
    import fsspec

    return {
        OURS: fsspec.filesystem("opendal", scheme="fs", skip_instance_cache=True),
        "fsspec": fsspec.filesystem("file", skip_instance_cache=True),
    }


def local_cases() -> Iterator[Case]:
    """Give reads, looks and listings of the local disk."""
    with local_tree() as root:

        def case(name: str, about: str, unit: str, make: Callable[[Any], Measure]) -> Case:
            clients = local_clients().items()
            return Case(name, about, unit, {client: make(fs) for client, fs in clients})

        def listing(fs: Any, work: Callable[[], Any]) -> Callable[[], Any]:
            def call() -> Any:
                fs.invalidate_cache()
                return work()

            return call

        one, many, deep = f"{root}/one", f"{root}/ls", f"{root}/find"
        yield case(
            "local_cat_file",
            "`cat_file` of 4 KiB, local disk",
            "us",
            lambda fs: per_call(lambda: fs.cat_file(one), 2000),
        )
        yield case(
            "local_info",
            "`info`, local disk",
            "us",
            lambda fs: per_call(lambda: fs.info(one), 2000),
        )
        yield case(
            "local_ls_detail",
            "`ls` of 10,000 files with details",
            "ms",
            lambda fs: once(listing(fs, lambda: fs.ls(many, detail=True)), LS_FILES),
        )
        yield case(
            "local_ls_names",
            "`ls` of 10,000 files, names only",
            "ms",
            lambda fs: once(listing(fs, lambda: fs.ls(many, detail=False)), LS_FILES),
        )
        yield case(
            "local_find",
            "`find` of 100,000 files in 100 directories",
            "ms",
            lambda fs: once(listing(fs, lambda: fs.find(deep)), FIND_FOLDERS * FIND_FILES),
        )


# --- threads ---------------------------------------------------------------------------------


def together(call: Callable[[], Any], threads: int, calls: int) -> Measure:
    """Return a measure of the calls per second by some threads together, in thousands."""

    def measure() -> float:
        barrier = threading.Barrier(threads + 1)

        def work() -> None:
            barrier.wait()
            for _ in range(calls // threads):
                call()

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        barrier.wait()
        begin = time.perf_counter()
        for worker in workers:
            worker.join()
        return calls / (time.perf_counter() - begin) / 1e3

    return measure


def threads_cases() -> Iterator[Case]:
    """Give the calls per second of 1, 4 and 16 threads; one GIL bounds them."""
    memory = memory_clients()
    with local_tree(with_many=False) as root:
        # `fs` is bound by a default: the loop is over before any of these is called.
        local = {
            name: (lambda fs=fs: fs.cat_file(f"{root}/one")) for name, fs in local_clients().items()
        }
        for kind, about, clients in (
            ("memory", "`cat_file` of 16 bytes, memory", memory),
            ("local", "`cat_file` of 4 KiB, local disk", local),
        ):
            for threads in THREADS:
                yield Case(
                    f"threads_{kind}_{threads}",
                    f"{about}, {threads} thread{'s' * (threads > 1)}",
                    "1000/s",
                    {name: together(call, threads, 8000) for name, call in clients.items()},
                )


# --- fresh interpreters ----------------------------------------------------------------------


def probe(*words: str) -> Measure:
    """Return a measure by an interpreter of its own."""

    def measure() -> float:
        command = [sys.executable, PROBES, *words]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr}")
        return float(done.stdout)

    return measure


def import_cases() -> Iterator[Case]:
    """Give the import, in fresh interpreters."""
    modules = {OURS: "opendalfs", "fsspec": "fsspec"}
    for module in modules.values():
        probe("import", module)()  # writes the byte code
    yield Case(
        "import",
        "`import opendalfs` beside `import fsspec`",
        "ms",
        {name: probe("import", module) for name, module in modules.items()},
        rounds=7,
    )


def server_answers() -> bool:
    """Whether something listens at S3_ENDPOINT."""
    where = urlsplit(os.environ.get("S3_ENDPOINT", "http://127.0.0.1:9000"))
    port = where.port or (443 if where.scheme == "https" else 80)
    try:
        socket.create_connection((where.hostname or "", port), timeout=2).close()
    except OSError:
        return False
    return True


def peak_cases() -> Iterator[Case]:
    """Give the memory of large transfers, where there are a server and a /proc."""
    if not server_answers() or not os.path.exists("/proc/self/status"):
        print("peak memory: not measured, no S3 server answers or no /proc is here\n")
        return
    subprocess.run([sys.executable, PROBES, "prepare"], check=True)
    for name, about in zip(
        PEAKS,
        (
            "`get_file` of 1 GiB from S3",
            "`open().read(1 MiB)` to the end of 1 GiB",
            "`open().write(1 MiB)` 256 times",
        ),
        strict=True,
    ):
        yield Case(name, f"peak memory: {about}", "MiB", {OURS: probe(name)}, rounds=3)


GROUPS = {
    "memory": memory_cases,
    "await": await_cases,
    "local": local_cases,
    "import": import_cases,
    "threads": threads_cases,
    "peak": peak_cases,
}


def run(case: Case, rounds: int) -> dict[str, Any]:
    """Measure a case and return its part of the result."""
    figures: dict[str, list[float]] = {name: [] for name in case.candidates}
    for _ in range(case.rounds or rounds):
        for name, measure in case.candidates.items():
            figures[name].append(round(measure(), 3))
    return {"about": case.about, "unit": case.unit, "figures": figures}


def show(name: str, result: dict[str, Any]) -> None:
    """Print the figures of a case, its target and what became of it."""
    unit = result["unit"]
    middle = targets.figures(name, result)
    print(f"{name}: {result['about'].replace('`', '')}")
    print("  " + ", ".join(f"{who} {figure:.4g} {unit}" for who, figure in middle.items()))
    if target := targets.MICRO.get(name):
        verdict = target.judge(middle, unit)
        print(f"  target {verdict.rule}: {targets.word(verdict)} ({verdict.measured})")
    sys.stdout.flush()


def main() -> None:
    """Measure, show and write what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(GROUPS), help="groups, separated by commas")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", help="file for every single figure")
    asked = parser.parse_args()
    groups = asked.only.split(",")
    for group in groups:
        if group not in GROUPS:
            parser.error(f"there is no group {group}; there are {', '.join(GROUPS)}")
    environment = record.environment()
    print(f"load average {environment['load']}, {environment['cores']} cores; medians\n")
    results = {}
    for group in groups:
        for case in GROUPS[group]():
            results[case.name] = run(case, asked.rounds)
            show(case.name, results[case.name])
    if asked.json:
        result = {"environment": environment, "rounds": asked.rounds, "cases": results}
        record.write(asked.json, result)


if __name__ == "__main__":
    main()
