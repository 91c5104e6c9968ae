"""The journal of a table: what each row was before each change, in the order of commits.

It is kept while the table can be recovered to a point in time, and while a copy of the table is
under way. So a table as it was at a moment is the table as it is, with the journal undone backwards
to that moment.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from haar.fabric import jobs
from haar.kit.jobs import Job, JobKind
from haar.services.dynamodb import keys
from haar.services.dynamodb.records import ENTRY, TABLE, Entry, Table
from haar.store.api import Span, Transaction

DAY_MS = 24 * 60 * 60 * 1000
TRIM_EVERY_MS = 60 * 60 * 1000
TRIM_ROWS = 1000


def note(tx: Transaction, table: Table, key: bytes, old: bytes | None, now_ms: int) -> None:
    """Note what a row was before a change, if the table keeps a journal."""
    if table.is_journaled:
        entry = Entry(now_ms, key[len(keys.rows(table.uid)) :], old)
        tx.put_versioned(keys.journal(table.uid), ENTRY.encode(entry))


def end(tx: Transaction, table_uid: int) -> bytes:
    """Return the key after the newest entry."""
    newest = next(iter(tx.scan(keys.journal_span(table_uid), limit=1, reverse=True)), None)
    return keys.journal_span(table_uid).start if newest is None else newest.key + b"\x00"


def backwards(
    tx: Transaction, table_uid: int, before: bytes, limit: int
) -> Iterator[tuple[bytes, Entry]]:
    """Yield the entries before a key, newest first."""
    span = Span(keys.journal_span(table_uid).start, before)
    for row in tx.scan(span, limit=limit, reverse=True):
        yield row.key, ENTRY.decode(row.value)


def pin(tx: Transaction, table: Table) -> Table:
    """Keep the journal of a table for one more copy; return the table's new record."""
    return _set_pins(tx, table, table.pins + 1)


def unpin(tx: Transaction, table: Table) -> None:
    """End what :func:`pin` began; the journal goes when nobody needs it."""
    drop_unneeded(tx, _set_pins(tx, table, table.pins - 1))


def _set_pins(tx: Transaction, table: Table, pins: int) -> Table:
    new = msgspec.structs.replace(table, pins=pins)
    tx.put(keys.table(table.arn), TABLE.encode(new))
    return new


def drop_unneeded(tx: Transaction, table: Table) -> None:
    """Remove the journal of a table that keeps none any more."""
    if not table.is_journaled:
        tx.delete(keys.journal_span(table.uid))


def schedule_trim(tx: Transaction, table: Table, now_ms: int) -> None:
    """Let what is older than the recovery period go, from time to time."""
    payload = table.arn.encode()
    due_ms = now_ms + TRIM_EVERY_MS
    jobs.schedule(tx, kind=TRIM.kind, key=str(table.uid), due_ms=due_ms, payload=payload)


def trim(job: Job, tx: Transaction) -> None:
    """Remove entries that are older than the table's recovery period."""
    raw = tx.get(keys.table(job.payload.decode()))
    if raw is None:
        return
    table = TABLE.decode(raw)
    if str(table.uid) != job.key or not table.recovery_days:
        return
    is_behind = not table.pins and _trim(tx, table, job.due_ms - table.recovery_days * DAY_MS)
    schedule_trim(tx, table, job.due_ms - (TRIM_EVERY_MS if is_behind else 0))


def _trim(tx: Transaction, table: Table, oldest_ms: int) -> bool:
    """Remove old entries, a bounded number of them; return whether there may be more."""
    last: bytes | None = None
    for number, row in enumerate(tx.scan(keys.journal_span(table.uid), limit=TRIM_ROWS), 1):
        if ENTRY.decode(row.value).at_ms >= oldest_ms:
            break
        last = row.key
        if number == TRIM_ROWS:
            tx.delete(Span(keys.journal_span(table.uid).start, last + b"\x00"))
            return True
    if last is not None:
        tx.delete(Span(keys.journal_span(table.uid).start, last + b"\x00"))
    return False


TRIM = JobKind("dynamodb.journal", apply=trim)
