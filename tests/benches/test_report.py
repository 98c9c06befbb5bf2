"""The benchmarks compute what they say; nothing is measured here."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

import plot
import report
import targets
from cases import CASES


def walls(*times: float, cpu: float = 1.0) -> list[dict[str, float]]:
    return [{"wall": time, "cpu": cpu, "rss_mib": 300, "rss_start_mib": 250} for time in times]


# The medians are 0.4, 0.5, 2 and 0.32.
READ = {
    "opendalfs": walls(0.5, 0.3, 0.4, cpu=0.3),
    "obstore": walls(0.4, 0.5, 0.7, cpu=0.4),
    "s3fs": walls(2.0, 1.0, 3.0, cpu=0.2),
    "bare": walls(0.32, cpu=0.1),
}
FAILED: list[dict[str, Any]] = [{"error": "no"}]
MACHINE = {
    "date": "2026-01-02T03:04:05+00:00",
    "commit": "abc",
    "cpu": "A CPU",
    "cores": 2,
    "memory_gib": 4.0,
    "kernel": "Linux",
    "python": "CPython 3.11.0",
    "packages": {"opendalfs": "0.1.0"},
    "load": 0.1,
}


@pytest.mark.parametrize(
    ("what", "factor", "against", "measured", "reached"),
    [
        ("wall", 0.8, (), "0.80 x", True),  # 0.4 / 0.5: the floor is no client
        ("wall", 0.79, (), "0.80 x", False),
        ("wall", 0.2, ("s3fs",), "0.20 x", True),  # 0.4 / 2
        ("wall", 1.3, targets.FLOOR, "1.25 x", True),  # 0.4 / 0.32
        ("wall", 1.2, targets.FLOOR, "1.25 x", False),
        ("cpu", 1, (), "1.50 x", False),  # 0.3 / 0.2
        ("wall", 1, ("boto3",), "-", None),
    ],
)
def test_ratio_is_that_of_the_medians(what, factor, against, measured, reached):
    verdict = targets.Ratio("c", what, factor, against).judge({"c": READ})
    assert (verdict.measured, verdict.reached) == (measured, reached)


def test_a_case_that_was_not_run_is_open():
    assert targets.Ratio("c", "wall", 1).judge({}).reached is None
    assert targets.Memory("c", 64).judge({}).reached is None


def test_one_failure_of_ours_misses_the_target():
    results = READ | {"opendalfs": walls(0.1) + FAILED}
    verdict = targets.Ratio("c", "wall", 1).judge({"c": results})
    assert (verdict.measured, verdict.reached) == ("1 of 2 failed", False)


def test_a_failed_candidate_is_no_rival():
    results = {"opendalfs": walls(1.0), "s3fs": walls(2.0), "boto3": FAILED}
    assert targets.Ratio("c", "wall", 0.5).judge({"c": results}).reached is True


def test_memory_is_the_largest_beyond_the_start():
    one = {"wall": 1, "cpu": 1, "rss_mib": 310.0, "rss_start_mib": 250.0}
    other = one | {"rss_mib": 320.0}
    assert targets.Memory("c", 64).judge({"c": {"opendalfs": [one]}}).reached is True
    verdict = targets.Memory("c", 64).judge({"c": {"opendalfs": [one, other]}})
    assert (verdict.measured, verdict.reached) == ("70 MiB", False)


@pytest.mark.parametrize(("ours", "reached"), [(160.0, True), (160.1, False)])
def test_a_limit_of_micro_may_have_a_factor_and_a_term(ours, reached):
    target = targets.Micro("import", "fsspec", 1.3, 30)  # 1.3 * 100 + 30 = 160
    assert target.judge({"opendalfs": ours, "fsspec": 100.0}, "ms").reached is reached
    assert target.judge({"opendalfs": ours}, "ms").reached is None


def test_a_figure_of_micro_is_the_median_and_of_memory_the_largest():
    result = {"figures": {"opendalfs": [1.0, 9.0, 2.0], "fsspec": []}}
    assert targets.figures("import", result) == {"opendalfs": 2.0}
    assert targets.figures("peak_read", result) == {"opendalfs": 9.0}


def test_tables_have_the_figures():
    s3 = {"environment": MACHINE, "rounds": 3, "cases": {"get_256M": READ | {"boto3": FAILED}}}
    micro_cases = {
        "memory_cat_file": {
            "about": "a read",
            "unit": "us",
            "figures": {"opendalfs": [2.0, 3.0, 2.5], "fsspec": [0.5]},
        }
    }
    micro = {"environment": MACHINE, "rounds": 3, "cases": micro_cases}
    texts = report.regions(s3, micro, {"get_256M/wall": "because"})
    assert texts["s3-wall"] == (
        "| case | opendalfs | obstore | s3fs | boto3 | bare |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| `get_256M` | **0.400 s** | 0.500 s | 2.000 s | failed | 0.320 s |\n"
    )
    line = "| `get_256M/wall` | time <= 0.8 x the fastest other | 0.80 x | reached | because |"
    assert line in texts["s3-targets"]
    assert texts["s3-targets"].startswith("2 of 2 are reached")  # with the floor
    assert "| `memory_cat_file` | <= 3 us | 2.5 us | reached |" in texts["micro-targets"]
    assert "| a read (`memory_cat_file`) | us | 2.5 | 0.5 |" in texts["micro-figures"]


def test_readme_is_what_the_recorded_results_say():
    reasons = tomllib.loads(report.NOTES.read_text(encoding="utf-8"))["reasons"]
    page = report.README.read_text(encoding="utf-8")
    texts = report.regions(report.read(report.S3_RESULT), report.read(report.MICRO_RESULT), reasons)
    assert report.filled(page, texts) == page, "run benches/report.py"


def test_a_reason_for_no_target_is_refused():
    with pytest.raises(SystemExit, match="no_such/target"):
        report.regions(None, None, {"no_such/target": "because"})


def test_targets_and_plot_know_the_cases():
    assert {target.case for target in targets.S3} <= CASES.keys()
    assert plot.ROWS.keys() == CASES.keys()
    names = [target.name for target in targets.S3]
    assert len(names) == len(set(names))
