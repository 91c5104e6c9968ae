"""The memory engine: a sorted map. The oracle of the tests, and the engine of ``haar.testing``.

Memory has no disk to lose, so a commit is durable at once: ``transact`` returns without waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from sortedcontainers import SortedDict

from haar.store.api import Row, Span, StoreStopped, Transaction
from haar.store.blobs import INLINE_BYTES_MAX, Blob

T = TypeVar("T")

_COUNTER_BYTES = 8
_PIECE_BYTES = 256 * 1024


class _MemoryTransaction:
    """Writes straight into the map and remembers how to undo: most bodies commit."""

    def __init__(self, rows: SortedDict, version: int) -> None:
        self._rows = rows
        self._version = version
        self._order = 0
        self.undo: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        return self._rows.get(key)

    def scan(self, span: Span, *, limit: int | None = None, reverse: bool = False) -> Iterator[Row]:
        keys = self._rows.irange(span.start, span.end, inclusive=(True, False), reverse=reverse)
        # A list, because the body may write while it iterates.
        found: list[Row] = []
        for key in keys:
            if limit is not None and len(found) >= limit:
                break
            found.append(Row(key, self._rows[key]))
        return iter(found)

    def put(self, key: bytes, value: bytes) -> None:
        if key not in self.undo:
            self.undo[key] = self._rows.get(key)
        self._rows[key] = value

    def clear(self, key: bytes) -> None:
        if key in self._rows:
            if key not in self.undo:
                self.undo[key] = self._rows[key]
            del self._rows[key]

    def delete(self, span: Span) -> None:
        for key in list(self._rows.irange(span.start, span.end, inclusive=(True, False))):
            self.clear(key)

    def add(self, key: bytes, delta: int) -> None:
        old = int.from_bytes(self._rows.get(key, b""), "little", signed=True)
        self.put(key, (old + delta).to_bytes(_COUNTER_BYTES, "little", signed=True))

    def put_versioned(self, prefix: bytes, value: bytes) -> None:
        suffix = self._version.to_bytes(8, "big") + self._order.to_bytes(2, "big")
        self._order += 1
        self.put(prefix + suffix, value)


class _ReadOnlyTransaction(_MemoryTransaction):
    def put(self, key: bytes, value: bytes) -> None:
        raise TypeError("a body that reads tried to write")

    clear = delete = add = put_versioned = put  # type: ignore[assignment]  # refused alike


class _MemoryWatch:
    def __init__(self, store: MemoryStore, key: bytes) -> None:
        self._store = store
        self._key = key
        self._has_changed = False
        self._waiter: asyncio.Future[None] | None = None

    def fire(self) -> None:
        self._has_changed = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def changed(self) -> None:
        if not self._has_changed:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def cancel(self) -> None:
        watches = self._store.watches.get(self._key)
        if watches is not None:
            watches.discard(self)
            if not watches:
                del self._store.watches[self._key]


class MemoryStore:
    """Implements :class:`haar.store.api.Store` without a disk."""

    def __init__(self) -> None:
        self._rows: SortedDict = SortedDict()
        self._version = 0
        self._is_closed = False
        self.watches: dict[bytes, set[_MemoryWatch]] = {}

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the state and return its result."""
        self._check()
        return body(_ReadOnlyTransaction(self._rows, self._version))

    async def transact(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body``; a body that raises leaves nothing behind."""
        self._check()
        self._version += 1
        tx = _MemoryTransaction(self._rows, self._version)
        try:
            result = body(tx)
        except BaseException:
            self._roll_back(tx.undo)
            raise
        self._fire(tx.undo)
        return result

    def watch(self, key: bytes) -> _MemoryWatch:
        """Return a watch that begins now."""
        watch = _MemoryWatch(self, key)
        self.watches.setdefault(key, set()).add(watch)
        return watch

    async def close(self) -> None:
        """Take no more work."""
        self._is_closed = True

    def _check(self) -> None:
        if self._is_closed:
            raise StoreStopped("the store is closed")

    def _roll_back(self, undo: dict[bytes, bytes | None]) -> None:
        for key, value in undo.items():
            if value is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = value

    def _fire(self, keys: dict[bytes, bytes | None]) -> None:
        if not self.watches:
            return
        for key in self.watches.keys() & keys.keys():
            for watch in self.watches.pop(key):
                watch.fire()


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

    async def remove(self, blob: Blob) -> None:
        """Forget the bytes."""
        self._files.pop(blob.name, None)
