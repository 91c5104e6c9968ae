"""Lambda function: tell the airline's and the airports' names of flights (a pipe's enrichment).

The event is a list of ``{"flight": {...}}``; the answer is a list of the flights, in order, with
names beside the codes. The names come with the function's zip.
"""

import csv
import pathlib
from typing import Any

HERE = pathlib.Path(__file__).parent


def load(name: str, key: str) -> dict[str, str]:
    """Return code → name of a CSV beside this file."""
    with (HERE / name).open(newline="") as file:
        return {row[key]: row["name"] for row in csv.DictReader(file)}


AIRLINES = load("airlines.csv", "carrier")
AIRPORTS = load("airports.csv", "faa")


def handler(event: list[dict[str, Any]], context: object) -> list[dict[str, Any]]:
    """Return each flight with its names; a code without a name stays a code."""
    del context
    return [named(element["flight"]) for element in event]


def named(flight: dict[str, Any]) -> dict[str, Any]:
    """Return one flight with its names."""
    return {
        **flight,
        "airline": AIRLINES.get(flight["carrier"], flight["carrier"]),
        "from": AIRPORTS.get(flight["origin"], flight["origin"]),
        "to": AIRPORTS.get(flight["dest"], flight["dest"]),
    }
