"""Draws the times of every candidate relative to opendalfs, a row for every case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import targets
from targets import OURS

# The colours of Okabe and Ito, which people who see few colours tell apart, and a shape each.
STYLES = {
    "s3fs": ("#D55E00", "s"),
    "boto3": ("#E69F00", "v"),
    "pyarrow": ("#0072B2", "D"),
    "obstore": ("#CC79A7", "^"),
    "opendal": ("#56B4E9", "P"),
    "bare": ("#777777", "|"),
}
OUR_COLOUR = "#009E73"
INK, FAINT, PAPER = "#222222", "#D9D9D5", "#FBFBF8"

# Rows from top to bottom, with what a reader who does not know the names understands.
ROWS = {
    "get_256M": "read 256 MiB at once",
    "stream_256M": "read 256 MiB, 1 MiB at a time",
    "put_256M": "write 256 MiB at once",
    "put_stream_256M": "write 256 MiB, 1 MiB at a time",
    "cat_2000x10K": "read 2,000 objects of 10 KiB",
    "pipe_2000x10K": "write 2,000 objects of 10 KiB",
    "ranges_2000x64K": "read 2,000 ranges of 64 KiB",
    "get_dir_500x10K": "download 500 files",
    "put_dir_500x10K": "upload 500 files",
    "find_20000": "list 20,000 keys",
    "rm_2000": "delete 2,000 objects",
    "parquet_100M": "pandas.read_parquet, 100 MB",
    "tiny_get_us": "latency of a read of 1 KiB",
    "info_us": "latency of a look at an object",
}


def draw(cases: Mapping[str, Any], path: Path) -> None:
    """Draw the plot into a file, whose ending chooses the format."""
    import matplotlib as mpl

    mpl.use("agg")
    # Fixed names of the elements: the same data gives the same file.
    mpl.rcParams["svg.hashsalt"] = "opendalfs"
    mpl.rcParams["font.family"] = "DejaVu Sans"
    from matplotlib.figure import Figure

    relative = times(cases)
    rows = [case for case in ROWS if case in relative]
    figure = Figure(figsize=(9, 1.5 + 0.38 * len(rows)), facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot(facecolor=PAPER)
    axes.set_xscale("log")
    values = [value for case in rows for value in relative[case].values()]
    axes.set_xlim(min(0.5, 0.85 * min(values)), max(2, 1.2 * max(values)))
    axes.set_ylim(len(rows) - 0.4, -0.6)

    for row in range(len(rows)):
        axes.axhline(row, color=FAINT, linewidth=0.8, zorder=1)
    axes.axvline(1, color=OUR_COLOUR, linewidth=2.5, zorder=2)
    heights = {case: dodged(relative[case], axes.get_xlim()) for case in rows}
    for name, (colour, marker) in STYLES.items():
        points = [
            (relative[case][name], row + heights[case][name])
            for row, case in enumerate(rows)
            if name in relative[case]
        ]
        if not points:
            continue
        line = marker == "|"
        axes.scatter(
            *zip(*points, strict=True),
            s=130 if line else 62,
            marker=marker,
            color=colour,
            linewidths=2 if line else 0.8,
            edgecolors=None if line else PAPER,
            label="bare HTTP client" if name == "bare" else name,
            zorder=3,
        )
    axes.scatter(
        [1] * len(rows),
        range(len(rows)),
        s=95,
        color=OUR_COLOUR,
        edgecolors=PAPER,
        linewidths=0.8,
        label=OURS,
        zorder=4,
    )
    label(axes, rows)
    legend(figure, axes)
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)


def times(cases: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the median times of the others by case, in times of opendalfs."""
    found = {}
    for case, results in cases.items():
        medians = targets.medians(results, "wall")
        ours = medians.pop(OURS, None)
        # One mark for the floor: the faster of its two forms.
        floor = [medians.pop(name) for name in targets.FLOOR if name in medians]
        if floor:
            medians["bare"] = min(floor)
        if ours:
            found[case] = {name: value / ours for name, value in medians.items()}
    return found


def dodged(values: Mapping[str, float], limits: tuple[float, float]) -> dict[str, float]:
    """Return how far above or below its row each mark goes, so that none hides another."""
    width = math.log(limits[1] / limits[0])
    placed = [(0.0, 0.0)]  # the mark of opendalfs, at 1
    heights = {}
    for name, value in sorted(values.items(), key=lambda item: abs(math.log(item[1]))):
        position = math.log(value) / width
        near = {height for other, height in placed if abs(other - position) < 0.02}
        heights[name] = next((h for h in (0.0, -0.32, 0.32) if h not in near), 0.0)
        placed.append((position, heights[name]))
    return heights


def label(axes: Any, rows: list[str]) -> None:
    """Name the rows, and mark round ratios."""
    low, high = axes.get_xlim()
    ticks = [tick for tick in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64) if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}x" for tick in ticks], color=INK)
    axes.minorticks_off()
    axes.set_yticks(range(len(rows)), [ROWS[case] for case in rows], color=INK)
    axes.grid(axis="x", color=FAINT, linewidth=0.8, zorder=0)
    axes.tick_params(length=0, labelsize=9.5, pad=6)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(
        "faster  \u2190   time of the same work on S3, relative to opendalfs   \u2192  slower",
        color=INK,
        fontsize=9.5,
        labelpad=8,
    )


def legend(figure: Any, axes: Any) -> None:
    """Say above the plot whose mark is which, opendalfs first."""
    handles, names = axes.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda index: names[index] != OURS)
    figure.legend(
        [handles[index] for index in order],
        [names[index] for index in order],
        loc="outside upper center",
        ncols=len(names),
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
        handletextpad=0.1,
        columnspacing=1.2,
    )
