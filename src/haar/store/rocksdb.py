"""The embedded engine: RocksDB, with group commit and durable-snapshot reads.

Three states follow each other, newest first:

============  =================================================  ============================
state         made by                                            seen by
============  =================================================  ============================
newest        a body's batch, written to the log unsynced        the bodies of later transactions
syncing       the snapshot taken when a sync of the log begins   nobody
durable       that snapshot, once the sync has ended             ``read``; acknowledged writers
============  =================================================  ============================

Bodies run one after the other on the event loop. A commit that finds no sync under way asks for one
at the end of the loop's tick, so that all requests of the tick share it; one that does waits for
the next. One thread syncs (``flush_wal`` releases the GIL) and tells the loop once per sync,
however many wait. A sync that fails ends the store: after a failed fsync the kernel may have
dropped the pages, and trying again would lie.

A commit version is the engine's sequence number at the start, plus one per commit: each commit
raises the sequence number by at least one, so versions never repeat, not even after a crash.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from rocksdict import (
    BlockBasedOptions,
    Cache,
    Checkpoint,
    DBCompressionType,
    Options,
    Rdict,
    ReadOptions,
    Snapshot,
    WriteBatch,
)

from haar.store.api import Row, Span, StoreStopped, Transaction
from haar.store.overlay import Ground, OverlayTransaction, ReadTransaction
from haar.store.watches import KeyWatch, Watches

T = TypeVar("T")

CACHE_BYTES = 32 * 1024 * 1024
MEMTABLE_BYTES = 16 * 1024 * 1024
OPEN_FILES_MAX = 256


class RocksStore:
    """Implements :class:`haar.store.api.Store` on RocksDB.

    Args:
        path: the directory of its files; made where it is not there.
        cache_bytes: of the block cache.
        on_stop: told once when the store had to stop, with the reason.
    """

    def __init__(
        self,
        path: Path,
        *,
        cache_bytes: int = CACHE_BYTES,
        on_stop: Callable[[Exception], None] | None = None,
    ) -> None:
        self._db = Rdict(str(path), options=options_of(cache_bytes))
        self._newest = _Newest(self._db)
        self._durable = _Durable(self._db.snapshot())
        self._version = self._db.latest_sequence_number()
        self._on_stop = on_stop
        self._stopped: StoreStopped | None = None
        self._watches = Watches()
        self._next = _Group()
        self._syncing: _Group | None = None
        self._is_asked = False
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve_syncs, name="haar-sync", daemon=True)
        self._thread.start()

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the last durable state and return its result."""
        if self._stopped is not None:
            raise self._stopped
        return body(ReadTransaction(self._durable))

    async def transact(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the newest state, write its batch, and return once a sync covers it."""
        if self._stopped is not None:
            raise self._stopped
        tx = OverlayTransaction(self._newest, self._version + 1)
        result = body(tx)
        if tx.has_writes:
            self._commit(tx)
            group = self._next
        elif self._next.has_writes:
            group = self._next  # it may have seen what the next sync will cover
        elif self._syncing is not None:
            group = self._syncing
        else:
            return result
        waiter = asyncio.get_running_loop().create_future()
        group.waiters.append(waiter)
        await waiter
        return result

    def _commit(self, tx: OverlayTransaction) -> None:
        batch = WriteBatch(raw_mode=True)
        for start, end in tx.deleted:
            batch.delete_range(start, end)
        for key, value in tx.writes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        try:
            self._db.write(batch)
        except Exception as err:  # rocksdict raises bare Exception for errors of the disk
            raise self._stop(err) from err
        self._version += 1
        self._next.has_writes = True
        self._next.watches |= self._watches.take_changed(tx)
        self._next.changed.update(tx.writes)
        self._next.deleted += tx.deleted
        if self._syncing is None and not self._is_asked:
            self._is_asked = True
            asyncio.get_running_loop().call_soon(self._begin_sync)

    def _begin_sync(self) -> None:
        self._is_asked = False
        if self._stopped is not None:
            return
        self._syncing, self._next = self._next, _Group()
        snapshot = self._db.snapshot()
        loop = asyncio.get_running_loop()

        def sync() -> None:
            failure: Exception | None = None
            try:
                self._db.flush_wal(True)  # noqa: FBT003  # rocksdict's signature
            except Exception as err:  # noqa: BLE001  # rocksdict raises bare Exception
                failure = err
            loop.call_soon_threadsafe(self._end_sync, snapshot, failure)

        self._work.put(sync)

    def _end_sync(self, snapshot: Snapshot, failure: Exception | None) -> None:
        group, self._syncing = self._syncing, None
        assert group is not None, "a sync ends once"
        if failure is not None:
            self._next.waiters += group.waiters
            self._stop(failure)
            return
        self._durable = _Durable(snapshot)
        for waiter in group.waiters:
            if not waiter.done():
                waiter.set_result(None)
        for watch in group.watches:
            watch.fire()
        if self._next.has_writes and not self._is_asked:
            self._begin_sync()

    def _stop(self, cause: Exception) -> StoreStopped:
        if self._stopped is None:
            self._stopped = StoreStopped(f"the disk failed: {cause}")
            for waiter in self._next.waiters:
                if not waiter.done():
                    waiter.set_exception(self._stopped)
            self._next = _Group()
            if self._on_stop is not None:
                self._on_stop(self._stopped)
        return self._stopped

    def _serve_syncs(self) -> None:
        while (sync := self._work.get()) is not None:
            sync()

    def watch(self, key: bytes) -> KeyWatch:
        """Return a watch that begins now."""
        watch = self._watches.add(key)
        # A change that is committed but not yet durable is still to come for whoever reads.
        for group in (self._syncing, self._next):
            if group is not None and group.changes(key):
                group.watches.add(watch)
        return watch

    def checkpoint(self, path: Path) -> None:
        """Make a copy of everything committed at ``path``, mostly of hard links."""
        self._db.flush_wal(True)  # noqa: FBT003  # rocksdict's signature
        Checkpoint(self._db).create_checkpoint(str(path))

    async def close(self) -> None:
        """Wait for the syncs under way and close the files."""
        if self._stopped is None:
            await self.transact(lambda tx: tx.get(b"\x00"))
            self._stopped = StoreStopped("the store is closed")
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)
        self._durable = _Durable(None)
        self._db.close()


class _Group:
    """Commits that one sync covers: who waits for them, and whom they wake."""

    __slots__ = ("changed", "deleted", "has_writes", "waiters", "watches")

    def __init__(self) -> None:
        self.has_writes = False
        self.changed: set[bytes] = set()
        self.deleted: list[Span] = []
        self.waiters: list[asyncio.Future[None]] = []
        self.watches: set[KeyWatch] = set()

    def changes(self, key: bytes) -> bool:
        """Tell whether the group's commits change a key."""
        return key in self.changed or any(span.start <= key < span.end for span in self.deleted)


class _Newest(Ground):
    """What later transactions see: everything committed."""

    def __init__(self, db: Rdict) -> None:
        self._db = db

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._db.get(key)
        return value

    def rows(self, span: Span, *, reverse: bool) -> Iterator[Row]:
        return iterate(self._db, span, reverse=reverse)


class _Durable(Ground):
    """What readers see: the snapshot of the last finished sync."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self._snapshot: Any = snapshot

    def get(self, key: bytes) -> bytes | None:
        try:
            value: bytes = self._snapshot[key]
        except Exception as err:  # rocksdict has no class of its own for an absent key
            if str(err) != "key not found":
                raise
            return None
        return value

    def rows(self, span: Span, *, reverse: bool) -> Iterator[Row]:
        return iterate(self._snapshot, span, reverse=reverse)


def iterate(source: Any, span: Span, *, reverse: bool) -> Iterator[Row]:
    """Yield the rows of a span; the bound keeps the engine from walking over others' tombstones.

    There is no lower bound: rocksdict 0.3 sets the upper one in its place.
    """
    options = ReadOptions()
    options.set_iterate_upper_bound(span.end)
    cursor = source.iter(options)
    if reverse:
        cursor.seek_to_last()
        step = cursor.prev
    else:
        cursor.seek(span.start)
        step = cursor.next
    start, valid, key, value = span.start, cursor.valid, cursor.key, cursor.value
    while valid():
        found = key()
        if found < start:
            break
        yield Row(found, value())
        step()
    cursor.status()  # raises if the walk ended by an error and not by the span's end


def options_of(cache_bytes: int) -> Options:
    """Return RocksDB's options: bounded memory and files, synced logs survive a torn tail."""
    options = Options(raw_mode=True)
    options.create_if_missing(True)  # noqa: FBT003  # rocksdict's signature
    options.set_write_buffer_size(MEMTABLE_BYTES)
    options.set_max_write_buffer_number(3)
    options.set_max_open_files(OPEN_FILES_MAX)
    options.set_max_background_jobs(2)
    options.set_keep_log_file_num(2)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_level_compaction_dynamic_level_bytes(True)  # the same
    options.set_bytes_per_sync(1024 * 1024)
    table = BlockBasedOptions()
    table.set_block_cache(Cache(cache_bytes))
    table.set_bloom_filter(10, False)  # noqa: FBT003  # the same
    table.set_cache_index_and_filter_blocks(True)  # the same
    options.set_block_based_table_factory(table)
    return options
