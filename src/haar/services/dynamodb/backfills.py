"""Back-fills: a new index gets the items that were there before it, while the table works on.

The same does it for the expiries of a table whose items get a time to live.

From the transaction that makes it, an index is kept up to date by every write, like any other. The
back-fill walks over the table in small transactions, each of which adds the entries that are still
missing and schedules the next; when it comes to the end, the index is ACTIVE. A crash loses
nothing: the job that was due is due again. Items whose attributes cannot be keys are left out, as
AWS does.
"""

from __future__ import annotations

import msgspec

from haar.fabric import jobs
from haar.kit.jobs import Job, JobKind
from haar.services.dynamodb import expiries, keys, rows
from haar.services.dynamodb.records import ACTIVE, TABLE, Index, Table
from haar.store.api import Span, Transaction, prefix_span

STEP_ROWS = 100
STEP_BYTES = 256 * 1024


EXPIRIES = "expiries"
"""What is filled when a table's items get a time to live; for an index, it is its number."""


def begin(tx: Transaction, table: Table, what: str, now_ms: int) -> None:
    """Schedule the first step."""
    _schedule(tx, table, what, now_ms, Position(keys.table(table.arn), b""))


def cancel(tx: Transaction, table: Table, what: str) -> None:
    """Let a back-fill go, if it is not done."""
    jobs.cancel(tx, kind=BACKFILL.kind, key=_name(table, what))


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far a back-fill is.

    Attributes:
        table: the key of the table's record.
        after: the last row that was done; empty at the beginning.
    """

    table: bytes
    after: bytes


_replace = msgspec.structs.replace
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Position).decode


def _name(table: Table, what: str) -> str:
    return f"{table.uid}/{what}"


def _schedule(tx: Transaction, table: Table, what: str, due_ms: int, at: Position) -> None:
    jobs.schedule(
        tx, kind=BACKFILL.kind, key=_name(table, what), due_ms=due_ms, payload=_encode(at)
    )


def step(job: Job, tx: Transaction) -> None:
    """Do some more items; schedule the next step, or say that all are done."""
    position = _decode(job.payload)
    raw = tx.get(position.table)
    table = None if raw is None else TABLE.decode(raw)
    uid, what = job.key.split("/")
    if table is None or str(table.uid) != uid:
        return  # deleted since, perhaps made anew
    last = _fill(tx, table, what, position.after)
    if last is None:
        done = _done(table, what)
        tx.put(keys.table(table.arn), TABLE.encode(done))
    else:
        _schedule(tx, table, what, job.due_ms, Position(position.table, last))


def _fill(tx: Transaction, table: Table, what: str, after: bytes) -> bytes | None:
    """Do the items after a row; return the last row, or None at the end."""
    span = prefix_span(keys.rows(table.uid))
    if after:
        span = Span(after + b"\x00", span.end)
    size = 0
    indexes = [index for index in table.indexes if str(index.uid) == what]
    for number, row in enumerate(tx.scan(span), 1):
        for index in indexes:
            rows.add_entry(tx, table, index, row.key, row.value)
        if what == EXPIRIES:
            expiries.add(tx, table, row.key, row.value)
        size += len(row.value)
        if number == STEP_ROWS or size >= STEP_BYTES:
            return row.key
    return None


def _done(table: Table, what: str) -> Table:
    """Return a table with a back-fill done."""
    if what == EXPIRIES:
        assert table.time_to_live is not None, "its end cancels the job"
        setting = _replace(table.time_to_live, is_filling=False)
        return _replace(table, time_to_live=setting)
    indexes = [
        _replace(index, status=ACTIVE) if str(index.uid) == what else index
        for index in table.indexes
    ]
    return _replace(table, indexes=tuple(indexes))


def remove(tx: Transaction, table: Table, index: Index) -> None:
    """Remove what an index has, and its back-fill if it is not done."""
    cancel(tx, table, str(index.uid))
    tx.delete(prefix_span(keys.rows(table.uid, index.uid)))
    tx.clear(keys.count(table.uid, index.uid))
    tx.clear(keys.size(table.uid, index.uid))
    tx.delete(keys.index_levels(table.uid, index.uid))


BACKFILL = JobKind("dynamodb.backfill", apply=step)
