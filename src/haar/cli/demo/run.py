"""Runs the demo in a haar of its own, from a fresh data directory to the exit status."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from haar.cli.demo import flights, report
from haar.cli.demo.flights import FlightsMissing
from haar.cli.demo.process import DidNotStart, HaarProcess
from haar.cli.demo.steps import Steps
from haar.cli.demo.story import DemoFailed, Story

CRASHES = 2


def run(data: Path, *, crash: bool, rows: int | None) -> int:
    """Tell the story and return the exit status: 0 when every figure is right."""
    console = Console()
    try:
        content = flights.text(rows)
        expected = flights.compute(content)
    except FlightsMissing as error:
        return _failed(console, error)
    console.print(f"[bold]haar demo[/]: {expected.flights:,} flights that left New York in 2013")
    haar, start = HaarProcess(data), time.monotonic()
    steps = Steps(console)
    story = Story(haar, steps, content, expected, crash=crash)
    try:
        haar.start()
        console.print(
            f"  up at {haar.endpoint} after {time.monotonic() - start:.1f} s", style="dim"
        )
        found = story.tell()
    except (DidNotStart, DemoFailed) as error:
        return _failed(console, error)
    finally:
        haar.stop()
    differing = report.show(console, expected, found, steps.done)
    return _verdict(console, differing, story.crashes if crash else None)


def _failed(console: Console, error: Exception) -> int:
    console.print(f"[bold red]haar demo:[/] {error}")
    return 1


def _verdict(console: Console, differing: int, crashes: int | None) -> int:
    """Say how it ended and return the exit status; ``crashes`` is None where none was wanted."""
    if differing:
        console.print(f"[bold red]{differing} figures differ.[/]")
        return 1
    if crashes is not None and crashes < CRASHES:
        console.print(f"[bold red]haar was killed {crashes} times, not {CRASHES}.[/]")
        return 1
    survived = f" though haar was killed {crashes} times" if crashes else ""
    console.print(f"[bold green]Every figure is right{survived}.[/]")
    return 0
