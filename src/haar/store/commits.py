"""Group commit: many transactions share a sync, and readers see what a sync has covered.

Three states follow each other, newest first:

============  =================================================  ============================
state         made by                                            seen by
============  =================================================  ============================
newest        a body's writes, gathered (:class:`Newest`)        the bodies of later transactions
syncing       the snapshot taken when a sync begins              nobody
durable       that snapshot, once the sync has ended             ``read``; acknowledged writers
============  =================================================  ============================

Bodies run one after the other on the event loop. What they write is gathered, and the engine is
handed all of a group at once when its sync begins, or when a later body scans: a call of the engine
costs several times what a row in it does.

A commit that finds no sync under way asks for one at the end of the loop's tick, so that all
requests of the tick share it; one that does waits for the next. Syncs follow each other at once
while few write. Where many do, those who were just answered are about to come back. A sync then
waits for most of as many as wrote last time, because it costs the loop, the disk and the clients'
wake-ups as much whatever it covers. It waits only while they come as fast as a busy loop serves
them (:data:`EACH_S`), so that a store that has time to spare answers at once.

A sync or a write that fails ends the store: after a failed fsync the kernel may have dropped the
pages, and trying again would lie.

The engine below is a seam: :mod:`haar.store.rocksdb` in production, a seeded disk in simulation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol, TypeVar

from haar.kernel.waiting import Release, wake
from haar.store.api import Row, Span, StoreStopped, Transaction
from haar.store.overlay import Ground, OverlayTransaction, ReadTransaction
from haar.store.watches import KeyWatch, Watches

T = TypeVar("T")

CROWD_COMMITS = 4
"""So many writers at a time are many."""
STRAGGLERS = 4
"""One in so many is not waited for."""
EACH_S = 0.0004
"""So long a sync waits for each writer that is expected, from the beginning of the one before."""
GATHER_S = 0.015
"""So long at most."""

SyncEnded = Callable[[Exception | None], None]
"""Told on the event loop, once per sync: None, or why it failed."""


class DiskError(Exception):
    """The engine could not do what it was asked."""


class Engine(Protocol):
    """Holds rows on something that lasts. Called from the event loop only."""

    def newest(self) -> Ground:
        """Return the state with everything written."""
        ...

    def snapshot(self) -> Ground:
        """Return the state as it is now, for good.

        Raises:
            DiskError: it is not to be had.
        """
        ...

    def version(self) -> int:
        """Return a number that no later commit has: each commit raises it by one at least."""
        ...

    def write(self, commits: list[OverlayTransaction]) -> None:
        """Write some transactions, in order: all or nothing; they need not last yet.

        Raises:
            DiskError: they may or may not be there after a restart.
        """
        ...

    def sync(self, ended: SyncEnded) -> None:
        """Begin to make everything written before now last."""
        ...

    async def close(self) -> None:
        """Give everything back; no sync is under way.

        Raises:
            DiskError: the last writes did not come to the disk; their log did.
        """
        ...


class Newest(Ground):
    """The state with every commit: what the engine has, and above it what it will be handed.

    Args:
        engine: gets the commits.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._below = engine.newest()
        self._commits: list[OverlayTransaction] = []
        self._rows: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return the value of ``key``, or None."""
        rows = self._rows
        return rows[key] if key in rows else self._below.get(key)

    def rows(self, span: Span, *, reverse: bool) -> Iterator[Row]:
        """Yield the rows of ``span`` in key order, or against it.

        Raises:
            DiskError: the engine could not be handed what it has to walk over.
        """
        self.hand_over()
        return self._below.rows(span, reverse=reverse)

    def add(self, tx: OverlayTransaction) -> None:
        """Make a transaction part of the state.

        Raises:
            DiskError: it deletes spans, and the engine failed to.
        """
        self._commits.append(tx)
        self._rows.update(tx.writes)
        if tx.deleted:
            self.hand_over()

    def hand_over(self) -> None:
        """Let the engine have all that was gathered.

        Raises:
            DiskError: it did not take it.
        """
        if self._commits:
            commits, self._commits, self._rows = self._commits, [], {}
            self._engine.write(commits)


class GroupCommitStore:
    """Implements :class:`haar.store.api.Store` on an engine.

    Args:
        engine: belongs to this store from now on.
        on_stop: told once when the store had to stop, with the reason.
    """

    def __init__(
        self, engine: Engine, on_stop: Callable[[StoreStopped], None] | None = None
    ) -> None:
        self._engine = engine
        self._newest = Newest(engine)
        self._durable = engine.snapshot()
        self._version = engine.version()
        self._on_stop = on_stop
        self._ended = ""  # why no more work is taken
        self._has_failed = False
        self._is_closed = False
        self._watches = Watches()
        self._next = _Group()
        self._syncing: _Group | None = None
        self._is_asked = False
        self._gathering: asyncio.TimerHandle | None = None
        self._expected = 0  # commits that are worth waiting for
        self._began_s = 0.0
        self._commits = 0
        self._syncs = 0

    def figures(self) -> dict[str, float]:
        """Return how much was committed since the start, and in how many syncs."""
        return {"commits": self._commits, "syncs": self._syncs}

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the last durable state and return its result."""
        if self._ended:
            raise StoreStopped(self._ended)
        return body(ReadTransaction(self._durable))

    async def transact(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the newest state, write what it wrote, return once a sync covers it."""
        if self._ended:
            raise StoreStopped(self._ended)
        tx = OverlayTransaction(self._newest, self._version + 1)
        try:
            result = body(tx)
            if tx.writes or tx.deleted:
                self._commit(tx)
        except DiskError as err:
            raise self._fail(err) from err
        except Exception:
            await self._settled()  # a refusal tells what was seen, too
            raise
        group = self._last_group()
        if group is not None:  # also for a body that only read
            await group.covered()
        return result

    async def _settled(self) -> None:
        """Return once everything committed is durable."""
        group = self._last_group()
        if group is not None:
            await group.covered()

    def _last_group(self) -> _Group | None:
        """Return the group whose sync covers everything committed, None where all is durable."""
        return self._next if self._next.commits else self._syncing

    def _commit(self, tx: OverlayTransaction) -> None:
        self._newest.add(tx)
        self._version += 1
        self._commits += 1
        self._next.add(tx, self._watches.take_changed(tx))
        if self._syncing is None and not self._is_asked:
            self._ask()

    def _ask(self) -> None:
        """Let a sync begin at the end of this turn, or once those who are expected have come."""
        if len(self._next.commits) < self._expected:
            if self._gathering is not None:
                return
            loop = asyncio.get_running_loop()
            end_s = self._began_s + min(self._expected * EACH_S, GATHER_S)
            if loop.time() < end_s:
                self._gathering = loop.call_at(end_s, self._begin_sync)
                return
        self._stop_gathering()  # else both could begin one
        self._is_asked = True
        asyncio.get_running_loop().call_soon(self._begin_sync)

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    def _begin_sync(self) -> None:
        assert self._syncing is None, "one sync at a time"
        self._is_asked = False
        self._stop_gathering()
        if not self._next.commits:
            return  # the store failed meanwhile
        try:
            self._newest.hand_over()
            snapshot = self._engine.snapshot()
        except DiskError as err:
            self._fail(err)
            return
        self._began_s = asyncio.get_running_loop().time()
        self._syncing, self._next = self._next, _Group()
        self._engine.sync(lambda failure: self._end_sync(snapshot, failure))

    def _end_sync(self, snapshot: Ground, failure: Exception | None) -> None:
        group, self._syncing = self._syncing, None
        assert group is not None, "a sync ends once"
        if failure is not None:
            group.fail(self._fail(failure))
            return
        self._durable = snapshot
        self._syncs += 1
        group.end()
        writers = len(group.commits) + len(self._next.commits)
        self._expected = writers - writers // STRAGGLERS if writers >= CROWD_COMMITS else 0
        if self._next.commits and not self._is_asked:
            if self._expected:
                self._ask()
            else:
                self._begin_sync()

    def _fail(self, cause: Exception) -> StoreStopped:
        stopped = StoreStopped(f"the disk failed: {cause}")
        if not self._has_failed:
            self._has_failed = True
            self._ended = str(stopped)
            failed, self._next = self._next, _Group()
            failed.fail(stopped)
            if self._on_stop is not None:
                self._on_stop(stopped)
        return stopped

    def watch(self, key: bytes) -> KeyWatch:
        """Return a watch that begins now."""
        watch = self._watches.add(key)
        # A change that is committed but not yet durable is still to come for whoever reads.
        for group in (self._syncing, self._next):
            if group is not None and group.changes(key):
                group.watches[watch] = None
        return watch

    async def close(self) -> None:
        """Take no more work, wait for the syncs under way and close the engine.

        Raises:
            StoreStopped: the last sync failed.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._ended = self._ended or "the store is closed"
        try:
            while (group := self._last_group()) is not None:
                await group.covered()
        finally:
            self._durable = self._newest  # a snapshot would hold the engine's files
            await self._close_engine()

    async def _close_engine(self) -> None:
        try:
            await self._engine.close()
        except DiskError as err:
            if not self._has_failed:  # it was told before, and once is enough
                raise self._fail(err) from err


class _Group:
    """Commits that one sync covers: who waits for them, and whom they wake."""

    __slots__ = ("_release", "_waiters", "commits", "watches")

    def __init__(self) -> None:
        self.commits: list[OverlayTransaction] = []
        self.watches: dict[KeyWatch, None] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._release: Release | None = None

    def add(self, tx: OverlayTransaction, watches: list[KeyWatch]) -> None:
        self.commits.append(tx)
        if watches:
            self.watches.update(dict.fromkeys(watches))

    def changes(self, key: bytes) -> bool:
        return any(tx.changes(key) for tx in self.commits)

    def covered(self) -> Awaitable[None]:
        """Return what to await: the end of the sync."""
        loop = asyncio.get_running_loop()
        if asyncio.current_task(loop) is None:
            if self._release is None:
                self._release = Release(loop)
            return self._release
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.append(waiter)
        return waiter

    def end(self) -> None:
        for waiter in self._waiters:
            wake(waiter)
        if self._release is not None:
            self._release.end()
        for watch in self.watches:
            watch.fire()

    def fail(self, stopped: StoreStopped) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(StoreStopped(*stopped.args))
        if self._release is not None:
            self._release.end(stopped)
