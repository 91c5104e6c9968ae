"""The whole contract of the store on one page.

The store maps byte strings to byte strings, in key order, and changes in transactions. A *body* is
a plain function of a transaction; it may run more than once, touches the world only through ``tx``,
and raises to abandon its writes. Engines (:mod:`haar.store.memory`, :mod:`haar.store.rocksdb`) and
whoever writes the next one promise:

* **Atomic, serializable.** All writes of a body become visible at once, as if bodies ran one after
  the other. A body sees its own writes.
* **Acknowledged means durable.** ``transact`` returns after the writes are on disk. A body that
  wrote nothing, or raised, ends once everything that it saw is on disk: a refusal tells something
  too.
* **Reads are durable too.** ``read`` runs its body on the last durable state: nobody sees a write
  that a power cut could take back.
* **A failed sync stops the store.** Later calls raise :class:`StoreStopped`; an fsync is never
  tried again.
* **Never wrong data.** Bytes that changed on the disk raise :class:`StoreDamaged`, when the store
  is opened or when they are read.

Keys are 1 to 8,192 bytes, usually made by :mod:`haar.store.tuples`; values up to 16 MiB (larger
bytes are blobs, :mod:`haar.store.blobs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")

KEY_BYTES_MAX = 8192
VALUE_BYTES_MAX = 16 * 1024 * 1024


class Row(NamedTuple):
    """A stored pair."""

    key: bytes
    value: bytes


class Span(NamedTuple):
    """The keys from ``start`` (inclusive) to ``end`` (exclusive), in byte order."""

    start: bytes
    end: bytes


class StoreStopped(Exception):
    """The store is closed, or met an error of the disk, and takes no more work."""


class StoreDamaged(Exception):
    """What is on the disk is not what was written there; nothing of it is passed on."""


class RowTooLarge(ValueError):
    """A body put a key or a value beyond the bounds; its transaction is abandoned."""


class Transaction(Protocol):
    """What a body may do. Reads see the body's own writes."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of ``key``, or None."""
        ...

    def scan(self, span: Span, *, limit: int | None = None, reverse: bool = False) -> Iterator[Row]:
        """Yield the rows of ``span`` in key order (or against it), ``limit`` at most.

        The body may write while it iterates; whether it then meets those writes is not promised.
        """
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of ``key``."""
        ...

    def clear(self, key: bytes) -> None:
        """Remove ``key``, if it is there."""
        ...

    def delete(self, span: Span) -> None:
        """Remove every row of ``span``."""
        ...

    def add(self, key: bytes, delta: int) -> None:
        """Add to the counter at ``key``: 8 bytes, little-endian, signed, 0 where absent.

        Adding is blind: on engines with concurrent writers, adders do not conflict.
        """
        ...

    def put_versioned(self, prefix: bytes, value: bytes) -> None:
        """Set the value of ``prefix`` + 10 bytes that grow with each commit and each call in it."""
        ...


class Watch(Protocol):
    """A wait for the next durable change of one key."""

    async def changed(self) -> None:
        """Return after the next durable change since the watch was made (at once if it was)."""
        ...

    def notify(self, then: Callable[[], object]) -> None:
        """Call ``then`` after that change (at once if it was): costs no task."""
        ...

    def cancel(self) -> None:
        """Stop waiting and give back what the watch holds."""
        ...


class Store(Protocol):
    """An ordered, transactional, durable map of bytes to bytes."""

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the last durable state and return its result. Its writes are refused."""
        ...

    async def transact(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` until it commits; return its result once it is durable.

        Needs no task of its own: it may be awaited by whoever drives a coroutine by hand. A task
        waits for one plain :class:`asyncio.Future`, others for a
        :class:`haar.kernel.waiting.Release` (or for nothing at all).
        """
        ...

    def watch(self, key: bytes) -> Watch:
        """Return a watch that begins now."""
        ...

    async def close(self) -> None:
        """Make everything durable and give the files back. Later calls raise StoreStopped."""
        ...


def prefix_span(prefix: bytes) -> Span:
    """Return the span of every key that begins with ``prefix`` and is longer or equal."""
    return Span(prefix, after_prefix(prefix))


def after_prefix(prefix: bytes) -> bytes:
    """Return the first key after all that begin with ``prefix``."""
    kept = prefix.rstrip(b"\xff")
    assert kept, "a prefix of 0xff only has no successor"
    return kept[:-1] + bytes([kept[-1] + 1])
