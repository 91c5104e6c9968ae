"""The memory engine: a sorted map. The oracle of the tests, and the engine of ``haar.testing``.

Memory has no disk to lose, so a commit is durable at once: ``transact`` returns without waiting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from sortedcontainers import SortedDict

from haar.store.api import Row, Span, StoreStopped, Transaction
from haar.store.blobs import INLINE_BYTES_MAX, Blob
from haar.store.overlay import Ground, OverlayTransaction, ReadTransaction
from haar.store.watches import KeyWatch, Watches

T = TypeVar("T")

_PIECE_BYTES = 256 * 1024


class MemoryRows(Ground):
    """A state: a sorted map."""

    def __init__(self) -> None:
        self._map: Any = SortedDict()  # the package ships no types

    def get(self, key: bytes) -> bytes | None:
        """Return the value of ``key``, or None."""
        value: bytes | None = self._map.get(key)
        return value

    def rows(self, span: Span, *, reverse: bool) -> Iterator[Row]:
        """Yield the rows of ``span`` in key order, or against it."""
        if span.start >= span.end:
            return  # irange would turn the bounds around
        bounds = (span.start, span.end)
        for key in self._map.irange(*bounds, inclusive=(True, False), reverse=reverse):
            yield Row(key, self._map[key])

    def copy(self) -> MemoryRows:
        """Return a state of its own with the same rows."""
        other = MemoryRows()
        other._map = self._map.copy()
        return other

    def apply(self, tx: OverlayTransaction) -> None:
        """Make a transaction's writes part of the state."""
        rows = self._map
        for start, end in tx.deleted:
            for key in list(rows.irange(start, end, inclusive=(True, False))):
                del rows[key]
        for key, value in tx.writes.items():
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value


class MemoryStore:
    """Implements :class:`haar.store.api.Store` without a disk."""

    def __init__(self) -> None:
        self._rows = MemoryRows()
        self._version = 0
        self._is_closed = False
        self._watches = Watches()

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the state and return its result."""
        self._check()
        return body(ReadTransaction(self._rows))

    async def transact(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body``; a body that raises leaves nothing behind."""
        self._check()
        tx = OverlayTransaction(self._rows, self._version + 1)
        result = body(tx)
        if tx.has_writes:
            self._commit(tx)
        return result

    def _commit(self, tx: OverlayTransaction) -> None:
        self._version += 1
        self._rows.apply(tx)
        for watch in self._watches.take_changed(tx):
            watch.fire()

    def watch(self, key: bytes) -> KeyWatch:
        """Return a watch that begins now."""
        return self._watches.add(key)

    async def close(self) -> None:
        """Take no more work."""
        self._is_closed = True

    def _check(self) -> None:
        if self._is_closed:
            raise StoreStopped("the store is closed")


class MemoryBlobs:
    """Implements :class:`haar.store.blobs.Blobs` in memory."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._made = 0

    async def write(self, pieces: AsyncIterator[bytes]) -> Blob:
        """Keep the pieces."""
        data = b"".join([piece async for piece in pieces])
        if len(data) <= INLINE_BYTES_MAX:
            return Blob(len(data), data)
        self._made += 1
        name = f"{self._made:016x}"
        self._files[name] = data
        return Blob(len(data), b"", name)

    async def read(
        self, blob: Blob, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` on, ``length`` at most."""
        data = self._files[blob.name] if blob.name else blob.inline
        end = len(data) if length is None else min(len(data), start + length)
        for at in range(start, end, _PIECE_BYTES):
            yield data[at : min(at + _PIECE_BYTES, end)]

    async def concatenate(self, blobs: list[Blob]) -> Blob:
        """Return one blob with the bytes of all."""

        async def pieces() -> AsyncIterator[bytes]:
            for blob in blobs:
                async for piece in self.read(blob):
                    yield piece

        return await self.write(pieces())

    async def sweep(self, is_kept: Callable[[str], bool]) -> int:
        """Return 0: nothing outlives its process here."""
        del is_kept
        return 0

    async def remove(self, blob: Blob) -> None:
        """Forget the bytes."""
        self._files.pop(blob.name, None)
