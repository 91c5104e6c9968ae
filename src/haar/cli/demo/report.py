"""The end of the story: answers beside what they must be, and how fast each step was."""

from __future__ import annotations

from collections import Counter

from rich import box
from rich.columns import Columns
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table

from haar.cli.demo.flights import AIRPORT, Answers
from haar.cli.demo.steps import Step

PAIRS = 12
ROUTES = 5
RIGHT = "[green]✓[/]"
WRONG = "[bold red]differs[/]"


def show(console: Console, expected: Answers, found: Answers, steps: list[Step]) -> int:
    """Print the tables and return how many figures differ.

    They stand side by side where the terminal is wide enough.
    """
    tallies, wrong_pairs = _tallies(expected, found)
    totals, wrong_totals = _totals(expected, found)
    console.print()
    others = Group(_routes(found), totals, _speeds(steps))
    console.print(Padding(Columns([tallies, others], padding=(0, 2)), (0, 0, 0, 2)))
    return wrong_pairs + wrong_totals


def _table(title: str, *headings: str, right: int) -> Table:
    """Return an empty table whose last ``right`` columns are figures."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for at, heading in enumerate(headings):
        is_figure = at >= len(headings) - right
        table.add_column(heading, justify="right" if is_figure else "left", no_wrap=is_figure)
    return table


def _tallies(expected: Answers, found: Answers) -> tuple[Table, int]:
    """Return the largest pairs and all that differ, and how many differ."""
    headings = ("airline", "from", "flights", "arrived", "mean delay", "")
    table = _table("Delay on arrival, by airline and airport (DynamoDB)", *headings, right=4)
    pairs = sorted(expected.tallies.items(), key=lambda item: -item[1]["flights"])
    wrong = left = 0
    for place, (pair, right) in enumerate(pairs):
        counts = found.tallies.get(pair, Counter())
        is_right = all(counts[name] == right[name] for name in right)
        wrong += not is_right
        if is_right and place >= PAIRS:
            left += 1
            continue
        mean = counts["delay_minutes"] / max(counts["arrivals"], 1)
        figures = (f"{counts['flights']:,}", f"{counts['arrivals']:,}", f"{mean:.1f} min")
        table.add_row(*pair.split("#"), *figures, RIGHT if is_right else WRONG)
    if left:
        table.add_row(f"{left} more", "", "", "", "", RIGHT)
    return table, wrong


def _totals(expected: Answers, found: Answers) -> tuple[Table, int]:
    table = _table("Against the same figures from the CSV alone", "", "haar", "CSV", "", right=3)
    rows = [
        ("flights counted", found.flights, expected.flights),
        ("over three hours late", found.late, expected.late),
        (f"of those from {AIRPORT}", len(found.late_here), len(expected.late_here)),
        ("their minutes", _minutes(found), _minutes(expected)),
        ("routes named alike", _alike(found, expected), len(expected.late_here)),
        ("airline and airport pairs", _pairs(found), len(expected.tallies)),
    ]
    for name, ours, theirs in rows:
        table.add_row(name, f"{ours:,}", f"{theirs:,}", RIGHT if ours == theirs else WRONG)
    return table, sum(ours != theirs for _, ours, theirs in rows)


def _minutes(answers: Answers) -> int:
    return sum(minutes for minutes, _ in answers.late_here.values())


def _alike(found: Answers, expected: Answers) -> int:
    return sum(found.late_here.get(key) == value for key, value in expected.late_here.items())


def _pairs(found: Answers) -> int:
    return sum(bool(counts) for counts in found.tallies.values())


def _routes(found: Answers) -> Table:
    table = _table(f"Most often so late from {AIRPORT} (the pipe's names)", "", "", right=1)
    table.show_header = False
    routes = Counter(route for _, route in found.late_here.values())
    for route, count in routes.most_common(ROUTES):
        table.add_row(route, f"{count:,}")
    return table


def _speeds(steps: list[Step]) -> Table:
    table = _table("How fast", "step", "how much", "per second", "seconds", right=3)
    for step in steps:
        table.add_row(step.name, step.amount, step.rate, f"{step.seconds:.1f}")
    return table
