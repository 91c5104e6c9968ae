"""A transaction's own writes, laid over the state that it began with.

Nothing reaches the engine before the body has returned, and a body that raises leaves nothing
behind. Reads see the body's writes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from haar.store.api import KEY_BYTES_MAX, VALUE_BYTES_MAX, Row, RowTooLarge, Span

_COUNTER_BYTES = 8


class ReadOnly(Exception):
    """A body that was to read tried to write: a bug of ours."""


class Ground(Protocol):
    """The state below the writes."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of ``key``, or None."""
        ...

    def rows(self, span: Span, *, reverse: bool) -> Iterator[Row]:
        """Yield the rows of ``span`` in key order, or against it."""
        ...


class ReadTransaction:
    """Reads a state; writes are a bug of ours."""

    __slots__ = ("_ground", "get")

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.get = ground.get

    def scan(self, span: Span, *, limit: int | None = None, reverse: bool = False) -> Iterator[Row]:
        """Yield the rows of ``span``."""
        return islice(self._ground.rows(span, reverse=reverse), limit)

    def put(self, key: bytes, value: bytes) -> None:
        """Refuse."""
        raise ReadOnly(key, value)

    def clear(self, key: bytes) -> None:
        """Refuse."""
        raise ReadOnly(key)

    def delete(self, span: Span) -> None:
        """Refuse."""
        raise ReadOnly(span)

    def add(self, key: bytes, delta: int) -> None:
        """Refuse."""
        raise ReadOnly(key, delta)

    def put_versioned(self, prefix: bytes, value: bytes) -> None:
        """Refuse."""
        raise ReadOnly(prefix, value)


class OverlayTransaction:
    """Reads a state and gathers writes.

    Attributes:
        writes: key → its new value, None where it was cleared.
        deleted: the spans that were deleted before ``writes``.
    """

    __slots__ = ("_ground", "_order", "_version", "deleted", "writes")

    def __init__(self, ground: Ground, version: int) -> None:
        self._ground = ground
        self._version = version
        self._order = 0
        self.writes: dict[bytes, bytes | None] = {}
        self.deleted: list[Span] = []

    @property
    def has_writes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.writes or self.deleted)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of ``key``, the body's own writes first."""
        writes = self.writes
        if key in writes:
            return writes[key]
        if self.deleted and self._is_deleted(key):
            return None
        return self._ground.get(key)

    def _is_deleted(self, key: bytes) -> bool:
        return any(span.start <= key < span.end for span in self.deleted)

    def scan(self, span: Span, *, limit: int | None = None, reverse: bool = False) -> Iterator[Row]:
        """Yield the rows of ``span``, the body's own writes among them."""
        below = self._ground.rows(span, reverse=reverse)
        if not self.has_writes:
            return islice(below, limit)
        ours = sorted((key for key in self.writes if span.start <= key < span.end), reverse=reverse)
        if self.deleted:
            below = (row for row in below if not self._is_deleted(row.key))
        return islice(self._merge(ours, below, reverse=reverse), limit)

    def _merge(self, ours: list[bytes], below: Iterator[Row], *, reverse: bool) -> Iterator[Row]:
        at = 0
        # The values as the scan began: the body may write on while it iterates.
        values = [self.writes[key] for key in ours]
        for row in below:
            while at < len(ours) and (ours[at] > row.key if reverse else ours[at] < row.key):
                yield from _present(ours[at], values[at])
                at += 1
            if at < len(ours) and ours[at] == row.key:
                yield from _present(ours[at], values[at])
                at += 1
            else:
                yield row
        for key, value in zip(ours[at:], values[at:], strict=True):
            yield from _present(key, value)

    def changes(self, key: bytes) -> bool:
        """Tell whether the transaction changes a key."""
        return key in self.writes or self._is_deleted(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of ``key``."""
        if not 0 < len(key) <= KEY_BYTES_MAX or len(value) > VALUE_BYTES_MAX:
            raise RowTooLarge(f"a key of {len(key)} and a value of {len(value)} bytes")
        self.writes[key] = value

    def clear(self, key: bytes) -> None:
        """Remove ``key``."""
        self.writes[key] = None

    def delete(self, span: Span) -> None:
        """Remove every row of ``span``, the body's own among them."""
        if span.start >= span.end:
            return  # engines take it for an error
        for key in [key for key in self.writes if span.start <= key < span.end]:
            del self.writes[key]
        self.deleted.append(span)

    def add(self, key: bytes, delta: int) -> None:
        """Add to the counter at ``key``."""
        old = int.from_bytes(self.get(key) or b"", "little", signed=True)
        self.put(key, (old + delta).to_bytes(_COUNTER_BYTES, "little", signed=True))

    def put_versioned(self, prefix: bytes, value: bytes) -> None:
        """Set the value of ``prefix`` + commit version (8 bytes) + order in it (2 bytes)."""
        suffix = self._version.to_bytes(8, "big") + self._order.to_bytes(2, "big")
        self._order += 1
        self.put(prefix + suffix, value)


def _present(key: bytes, value: bytes | None) -> Iterator[Row]:
    if value is not None:
        yield Row(key, value)
