"""Logs of streams: a change of an item is appended in the transaction that makes it.

A stream is one log of changes in the order of their commits; where a change stands is its
*version*, the 10 bytes that end its key (:meth:`haar.store.api.Transaction.put_versioned`). Its
sequence number is the version as a decimal number above 10^24. The shards of a stream follow each
other: each begins at a marker in the same order of versions, and ends where the next one begins.
"""

from __future__ import annotations

from typing import NamedTuple

from haar.services.dynamodb import keys
from haar.services.dynamodb.records import CHANGE, SHARD, Shard, StreamChange, Table
from haar.services.dynamodb.row_bytes import State, json_of, size_of, size_or_0
from haar.services.dynamodb.values import dumps, measure_item, same
from haar.store.api import Transaction

VERSION_BYTES = 10
_NUMBERS_BEGIN = 10**24
_NUMBERS_END = (1 << 80) - 1  # a version has one after it


def append(
    tx: Transaction, table: Table, old: State, new: State, *, now_ms: int, is_expiry: bool
) -> None:
    """Append a change to the log of a table's stream, unless it changes nothing.

    Keys: writes ``changes``.
    """
    stream = table.stream
    assert stream is not None, "checked by the caller"
    if _is_same(old, new):
        return
    item = old.item if new.row is None else new.item
    key = {part.name: item[part.name] for part in table.schema.parts}
    old_image = old.row if "OLD" in stream.view else None
    new_image = new.row if "NEW" in stream.view else None
    change = StreamChange(
        name="INSERT" if old.row is None else "REMOVE" if new.row is None else "MODIFY",
        at_ms=now_ms,
        keys=dumps(key),
        new=None if new_image is None else json_of(new_image),
        old=None if old_image is None else json_of(old_image),
        size=measure_item(key) + size_or_0(old_image) + size_or_0(new_image),
        is_expiry=is_expiry,
    )
    tx.put_versioned(keys.changes(stream.uid), CHANGE.encode(change))


def _is_same(old: State, new: State) -> bool:
    """Whether nothing changes: sets and attributes have no order."""
    if old.row is None or new.row is None or size_of(old.row) != size_of(new.row):
        return False
    return same({"M": old.item}, {"M": new.item})


def mark(tx: Transaction, stream_uid: int, now_ms: int, *, is_end: bool = False) -> None:
    """Let a new shard begin here, or the last one end.

    Keys: writes ``shards``.
    """
    tx.put_versioned(keys.shards(stream_uid), SHARD.encode(Shard(now_ms, is_end)))


class ShardRange(NamedTuple):
    """A shard: where it begins and ends in the log.

    Attributes:
        id: as AWS spells it.
        parent: the id of the shard before it; empty for the first.
        start: the first version that may be in it.
        end: the first version after it; None while it is open.
        opened_ms: when it began.
        closed_ms: when it ended; 0 while it is open.
    """

    id: str
    parent: str
    start: bytes
    end: bytes | None
    opened_ms: int
    closed_ms: int


def shards_of(tx: Transaction, stream_uid: int) -> list[ShardRange]:
    """Return the shards of a stream, the oldest first.

    Keys: reads ``shards``.
    """
    rows = tx.scan(keys.shards_span(stream_uid))
    marks = [(row.key[-VERSION_BYTES:], SHARD.decode(row.value)) for row in rows]
    found: list[ShardRange] = []
    for number, (start, shard) in enumerate(marks):
        if shard.is_end:
            continue
        following = marks[number + 1] if number + 1 < len(marks) else None
        found.append(
            ShardRange(
                id=_shard_id(start, shard),
                parent=found[-1].id if found else "",
                start=start,
                end=None if following is None else following[0],
                opened_ms=shard.opened_ms,
                closed_ms=0 if following is None else following[1].opened_ms,
            )
        )
    return found


def _shard_id(start: bytes, shard: Shard) -> str:
    return f"shardId-{shard.opened_ms:020d}-{start[4:8].hex()}"


def sequence_number(version: bytes) -> str:
    """Return the sequence number of a version: 25 digits."""
    return str(_NUMBERS_BEGIN + int.from_bytes(version, "big"))


def version_of(number: str) -> bytes | None:
    """Return the version of a sequence number; None where it is none."""
    value = int(number) - _NUMBERS_BEGIN if number.isdecimal() else -1
    return value.to_bytes(VERSION_BYTES, "big") if 0 <= value < _NUMBERS_END else None


def next_version(version: bytes) -> bytes:
    """Return the version after another."""
    return (int.from_bytes(version, "big") + 1).to_bytes(VERSION_BYTES, "big")
