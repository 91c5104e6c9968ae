"""Figures of the calls that were answered, as Prometheus reads them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

BOUNDS_MS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000)
"""Upper bounds of the histogram; a last bucket takes what is longer."""

LINES_MAX = 10_000


class Figure(NamedTuple):
    """One value as a scrape shows it."""

    name: str
    kind: str
    sentence: str
    value: float


class Line:
    """The calls of one operation that ended with one code, by how long they took."""

    __slots__ = ("buckets", "took_ms")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_MS) + 1)
        self.took_ms = 0.0


class Figures:
    """Counts calls by service, operation and code."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, str], Line] = {}

    def count(self, service: str, operation: str, code: str, took_ms: float) -> None:
        """Count a call; ``code`` is empty where it succeeded."""
        key = (service, operation, code)
        line = self._lines.get(key)
        if line is None:
            line = self._open(key)
        line.buckets[bisect_left(BOUNDS_MS, took_ms)] += 1
        line.took_ms += took_ms

    def _open(self, key: tuple[str, str, str]) -> Line:
        if len(self._lines) >= LINES_MAX:
            key = ("other", "other", "other")
        return self._lines.setdefault(key, Line())

    def total(self, *, refused: bool = False) -> int:
        """Return how many calls were answered, or answered by an error."""
        lines = self._lines.items()
        return sum(sum(line.buckets) for key, line in lines if key[2] or not refused)

    def text(self) -> Iterator[str]:
        """Yield the lines of a scrape."""
        yield "# HELP haar_requests_total Calls answered, by operation and error code."
        yield "# TYPE haar_requests_total counter"
        for (service, operation, code), line in sorted(self._lines.items()):
            labels = f'service="{service}",operation="{operation}",code="{code or "OK"}"'
            yield f"haar_requests_total{{{labels}}} {sum(line.buckets)}"
        yield "# HELP haar_request_seconds Time from a request's arrival to its answer."
        yield "# TYPE haar_request_seconds histogram"
        for labels, line in sorted(self._by_operation().items()):
            yield from histogram(labels, line)

    def _by_operation(self) -> Mapping[str, Line]:
        merged: dict[str, Line] = {}
        for (service, operation, _), line in self._lines.items():
            into = merged.setdefault(f'service="{service}",operation="{operation}"', Line())
            into.buckets = [a + b for a, b in zip(into.buckets, line.buckets, strict=True)]
            into.took_ms += line.took_ms
        return merged


def histogram(labels: str, line: Line) -> Iterator[str]:
    """Yield a histogram's lines: cumulative counts, their sum, and how many."""
    below = 0
    for bound_ms, count in zip(BOUNDS_MS, line.buckets, strict=False):
        below += count
        yield f'haar_request_seconds_bucket{{{labels},le="{bound_ms / 1000:g}"}} {below}'
    total = sum(line.buckets)
    yield f'haar_request_seconds_bucket{{{labels},le="+Inf"}} {total}'
    yield f"haar_request_seconds_sum{{{labels}}} {line.took_ms / 1000:g}"
    yield f"haar_request_seconds_count{{{labels}}} {total}"


def plain(figures: Iterable[Figure]) -> Iterator[str]:
    """Yield the lines of figures without labels."""
    for name, kind, sentence, value in figures:
        yield f"# HELP {name} {sentence}"
        yield f"# TYPE {name} {kind}"
        yield f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
