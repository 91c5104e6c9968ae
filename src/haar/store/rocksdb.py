"""The embedded engine: RocksDB below the group commit of :mod:`haar.store.commits`.

A batch goes to the write-ahead log unsynced. One thread syncs the log (``flush_wal`` releases the
GIL) and tells the loop once per sync, however many wait.

A commit version is the engine's sequence number at the start, plus one per commit: each commit
raises the sequence number by at least one, so versions never repeat, not even after a crash.

At the start the log must replay without a flaw. Where it does not, its end may be what a crash tore
off: a look at it, without writing, tells where it breaks. Behind everything that was acknowledged
(:mod:`haar.store.synced`) it is cut there; before that, acknowledged rows are gone, and the store
is refused as it is.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from weakref import WeakSet

from rocksdict import (
    AccessType,
    BlockBasedIndexType,
    BlockBasedOptions,
    Cache,
    Checkpoint,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    WriteBatch,
)

from haar.kernel.waiting import in_thread
from haar.store.api import StoreDamaged, StoreStopped
from haar.store.commits import DiskError, GroupCommitStore, SyncEnded
from haar.store.manifest import check_manifests
from haar.store.overlay import Ground, OverlayTransaction
from haar.store.snapshots import Fixed, Lost, Newest, cursor_of
from haar.store.synced import SyncedMark, read_synced

FIGURES = {
    "cache_bytes": "rocksdb.block-cache-usage",
    "memtable_bytes": "rocksdb.cur-size-all-mem-tables",
    "table_bytes": "rocksdb.estimate-table-readers-mem",
    "disk_bytes": "rocksdb.total-sst-files-size",
    "rows_about": "rocksdb.estimate-num-keys",
    "compaction_bytes_pending": "rocksdb.estimate-pending-compaction-bytes",
}

CACHE_BYTES = 32 * 1024 * 1024
MEMTABLE_BYTES = 16 * 1024 * 1024
OPEN_FILES_MAX = 256


class RocksStore(GroupCommitStore):
    """Implements :class:`haar.store.api.Store` on RocksDB.

    Args:
        path: the directory of its files; made where it is not there.
        cache_bytes: of the block cache.
        on_stop: told once when the store had to stop, with the reason.

    Raises:
        StoreDamaged: the files are not what was written, or acknowledged rows are missing.
    """

    def __init__(
        self,
        path: Path,
        *,
        cache_bytes: int = CACHE_BYTES,
        on_stop: Callable[[StoreStopped], None] | None = None,
    ) -> None:
        self._rocks = _RocksEngine(path, cache_bytes)
        super().__init__(self._rocks, on_stop)

    def figures(self) -> dict[str, float]:
        """Return what operators watch: commits, syncs, and RocksDB's memory and files."""
        return {**super().figures(), **self._rocks.figures()}

    async def checkpoint(self, path: Path) -> None:
        """Make a copy of everything committed at ``path``, mostly of hard links.

        Raises:
            DiskError: it cannot be made.
            StoreStopped: the log cannot be synced, which ends the store: never try an fsync again.
        """
        try:
            covered = await in_thread(self._rocks.flush)
        except DiskError as err:
            raise self._fail(err) from err
        await in_thread(self._rocks.checkpoint, path, covered)


class _RocksEngine:
    """Implements :class:`haar.store.commits.Engine`."""

    def __init__(self, path: Path, cache_bytes: int) -> None:
        self._db = open_database(path, cache_bytes)
        self._mark = SyncedMark(path, self._db.latest_sequence_number())
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve_syncs, name="haar-sync", daemon=True)
        self._thread.start()
        self._fixed: WeakSet[Fixed] = WeakSet()
        """The snapshots that somebody still reads."""

    def newest(self) -> Ground:
        """Return the state with everything written."""
        return Newest(self._db)

    def snapshot(self) -> Ground:
        """Return the state as it is now."""
        try:
            fixed = Fixed(self._db)
        except Exception as err:  # rocksdict raises bare Exception
            raise DiskError(str(err)) from err
        self._fixed.add(fixed)
        return fixed

    def version(self) -> int:
        """Return the sequence number of the last row written."""
        return self._db.latest_sequence_number()

    def write(self, commits: list[OverlayTransaction]) -> None:
        """Write transactions to the log and the memtable, as one batch."""
        spans = [span for tx in commits for span in tx.deleted]
        lost = [Lost(span, cursor_of(self._db, span)) for span in spans]
        for fixed in self._fixed:
            fixed.note(commits, lost)
        batch = WriteBatch(raw_mode=True)
        for tx in commits:
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
            raise DiskError(str(err)) from err

    def sync(self, ended: SyncEnded) -> None:
        """Sync the log in the thread."""
        loop = asyncio.get_running_loop()
        covered = self._db.latest_sequence_number()

        def work() -> None:
            failure: Exception | None = None
            try:
                self._db.flush_wal(True)  # noqa: FBT003  # rocksdict's signature
                self._mark.raise_to(covered)
            except Exception as err:  # noqa: BLE001  # rocksdict raises bare Exception
                failure = err
            loop.call_soon_threadsafe(ended, failure)

        self._work.put(work)

    def _serve_syncs(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def figures(self) -> dict[str, float]:
        """Return RocksDB's own figures."""
        return {name: self._db.property_int_value(told) or 0 for name, told in FIGURES.items()}

    def flush(self) -> int:
        """Sync the log; return the sequence number of the last row that it covers."""
        covered = self._db.latest_sequence_number()
        try:
            self._db.flush_wal(True)  # noqa: FBT003  # rocksdict's signature
        except Exception as err:  # rocksdict raises bare Exception
            raise DiskError(str(err)) from err
        return covered

    def checkpoint(self, path: Path, covered: int) -> None:
        """Make a copy of everything written at ``path``, mostly of hard links."""
        try:
            Checkpoint(self._db).create_checkpoint(str(path))
        except Exception as err:  # rocksdict raises bare Exception
            raise DiskError(str(err)) from err
        SyncedMark(path, covered).close()

    async def close(self) -> None:
        """End the thread and close the files."""
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)
        self._mark.close()
        try:
            self._db.close()
        except Exception as err:  # rocksdict raises bare Exception
            raise DiskError(str(err)) from err


def open_database(path: Path, cache_bytes: int) -> Rdict:
    """Open the files, or make them where there are none.

    Raises:
        StoreDamaged: they are not what was written, or acknowledged rows are missing.
    """
    try:
        synced = read_synced(path)
    except ValueError as err:
        raise StoreDamaged(f"{path} does not tell how far it was synced") from err
    check_manifests(path)
    options = options_of(cache_bytes)
    # Where there was a store, its files are never made anew beside what is left of them.
    options.create_if_missing(synced is None)
    options.set_wal_recovery_mode(DBRecoveryMode.absolute_consistency())
    try:
        db = Rdict(str(path), options=options)
    except Exception as err:  # noqa: BLE001  # rocksdict raises bare Exception
        db = _open_torn(path, options, synced or 0, err)
    found = db.latest_sequence_number()
    if found < (synced or 0):
        db.close()
        raise _missing(path, found, synced)
    return db


def _open_torn(path: Path, options: Options, synced: int, cause: Exception) -> Rdict:
    """Open a store whose log has a flaw, if the flaw is behind everything acknowledged."""
    options.set_wal_recovery_mode(DBRecoveryMode.point_in_time())
    looking = AccessType.read_only(error_if_log_file_exist=False)
    try:
        look = Rdict(str(path), options=options, access_type=looking)
        found = look.latest_sequence_number()
        look.close()
        db = Rdict(str(path), options=options) if found >= synced else None
    except Exception as err:  # noqa: BLE001  # rocksdict raises bare Exception
        raise StoreDamaged(f"{path} cannot be opened: {err}") from cause
    if db is None:
        raise _missing(path, found, synced) from cause
    return db


def _missing(path: Path, found: int, synced: int | None) -> StoreDamaged:
    return StoreDamaged(
        f"{path} has lost acknowledged rows: its log ends at {found}, and was synced up to {synced}"
    )


def options_of(cache_bytes: int) -> Options:
    """Return RocksDB's options: bounded memory and files, every block checked when it is read."""
    options = Options(raw_mode=True)
    options.set_paranoid_checks(True)  # rocksdict's signature
    options.set_write_buffer_size(MEMTABLE_BYTES)
    # A writer is the event loop: it is slowed down only long after compaction fell behind.
    options.set_max_write_buffer_number(4)
    options.set_level_zero_slowdown_writes_trigger(40)
    options.set_level_zero_stop_writes_trigger(80)
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
    # In pages: the whole index of a large file is larger than a shard of the cache, would never be
    # kept, and would be read and unpacked again by every seek (150 µs instead of 5).
    table.set_index_type(BlockBasedIndexType.two_level_index_search())
    table.set_partition_filters(True)  # the same
    table.set_metadata_block_size(4096)
    options.set_block_based_table_factory(table)
    return options
