"""One command, one table: haar, the ceiling and the peers, measured in the same run.

``make bench`` prints the table and writes it between the marks of ``docs/performance.md``. Each
load is measured on every server in turn, several times over, and the medians are told, because a
shared machine drifts. Read the ratios and the CPU, not the rates.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import ClientError

import disk
import maps
import overload
import scale
import stalls
import start
from measures import LOADS, Figure, Load, measure, measure_ceiling
from servers import Server, running

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- bench begins -->", "<!-- bench ends -->"
HEAD = (
    "| 32 connections | server | per second | CPU µs | p50 ms | p99 ms | of the ceiling | haar is |"
)


def median(figures: list[Figure]) -> Figure:
    """Return the medians of several runs."""
    return Figure(
        *(statistics.median(column) for column in zip(*map(astuple, figures), strict=True))
    )


def astuple(figure: Figure) -> tuple[float, float, float, float]:
    """Return the parts of a figure."""
    return figure.per_second, figure.cpu_us, figure.p50_ms, figure.p99_ms


def run_load(load: Load, rounds: int, scratch: Path) -> dict[str, Figure]:
    """Return server → medians of a load over several rounds, the ceiling under ``ceiling``."""
    found: dict[str, list[Figure]] = {}
    for _ in range(rounds):
        for name in ("ceiling", *load.servers):
            data = scratch / f"{load.name}-{name}-{time.monotonic_ns()}"
            with running(name, data) as server:
                if server is not None:
                    found.setdefault(name, []).append(_figure(server, load))
    return {name: median(figures) for name, figures in found.items()}


def _figure(server: Server, load: Load) -> Figure:
    if server.name == "ceiling":
        return measure_ceiling(server, load)
    try:
        return measure(server, load)
    except (RuntimeError, ClientError) as err:
        if server.name == "haar":
            raise
        print(f"{load.name}: {server.name} does not do it: {str(err)[:200]}", file=sys.stderr)
        return Figure(math.nan, math.nan, math.nan, math.nan)


def rows_of(load: Load, found: dict[str, Figure]) -> list[str]:
    """Return the lines of the table for one load."""
    top = found["ceiling"]
    lines = []
    for name, figure in found.items():
        if math.isnan(figure.per_second):
            lines.append(f"| {load.name} | {name} | answers wrongly | | | | | |")
            continue
        share = figure.per_second / top.per_second * 100
        ours = found["haar"].per_second / figure.per_second
        lines.append(
            f"| {load.name} | {name} | {figure.per_second:,.0f} | {figure.cpu_us:,.0f} "
            f"| {figure.p50_ms:.1f} | {figure.p99_ms:.1f} | {share:.0f} % | {ours:.1f} times |"
        )
    return lines


def main() -> None:
    """Measure, print, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="a regular expression of figures' names")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    asked = parser.parse_args()
    wanted: Callable[[str], object] = re.compile(asked.only or "").search
    lines = [HEAD, "|---|---|--:|--:|--:|--:|--:|--:|"]
    with tempfile.TemporaryDirectory(prefix="haar-bench-") as scratch:
        for load in LOADS:
            if wanted(load.name):
                lines += rows_of(load, run_load(load, asked.rounds, Path(scratch)))
        lines += ["", "| figure | |", "|---|--:|"]
        if wanted("start"):
            lines += start.figures(asked.rounds, Path(scratch))
        if wanted("map"):
            lines += maps.figures(asked.rounds, Path(scratch))
        if wanted("scale"):
            lines += scale.figures(Path(scratch))
        if wanted("disk"):
            lines += disk.figures(Path(scratch))
        if wanted("stalls"):
            lines += stalls.figures(Path(scratch))
        if wanted("overload"):
            lines += overload.figures(Path(scratch))
    table = "\n".join(lines)
    print(table)
    if asked.write:
        page = PAGE.read_text()
        before, _, rest = page.partition(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + table + "\n" + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
