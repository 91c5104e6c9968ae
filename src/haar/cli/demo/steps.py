"""The long steps of the story as they are seen: a bar on a terminal, lines in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

FIGURES_WIDTH = 35
LOGGED_PARTS = 4
"""A log has a line for each quarter of a step."""


@dataclass(frozen=True, slots=True)
class Step:
    """How a step went: what it did, how much of what, and in how many seconds."""

    name: str
    count: int
    unit: str
    seconds: float

    @property
    def amount(self) -> str:
        """How much was done, with its unit."""
        return amount(self.count, self.unit)

    @property
    def rate(self) -> str:
        """How much was done in a second."""
        return rate(self.count, self.unit, self.seconds)


def amount(count: float, unit: str) -> str:
    """Return a count as people read it."""
    return f"{count / 1e6:,.1f} MB" if unit == "bytes" else f"{count:,.0f} {unit}"


def rate(count: float, unit: str, seconds: float) -> str:
    """Return a count per second as people read it."""
    a_second = count / max(seconds, 1e-9)
    return f"{a_second / 1e6:,.1f} MB/s" if unit == "bytes" else f"{a_second:,.0f}/s"


class _Figures(ProgressColumn):
    """How much, how fast, how long: each right-aligned, so that the steps stand in columns."""

    def render(self, task: Task) -> Text:
        """Return the figures of a task."""
        unit, seconds = task.fields["unit"], task.elapsed or 0.0
        told = Text(f"{amount(task.completed, unit):>16}")
        told.append(f" {rate(task.completed, unit, seconds):>10}", style="cyan")
        return told.append(f" {seconds:>5.1f} s", style="dim")


class Steps:
    """Shows steps and keeps how they went.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.done: list[Step] = []

    @contextmanager
    def step(self, name: str, count: int, unit: str) -> Generator[Callable[[int], None]]:
        """Show a step while it is worked on; what it yields is told of each bit of progress."""
        start = time.monotonic()
        show = self._bar if self.console.is_terminal else self._lines
        with show(name, count, unit) as advance:
            yield advance
        self.done.append(Step(name, count, unit, time.monotonic() - start))

    @contextmanager
    def _bar(self, name: str, count: int, unit: str) -> Generator[Callable[[int], None]]:
        columns = (
            TextColumn("  {task.description:<20}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            _Figures(table_column=Column(no_wrap=True, min_width=FIGURES_WIDTH)),
        )
        with Progress(*columns, console=self.console, expand=True) as progress:
            task = progress.add_task(name, total=count, unit=unit)
            yield lambda more: progress.advance(task, more)
            progress.update(task, completed=count)

    @contextmanager
    def _lines(self, name: str, count: int, unit: str) -> Generator[Callable[[int], None]]:
        start, done, told = time.monotonic(), 0, 0

        def advance(more: int) -> None:
            nonlocal done, told
            done += more
            part = LOGGED_PARTS * done // max(count, 1)
            if told < part < LOGGED_PARTS:
                told = part
                self._line(name, done, count, unit, time.monotonic() - start)

        yield advance
        self._line(name, count, count, unit, time.monotonic() - start)

    def _line(self, name: str, done: int, count: int, unit: str, seconds: float) -> None:
        share = 100 * done // max(count, 1)
        self.console.print(
            f"  {name:<20} {share:>3} % {amount(done, unit):>16} "
            f"{rate(done, unit, seconds):>10} {seconds:>5.1f} s",
            highlight=False,
        )
