"""Copies: a backup made of a table, a table made of a backup or of another table's past.

A copy runs in small transactions, each of which schedules the next, so that the source works on and
a crash loses nothing. Of a table it has two phases:

1. **copy**: the rows are copied in the order of their keys, as they happen to be;
2. **undo**: the source's journal is undone in the copy, from the end of phase 1 backwards to the
   moment, so that each row becomes what it was then.

Of a backup, whose rows do not change, the first is enough. A table that is being made is CREATING,
and nobody reads it.
"""

from __future__ import annotations

import msgspec

from haar.fabric import jobs
from haar.kit.jobs import Job, JobKind
from haar.services.dynamodb import journal, keys, quotas, rows
from haar.services.dynamodb.backups.records import BACKUP, COPY, Copy
from haar.services.dynamodb.records import ACTIVE, TABLE, Entry, Table
from haar.services.dynamodb.row_bytes import item_of
from haar.store.api import Span, Transaction, prefix_span

STEP_ROWS = 200
STEP_BYTES = 512 * 1024
AVAILABLE = "AVAILABLE"
EXPORT_KIND = "dynamodb.export"
"""The jobs that write what was copied for an export: their key is the export's ARN."""


def begin(tx: Transaction, copy: Copy, now_ms: int) -> None:
    """Schedule the first step."""
    payload = COPY.encode(copy)
    jobs.schedule(tx, kind=COPIES.kind, key=str(copy.uid), due_ms=now_ms, payload=payload)


def new_uid(tx: Transaction) -> int:
    """Return a number that no backup and no copy has had."""
    tx.add(keys.NEWEST_COPY, 1)
    return rows.counter(tx, keys.NEWEST_COPY)


def step(job: Job, tx: Transaction) -> None:
    """Do some more of a copy, and schedule the next step or end it."""
    copy = COPY.decode(job.payload)
    target = _Target(tx, copy, job.due_ms)
    left = _copy(tx, copy, target) if copy.after is not None else _undo(tx, copy, target)
    if left is not None:
        begin(tx, left, job.due_ms)
        return
    target.finish()
    if not copy.source_arn:
        tx.add(keys.backup_uses(copy.source), -1)
    else:
        source = tx.get(keys.table(copy.source_arn))
        assert source is not None, "a table that is being copied cannot be deleted"
        journal.unpin(tx, TABLE.decode(source))


class _Target:
    """Where the rows of a copy go: a table with its indexes, or a backup."""

    def __init__(self, tx: Transaction, copy: Copy, now_ms: int) -> None:
        self._tx = tx
        self._now_ms = now_ms
        self._copy = copy
        self._table: Table | None = None
        if copy.is_restore:
            raw = tx.get(keys.table(copy.target_arn))
            assert raw is not None, "a table that is being made cannot be deleted"
            self._table = TABLE.decode(raw)

    def put(self, suffix: bytes, row: bytes | None) -> None:
        """Let a row be as it was; None where there was none."""
        tx, table = self._tx, self._table
        if table is not None:
            key = keys.rows(table.uid) + suffix
            item = None if row is None else item_of(row)
            rows.write(tx, table, key, tx.get(key), row, item, now_ms=self._now_ms)
        elif row is None:
            tx.clear(keys.backup_rows(self._copy.target) + suffix)
        else:
            tx.put(keys.backup_rows(self._copy.target) + suffix, row)

    def finish(self) -> None:
        """Show what was made."""
        tx = self._tx
        if self._table is not None:
            new = msgspec.structs.replace(self._table, status=ACTIVE)
            tx.put(keys.table(new.arn), TABLE.encode(new))
            quotas.end(tx, quotas.RESTORE, new.arn)
            return
        if "/export/" in self._copy.target_arn:
            key = self._copy.target_arn
            jobs.schedule(tx, kind=EXPORT_KIND, key=key, due_ms=self._now_ms)
            return
        place = keys.backup(self._copy.target_arn)
        raw = tx.get(place)
        assert raw is not None, "a backup that is being made cannot be deleted"
        tx.put(place, BACKUP.encode(msgspec.structs.replace(BACKUP.decode(raw), status=AVAILABLE)))


def _source_of(copy: Copy) -> bytes:
    """Return what the keys of the rows that are copied begin with."""
    if copy.source_arn:
        return keys.rows(copy.source)
    return keys.rows(copy.kept) if copy.kept else keys.backup_rows(copy.source)


def _copy(tx: Transaction, copy: Copy, target: _Target) -> Copy | None:
    """Copy some more rows; return what is left to do, None if nothing."""
    prefix = _source_of(copy)
    whole = prefix_span(prefix)
    span = Span(prefix + copy.after + b"\x00", whole.end) if copy.after else whole
    size = 0
    for number, row in enumerate(tx.scan(span), 1):
        suffix = row.key[len(prefix) :]
        target.put(suffix, row.value)
        size += len(row.value)
        if number == STEP_ROWS or size >= STEP_BYTES:
            return msgspec.structs.replace(copy, after=suffix)
    if not copy.source_arn:
        return None
    return msgspec.structs.replace(copy, after=None, undo_before=journal.end(tx, copy.source))


def _undo(tx: Transaction, copy: Copy, target: _Target) -> Copy | None:
    """Undo some more entries of the journal; return what is left to do, None if nothing."""
    key, number, size = copy.undo_before, 0, 0
    # The last key is where the next step begins.
    for key, entry in journal.backwards(tx, copy.source, copy.undo_before, STEP_ROWS):
        if _has(copy, key, entry):
            return None
        if not entry.copy:
            target.put(entry.key, entry.row)
        number += 1
        size += len(entry.row or b"")
        if size >= STEP_BYTES:
            break
    return msgspec.structs.replace(copy, undo_before=key) if number else None


def _has(copy: Copy, key: bytes, entry: Entry) -> bool:
    """Whether a copy has what an entry of the journal tells, and so all that came before it.

    The place in the journal decides, not the time alone: what came after the copy began may be of
    the very millisecond that is asked for.
    """
    if not copy.begun:
        return entry.at_ms <= copy.until_ms if copy.until_ms else entry.copy == copy.uid
    return key < copy.begun and (not copy.until_ms or entry.at_ms <= copy.until_ms)


COPIES = JobKind("dynamodb.copy", apply=step)
