"""Expiries: which items of a table end when, as its time to live says.

The attribute is a number of seconds since 1970; whatever is none, and what lies more than five
years back when its time comes, never ends.
"""

from __future__ import annotations

from decimal import Decimal

from haar.services.dynamodb import keys
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.row_bytes import item_of
from haar.services.dynamodb.values import Item
from haar.store.api import Transaction

_SECONDS_END = 1 << 40


def seconds_of(table: Table, item: Item) -> int | None:
    """Return the second at which an item ends; None for never."""
    assert table.time_to_live is not None, "checked by the caller"
    value = item.get(table.time_to_live.name)
    if value is None or "N" not in value:
        return None
    seconds = int(Decimal(value["N"]))
    return seconds if 0 < seconds < _SECONDS_END else None


def move(tx: Transaction, table: Table, key: bytes, before: Item, after: Item) -> None:
    """Bring the expiry of an item up to date.

    Keys: writes and clears ``expiry``.
    """
    old, new = seconds_of(table, before), seconds_of(table, after)
    if old != new:
        if old is not None:
            tx.clear(keys.expiry(table.uid, old, key))
        if new is not None:
            tx.put(keys.expiry(table.uid, new, key), b"")


def add(tx: Transaction, table: Table, key: bytes, row: bytes) -> None:
    """Add the expiry of an item that was there before the time to live.

    Keys: writes ``expiry``.
    """
    move(tx, table, key, {}, item_of(row))
