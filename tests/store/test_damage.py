"""Bytes that changed on the disk: refused at the start or at the read, never passed on."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from haar.kernel.entropy import SeededEntropy
from haar.store.api import Row, Span, StoreDamaged
from haar.store.rocksdb import RocksStore
from haar.store.synced import FILE_NAME

ALL = Span(b"\x00", b"\xff")
FLIPS = 60


async def fill(path: Path) -> list[Row]:
    """Make a store as a crash leaves it: rows in sorted files, rows in the log. Return all."""
    store = RocksStore(path.with_name("running"))
    for n in range(300):
        await store.transact(lambda tx, n=n: tx.put(b"%04d" % n, b"%d " % n * 50))
        if n == 200:
            store._rocks._db.flush()
    rows = whole(store)
    shutil.copytree(path.with_name("running"), path)
    await store.close()
    return rows


def whole(store: RocksStore) -> list[Row]:
    return store.read(lambda tx: list(tx.scan(ALL)))


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, list[Row]]:
    """A store that was killed, and its rows."""
    path = tmp_path / "store"
    return path, asyncio.run(fill(path))


def log_of(path: Path) -> Path:
    return max(path.glob("*.log"), key=lambda log: log.stat().st_size)


async def rows_or_refusal(path: Path) -> list[Row] | str:
    """Open a store and read everything, by scan and by key."""
    try:
        store = RocksStore(path)
    except StoreDamaged as err:
        return str(err)
    try:
        rows = whole(store)
        for row in rows:
            assert store.read(lambda tx, key=row.key: tx.get(key)) == row.value
    except StoreDamaged as err:
        return str(err)
    else:
        return rows
    finally:
        await store.close()


async def test_an_intact_store_opens(filled: tuple[Path, list[Row]]) -> None:
    """Without damage everything is there."""
    path, rows = filled
    assert await rows_or_refusal(path) == rows


async def test_a_flipped_byte_is_never_passed_on(
    filled: tuple[Path, list[Row]], tmp_path: Path
) -> None:
    """Any byte of any file: the rows are as they were, or the store says that it is damaged."""
    path, rows = filled
    entropy = SeededEntropy(1)
    files = sorted(file for file in path.iterdir() if file.stat().st_size)
    refused = 0
    for n in range(FLIPS):
        copy = tmp_path / f"copy{n}"
        shutil.copytree(path, copy)
        file = copy / files[n % len(files)].name
        raw = bytearray(file.read_bytes())
        raw[int(entropy.fraction() * len(raw))] ^= 1 << n % 8
        file.write_bytes(raw)
        found = await rows_or_refusal(copy)
        assert isinstance(found, str) or found == rows, (n, file.name)
        refused += isinstance(found, str)
        shutil.rmtree(copy)
    assert refused > FLIPS // 4, "most files are read"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
async def test_a_log_that_lost_acknowledged_rows_is_refused(
    filled: tuple[Path, list[Row]], share: float
) -> None:
    """A log that ends too early is refused, and refused again."""
    path, _ = filled
    log = log_of(path)
    raw = log.read_bytes()
    log.write_bytes(raw[: int(len(raw) * share)])
    for _ in range(2):
        found = await rows_or_refusal(path)
        assert isinstance(found, str)
        assert "lost acknowledged rows" in found


async def test_a_refusal_destroys_nothing(filled: tuple[Path, list[Row]]) -> None:
    """A store that is refused for a flaw in its log opens again once the log is restored."""
    path, rows = filled
    log = log_of(path)
    raw = log.read_bytes()
    log.write_bytes(raw[:5000] + b"?" + raw[5001:])
    assert "lost acknowledged rows" in str(await rows_or_refusal(path))
    log.write_bytes(raw)
    assert await rows_or_refusal(path) == rows


@pytest.mark.parametrize("tail", [b"\x00" * 5000, b"\xa5" * 300, b"half"])
async def test_what_a_crash_tore_is_cut_off(filled: tuple[Path, list[Row]], tail: bytes) -> None:
    """Garbage behind the last acknowledged row is what a power cut leaves: the store opens."""
    path, rows = filled
    with log_of(path).open("ab") as log:
        log.write(tail)
    assert await rows_or_refusal(path) == rows
    assert await rows_or_refusal(path) == rows


@pytest.mark.parametrize("pattern", ["*.log", "*.sst", "MANIFEST-*", "CURRENT"])
async def test_a_file_that_is_gone_is_missed(filled: tuple[Path, list[Row]], pattern: str) -> None:
    """A store is never made anew beside the rest of an old one."""
    path, _ = filled
    for file in path.glob(pattern):
        file.unlink()
    assert isinstance(await rows_or_refusal(path), str)


async def test_a_mark_that_is_no_number_is_refused(filled: tuple[Path, list[Row]]) -> None:
    """Without the evidence nobody can tell whether rows are missing."""
    path, _ = filled
    (path / FILE_NAME).write_bytes(b"many")
    assert "how far it was synced" in str(await rows_or_refusal(path))
