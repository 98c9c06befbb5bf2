"""The targets, and whether a result reaches them.

A target compares the figure of opendalfs with a limit: ``factor`` times the best figure of the
named others of the same run, plus ``plus``. A figure is the median of the rounds, of memory the
largest. Where none of the others was measured, or opendalfs was not, the target is open.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OURS = "opendalfs"
# No clients, but what a client can hope for at best.
FLOOR = ("bare", "bare-huge")

Measurements = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Verdict:
    """What became of a target.

    Attributes
    ----------
    target : str
        Its name, by which ``notes.toml`` knows it.
    rule : str
        The limit in words.
    measured : str
        The figure the rule speaks of, as text.
    reached : bool or None
        None where it was not measured.
    """

    target: str
    rule: str
    measured: str
    reached: bool | None


@dataclass(frozen=True)
class Ratio:
    """Wall or CPU time, against the fastest of some others."""

    case: str
    what: str
    factor: float
    against: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The case, what is compared and with whom."""
        return "/".join((self.case, self.what, *self.against[:1]))

    @property
    def rule(self) -> str:
        """The limit in words."""
        if self.against == FLOOR:
            whom = "the bare HTTP client"
        else:
            best = "fastest" if self.what == "wall" else "lowest"
            whom = " and ".join(self.against) or f"the {best} other"
        what = "time" if self.what == "wall" else "CPU time"
        return f"{what} <= {self.factor:g} x {whom}"

    def judge(self, cases: Mapping[str, Measurements]) -> Verdict:
        """Compare the medians of one run."""
        results = cases.get(self.case, {})
        if errors := failures(results):
            return Verdict(self.name, self.rule, errors, False)
        figures = medians(results, self.what)
        ours = figures.get(OURS)
        names = self.against or [name for name in figures if name not in (OURS, *FLOOR)]
        others = [figures[name] for name in names if name in figures]
        if ours is None or not others:
            return Verdict(self.name, self.rule, "-", None)
        best = max(min(others), 1e-9)  # CPU time comes in ticks: it may be none
        return Verdict(self.name, self.rule, f"{ours / best:.2f} x", ours <= self.factor * best)


@dataclass(frozen=True)
class Memory:
    """Peak memory beyond what the process held when the clock started."""

    case: str
    mib: float

    @property
    def name(self) -> str:
        """The case and that it is about memory."""
        return f"{self.case}/memory"

    @property
    def rule(self) -> str:
        """The limit in words."""
        return f"peak memory <= {self.mib:g} MiB beyond the data"

    def judge(self, cases: Mapping[str, Measurements]) -> Verdict:
        """Take the largest of one run."""
        results = cases.get(self.case, {})
        if errors := failures(results):
            return Verdict(self.name, self.rule, errors, False)
        found = good(results.get(OURS, ()))
        if not found:
            return Verdict(self.name, self.rule, "-", None)
        beyond = max(one["rss_mib"] - one["rss_start_mib"] for one in found)
        return Verdict(self.name, self.rule, f"{beyond:.0f} MiB", beyond <= self.mib)


@dataclass(frozen=True)
class Micro:
    """A figure of micro.py; `against` is a peer, or None for an absolute limit."""

    case: str
    against: str | None = None
    factor: float = 0
    plus: float = 0

    def limit(self, figures: Mapping[str, float]) -> float | None:
        """Return the limit in the unit of the case, or None without its peer."""
        if self.against is None:
            return self.plus
        peer = figures.get(self.against)
        return None if peer is None else self.factor * peer + self.plus

    def rule(self, unit: str) -> str:
        """Return the limit in words."""
        if self.against is None:
            return f"<= {self.plus:g} {unit}"
        return f"<= {self.factor:g} x {self.against}" + (
            f" + {self.plus:g} {unit}" if self.plus else ""
        )

    def judge(self, figures: Mapping[str, float], unit: str) -> Verdict:
        """Compare the figures of all candidates of one case."""
        ours, limit = figures.get(OURS), self.limit(figures)
        if ours is None or limit is None:
            return Verdict(self.case, self.rule(unit), "-", None)
        if self.against is None:
            text = f"{ours:.3g} {unit}"
        elif self.plus:
            text = f"{ours:.3g} {unit}, limit {limit:.3g}"
        else:
            text = f"{ours / figures[self.against]:.2f} x"
        return Verdict(self.case, self.rule(unit), text, ours <= limit)


S3: tuple[Ratio | Memory, ...] = (
    Ratio("get_256M", "wall", 0.8),
    Ratio("get_256M", "wall", 1.3, FLOOR),
    Ratio("stream_256M", "wall", 0.8),
    Ratio("put_256M", "wall", 0.95),
    Ratio("put_stream_256M", "wall", 0.95),
    Memory("put_stream_256M", 64),
    Ratio("cat_2000x10K", "wall", 0.8),
    Ratio("cat_2000x10K", "cpu", 1),
    Ratio("cat_2000x10K", "wall", 1.3, FLOOR),
    Ratio("pipe_2000x10K", "wall", 0.8),
    Ratio("pipe_2000x10K", "cpu", 1),
    Ratio("ranges_2000x64K", "wall", 0.8),
    Ratio("find_20000", "wall", 0.8, ("obstore",)),
    Ratio("find_20000", "wall", 0.8, ("pyarrow",)),
    Ratio("rm_2000", "wall", 1, ("boto3",)),
    Ratio("put_dir_500x10K", "wall", 0.8),
    Ratio("put_dir_500x10K", "cpu", 1),
    Ratio("get_dir_500x10K", "wall", 0.8),
    Ratio("get_dir_500x10K", "cpu", 1),
    Ratio("parquet_100M", "wall", 0.8),
    Ratio("tiny_get_us", "wall", 0.95, ("obstore",)),
    Ratio("tiny_get_us", "wall", 0.2, ("s3fs",)),
    Ratio("tiny_get_us", "wall", 1.3, FLOOR),
    Ratio("info_us", "wall", 0.95, ("obstore",)),
    Ratio("info_us", "wall", 0.2, ("s3fs",)),
)

MICRO = {
    target.case: target
    for target in (
        Micro("memory_cat_file", plus=3),
        Micro("memory_await", plus=20),
        Micro("memory_gather", plus=8),
        Micro("local_cat_file", "fsspec", 1),
        Micro("local_info", "fsspec", 1),
        Micro("local_ls_detail", "fsspec", 1),
        Micro("local_ls_names", "fsspec", 1),
        Micro("local_find", "fsspec", 1),
        Micro("import", "fsspec", 1.3, 30),
        Micro("peak_get_file", plus=64),
        Micro("peak_read", plus=64),
        Micro("peak_put_stream", plus=64),
    )
}


def good(measurements: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the measurements that did not end in an error."""
    return [one for one in measurements if "wall" in one]


def failures(results: Measurements) -> str:
    """Return how many measurements of opendalfs failed, or nothing where none did."""
    measurements = results.get(OURS, ())
    failed = len(measurements) - len(good(measurements))
    return f"{failed} of {len(measurements)} failed" if failed else ""


def medians(results: Measurements, what: str) -> dict[str, float]:
    """Return the median of one quantity for every candidate that has any."""
    return {
        name: statistics.median(one[what] for one in found)
        for name, measurements in results.items()
        if (found := good(measurements))
    }


def figures(name: str, result: Mapping[str, Any]) -> dict[str, float]:
    """Return the figure of every candidate in one case of micro.py."""
    middle = max if name.startswith("peak_") else statistics.median
    return {who: middle(found) for who, found in result["figures"].items() if found}


def word(verdict: Verdict) -> str:
    """Return what became of a target in one or two words."""
    return {True: "reached", False: "not reached", None: "not measured"}[verdict.reached]
