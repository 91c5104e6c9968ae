"""Snapshots of RocksDB that scans see, too.

A snapshot of rocksdict answers ``get`` with its own state, but its iterators walk over the newest
rows: they ignore it (0.3.29). So a scan of a snapshot is put together from what is right:

====================  ==========================================================================
rows of the span      come from
====================  ==========================================================================
written since         the snapshot's ``get``, key by key
deleted since         a cursor made just before the span was deleted: it stays at that state
all others            the newest rows
====================  ==========================================================================

Little is written between a snapshot and the end of the next sync, and mostly nothing of it lies in
the span: then a scan is one walk over the newest rows.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from rocksdict import Rdict, ReadOptions, Snapshot

from haar.store.api import Row, Span, StoreDamaged
from haar.store.overlay import Ground, OverlayTransaction

CHUNK_ROWS = 64


class Newest(Ground):
    """Everything committed: what later transactions see."""

    def __init__(self, db: Rdict) -> None:
        self._db = db

    def get(self, key: bytes) -> bytes | None:
        """Return the value of ``key``, or None."""
        try:
            value: bytes | None = self._db.get(key)
        except Exception as err:  # rocksdict raises bare Exception
            raise StoreDamaged(str(err)) from err
        return value

    def rows(self, span: Span, *, reverse: bool) -> Iterator[Row]:
        """Yield the rows of ``span`` in key order, or against it."""
        return walk(cursor_of(self._db, span), span, reverse=reverse)


class Lost(NamedTuple):
    """The rows of a span as they were just before it was deleted."""

    span: Span
    cursor: Any

    def rows(self, span: Span, *, reverse: bool) -> Iterator[Row]:
        """Yield the rows in both spans; several scans may share the cursor."""
        left = Span(max(span.start, self.span.start), min(span.end, self.span.end))
        while left.start < left.end:
            chunk: list[Row] = []
            for row in walk(self.cursor, left, reverse=reverse):
                chunk.append(row)
                if len(chunk) == CHUNK_ROWS:
                    break
            yield from chunk
            if len(chunk) < CHUNK_ROWS:
                return
            last = chunk[-1].key
            left = Span(left.start, last) if reverse else Span(last + b"\x00", left.end)


class Fixed(Ground):
    """The state at the moment it is made: what readers see.

    Args:
        db: the database.
    """

    def __init__(self, db: Rdict) -> None:
        self._snapshot: Snapshot = db.snapshot()
        self._newest = Newest(db)
        self._written: list[OverlayTransaction] = []
        self._lost: list[Lost] = []

    def note(self, commits: list[OverlayTransaction], lost: list[Lost]) -> None:
        """Note what is about to be written, and the rows that it deletes by spans."""
        self._written += commits
        self._lost += lost

    def get(self, key: bytes) -> bytes | None:
        """Return the value of ``key``, or None."""
        snapshot: Any = self._snapshot
        try:
            value: bytes = snapshot[key]
        except Exception as err:  # rocksdict has no class of its own for an absent key
            if str(err) != "key not found":
                raise StoreDamaged(str(err)) from err
            return None
        return value

    def rows(self, span: Span, *, reverse: bool) -> Iterator[Row]:
        """Yield the rows of ``span`` in key order, or against it."""
        newest = self._newest.rows(span, reverse=reverse)
        changed = set(chain.from_iterable(_inside(tx, span) for tx in self._written))
        lost = [one for one in self._lost if _overlap(one.span, span)]
        if not changed and not lost:
            return newest
        sources = [newest, *(one.rows(span, reverse=reverse) for one in lost)]
        untouched = [_without(source, changed) for source in sources]
        restored = self._restored(sorted(changed, reverse=reverse))
        return heapq.merge(restored, *untouched, reverse=reverse)

    def _restored(self, keys: list[bytes]) -> Iterator[Row]:
        for key in keys:
            value = self.get(key)
            if value is not None:
                yield Row(key, value)


def _inside(tx: OverlayTransaction, span: Span) -> list[bytes]:
    start, end = span
    return [key for key in tx.writes if start <= key < end]


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _without(rows: Iterator[Row], keys: set[bytes]) -> Iterator[Row]:
    return (row for row in rows if row.key not in keys)


def cursor_of(db: Rdict, span: Span) -> Any:
    """Return a cursor at the state of now; its bound keeps it off others' tombstones.

    There is no lower bound: rocksdict 0.3 sets the upper one in its place.
    """
    options = ReadOptions()
    options.set_iterate_upper_bound(span.end)
    return db.iter(options)


def walk(cursor: Any, span: Span, *, reverse: bool) -> Iterator[Row]:
    """Yield the rows of a span that a cursor finds; its own bound may lie behind the span's end."""
    if reverse:
        cursor.seek_for_prev(span.end)
        if cursor.valid() and cursor.key() == span.end:
            cursor.prev()
        step = cursor.prev
    else:
        cursor.seek(span.start)
        step = cursor.next
    start, end, valid, key, value = *span, cursor.valid, cursor.key, cursor.value
    while valid():
        found = key()
        if found < start or found >= end:
            break
        yield Row(found, value())
        step()
    try:
        cursor.status()  # raises if the walk ended by an error and not by the span's end
    except Exception as err:  # rocksdict raises bare Exception
        raise StoreDamaged(str(err)) from err
