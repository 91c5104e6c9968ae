"""Recovery to a point in time: the table's journal is kept, and undone in a new table."""

from __future__ import annotations

from datetime import datetime

import msgspec

from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.services.dynamodb import journal, keys, texts
from haar.services.dynamodb.backups import copies
from haar.services.dynamodb.backups.making import OVERRIDES, make_table
from haar.services.dynamodb.backups.records import Copy
from haar.services.dynamodb.descriptions import describe
from haar.services.dynamodb.errors import Invalid, InvalidRestoreTime, RecoveryUnavailable
from haar.services.dynamodb.lookup import arn_of, load_for_backup, table_arn
from haar.services.dynamodb.records import TABLE, Restored, Table
from haar.services.dynamodb.times import moment
from haar.store.api import Transaction

DAYS_MAX = 35


@operation(
    "UpdateContinuousBackups",
    members="TableName PointInTimeRecoverySpecification",
    resource=table_arn,
)
def update_continuous_backups(call: Call[Members], tx: Transaction) -> Members:
    """Switch recovery to a point in time on or off, or change how far back it goes.

    Keys: reads and writes ``table``; clears ``journal``; jobs.

    Raises:
        SourceNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, UpdateContinuousBackups.
    """
    table = load_for_backup(tx, call.resource)
    wanted: Members = call.members["PointInTimeRecoverySpecification"]
    days: int = wanted.get("RecoveryPeriodInDays", table.recovery_days or DAYS_MAX)
    is_enabled: bool = wanted["PointInTimeRecoveryEnabled"]
    if is_enabled:
        # A longer period brings nothing back that the shorter one has let go.
        since_ms = earliest_ms(table, call.now_ms) if table.recovery_days else call.now_ms
        new = msgspec.structs.replace(table, recovery_days=days, recovery_ms=since_ms)
        journal.schedule_trim(tx, new, call.now_ms)
    else:
        new = msgspec.structs.replace(table, recovery_days=0, recovery_ms=0)
        journal.drop_unneeded(tx, new)
    tx.put(keys.table(table.arn), TABLE.encode(new))
    return {"ContinuousBackupsDescription": _described(new, call.now_ms)}


@operation("DescribeContinuousBackups", members="TableName", resource=table_arn, readonly=True)
def describe_continuous_backups(call: Call[Members], tx: Transaction) -> Members:
    """Tell whether a table can be recovered, and to which moments.

    Keys: reads ``table``.

    Raises:
        SourceNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, DescribeContinuousBackups.
    """
    table = load_for_backup(tx, call.resource)
    return {"ContinuousBackupsDescription": _described(table, call.now_ms)}


def _described(table: Table, now_ms: int) -> Members:
    recovery: Members = {"PointInTimeRecoveryStatus": "DISABLED"}
    if table.recovery_days:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": table.recovery_days,
            "EarliestRestorableDateTime": moment(earliest_ms(table, now_ms)),
            "LatestRestorableDateTime": moment(now_ms),
        }
    return {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}


def earliest_ms(table: Table, now_ms: int) -> int:
    """Return the earliest moment to which a table can be recovered."""
    return max(table.recovery_ms, now_ms - table.recovery_days * journal.DAY_MS)


def _source_arn(members: Members, scope: Scope) -> str:
    source = members.get("SourceTableArn") or members.get("SourceTableName")
    if source is None:
        raise Invalid(texts.RESTORE_SOURCE)
    return arn_of(source, scope)


def recovered_arns(members: Members, scope: Scope) -> list[str]:
    """Name the table that is recovered and the one that is made."""
    return [_source_arn(members, scope), arn_of(members["TargetTableName"], scope)]


@operation(
    "RestoreTableToPointInTime",
    members=(
        "SourceTableArn SourceTableName TargetTableName UseLatestRestorableTime RestoreDateTime "
        f"{OVERRIDES}"
    ),
    resource=recovered_arns,
)
def restore_table_to_point_in_time(call: Call[Members], tx: Transaction) -> Members:
    """Make a table of another one as it was at a moment. It is CREATING until that is done.

    Keys: reads and writes ``table``; reads ``journal``; writes jobs; adds to ``tables``.

    Raises:
        SourceNotFound: no such table.
        RecoveryUnavailable: its recovery is not switched on.
        InvalidRestoreTime: a moment to which it does not go back.
        TargetExists: there is a table of the new name.

    Source: AWS docs, DynamoDB API reference, RestoreTableToPointInTime.
    """
    source_arn, target_arn = call.resources
    source = load_for_backup(tx, source_arn)
    until_ms = _until_ms(call, source)
    restored = Restored(source.arn, until_ms or call.now_ms)
    table = make_table(call, tx, target_arn, source, restored)
    uid = copies.new_uid(tx)
    journal.pin(tx, source)
    copy = Copy(
        uid,
        source.uid,
        source.arn,
        table.uid,
        table.arn,
        is_restore=True,
        until_ms=until_ms,
        begun=journal.end(tx, source.uid),
    )
    copies.begin(tx, copy, call.now_ms)
    return {"TableDescription": describe(tx, table, call.now_ms)}


def _until_ms(call: Call[Members], source: Table) -> int:
    """Return the moment that is asked for, 0 for now."""
    if not source.recovery_days:
        raise RecoveryUnavailable(table=source.name)
    at: datetime | None = call.members.get("RestoreDateTime")
    is_latest: bool = call.members.get("UseLatestRestorableTime", False)
    if (at is None) is not is_latest:
        raise Invalid(texts.RESTORE_TIME)
    if at is None:
        return 0
    until_ms = int(at.timestamp() * 1000)
    if not earliest_ms(source, call.now_ms) <= until_ms <= call.now_ms:
        raise InvalidRestoreTime
    return until_ms
