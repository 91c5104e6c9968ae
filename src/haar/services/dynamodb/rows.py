"""Rows of items: written, with everything that changes with them.

:func:`write` is the only place through which items change: it keeps indexes, counts, sizes of item
collections, expiries and the stream in step with them.
"""

from __future__ import annotations

from typing import NamedTuple

from haar.services.dynamodb import expiries, journal, keys, stream_log, texts
from haar.services.dynamodb.errors import Invalid, ItemCollectionSizeLimitExceeded
from haar.services.dynamodb.records import ACTIVE, Index, Table
from haar.services.dynamodb.row_bytes import (
    ITEM_BYTES_MAX,
    State,
    encode,
    item_of,
    size_or_0,
)
from haar.services.dynamodb.schema import entry_key, packed_partition
from haar.services.dynamodb.values import Item, measure_item
from haar.store.api import Transaction

COLLECTION_BYTES_MAX = 10 * 1024**3


class Written(NamedTuple):
    """What a write has changed, for ConsumedCapacity.

    Attributes:
        size: the larger of the item's sizes before and after.
        indexes: index → the sizes of the entries that were written or removed.
    """

    size: int
    indexes: dict[str, list[int]]


def write(
    tx: Transaction,
    table: Table,
    key: bytes,
    old: bytes | None,
    new: bytes | None,
    item: Item | None = None,
    *,
    now_ms: int,
    is_expiry: bool = False,
) -> Written:
    """Put or clear an item, and bring what depends on it up to date.

    Args:
        tx: the transaction.
        table: whose item.
        key: of its row.
        old: the row as it was.
        new: the row as it will be; None removes it.
        item: the same as ``new``; its index keys have been checked.
        now_ms: when.
        is_expiry: the item's time has come; nobody asked for it.

    Raises:
        ItemCollectionSizeLimitExceeded: a collection would pass 10 GB.
        Invalid: the item with its entries in local indexes is larger than 400 KB.
    """
    old_size, new_size = size_or_0(old), size_or_0(new)
    written = Written(max(old_size, new_size), {})
    if old != new:
        journal.note(tx, table, key, old, now_ms)
        grown = _put(tx, table, 0, key, old, new)
        if table.has_followers:
            before = State(old, item_of(old))
            after = State(new, item if item is not None else item_of(new))
            grown += _write_entries(tx, table, key, before, after, written)
            if table.has_local_indexes:
                _check_item(table, after.item, new_size)
                _count_collection(tx, table, after.item or before.item, grown)
            if table.has_expiries:
                expiries.move(tx, table, key, before.item, after.item)
            if table.has_stream:
                stream_log.append(tx, table, before, after, now_ms=now_ms, is_expiry=is_expiry)
    return written


def _put(
    tx: Transaction, table: Table, index: int, key: bytes, old: bytes | None, new: bytes | None
) -> int:
    """Put or clear a row and count it; return by how much the size grew."""
    grown = size_or_0(new) - size_or_0(old)
    if new is None:
        tx.clear(key)
    else:
        tx.put(key, new)
    if (old is None) is not (new is None):
        tx.add(keys.count(table.uid, index), 1 if old is None else -1)
    if grown:
        tx.add(keys.size(table.uid, index), grown)
    return grown


def _write_entries(
    tx: Transaction,
    table: Table,
    key: bytes,
    old: State,
    new: State,
    written: Written,
) -> int:
    """Bring the entries of an item up to date; return by how much its local entries grew."""
    grown = 0
    for index in table.indexes:
        sizes = _write_entry(tx, table, index, key, old, new)
        if sizes:
            written.indexes[index.name] = [max(before, after) for before, after in sizes]
            if index.is_local:
                grown += sum([after - before for before, after in sizes])
    return grown


def _write_entry(
    tx: Transaction, table: Table, index: Index, key: bytes, old: State, new: State
) -> list[tuple[int, int]]:
    """Bring an index's entry of an item up to date; return the sizes before and after."""
    old_key = None if old[0] is None else entry_key(table, index, old[1], key)
    new_key = None if new[0] is None else entry_key(table, index, new[1], key)
    old_row = None
    if old_key is not None:
        # An index that is being made may lack the entry.
        is_whole = index.status == ACTIVE
        old_row = _entry_row(table, index, *old) if is_whole else tx.get(old_key)
        old_key = None if old_row is None else old_key
    new_row = _entry_row(table, index, *new) if new_key else None
    if old_key == new_key:
        if new_key is None or old_row == new_row:
            return []
        _put(tx, table, index.uid, new_key, old_row, new_row)
        return [(size_or_0(old_row), size_or_0(new_row))]
    sizes: list[tuple[int, int]] = []
    for entry, before, after in ((old_key, old_row, None), (new_key, None, new_row)):
        if entry is not None:
            _put(tx, table, index.uid, entry, before, after)
            sizes.append((size_or_0(before), size_or_0(after)))
    return sizes


def _entry_row(table: Table, index: Index, row: bytes | None, item: Item) -> bytes:
    if index.projection == "ALL":
        assert row is not None, "an entry has an item"
        return row
    names = table.projections[index.uid]
    projected = {name: item[name] for name in item if name in names}
    return encode(projected, measure_item(projected))


def add_entry(tx: Transaction, table: Table, index: Index, key: bytes, row: bytes) -> None:
    """Add an index's entry of an item that was there before the index, if it is still missing."""
    item = item_of(row)
    entry = entry_key(table, index, item, key)
    if entry is not None and tx.get(entry) is None:
        grown = _put(tx, table, index.uid, entry, None, _entry_row(table, index, row, item))
        assert grown > 0, "an entry has a key"


def _check_item(table: Table, item: Item, size: int) -> None:
    entries = [_entry_size(table, index, item, size) for index in table.indexes if index.is_local]
    if size + sum(entries) > ITEM_BYTES_MAX:
        raise Invalid(texts.ITEM_TOO_LARGE)


def _count_collection(tx: Transaction, table: Table, item: Item, grown: int) -> None:
    key = keys.collection(table.uid, packed_partition(table.schema, item))
    tx.add(key, grown)
    size = counter(tx, key)
    if grown > 0 and size > COLLECTION_BYTES_MAX:
        raise ItemCollectionSizeLimitExceeded
    if not size:
        tx.clear(key)


def _entry_size(table: Table, index: Index, item: Item, size: int) -> int:
    if not all(part.name in item for part in index.schema.parts):
        return 0
    if index.projection == "ALL":
        return size
    names = table.projections[index.uid]
    return measure_item({name: item[name] for name in item if name in names})


def counter(tx: Transaction, key: bytes) -> int:
    """Return the value of a counter."""
    return int.from_bytes(tx.get(key) or b"", "little", signed=True)
