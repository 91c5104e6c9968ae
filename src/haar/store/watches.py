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
        # Dictionaries for their order: a simulation wakes the same watches in the same order.
        self._by_key: dict[bytes, dict[KeyWatch, None]] = {}

    def add(self, key: bytes) -> KeyWatch:
        """Return a new watch of a key."""
        watch = KeyWatch(self, key)
        self._by_key.setdefault(key, {})[watch] = None
        return watch

    def remove(self, watch: KeyWatch) -> None:
        """Forget a watch."""
        others = self._by_key.get(watch.key)
        if others is not None:
            others.pop(watch, None)
            if not others:
                del self._by_key[watch.key]

    def take_changed(self, tx: OverlayTransaction) -> list[KeyWatch]:
        """Return the watches of what a transaction changed, and forget them: they fire once."""
        by_key = self._by_key
        if not by_key:
            return []
        changed = [key for key in tx.writes if key in by_key]
        if tx.deleted:
            changed += [key for key in by_key if key not in tx.writes and tx.changes(key)]
        return [watch for key in changed for watch in by_key.pop(key)]
