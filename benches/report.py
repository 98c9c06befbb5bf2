#!/usr/bin/env python3
"""Write the results into README.md of this folder, and draw docs/assets/speed.svg.

    python benches/report.py            from results/s3.json and results/micro.json
    python benches/report.py --check    write nothing; fail where README.md is out of date
    python benches/report.py --s3 other.json --no-plot

Every figure of the page is computed here from the JSON; every "why" comes from notes.toml.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import targets
from targets import FLOOR, OURS, Verdict

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
NOTES = HERE / "notes.toml"
S3_RESULT = HERE / "results" / "s3.json"
MICRO_RESULT = HERE / "results" / "micro.json"
PLOT = HERE.parent / "docs" / "assets" / "speed.svg"

# The same form as in the pages of scripts/docs.
REGION = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOTHING = "Nothing is recorded yet.\n"

Result = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; the first column is text, the others are figures."""
    align = ["---", *["---:"] * (len(head) - 1)]
    cells = ([cell.replace("|", r"\|") for cell in row] for row in (head, align, *rows))
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def prose(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, all of it text."""
    return table(head, rows).replace("---:", "---")


def of_machine(result: Result, command: str) -> str:
    """Return on what, with what and when a result was measured."""
    where = result["environment"]
    packages = ", ".join(f"{name} {version}" for name, version in where["packages"].items())
    return (
        f"`{command}`, {result['rounds']} rounds, on {where['date'][:10]} at commit"
        f" `{where['commit']}`, load average {where['load']} at the start.\n\n"
        f"{where['cpu']}, {where['cores']} cores, {where['memory_gib']:g} GiB of memory;"
        f" {where['kernel']}; {where['python']}; {packages}.\n"
    )


def candidates_of(cases: Mapping[str, Any]) -> list[str]:
    """Return every candidate of a run: opendalfs first, the floor last."""
    found = list(dict.fromkeys(name for results in cases.values() for name in results))
    return sorted(found, key=lambda name: (name != OURS, name in FLOOR))


def duration(case: str, seconds: float) -> str:
    """Return a time as the case counts it."""
    return f"{seconds * 1e6:.0f} us" if case.endswith("_us") else f"{seconds:.3f} s"


def by_candidate(cases: Mapping[str, Any], cell: Any) -> str:
    """Return a table of a figure for every case and candidate, the best client's in bold.

    Parameters
    ----------
    cases : mapping
        The cases of a result.
    cell : callable
        Gets the results of a case; returns a figure for every candidate that has one, and a
        function that makes text of it.
    """
    names = candidates_of(cases)
    rows = []
    for case, results in cases.items():
        figures, text = cell(case, results)
        best = min((value for name, value in figures.items() if name not in FLOOR), default=None)
        row = [f"`{case}`"]
        for name in names:
            if name in figures:
                shown = text(figures[name])
                row.append(f"**{shown}**" if figures[name] == best else shown)
            else:
                row.append("failed" if results.get(name) else "")
        rows.append(row)
    return table(("case", *names), rows)


def of_wall(cases: Mapping[str, Any]) -> str:
    """Return the wall times."""
    return by_candidate(
        cases,
        lambda case, results: (targets.medians(results, "wall"), lambda v: duration(case, v)),
    )


def of_cpu(cases: Mapping[str, Any]) -> str:
    """Return the CPU times."""
    return by_candidate(
        cases, lambda _, results: (targets.medians(results, "cpu"), lambda v: f"{v:.2f} s")
    )


def of_memory(cases: Mapping[str, Any]) -> str:
    """Return the peaks of memory."""

    def peaks(_: str, results: targets.Measurements) -> tuple[dict[str, float], Any]:
        found = {name: targets.good(measurements) for name, measurements in results.items()}
        largest = {name: max(one["rss_mib"] for one in f) for name, f in found.items() if f}
        return largest, lambda value: f"{value:.0f} MiB"

    return by_candidate(cases, peaks)


def of_verdicts(verdicts: Sequence[Verdict], reasons: Mapping[str, str]) -> str:
    """Return what became of some targets, and why."""
    reached = sum(verdict.reached is True for verdict in verdicts)
    measured = sum(verdict.reached is not None for verdict in verdicts)
    rows = [
        (f"`{v.target}`", v.rule, v.measured, targets.word(v), reasons.get(v.target, ""))
        for v in verdicts
    ]
    head = ("target", "limit", "measured", "", "why")
    return f"{reached} of {measured} are reached.\n\n{prose(head, rows)}"


def of_micro(cases: Mapping[str, Any]) -> str:
    """Return the figures of micro.py."""
    middles = {name: targets.figures(name, result) for name, result in cases.items()}
    names = list(dict.fromkeys(who for middle in middles.values() for who in middle))
    rows = []
    for name, result in cases.items():
        cells = [f"{middles[name][who]:.4g}" if who in middles[name] else "" for who in names]
        rows.append([f"{result['about']} (`{name}`)", result["unit"], *cells])
    return table(("case", "unit", *names), rows)


def regions(s3: Result | None, micro: Result | None, reasons: Mapping[str, str]) -> dict[str, str]:
    """Return the text of every region by its name."""
    known = {target.name for target in targets.S3} | targets.MICRO.keys()
    if unknown := reasons.keys() - known:
        sys.exit(f"error: notes.toml explains {', '.join(sorted(unknown))}, which is no target")
    texts = dict.fromkeys(
        (
            "s3-machine",
            "s3-targets",
            "s3-wall",
            "s3-cpu",
            "s3-memory",
            "micro-machine",
            "micro-targets",
            "micro-figures",
        ),
        NOTHING,
    )
    if s3:
        cases = s3["cases"]
        verdicts = [target.judge(cases) for target in targets.S3]
        picture = "![Times of every client, relative to opendalfs](../docs/assets/speed.svg)"
        texts["s3-machine"] = of_machine(s3, "benches/bench_s3.py") + f"\n{picture}\n"
        texts["s3-targets"] = of_verdicts(verdicts, reasons)
        texts["s3-wall"] = of_wall(cases)
        texts["s3-cpu"] = of_cpu(cases)
        texts["s3-memory"] = of_memory(cases)
    if micro:
        cases = micro["cases"]
        verdicts = [
            target.judge(targets.figures(name, cases[name]), cases[name]["unit"])
            for name, target in targets.MICRO.items()
            if name in cases
        ]
        texts["micro-machine"] = of_machine(micro, "benches/micro.py")
        texts["micro-targets"] = of_verdicts(verdicts, reasons)
        texts["micro-figures"] = of_micro(cases)
    return texts


def filled(page: str, texts: Mapping[str, str]) -> str:
    """Return a page with its regions written anew."""
    names = [found[2] for found in REGION.finditer(page)]
    if sorted(names) != sorted(texts):
        sys.exit(f"error: README.md has the regions {names}, and not {list(texts)}")
    return REGION.sub(lambda found: f"{found[1]}\n{texts[found[2]]}\n{found[3]}", page)


def read(path: Path) -> Result | None:
    """Return a result, or None where it was not recorded."""
    if not path.exists():
        return None
    result: Result = json.loads(path.read_text(encoding="utf-8"))
    return result


def main() -> int:
    """Write or check the page, draw the plot; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--s3", type=Path, default=S3_RESULT)
    parser.add_argument("--micro", type=Path, default=MICRO_RESULT)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--no-plot", action="store_true")
    parser.add_argument("--plot", type=Path, default=PLOT, help="where the plot goes")
    asked = parser.parse_args()
    s3, micro = read(asked.s3), read(asked.micro)
    reasons = tomllib.loads(NOTES.read_text(encoding="utf-8"))["reasons"]
    old = README.read_text(encoding="utf-8")
    new = filled(old, regions(s3, micro, reasons))
    if asked.check:
        lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "README.md", n=0))
        print("\n".join(lines[:20]), file=sys.stderr)
        return int(new != old)
    README.write_text(new, encoding="utf-8")
    if s3 and not asked.no_plot:
        import plot

        asked.plot.parent.mkdir(parents=True, exist_ok=True)
        plot.draw(s3["cases"], asked.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
