"""Gathering what has changed in a span of time, for an incremental export.

Like a copy (:mod:`haar.services.dynamodb.backups.copies`), it runs in small transactions, each of
which schedules the next, while the table works on. It has three phases:

1. **find**: the table's journal is read backwards to the beginning of the span. Of each row that
   changed in the span it is noted when that was last, and what the row was before the first time;
2. **copy**: the rows that were found are copied as they happen to be;
3. **undo**: the journal is undone in these copies, from the end of phase 2 backwards to the end of
   the span, so that each becomes what it was then.

Then :mod:`.writing` brings them to S3.

Commits need not be in the order of their times to the millisecond. So a moment is a place in the
journal: after the last entry whose time is before it. A span that begins where another one ended
begins at the same place: between the two nothing is missing and nothing comes twice.
"""

from __future__ import annotations

import msgspec

from haar.fabric import jobs
from haar.kit.jobs import Job, JobKind
from haar.kit.records import Codec
from haar.services.dynamodb import journal, keys
from haar.services.dynamodb.backups.copies import EXPORT_KIND, STEP_ROWS
from haar.services.dynamodb.records import TABLE, Entry
from haar.store.api import Span, Transaction

FIND, COPY, UNDO = "find", "copy", "undo"


class Gathering(msgspec.Struct, frozen=True, array_like=True):
    """A gathering under way.

    Attributes:
        uid: its number, and that of the export.
        table: the number of the table.
        export_arn: of the export, which begins with the table's ARN.
        from_ms: the span's beginning, inclusive.
        to_ms: the span's end, exclusive.
        before: the entry of the journal before which the next one is read.
        phase: ``find``, ``copy`` or ``undo``.
        after: the last row that was copied, without its prefix.
        newest: the last entry of the span, once it was found.
    """

    uid: int
    table: int
    export_arn: str
    from_ms: int
    to_ms: int
    before: bytes
    phase: str = FIND
    after: bytes = b""
    newest: bytes = b""


class Changed(msgspec.Struct, frozen=True, array_like=True):
    """A row that changed in the span.

    Attributes:
        at_ms: when it did last.
        old: what it was before; None where there was none.
        new: what it was afterwards; None where there was none.
    """

    at_ms: int
    old: bytes | None
    new: bytes | None = None


GATHERING = Codec(Gathering)
CHANGED = Codec(Changed)
_replace = msgspec.structs.replace


def begin(tx: Transaction, gathering: Gathering, now_ms: int) -> None:
    """Schedule the next step."""
    payload = GATHERING.encode(gathering)
    jobs.schedule(tx, kind=GATHERINGS.kind, key=str(gathering.uid), due_ms=now_ms, payload=payload)


def step(job: Job, tx: Transaction) -> None:
    """Do some more, and schedule the next step or the writing of what was found."""
    gathering = GATHERING.decode(job.payload)
    left = _PHASES[gathering.phase](tx, gathering)
    if left is not None:
        begin(tx, left, job.due_ms)
        return
    raw = tx.get(keys.table(gathering.export_arn.partition("/export/")[0]))
    assert raw is not None, "a table that is being exported cannot be deleted"
    journal.unpin(tx, TABLE.decode(raw))
    jobs.schedule(tx, kind=EXPORT_KIND, key=gathering.export_arn, due_ms=job.due_ms)


def _find(tx: Transaction, gathering: Gathering) -> Gathering:
    """Note some more rows that changed; return what is left to do."""
    newest, before = gathering.newest, b""
    for before, entry in journal.backwards(tx, gathering.table, gathering.before, STEP_ROWS):
        if entry.at_ms < gathering.from_ms:
            return _replace(gathering, phase=COPY, newest=newest)
        if not newest and entry.at_ms < gathering.to_ms:
            newest = before
        if newest and not entry.copy:
            _note(tx, gathering, entry)
    if before:
        return _replace(gathering, before=before, newest=newest)
    return _replace(gathering, phase=COPY, newest=newest)


def _note(tx: Transaction, gathering: Gathering, entry: Entry) -> None:
    place = keys.backup_rows(gathering.uid) + entry.key
    raw = tx.get(place)
    # Backwards: the first that is met is the last change, the last one has what was before all.
    at_ms = entry.at_ms if raw is None else CHANGED.decode(raw).at_ms
    tx.put(place, CHANGED.encode(Changed(at_ms, entry.row)))


def _copy(tx: Transaction, gathering: Gathering) -> Gathering:
    """Copy some more rows; return what is left to do."""
    prefix, span = keys.backup_rows(gathering.uid), keys.backup_span(gathering.uid)
    if gathering.after:
        span = Span(prefix + gathering.after + b"\x00", span.end)
    found = list(tx.scan(span, limit=STEP_ROWS))
    for key, value in found:
        new = tx.get(keys.rows(gathering.table) + key[len(prefix) :])
        tx.put(key, CHANGED.encode(_replace(CHANGED.decode(value), new=new)))
    if not found:
        return _replace(gathering, phase=UNDO, before=journal.end(tx, gathering.table))
    return _replace(gathering, after=found[-1].key[len(prefix) :])


def _undo(tx: Transaction, gathering: Gathering) -> Gathering | None:
    """Undo some more entries in the copies; return what is left to do, None if nothing."""
    number, before = 0, gathering.before
    for before, entry in journal.backwards(tx, gathering.table, gathering.before, STEP_ROWS):
        number += 1
        if before <= gathering.newest:
            return None
        place = keys.backup_rows(gathering.uid) + entry.key
        raw = None if entry.copy else tx.get(place)
        if raw is not None:
            tx.put(place, CHANGED.encode(_replace(CHANGED.decode(raw), new=entry.row)))
    return _replace(gathering, before=before) if number else None


_PHASES = {FIND: _find, COPY: _copy, UNDO: _undo}
GATHERINGS = JobKind("dynamodb.gathering", apply=step)
