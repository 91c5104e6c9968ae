"""What every engine promises (haar.store.api), checked against each of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from haar.store.api import (
    KEY_BYTES_MAX,
    VALUE_BYTES_MAX,
    RowTooLarge,
    Span,
    Store,
    StoreStopped,
    Transaction,
    prefix_span,
)
from haar.store.overlay import ReadOnly

ALL = Span(b"\x00", b"\xff")


def put_all(*keys: bytes) -> Any:
    """Return a body that puts each key with itself as the value."""

    def body(tx: Transaction) -> None:
        for key in keys:
            tx.put(key, key)

    return body


def keys(store: Store, span: Span = ALL, **options: Any) -> list[bytes]:
    """Return the durable keys of a span."""
    return store.read(lambda tx: [row.key for row in tx.scan(span, **options)])


async def test_what_was_put_is_read(store: Store) -> None:
    """A transaction's result comes back, and its rows are there for readers."""
    assert await store.transact(lambda tx: tx.put(b"k", b"v") or 7) == 7
    assert store.read(lambda tx: tx.get(b"k")) == b"v"
    assert store.read(lambda tx: tx.get(b"other")) is None


async def test_a_scan_sees_only_what_is_durable(store: Store) -> None:
    """Rows put, changed, cleared and deleted by spans show in scans when they do in gets."""
    before = [b"a1", b"a2", b"a3", *(b"b%03d" % number for number in range(300)), b"c1"]
    await store.transact(put_all(*before))

    def change(tx: Transaction) -> None:
        tx.put(b"a0", b"")
        tx.put(b"a2", b"changed")
        tx.clear(b"a3")
        tx.delete(Span(b"b", b"c"))
        tx.put(b"b007", b"new")

    def delete_again(tx: Transaction) -> None:
        tx.delete(Span(b"a", b"b001"))
        tx.put(b"b001", b"new")

    whole = store.read(lambda tx: list(tx.scan(ALL)))
    assert [row.key for row in whole] == before
    changing = [asyncio.ensure_future(store.transact(body)) for body in (change, delete_again)]
    seen = []
    while not all(one.done() for one in changing):
        seen.append(store.read(lambda tx: list(tx.scan(ALL))))
        assert store.read(lambda tx: list(tx.scan(ALL, reverse=True))) == seen[-1][::-1]
        assert (
            keys(store, Span(b"b005", b"b010"), limit=2)
            == [row.key for row in seen[-1] if b"b005" <= row.key < b"b010"][:2]
        )
        assert [row.value for row in seen[-1]] == [
            store.read(lambda tx, key=row.key: tx.get(key)) for row in seen[-1]
        ]
        await asyncio.sleep(0)
    assert keys(store) == [b"b001", b"b007", b"c1"]


async def test_an_empty_value_is_not_an_absent_one(store: Store) -> None:
    """A row may have a value of no bytes."""
    await store.transact(lambda tx: tx.put(b"k", b""))
    assert store.read(lambda tx: tx.get(b"k")) == b""


async def test_a_body_that_raises_leaves_nothing(store: Store) -> None:
    """An exception abandons all of a body's writes and reaches the caller."""
    await store.transact(put_all(b"a", b"b"))

    def body(tx: Transaction) -> None:
        tx.put(b"a", b"changed")
        tx.delete(ALL)
        tx.add(b"n", 1)
        raise KeyError("abandon")

    with pytest.raises(KeyError):
        await store.transact(body)
    assert keys(store) == [b"a", b"b"]
    assert store.read(lambda tx: tx.get(b"a")) == b"a"
    await store.transact(put_all(b"c"))
    assert keys(store) == [b"a", b"b", b"c"]


async def test_a_body_sees_its_own_writes(store: Store) -> None:
    """Gets and scans see puts, clears, counters and deleted spans of the same body."""
    await store.transact(put_all(b"a", b"b", b"c", b"d"))

    def body(tx: Transaction) -> list[Any]:
        tx.put(b"b2", b"new")
        tx.clear(b"a")
        tx.delete(Span(b"c", b"d"))
        tx.put(b"c5", b"after the delete")
        seen: list[Any] = [tx.get(key) for key in (b"a", b"b2", b"c", b"c5", b"d")]
        seen.append([row.key for row in tx.scan(ALL)])
        seen.append([row.key for row in tx.scan(ALL, reverse=True)])
        seen.append([row.key for row in tx.scan(ALL, limit=2)])
        seen.append([row.key for row in tx.scan(ALL, limit=2, reverse=True)])
        return seen

    there = [b"b", b"b2", b"c5", b"d"]
    assert await store.transact(body) == [
        *(None, b"new", None, b"after the delete", b"d"),
        *(there, there[::-1], there[:2], there[:1:-1]),
    ]
    assert keys(store) == there


async def test_a_span_deletes_the_bodys_own_rows_too(store: Store) -> None:
    """What a body put before it deleted the span is gone, what it put after is there."""

    def body(tx: Transaction) -> None:
        tx.put(b"a1", b"before")
        tx.delete(prefix_span(b"a"))
        tx.put(b"a2", b"after")

    await store.transact(body)
    assert keys(store) == [b"a2"]


@pytest.mark.parametrize("span", [Span(b"b", b"b"), Span(b"c", b"a")])
async def test_an_empty_span_is_nothing(store: Store, span: Span) -> None:
    """A span that ends before it begins is empty: it deletes nothing and stops nothing."""
    await store.transact(put_all(b"a", b"b", b"c"))
    await store.transact(lambda tx: tx.delete(span))
    assert keys(store) == [b"a", b"b", b"c"]
    for is_reverse in (False, True):
        assert keys(store, span, reverse=is_reverse) == []


async def test_scans_keep_bounds_order_and_limit(store: Store) -> None:
    """The start is in, the end is out, both ways, whatever lies outside."""
    await store.transact(put_all(b"a", b"b", b"b\x00", b"c", b"d"))
    span = Span(b"b", b"d")
    assert keys(store, span) == [b"b", b"b\x00", b"c"]
    assert keys(store, span, reverse=True) == [b"c", b"b\x00", b"b"]
    assert keys(store, span, limit=1) == [b"b"]
    assert keys(store, span, limit=1, reverse=True) == [b"c"]
    assert keys(store, span, limit=0) == []
    assert keys(store, Span(b"bb", b"bz")) == []
    assert keys(store, Span(b"bb", b"bz"), reverse=True) == []


async def test_a_scan_may_be_left_early(store: Store) -> None:
    """A body that takes the first row of a long span pays for nothing more, and may write on."""
    await store.transact(put_all(*[b"%04d" % n for n in range(1000)]))

    def body(tx: Transaction) -> bytes:
        first = next(tx.scan(ALL))
        tx.clear(first.key)
        return first.key

    assert await store.transact(body) == b"0000"
    assert await store.transact(body) == b"0001"


async def test_a_body_may_write_while_it_iterates(store: Store) -> None:
    """Clearing each row that a scan yields clears them all."""
    await store.transact(put_all(*[b"%04d" % n for n in range(100)]))

    def body(tx: Transaction) -> int:
        count = 0
        for row in tx.scan(ALL):
            tx.clear(row.key)
            tx.put(b"\xfe" + row.key, b"")
            count += 1
        return count

    assert await store.transact(body) >= 100
    assert all(key[0] == 0xFE for key in keys(store))


async def test_counters_add_up(store: Store) -> None:
    """Adding is exact, also below zero, also twice in a body, also by many at once."""

    def body(tx: Transaction) -> None:
        tx.add(b"n", 5)
        tx.add(b"n", -7)

    await asyncio.gather(*[store.transact(body) for _ in range(50)])
    raw = store.read(lambda tx: tx.get(b"n"))
    assert raw is not None
    assert len(raw) == 8
    assert int.from_bytes(raw, "little", signed=True) == -100


async def test_versioned_keys_grow(store: Store) -> None:
    """Within a body and from commit to commit, whoever comes later has the greater key."""
    for round_ in range(20):

        def body(tx: Transaction, round_: int = round_) -> None:
            for n in range(3):
                tx.put_versioned(b"log", b"%d.%d" % (round_, n))

        await store.transact(body)
    rows = store.read(lambda tx: list(tx.scan(prefix_span(b"log"))))
    assert [row.value for row in rows] == [b"%d.%d" % (r, n) for r in range(20) for n in range(3)]
    assert {len(row.key) for row in rows} == {13}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"", b"v"),
        (b"k" * (KEY_BYTES_MAX + 1), b"v"),
        (b"k", bytes(VALUE_BYTES_MAX + 1)),
    ],
    ids=["no key", "long key", "large value"],
)
async def test_rows_beyond_the_bounds_are_refused(store: Store, key: bytes, value: bytes) -> None:
    """The body is told at once, nothing of it is kept, and the store goes on."""

    def body(tx: Transaction) -> None:
        tx.put(b"before", b"")
        tx.put(key, value)

    with pytest.raises(RowTooLarge):
        await store.transact(body)
    assert keys(store) == []
    await store.transact(put_all(b"k" * KEY_BYTES_MAX))
    assert len(keys(store)) == 1


async def test_the_largest_value_is_kept(store: Store) -> None:
    """16 MiB go in and come out."""
    value = bytes(VALUE_BYTES_MAX)
    await store.transact(lambda tx: tx.put(b"k", value))
    assert store.read(lambda tx: tx.get(b"k")) == value


async def test_readers_do_not_write(store: Store) -> None:
    """Every kind of write is refused in ``read``: nothing would make it durable."""
    for write in (
        lambda tx: tx.put(b"k", b"v"),
        lambda tx: tx.clear(b"k"),
        lambda tx: tx.delete(ALL),
        lambda tx: tx.add(b"k", 1),
        lambda tx: tx.put_versioned(b"k", b"v"),
    ):
        with pytest.raises(ReadOnly):
            store.read(write)
    assert keys(store) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda tx: tx.put(b"k", b"2"),
        lambda tx: tx.clear(b"k"),
        lambda tx: tx.delete(prefix_span(b"k")),
        lambda tx: tx.add(b"k", 1),
    ],
    ids=["put", "clear", "delete", "add"],
)
async def test_a_watch_wakes_at_any_change(store: Store, change: Any) -> None:
    """Whoever waits for a key is woken after the change, and then reads it."""
    await store.transact(lambda tx: tx.put(b"k", bytes(8)))
    watch = store.watch(b"k")
    other = store.watch(b"j")
    await store.transact(change)
    await watch.changed()
    assert store.read(lambda tx: tx.get(b"k")) != bytes(8)
    idle = asyncio.ensure_future(other.changed())
    await asyncio.sleep(0)
    assert not idle.done()
    idle.cancel()
    other.cancel()
    other.cancel()  # twice is once


async def test_a_watch_remembers_a_change_before_it_is_waited_for(store: Store) -> None:
    """Between making the watch and waiting nothing is missed."""
    watch = store.watch(b"k")
    await store.transact(put_all(b"k"))
    await store.transact(put_all(b"k"))
    await watch.changed()
    await watch.changed()


async def test_a_body_that_raises_wakes_nobody(store: Store) -> None:
    """What was abandoned is no change."""
    watch = store.watch(b"k")

    def body(tx: Transaction) -> None:
        tx.put(b"k", b"v")
        raise KeyError

    with pytest.raises(KeyError):
        await store.transact(body)
    waiting = asyncio.ensure_future(watch.changed())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()


async def test_a_closed_store_says_so(store: Store) -> None:
    """After ``close`` every call raises StoreStopped; closing again does no harm."""
    await store.transact(put_all(b"k"))
    await store.close()
    with pytest.raises(StoreStopped, match="closed"):
        await store.transact(put_all(b"l"))
    with pytest.raises(StoreStopped, match="closed"):
        store.read(lambda tx: tx.get(b"k"))


async def test_bodies_run_one_after_the_other(store: Store) -> None:
    """A read and the write that follows from it are one step: no increment is lost."""

    def body(tx: Transaction) -> None:
        old = int(tx.get(b"n") or b"0")
        tx.put(b"n", b"%d" % (old + 1))

    await asyncio.gather(*[store.transact(body) for _ in range(200)])
    assert store.read(lambda tx: tx.get(b"n")) == b"200"
