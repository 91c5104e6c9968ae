"""What is stored of backups, and of copies under way."""

from __future__ import annotations

import msgspec

from haar.kit.records import Codec
from haar.services.dynamodb.records import Table

USER, SYSTEM = "USER", "SYSTEM"


class Backup(msgspec.Struct, frozen=True, array_like=True):
    """A backup: one that somebody asked for, or that of a deleted table (:mod:`.system`).

    Attributes:
        uid: its number, in the keys of its rows; never used again.
        arn: the backup's.
        name: the client's.
        table: the record of the table as it was.
        created_ms: when; the backup is the table as it was then.
        size: of the table then, in bytes.
        count: of its items then.
        status: ``CREATING`` or ``AVAILABLE``.
        kind: ``USER`` or ``SYSTEM``.
        expires_ms: when it goes by itself, 0 for never.
    """

    uid: int
    arn: str
    name: str
    table: Table
    created_ms: int
    size: int
    count: int
    status: str
    kind: str = USER
    expires_ms: int = 0


class Copy(msgspec.Struct, frozen=True, array_like=True):
    """A copy under way; :mod:`.copies` tells its phases.

    Attributes:
        uid: its number.
        source: the number of the table or of the backup that is copied.
        source_arn: of that table; empty for a backup.
        target: the number of the table or of the backup that is made.
        target_arn: of that table or of that backup.
        is_restore: whether a table is made.
        until_ms: the moment; 0 for that at which the copy began. Of one millisecond all changes
            are taken that were there when the copy began.
        after: the last row that was copied, without its prefix; None once all were.
        undo_before: the entry of the journal before which the next one is undone.
        kept: of a system backup, the number of the deleted table, whose rows are the backup's.
        begun: the end of the journal when the copy began: what is there or later came after it;
            empty for a copy that an older haar began, which marked the place in the journal.
    """

    uid: int
    source: int
    source_arn: str
    target: int
    target_arn: str
    is_restore: bool
    until_ms: int = 0
    after: bytes | None = b""
    undo_before: bytes = b""
    kept: int = 0
    begun: bytes = b""


BACKUP = Codec(Backup)
COPY = Codec(Copy)
