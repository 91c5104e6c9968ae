"""Who waits for which sync, on a simulated disk whose syncs end when the test lets them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from haar.store import commits
from haar.store.api import Span, StoreStopped, Transaction, prefix_span
from haar.store.commits import GroupCommitStore
from haar.store.simulated import FAILING, FULL, NO_HANDLE, WELL, Fault, Step
from haar.wire.drive import Drive


def put(key: bytes, value: bytes = b"") -> Any:
    return lambda tx: tx.put(key, value)


def read(held: Any, key: bytes) -> bytes | None:
    found: bytes | None = held.store.read(lambda tx: tx.get(key))
    return found


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_nobody_reads_an_unsynced_write(held: Any) -> None:
    """Readers see the old state until the sync has ended; later bodies see the new one."""
    writing = held.begin(put(b"k", b"v"))
    await settle()
    assert read(held, b"k") is None
    looking = held.begin(lambda tx: tx.get(b"k"))
    await settle()
    assert not writing.done()
    assert not looking.done(), "its answer would tell what a power cut could take back"
    await held.end_sync()
    assert await looking == b"v"
    await writing
    assert read(held, b"k") == b"v"


async def test_a_body_that_only_read_durable_rows_does_not_wait(held: Any) -> None:
    """Without anything unsynced there is nothing to wait for."""
    assert await held.store.transact(lambda tx: tx.get(b"k")) is None


async def test_a_refusal_waits_for_what_it_tells(held: Any) -> None:
    """A body that raises over an unsynced row is answered when that row is durable."""
    writing = held.begin(put(b"k"))
    await settle()

    def refuse_if_there(tx: Transaction) -> None:
        if tx.get(b"k") is not None:
            raise KeyError("it is there")

    refused = held.begin(refuse_if_there)
    await settle()
    assert not refused.done()
    await held.end_sync()
    with pytest.raises(KeyError):
        await refused
    await writing


async def test_commits_of_one_tick_share_a_sync(held: Any) -> None:
    """A hundred writers of the moment cost one sync."""
    writing = [held.begin(put(b"%d" % n)) for n in range(100)]
    await held.end_sync()
    await asyncio.gather(*writing)
    assert held.syncs == 0


async def test_a_commit_during_a_sync_waits_for_the_next(held: Any) -> None:
    """A sync that began before a write does not cover it."""
    first = held.begin(put(b"a"))
    await settle()
    second = held.begin(put(b"b"))
    await settle()
    await held.end_sync()
    await settle()
    assert first.done()
    assert not second.done()
    assert read(held, b"a") == b""
    assert read(held, b"b") is None
    await held.end_sync()
    await second


async def begun(held: Any) -> None:
    """Wait until a sync is under way."""
    while not held.syncs:  # noqa: ASYNC110  # a disk tells nobody that it is asked
        await asyncio.sleep(0)


async def crowd(held: Any, monkeypatch: pytest.MonkeyPatch) -> float:
    """Let eight commit; return when the next sync begins if the same eight do not come back."""
    monkeypatch.setattr(commits, "EACH_S", 10.0)
    monkeypatch.setattr(commits, "GATHER_S", 0.2)
    writing = [held.begin(put(b"%d" % n)) for n in range(8)]
    await settle()
    began_s = asyncio.get_running_loop().time()
    await held.end_sync()
    await asyncio.gather(*writing)
    return began_s + commits.GATHER_S


async def test_a_crowd_is_waited_for(held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where many wrote, the next sync begins when most of as many have, and not before."""
    await crowd(held, monkeypatch)
    writing = [held.begin(put(b"%d" % n)) for n in range(5)]
    await settle()
    assert held.syncs == 0
    writing.append(held.begin(put(b"7")))
    await settle()
    assert held.syncs == 1
    await held.end_sync()
    await asyncio.gather(*writing)


async def test_a_crowd_that_stays_away_is_not_waited_for(
    held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that comes alone waits a moment, and the next one does not."""
    await crowd(held, monkeypatch)
    for _ in range(2):
        writing = held.begin(put(b"k"))
        await begun(held)
        await held.end_sync()
        await writing
    last = held.begin(put(b"k"))
    await settle()
    assert held.syncs == 1
    await held.end_sync()
    await last


async def test_a_sync_that_is_due_and_complete_at_once_begins_once(
    held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of the two comes first, every writer is answered."""
    due_s = await crowd(held, monkeypatch)
    loop, answers = asyncio.get_running_loop(), list[object]()

    def commit(key: bytes) -> None:
        Drive(held.store.transact(put(key)), lambda _, error: answers.append(error), loop).run()

    def complete() -> None:
        loop.call_soon(commit, b"later")
        for n in range(7):
            commit(b"%d" % n)

    commit(b"first")
    loop.call_at(due_s - 0.001, complete)
    while loop.time() < due_s + 0.01:
        pass  # so that both are due in the loop's next turn
    await settle()
    while held.syncs:
        await held.end_sync()
        await settle()
    assert answers == [None] * 9


async def test_a_watch_made_while_a_change_waits_wakes_for_it(held: Any) -> None:
    """The change is still to come for whoever reads, so it is still to come for the watch."""
    for change in (put(b"k"), lambda tx: tx.delete(prefix_span(b"k"))):
        writing = held.begin(change)
        await settle()
        watch = held.store.watch(b"k")
        waiting = asyncio.ensure_future(watch.changed())
        await settle()
        assert not waiting.done()
        await held.end_sync()
        await asyncio.gather(waiting, writing)


async def test_a_watch_wakes_after_the_change_is_durable(held: Any) -> None:
    """Whoever is woken reads the change, never the state before it."""
    watch = held.store.watch(b"k")
    writing = held.begin(put(b"k", b"v"))

    async def see() -> bytes | None:
        await watch.changed()
        return read(held, b"k")

    seeing = asyncio.ensure_future(see())
    await settle()
    assert not seeing.done()
    await held.end_sync()
    assert await seeing == b"v"
    await writing


async def test_a_cancelled_waiter_disturbs_nobody(held: Any) -> None:
    """Its write is committed like any other; the others are acknowledged."""
    gone, stays = held.begin(put(b"a")), held.begin(put(b"b"))
    await settle()
    gone.cancel()
    await held.end_sync()
    await stays
    assert gone.cancelled()
    assert read(held, b"a") == b""


async def test_a_failed_sync_stops_the_store(held: Any) -> None:
    """All who wait are refused, readers too, nothing is tried again, and the owner is told once."""
    first = held.begin(put(b"a"))
    await settle()
    second = held.begin(put(b"b"))
    await settle()
    held.disk.fate = FAILING
    await held.end_sync()
    for writing in (first, second):
        with pytest.raises(StoreStopped, match="does not answer"):
            await writing
    held.disk.fate = WELL
    with pytest.raises(StoreStopped):
        await held.store.transact(put(b"c"))
    with pytest.raises(StoreStopped):
        read(held, b"a")
    assert held.syncs == 0
    assert len(held.stops) == 1
    await held.store.close()


async def test_a_failed_write_stops_the_store(held: Any) -> None:
    """The writer is refused; those whose sync is under way are acknowledged if it ends well."""
    first = held.begin(put(b"a"))
    await settle()
    held.disk.fate = FAILING
    with pytest.raises(StoreStopped, match="no space left"):
        await held.store.transact(lambda tx: tx.delete(prefix_span(b"b")))
    held.disk.fate = WELL
    await held.end_sync()
    await first
    with pytest.raises(StoreStopped):
        await held.store.transact(put(b"c"))
    assert [str(stop) for stop in held.stops] == [
        "the disk failed: no space left on the simulated device"
    ]


async def test_a_snapshot_that_is_not_to_be_had_stops_the_store(held: Any) -> None:
    """Nobody hangs: those who would have shared the sync are refused, and the owner is told."""
    writing = [held.begin(put(b"%d" % n)) for n in range(3)]
    held.disk.fate = {Step.SNAPSHOT: NO_HANDLE}.get
    for one in writing:
        with pytest.raises(StoreStopped, match="no handle left"):
            await one
    with pytest.raises(StoreStopped):
        read(held, b"0")
    assert held.syncs == 0
    assert len(held.stops) == 1
    await held.store.close()


@pytest.mark.parametrize("scans", [False, True])
async def test_all_gathered_writers_are_refused_where_the_write_fails(
    held: Any, *, scans: bool
) -> None:
    """Their rows go to the disk together, by the sync or by a body that scans: so they fail."""
    writing = [held.begin(put(b"%d" % n)) for n in range(3)]
    held.disk.fate = FAILING
    if scans:
        writing.append(held.begin(lambda tx: list(tx.scan(Span(b"", b"\xff")))))
    for one in writing:
        with pytest.raises(StoreStopped, match="no space left"):
            await one
    assert len(held.stops) == 1
    await held.store.close()


async def test_later_bodies_see_what_is_gathered(held: Any) -> None:
    """Rows that no disk has yet are there for the next body: by key, by scan, and as deleted."""
    writing = [held.begin(put(b"a", b"1")), held.begin(put(b"b", b"2"))]
    got = held.begin(lambda tx: tx.get(b"a"))
    scanned = held.begin(lambda tx: [row.key for row in tx.scan(Span(b"", b"\xff"))])
    gone = held.begin(lambda tx: tx.delete(prefix_span(b"a")))
    missed = held.begin(lambda tx: tx.get(b"a"))
    await settle()
    await held.end_sync()
    await asyncio.gather(*writing, gone)
    assert (await got, await scanned, await missed) == (b"1", [b"a", b"b"], None)


async def test_closing_waits_for_what_was_committed(held: Any) -> None:
    """Whoever committed before the close is acknowledged; whoever comes later is refused."""
    first = held.begin(put(b"a"))
    await settle()
    second = held.begin(put(b"b"))
    await settle()
    closing = asyncio.ensure_future(held.store.close())
    await settle()
    with pytest.raises(StoreStopped, match="closed"):
        await held.store.transact(put(b"c"))
    await held.end_sync()
    await held.end_sync()
    await asyncio.gather(first, second, closing)


async def test_a_close_whose_sync_fails_tells_so(held: Any) -> None:
    """Nobody takes a store for safe that was not."""
    writing = held.begin(put(b"a"))
    await settle()
    closing = asyncio.ensure_future(held.store.close())
    await settle()
    held.disk.fate = FAILING
    await held.end_sync()
    with pytest.raises(StoreStopped, match="does not answer"):
        await closing
    with pytest.raises(StoreStopped):
        await writing


@pytest.mark.parametrize("kept", [0, 1, 2])
async def test_a_crash_keeps_what_was_synced(held: Any, kept: int) -> None:
    """What was acknowledged is there; what was not may be, in the order of its commits."""

    def body(tx: Transaction) -> None:
        tx.put_versioned(b"log", b"")

    first = held.begin(body)
    await held.end_sync()
    await first
    later = [held.begin(body), held.begin(body)]
    await settle()
    after = GroupCommitStore(held.disk.crash(kept))
    rows = after.read(lambda tx: list(tx.scan(prefix_span(b"log"))))
    assert len(rows) == 1 + kept
    for task in later:
        task.cancel()


async def rows_after_a_crash(held: Any) -> list[bytes]:
    """Return the keys that are there after a power cut that takes nothing that it need not take."""
    after = GroupCommitStore(held.disk.crash(len(held.disk.unsynced)))
    return after.read(lambda tx: [row.key for row in tx.scan(Span(b"a", b"z"))])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
async def test_after_a_short_write_nothing_more_is_written(held: Any, share: float) -> None:
    """A log that ends torn loses whatever is written behind: so nobody is acknowledged any more."""
    held.disk.fate = {Step.WRITE: FULL._replace(kept=share)}.get
    writing = [held.begin(put(key)) for key in (b"a", b"b")]
    await settle()
    held.disk.fate = WELL
    late = held.begin(put(b"c"))
    await settle()
    for one in (*writing, late):
        with pytest.raises(StoreStopped):
            await one
    assert await rows_after_a_crash(held) == [b"a", b"b"][: int(2 * share)]


async def test_after_a_failed_sync_none_is_tried_again(held: Any) -> None:
    """The pages of a sync that failed count as clean: a second sync would acknowledge a loss."""
    first = held.begin(put(b"a"))
    await settle()
    second = held.begin(put(b"b"))
    await settle()
    held.disk.fate = {Step.SYNC: Fault("input/output error", kept=0.0)}.get
    await held.end_sync()
    held.disk.fate = WELL
    for one in (first, second):
        with pytest.raises(StoreStopped, match="input/output error"):
            await one
    assert held.syncs == 0
    assert await rows_after_a_crash(held) == []


@pytest.mark.parametrize("step", [Step.SYNC, Step.SYNCED])
async def test_nobody_is_told_anything_after_a_power_cut(held: Any, step: Step) -> None:
    """What came to the disk in the last moment is there, but nobody was told."""

    def cut(at: Step) -> None:
        if at is step:
            held.disk.cut()

    writing = held.begin(put(b"a"))
    await settle()
    held.disk.fate = cut
    await held.end_sync()
    assert not writing.done()
    assert read(held, b"a") == (b"" if step is Step.SYNCED else None)
    assert await rows_after_a_crash(held) == [b"a"]
    writing.cancel()
