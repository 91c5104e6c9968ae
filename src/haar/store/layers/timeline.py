"""A timeline: things with a due time, found in its order, each once by its name.

============================  =====================================================
key                           value
============================  =====================================================
``due, DUE_MS, NAME``         the thing's bytes
``name, NAME``                its due time: 8 bytes, big-endian
``floor``                     a due time: 8 bytes, big-endian; absent for 0
============================  =====================================================

Putting a name again moves it. Taking the head costs one seek and a row a thing. Rows that are gone
lie before the head, and an ordered store walks over them until it is compacted: so whoever takes
much raises the floor, below which the head is not looked for. Putting a thing below lowers it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from haar.store import tuples
from haar.store.api import Span, Transaction
from haar.store.subspace import Subspace
from haar.store.tuples import Element


class Entry(NamedTuple):
    """One thing on a timeline."""

    due_ms: int
    name: str
    value: bytes


class Timeline:
    """A timeline below a tuple.

    Args:
        elements: of its place in the key space.
    """

    __slots__ = ("_due", "_floor", "_name")

    def __init__(self, *elements: Element) -> None:
        self._due = Subspace(*elements, "due")
        self._name = Subspace(*elements, "name")
        self._floor = tuples.pack(*elements, "floor")

    def put(self, tx: Transaction, name: str, due_ms: int, value: bytes) -> None:
        """Set a thing's due time and bytes."""
        self.remove(tx, name)
        tx.put(self._due.pack(due_ms, name), value)
        tx.put(self._name.pack(name), due_ms.to_bytes(8, "big"))
        if due_ms < self.floor(tx):
            self.set_floor(tx, due_ms)

    def floor(self, tx: Transaction) -> int:
        """Return the due time before which the head is not looked for."""
        return int.from_bytes(tx.get(self._floor) or b"", "big")

    def set_floor(self, tx: Transaction, due_ms: int) -> None:
        """Look for the head from ``due_ms`` on: whatever lies before is the caller's to know."""
        tx.put(self._floor, due_ms.to_bytes(8, "big"))

    def remove(self, tx: Transaction, name: str) -> bool:
        """Remove a thing; return whether it was there."""
        key = self._name.pack(name)
        found = tx.get(key)
        if found is None:
            return False
        tx.clear(key)
        tx.clear(self._due.pack(int.from_bytes(found, "big"), name))
        return True

    def find(self, tx: Transaction, name: str) -> Entry | None:
        """Return a thing by its name."""
        found = tx.get(self._name.pack(name))
        if found is None:
            return None
        due_ms = int.from_bytes(found, "big")
        value = tx.get(self._due.pack(due_ms, name))
        assert value is not None, "a name and its due row are written together"
        return Entry(due_ms, name, value)

    def head(
        self, tx: Transaction, *, limit: int, from_ms: int = 0, until_ms: int | None = None
    ) -> Iterator[Entry]:
        """Yield the things due earliest, ``limit`` at most.

        Args:
            tx: the transaction.
            limit: how many at most.
            from_ms: nothing due earlier than this, or than the floor.
            until_ms: nothing due later than this; None for no end.
        """
        start = self._due.pack(max(from_ms, self.floor(tx)))
        whole = self._due.span()
        end = whole.end if until_ms is None else self._due.pack(until_ms + 1)
        for key, value in tx.scan(Span(start, end), limit=limit):
            due_ms, name = self._due.unpack(key)
            assert isinstance(due_ms, int), "the key table says so"
            assert isinstance(name, str), "the key table says so"
            yield Entry(due_ms, name, value)
