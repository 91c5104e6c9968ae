"""A timeline: things with a due time, found in its order, each once by its name.

============================  =====================================================
key                           value
============================  =====================================================
``due, DUE_MS, NAME``         the thing's bytes
``name, NAME``                its due time: 8 bytes, big-endian
============================  =====================================================

Putting a name again moves it. Taking the head costs one seek and a row a thing; rows that are gone
lie before the head, so whoever takes much keeps the due time of the head and scans from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

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

    __slots__ = ("_space",)

    def __init__(self, *elements: Element) -> None:
        self._space = Subspace(*elements)

    def put(self, tx: Transaction, name: str, due_ms: int, value: bytes) -> None:
        """Set a thing's due time and bytes."""
        self.remove(tx, name)
        tx.put(self._space.pack("due", due_ms, name), value)
        tx.put(self._space.pack("name", name), due_ms.to_bytes(8, "big"))

    def remove(self, tx: Transaction, name: str) -> bool:
        """Remove a thing; return whether it was there."""
        key = self._space.pack("name", name)
        found = tx.get(key)
        if found is None:
            return False
        tx.clear(key)
        tx.clear(self._space.pack("due", int.from_bytes(found, "big"), name))
        return True

    def find(self, tx: Transaction, name: str) -> Entry | None:
        """Return a thing by its name."""
        found = tx.get(self._space.pack("name", name))
        if found is None:
            return None
        due_ms = int.from_bytes(found, "big")
        value = tx.get(self._space.pack("due", due_ms, name))
        assert value is not None, "a name and its due row are written together"
        return Entry(due_ms, name, value)

    def head(
        self, tx: Transaction, *, limit: int, from_ms: int = 0, until_ms: int | None = None
    ) -> Iterator[Entry]:
        """Yield the things due earliest, ``limit`` at most.

        Args:
            tx: the transaction.
            limit: how many at most.
            from_ms: nothing is known to be due earlier; spares walking over what is gone.
            until_ms: nothing due later than this; None for no end.
        """
        start = self._space.pack("due", from_ms)
        whole = self._space.span("due")
        end = whole.end if until_ms is None else self._space.pack("due", until_ms + 1)
        for key, value in tx.scan(Span(start, end), limit=limit):
            _, due_ms, name = self._space.unpack(key)
            assert isinstance(due_ms, int), "the key table says so"
            assert isinstance(name, str), "the key table says so"
            yield Entry(due_ms, name, value)
