"""The end of the story: answers beside what they must be, and how fast each step was."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table

from haar.cli.demo.flights import AIRPORT, Answers
from haar.cli.demo.story import Step

ROUTES = 5


def show(console: Console, expected: Answers, found: Answers, steps: list[Step]) -> int:
    """Print the tables and return how many figures differ."""
    differing = _show_tallies(console, expected, found)
    differing += _show_totals(console, expected, found)
    _show_routes(console, found)
    _show_steps(console, steps)
    return differing


def _show_tallies(console: Console, expected: Answers, found: Answers) -> int:
    table = Table(title="Mean delay on arrival, by airline and airport (DynamoDB)")
    for heading in ("airline", "from"):
        table.add_column(heading)
    for heading in ("flights", "arrived", "minutes late", ""):
        table.add_column(heading, justify="right")
    differing = 0
    for pair, right in sorted(expected.tallies.items(), key=lambda item: -item[1]["flights"]):
        counts = found.tallies.get(pair, Counter())
        is_right = all(counts[name] == right[name] for name in right)
        differing += not is_right
        airline, origin = pair.split("#")
        mean = counts["delay_minutes"] / max(counts["arrivals"], 1)
        figures = (f"{counts['flights']:,}", f"{counts['arrivals']:,}", f"{mean:.1f}")
        table.add_row(airline, origin, *figures, _mark(is_right=is_right))
    console.print(table)
    return differing


def _show_totals(console: Console, expected: Answers, found: Answers) -> int:
    table = Table(title="Totals, against the same figures computed from the CSV alone")
    table.add_column("figure")
    for heading in ("haar", "CSV", ""):
        table.add_column(heading, justify="right")
    rows = [
        ("flights counted", found.flights, expected.flights),
        ("more than three hours late", found.late, expected.late),
        (
            f"of those, from {AIRPORT}: through the pipe",
            len(found.late_here),
            len(expected.late_here),
        ),
        ("their minutes", _minutes(found), _minutes(expected)),
        ("routes named alike", _alike(found, expected), len(expected.late_here)),
        ("airline and airport pairs", len(found.tallies), len(expected.tallies)),
    ]
    for name, ours, theirs in rows:
        table.add_row(name, f"{ours:,}", f"{theirs:,}", _mark(is_right=ours == theirs))
    console.print(table)
    return sum(ours != theirs for _, ours, theirs in rows)


def _minutes(answers: Answers) -> int:
    return sum(minutes for minutes, _ in answers.late_here.values())


def _alike(found: Answers, expected: Answers) -> int:
    return sum(found.late_here.get(key) == value for key, value in expected.late_here.items())


def _show_routes(console: Console, found: Answers) -> None:
    table = Table(title=f"Most often more than three hours late from {AIRPORT} (the pipe's names)")
    table.add_column("route")
    table.add_column("flights", justify="right")
    routes = Counter(route for _, route in found.late_here.values())
    for route, count in routes.most_common(ROUTES):
        table.add_row(route, str(count))
    console.print(table)


def _show_steps(console: Console, steps: list[Step]) -> None:
    table = Table(title="How fast")
    table.add_column("step")
    for heading in ("seconds", "how much", "per second"):
        table.add_column(heading, justify="right")
    for step in steps:
        rate = step.count / max(step.seconds, 1e-9)
        amount = f"{step.count:,} {step.unit}"
        table.add_row(step.name, f"{step.seconds:.1f}", amount, f"{rate:,.0f}")
    console.print(table)


def _mark(*, is_right: bool) -> str:
    return "[green]✓[/]" if is_right else "[bold red]differs[/]"
