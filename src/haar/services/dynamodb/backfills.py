"""Back-fills: a new index gets the items that were there before it, while the table works on.

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
from haar.services.dynamodb import keys, rows
from haar.services.dynamodb.records import ACTIVE, TABLE, Index, Table
from haar.store.api import Span, Transaction, prefix_span

STEP_ROWS = 100
STEP_BYTES = 256 * 1024


def begin(tx: Transaction, table: Table, index: Index, now_ms: int) -> None:
    """Schedule the first step."""
    _schedule(tx, table, index, now_ms, Position(keys.table(table.arn), b""))


class Position(msgspec.Struct, frozen=True, array_like=True):
    """How far a back-fill is.

    Attributes:
        table: the key of the table's record.
        after: the last row that was done; empty at the beginning.
    """

    table: bytes
    after: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Position).decode


def _name(table: Table, index: Index) -> str:
    return f"{table.uid}/{index.uid}"


def _schedule(tx: Transaction, table: Table, index: Index, due_ms: int, at: Position) -> None:
    jobs.schedule(
        tx, kind=BACKFILL.kind, key=_name(table, index), due_ms=due_ms, payload=_encode(at)
    )


def step(job: Job, tx: Transaction) -> None:
    """Add the entries of some more items; schedule the next step, or let the index be ACTIVE."""
    position = _decode(job.payload)
    raw = tx.get(position.table)
    if raw is None:
        return
    table = TABLE.decode(raw)
    index = next((i for i in table.indexes if _name(table, i) == job.key), None)
    if index is None:
        return
    last = _fill(tx, table, index, position.after)
    if last is None:
        _activate(tx, table, index)
    else:
        _schedule(tx, table, index, job.due_ms, Position(position.table, last))


def _fill(tx: Transaction, table: Table, index: Index, after: bytes) -> bytes | None:
    """Add the entries of the items after a row; return the last row, or None at the end."""
    span = prefix_span(keys.rows(table.uid))
    if after:
        span = Span(after + b"\x00", span.end)
    size = 0
    for number, row in enumerate(tx.scan(span), 1):
        rows.add_entry(tx, table, index, row.key, row.value)
        size += len(row.value)
        if number == STEP_ROWS or size >= STEP_BYTES:
            return row.key
    return None


def _activate(tx: Transaction, table: Table, index: Index) -> None:
    done = msgspec.structs.replace(index, status=ACTIVE)
    indexes = tuple(done if i.uid == index.uid else i for i in table.indexes)
    new = msgspec.structs.replace(table, indexes=indexes)
    tx.put(keys.table(table.arn), TABLE.encode(new))


def remove(tx: Transaction, table: Table, index: Index) -> None:
    """Remove what an index has, and its back-fill if it is not done."""
    jobs.cancel(tx, kind=BACKFILL.kind, key=_name(table, index))
    tx.delete(prefix_span(keys.rows(table.uid, index.uid)))
    tx.clear(keys.count(table.uid, index.uid))
    tx.clear(keys.size(table.uid, index.uid))


BACKFILL = JobKind("dynamodb.backfill", apply=step)
