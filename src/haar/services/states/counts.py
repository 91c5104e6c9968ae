"""Counters of a Map Run, per status and in all, of executions and of items.

Each is a blind counter of the store, so that children which end at once do not conflict:
``executions/<status>`` and ``items/<status>`` for the closed ones; ``executions/started`` and
``items/started`` for all. Those that run are the difference. ``ended`` counts every change of a
child's status: it is what the Map Run's worker watches.
"""

from __future__ import annotations

from typing import NamedTuple

from haar.services.states import keys
from haar.store.api import Transaction

ENDED = "ended"
CLOSED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class Tally(NamedTuple):
    """How many executions, or items, have which status."""

    started: int
    succeeded: int
    failed: int
    timed_out: int
    aborted: int

    @property
    def running(self) -> int:
        """Those that were started and have not ended."""
        return self.started - self.succeeded - self.failed - self.timed_out - self.aborted

    @property
    def failures(self) -> int:
        """Those that count against the tolerated ones."""
        return self.failed + self.timed_out


def read(tx: Transaction, run: str, unit: str) -> Tally:
    """Return the tally of ``executions`` or ``items``."""
    return Tally(*(_value(tx, run, f"{unit}/{what}") for what in ("started", *CLOSED)))


def _value(tx: Transaction, run: str, what: str) -> int:
    raw = tx.get(keys.count(run, what))
    return int.from_bytes(raw, "little", signed=True) if raw else 0


def add(tx: Transaction, run: str, what: str, *, executions: int, items: int) -> None:
    """Count executions and their items under ``started`` or a closed status."""
    tx.add(keys.count(run, f"executions/{what}"), executions)
    tx.add(keys.count(run, f"items/{what}"), items)
    if what != "started":
        tx.add(keys.count(run, ENDED), executions)
