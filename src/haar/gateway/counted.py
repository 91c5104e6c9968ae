"""A lane's view of the store: its writes count while they wait for their sync.

An operation may wait for much else than syncs (a message, a client's next bytes), so that its
transactions count, each by itself, and not the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from haar.gateway.admission import Admission, Lane
from haar.store.api import Store, Transaction, Watch

T = TypeVar("T")


class CountedStore:
    """Implements :class:`haar.store.api.Store` on another.

    Args:
        store: does the work; belongs to whoever made it.
        admission: counts.
        lane: whose writes they are.
    """

    __slots__ = ("_admission", "_lane", "_store")

    def __init__(self, store: Store, admission: Admission, lane: Lane) -> None:
        self._store = store
        self._admission = admission
        self._lane = lane

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the last durable state."""
        return self._store.read(body)

    async def transact(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` in a transaction that counts until it is durable."""
        self._admission.begin_write(self._lane)
        try:
            return await self._store.transact(body)
        finally:
            self._admission.end_write(self._lane)

    def watch(self, key: bytes) -> Watch:
        """Return a watch that begins now."""
        return self._store.watch(key)

    async def close(self) -> None:
        """Leave the store open: it is not this one's."""
