"""System backups: a table that could be recovered is kept for 35 days after it was deleted.

Its rows stay where they are, since the number of a table is never used again: so deleting a table
costs the same with a backup, and the backup is there at once.

Source: AWS docs, DynamoDB developer guide, "Point-in-time backups for DynamoDB".
"""

from __future__ import annotations

from haar.fabric import jobs
from haar.kit.call import Call, Members
from haar.kit.jobs import Job, JobKind
from haar.services.dynamodb import journal, keys, rows
from haar.services.dynamodb.backups import copies
from haar.services.dynamodb.backups.records import BACKUP, SYSTEM, Backup
from haar.services.dynamodb.records import Table
from haar.store.api import Span, Transaction

KEPT_MS = 35 * journal.DAY_MS
NAME = "{table}$DeletedTableBackup"
IN_USE_AGAIN_MS = 60 * 60 * 1000


def keep(call: Call[Members], tx: Transaction, table: Table) -> None:
    """Make the backup of a table that is being deleted, and schedule its end."""
    backup = Backup(
        uid=copies.new_uid(tx),
        arn=f"{table.arn}/backup/0{call.now_ms}-{call.entropy.bytes(4).hex()}",
        name=NAME.format(table=table.name),
        table=table,
        created_ms=call.now_ms,
        size=rows.counter(tx, keys.size(table.uid)),
        count=rows.counter(tx, keys.count(table.uid)),
        status=copies.AVAILABLE,
        kind=SYSTEM,
        expires_ms=call.now_ms + KEPT_MS,
    )
    tx.put(keys.backup(backup.arn), BACKUP.encode(backup))
    jobs.schedule(tx, kind=EXPIRY.kind, key=backup.arn, due_ms=backup.expires_ms)


def rows_of(backup: Backup) -> Span:
    """Return the span of a backup's rows."""
    if backup.kind == SYSTEM:
        return keys.row_span(backup.table.uid)
    return keys.backup_span(backup.uid)


def remove(tx: Transaction, backup: Backup) -> None:
    """Remove a backup and its rows."""
    tx.clear(keys.backup(backup.arn))
    tx.delete(rows_of(backup))
    tx.clear(keys.backup_uses(backup.uid))


def expire(job: Job, tx: Transaction) -> None:
    """Remove a backup whose time has come, or later if a table is being restored from it."""
    raw = tx.get(keys.backup(job.key))
    if raw is None:
        return  # deleted by hand
    backup = BACKUP.decode(raw)
    if rows.counter(tx, keys.backup_uses(backup.uid)):
        due_ms = job.due_ms + IN_USE_AGAIN_MS
        jobs.schedule(tx, kind=EXPIRY.kind, key=job.key, due_ms=due_ms)
    else:
        remove(tx, backup)


EXPIRY = JobKind("dynamodb.backup-expiry", apply=expire)
