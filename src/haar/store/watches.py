"""Waits for changes of keys: what both engines keep of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from haar.kernel.waiting import wake
from haar.store.overlay import OverlayTransaction


class KeyWatch:
    """Implements :class:`haar.store.api.Watch`."""

    __slots__ = ("_has_changed", "_thens", "_watches", "key")

    def __init__(self, watches: Watches, key: bytes) -> None:
        self._watches = watches
        self._has_changed = False
        self._thens: list[Callable[[], object]] = []
        self.key = key

    def fire(self) -> None:
        """Note the change and wake whoever waits."""
        self._has_changed = True
        thens, self._thens = self._thens, []
        for then in thens:
            then()

    async def changed(self) -> None:
        """Return after the next durable change since the watch was made."""
        if not self._has_changed:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.notify(lambda: wake(waiter))
            await waiter

    def notify(self, then: Callable[[], object]) -> None:
        """Call ``then`` after the next durable change since the watch was made."""
        if self._has_changed:
            then()
        else:
            self._thens.append(then)

    def cancel(self) -> None:
        """Stop waiting."""
        self._thens.clear()
        self._watches.remove(self)


class Watches:
    """The watches of a store, by key."""

    __slots__ = ("_by_key",)

    def __init__(self) -> None:
        self._by_key: dict[bytes, set[KeyWatch]] = {}

    def add(self, key: bytes) -> KeyWatch:
        """Return a new watch of a key."""
        watch = KeyWatch(self, key)
        self._by_key.setdefault(key, set()).add(watch)
        return watch

    def remove(self, watch: KeyWatch) -> None:
        """Forget a watch."""
        others = self._by_key.get(watch.key)
        if others is not None:
            others.discard(watch)
            if not others:
                del self._by_key[watch.key]

    def take_changed(self, tx: OverlayTransaction) -> set[KeyWatch]:
        """Return the watches of what a transaction changed, and forget them: they fire once."""
        if not self._by_key:
            return set()
        changed = self._by_key.keys() & tx.writes.keys()
        for span in tx.deleted:
            changed |= {key for key in self._by_key if span.start <= key < span.end}
        return {watch for key in changed for watch in self._by_key.pop(key)}
