"""Rows of items and of index entries.

=========  =======  ==============================================================
bytes      content  why
=========  =======  ==============================================================
0          ``01``   the version of this form
1-4        size     AWS's size of the item, big-endian: pages and capacity need it
5-         JSON     as AWS's wire has it: an answer is spliced, not decoded
=========  =======  ==============================================================
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.binding import Bound
from haar.services.dynamodb.values import Item, dumps

ITEM_BYTES_MAX = 400 * 1024
HEAD_BYTES = 5
_VERSION = b"\x01"


class State(NamedTuple):
    """An item before or after a change: its row, and the same decoded; nothing for no item."""

    row: bytes | None
    item: Item


def encode(item: Item, size: int) -> bytes:
    """Return the row of an item."""
    return _VERSION + size.to_bytes(4, "big") + dumps(item)


def json_of(row: bytes) -> bytes:
    """Return an item's JSON."""
    return row[HEAD_BYTES:]


def size_of(row: bytes) -> int:
    """Return an item's size."""
    return int.from_bytes(row[1:HEAD_BYTES], "big")


def size_or_0(row: bytes | None) -> int:
    """Return an item's size; 0 for no row."""
    return 0 if row is None else size_of(row)


def item_of(row: bytes | None) -> Item:
    """Return the item of a row; an empty one for no row."""
    if row is None:
        return {}
    item: Item = orjson.loads(memoryview(row)[HEAD_BYTES:])
    return item


def spliced(row: bytes) -> orjson.Fragment:
    """Return an item's JSON for an answer."""
    return orjson.Fragment(row[HEAD_BYTES:])


def shown(row: bytes, bound: Bound) -> orjson.Fragment | Item:
    """Return what an answer has of an item."""
    projection = bound.projection
    return spliced(row) if projection is None else projection.apply(item_of(row))


def checked_row(item: Item, size: int, text: str = texts.ITEM_TOO_LARGE) -> bytes:
    """Return the row of an item.

    Raises:
        Invalid: it is larger than 400 KB.
    """
    if size > ITEM_BYTES_MAX:
        raise Invalid(text)
    return encode(item, size)
