#!/usr/bin/env python3
"""Compare Python clients of one S3 endpoint on the same work, in one run.

    python benches/bench_s3.py --rounds 5 --json out.json
    python benches/bench_s3.py --cases cat_2000x10K,tiny_get_us --candidates obstore,opendalfs

Each measurement is a fresh process. The candidates take turns within a round (A B C, A B C, ...),
so that a machine whose speed drifts treats all of them alike. Reported are the median wall time,
the CPU time of the client (user and system), its peak memory, and the ratio to the fastest of the
other clients. Absolute times hold for one machine and one moment; quote the ratios.

The server is at S3_ENDPOINT, with S3_KEY, S3_SECRET and S3_REGION; a MinIO on this machine by
default. What is read is made once, in S3_BUCKET (bench-bucket), and left there for the next run.
`bare` and `bare-huge` are no clients but the floor below all of them: see bare.py.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import bare
import candidates
import cases
import record
from cases import CASES

CLIENTS = ("s3fs", "obstore", "boto3", "pyarrow", "opendal", "opendalfs")

Measurement = dict[str, Any]


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--candidates", default=",".join((*CLIENTS, *bare.WORK)))
    add("--cases", default=",".join(CASES))
    add("--rounds", type=int, default=3)
    add("--timeout", type=float, default=120, help="seconds for one measurement")
    add("--json", help="file for every single measurement")
    add("--floor", help="the program opendalfs-floor; else the one cargo has built")
    add("--child", nargs=2, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    for name in parsed.cases.split(","):
        if name not in CASES:
            parser.error(f"there is no case {name}; there are {', '.join(CASES)}")
    for name in parsed.candidates.split(","):
        if name not in CLIENTS and name not in bare.WORK:
            parser.error(f"there is no candidate {name}; there are {', '.join(CLIENTS)}")
    return parsed


def child(name: str, case_name: str) -> None:
    """Measure one client on one case in this process; print the measurement."""
    client, case = candidates.make(name), CASES[case_name]
    if not cases.in_microseconds(case_name):
        client.info("tiny")  # connection and credentials are not the question
    given = case.setup() if case.setup else None
    resident = record.resident_mib()
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = case.timed(client, given)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    measurement = {
        "wall": round(result if cases.in_microseconds(case_name) and result else wall, 9),
        "cpu": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 6),
        "rss_mib": round(record.peak_mib(), 1),
        "rss_start_mib": round(resident, 1),
    }
    if case.verify:
        case.verify(given)
    print(json.dumps(measurement))
    sys.stdout.flush()
    os._exit(0)  # how long a client takes to end is not the question either


def measure(name: str, case: str, timeout: float, program: str | None) -> Measurement:
    """Return one measurement by a process of its own, or the error it ended with."""
    command = [sys.executable, __file__, "--child", name, case]
    if program:
        command += ["--floor", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return {"error": f"over {timeout:g} s"}
    if done.returncode or not done.stdout:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return {"error": lines[-1] if lines else f"exit code {done.returncode}"}
    measured: Measurement = json.loads(done.stdout.splitlines()[-1])
    return measured


def takes_part(name: str, case: str, program: str | None) -> bool:
    """Whether a candidate has a case: the floor has three, and not every client serves pandas."""
    if name in bare.WORK:
        return program is not None and case in bare.WORK[name]
    return case != "parquet_100M" or name not in candidates.WITHOUT_PANDAS


def show(case: str, results: dict[str, list[Measurement]]) -> None:
    """Print the medians of one case."""
    print(f"\n{case}: {CASES[case].about}")
    good = {name: [m for m in found if "wall" in m] for name, found in results.items()}
    medians = {
        name: statistics.median(m["wall"] for m in found) for name, found in good.items() if found
    }
    for name, found in good.items():
        if not found:
            print(f"  {name:10} failed: {results[name][0]['error']}")
            continue
        wall = medians[name]
        time_text = f"{wall * 1e6:9.0f} us" if cases.in_microseconds(case) else f"{wall:9.3f} s "
        cpu = statistics.median(m["cpu"] for m in found)
        rss = max(m["rss_mib"] for m in found)
        others = [value for other, value in medians.items() if other in CLIENTS and other != name]
        ratio = f"x{wall / min(others):.2f}" if others else ""
        failed = len(results[name]) - len(found)
        remark = f"  ({failed} failed)" if failed else ""
        print(f"  {name:10} {time_text} cpu {cpu:6.2f}  {rss:6.0f} MiB  {ratio}{remark}")
    sys.stdout.flush()


def main() -> None:
    """Measure every case, show the medians and write every measurement."""
    asked = arguments()
    if asked.child and asked.child[0] == "prepare":
        return cases.prepare()
    if asked.child and asked.child[0] in bare.WORK:
        return bare.become(asked.floor, *asked.child)
    if asked.child:
        return child(*asked.child)

    names = asked.candidates.split(",")
    program = asked.floor or bare.find_program()
    if program is None and not bare.WORK.keys().isdisjoint(names):
        print("no floor: cargo build --release -p opendalfs-floor makes it", file=sys.stderr)
    environment = record.environment()
    # In a process of its own: memory it takes is memory a child of this one could inherit.
    subprocess.run([sys.executable, __file__, "--child", "prepare", "-"], check=True)
    print(
        f"load average {environment['load']}, {environment['cores']} cores; median wall time"
        " (CPU time, peak memory); x = ratio to the fastest of the other clients"
    )
    everything: dict[str, dict[str, list[Measurement]]] = {}
    for case in asked.cases.split(","):
        here = [name for name in names if takes_part(name, case, program)]
        results: dict[str, list[Measurement]] = {name: [] for name in here}
        for _ in range(asked.rounds):
            for name in here:
                results[name].append(measure(name, case, asked.timeout, program))
        show(case, results)
        everything[case] = results
    if asked.json:
        result = {"environment": environment, "rounds": asked.rounds, "cases": everything}
        record.write(asked.json, result)


if __name__ == "__main__":
    main()
