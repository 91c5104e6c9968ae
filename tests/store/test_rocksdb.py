"""What is particular to the embedded engine: files, restarts, checkpoints."""

from __future__ import annotations

import asyncio
from pathlib import Path

from haar.store.api import Span, Transaction, prefix_span
from haar.store.rocksdb import MEMTABLE_BYTES, RocksStore

ALL = Span(b"\x00", b"\xff")


def versions(store: RocksStore) -> list[bytes]:
    return store.read(lambda tx: [row.key for row in tx.scan(prefix_span(b"log"))])


async def test_rows_and_versions_go_on_after_a_restart(tmp_path: Path) -> None:
    """Rows are there again, and versioned keys keep growing from run to run."""

    def body(tx: Transaction) -> None:
        for _ in range(3):
            tx.put_versioned(b"log", b"")
        tx.delete(Span(b"nothing", b"nothinh"))

    seen: list[bytes] = []
    for run in range(4):
        store = RocksStore(tmp_path / "store")
        assert versions(store) == seen
        for _ in range(run + 1):
            await store.transact(body)
        found = versions(store)
        assert found[: len(seen)] == seen, "no key was taken twice"
        assert len(found) == len(seen) + 3 * (run + 1)
        seen = found
        await store.close()


async def test_rows_outlive_many_memtables(tmp_path: Path) -> None:
    """What was flushed, compacted and deleted on the way reads as it was written."""
    store = RocksStore(tmp_path / "store")
    value = bytes(range(256)) * 64

    def body(tx: Transaction, start: int) -> None:
        for n in range(start, start + 100):
            tx.put(b"%06d" % n, value)

    count = 3 * MEMTABLE_BYTES // len(value)
    for start in range(0, count, 100):
        await store.transact(lambda tx, start=start: body(tx, start))
    await store.transact(lambda tx: tx.delete(Span(b"000100", b"%06d" % (count - 100))))
    assert len(store.read(lambda tx: list(tx.scan(ALL)))) == 200 + -count % 100
    await store.close()
    again = RocksStore(tmp_path / "store")
    assert again.read(lambda tx: [row.key for row in tx.scan(ALL, limit=101)])[99:] == [
        b"000099",
        b"%06d" % (count - 100),
    ]
    await again.close()


async def test_a_reader_that_holds_on_to_a_scan_reads_the_closed_store(tmp_path: Path) -> None:
    """A scan that outlives its store crashes nothing."""
    store = RocksStore(tmp_path / "store")
    for n in range(100):
        await store.transact(lambda tx, n=n: tx.put(b"%03d" % n, b""))
    rows = store.read(lambda tx: tx.scan(ALL))
    next(rows)
    await store.close()
    assert len(list(rows)) == 99


async def test_writers_at_once_are_all_acknowledged(tmp_path: Path) -> None:
    """Hundreds of tasks that write and read their own writes, with real syncs in between."""
    store = RocksStore(tmp_path / "store")

    async def write(n: int) -> None:
        key = b"%d" % n
        for value in [b"%d" % round_ for round_ in range(10)]:
            await store.transact(lambda tx, value=value: tx.put(key, value))
            assert store.read(lambda tx: tx.get(key)) == value

    await asyncio.gather(*[write(n) for n in range(200)])
    assert len(store.read(lambda tx: list(tx.scan(ALL)))) == 200
    await store.close()
    again = RocksStore(tmp_path / "store")
    assert {row.value for row in again.read(lambda tx: list(tx.scan(ALL)))} == {b"9"}
    await again.close()


async def test_its_figures_tell_how_it_is(tmp_path: Path) -> None:
    """Many commits share few syncs; memory and files are told for operators."""
    store = RocksStore(tmp_path / "store")
    await asyncio.gather(
        *[store.transact(lambda tx, n=n: tx.put(b"%d" % n, b"")) for n in range(50)]
    )
    told = store.figures()
    assert told["commits"] == 50
    assert 1 <= told["syncs"] < 50
    assert told["rows_about"] == 50
    assert told["memtable_bytes"] > 0
    await store.close()
