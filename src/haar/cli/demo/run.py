"""Runs the demo in a haar of its own, from a fresh data directory to the exit status."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from haar.cli.demo import report
from haar.cli.demo.flights import FlightsMissing
from haar.cli.demo.process import DidNotStart, HaarProcess
from haar.cli.demo.story import DemoFailed, Story


def run(data: Path, *, crash: bool, rows: int | None) -> int:
    """Tell the story and return the exit status: 0 when every figure is right."""
    console = Console()
    haar = HaarProcess(data)
    try:
        story = Story(haar, console, crash=crash, rows=rows)
        console.print(f"haar at [bold]{haar.endpoint}[/], data in {data}")
        haar.start()
        found = story.tell()
    except (FlightsMissing, DidNotStart, DemoFailed) as error:
        console.print(f"[bold red]haar demo:[/] {error}")
        return 1
    finally:
        haar.stop()
    differing = report.show(console, story.expected, found, story.steps)
    if crash:
        console.print(f"haar was killed {story.crashes} times on the way.")
    verdict = (
        "[bold red]{} figures differ[/]" if differing else "[bold green]every figure is right[/]"
    )
    console.print(verdict.format(differing))
    return 1 if differing or (crash and story.crashes < 2) else 0
