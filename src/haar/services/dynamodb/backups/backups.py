"""On-demand backups: create, describe, list, delete, restore."""

from __future__ import annotations

from datetime import datetime

from haar.kit.call import Call, Members, Scope
from haar.kit.operation import anything, operation
from haar.services.dynamodb import journal, keys, rows
from haar.services.dynamodb.backups import copies, system
from haar.services.dynamodb.backups.making import OVERRIDES, make_table
from haar.services.dynamodb.backups.records import BACKUP, SYSTEM, USER, Backup, Copy
from haar.services.dynamodb.descriptions import describe
from haar.services.dynamodb.errors import BackupInUse, BackupNotFound
from haar.services.dynamodb.listings import is_of, page_of, start_of
from haar.services.dynamodb.lookup import arn_of, load_for_backup, table_arn
from haar.services.dynamodb.records import CREATING, Restored
from haar.services.dynamodb.time_to_live import described as ttl_described
from haar.services.dynamodb.times import moment
from haar.store.api import Row, Transaction

_PAGE_MAX = 100
_FEATURES = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")
_INDEX_MEMBERS = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")


def backup_arn(members: Members, scope: Scope) -> str:
    """Name the backup of a request."""
    del scope
    arn: str = members["BackupArn"]
    return arn


@operation("CreateBackup", members="TableName BackupName", resource=table_arn)
def create_backup(call: Call[Members], tx: Transaction) -> Members:
    """Back a table up as it is now. It is CREATING until its rows have been copied.

    Keys: reads and writes ``table``; reads ``journal``; writes ``backup``, jobs.

    Raises:
        SourceNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, CreateBackup.
    """
    table = journal.pin(tx, load_for_backup(tx, call.resource))
    uid = copies.new_uid(tx)
    backup = Backup(
        uid=uid,
        arn=f"{table.arn}/backup/0{call.now_ms}-{call.entropy.bytes(4).hex()}",
        name=call.members["BackupName"],
        table=table,
        created_ms=call.now_ms,
        size=rows.counter(tx, keys.size(table.uid)),
        count=rows.counter(tx, keys.count(table.uid)),
        status=CREATING,
    )
    tx.put(keys.backup(backup.arn), BACKUP.encode(backup))
    begun = journal.end(tx, table.uid)
    copy = Copy(uid, table.uid, table.arn, uid, backup.arn, is_restore=False, begun=begun)
    copies.begin(tx, copy, call.now_ms)
    return {"BackupDetails": _details(backup)}


def _details(backup: Backup) -> Members:
    details: Members = {
        "BackupArn": backup.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.size,
        "BackupStatus": backup.status,
        "BackupType": backup.kind,
        "BackupCreationDateTime": moment(backup.created_ms),
    }
    if backup.expires_ms:
        details["BackupExpiryDateTime"] = moment(backup.expires_ms)
    return details


@operation("DescribeBackup", members="BackupArn", resource=backup_arn, readonly=True)
def describe_backup(call: Call[Members], tx: Transaction) -> Members:
    """Describe a backup, and the table as it was.

    Keys: reads ``backup``.

    Raises:
        BackupNotFound: no such backup.

    Source: AWS docs, DynamoDB API reference, DescribeBackup.
    """
    return {"BackupDescription": _description(tx, _load(tx, call.resource))}


def _load(tx: Transaction, arn: str) -> Backup:
    raw = tx.get(keys.backup(arn)) if is_of(arn, "backup") else None
    if raw is None:
        raise BackupNotFound(arn=arn)
    return BACKUP.decode(raw)


def _description(tx: Transaction, backup: Backup) -> Members:
    table = backup.table
    described = describe(tx, table, backup.created_ms)
    source: Members = {
        "TableName": table.name,
        "TableId": table.id,
        "TableArn": table.arn,
        "TableSizeBytes": backup.size,
        "KeySchema": described["KeySchema"],
        "TableCreationDateTime": moment(table.created_ms),
        "ProvisionedThroughput": {
            "ReadCapacityUnits": table.read_units,
            "WriteCapacityUnits": table.write_units,
        },
        "ItemCount": backup.count,
        "BillingMode": table.billing,
    }
    features: Members = {
        name: [{key: index[key] for key in _INDEX_MEMBERS if key in index} for index in found]
        for name in _FEATURES
        if (found := described.get(name))
    }
    if "OnDemandThroughput" in described:
        source["OnDemandThroughput"] = described["OnDemandThroughput"]
    if table.has_stream:
        features["StreamDescription"] = described["StreamSpecification"]
    if table.has_expiries:
        features["TimeToLiveDescription"] = ttl_described(table.time_to_live)
    return {
        "BackupDetails": _details(backup),
        "SourceTableDetails": source,
        "SourceTableFeatureDetails": features,
    }


@operation(
    "ListBackups",
    members=(
        "TableName Limit TimeRangeLowerBound TimeRangeUpperBound ExclusiveStartBackupArn BackupType"
    ),
    resource=anything,
    readonly=True,
)
def list_backups(call: Call[Members], tx: Transaction) -> Members:
    """List the backups of a table or of the account, a page at a time.

    Keys: reads ``backup``.

    Source: AWS docs, DynamoDB API reference, ListBackups.
    """
    members = call.members
    table = arn_of(members["TableName"], call.scope) if "TableName" in members else ""
    limit = members.get("Limit", _PAGE_MAX)
    start = start_of(members.get("ExclusiveStartBackupArn", ""), "backup")
    every = map(_decoded, tx.scan(keys.backups(call.account, call.region, start)))
    page, last = page_of((one for one in every if _is_wanted(one, members, table)), limit)
    result: Members = {"BackupSummaries": list(map(_summary, page))}
    return {**result, "LastEvaluatedBackupArn": last} if last else result


def _decoded(row: Row) -> Backup:
    return BACKUP.decode(row.value)


def _is_wanted(backup: Backup, members: Members, table: str) -> bool:
    at = moment(backup.created_ms)
    lower: datetime | None = members.get("TimeRangeLowerBound")
    upper: datetime | None = members.get("TimeRangeUpperBound")
    return (
        (not table or backup.table.arn == table)
        and (lower is None or at >= lower)
        and (upper is None or at < upper)
        and members.get("BackupType", USER) in {backup.kind, "ALL"}
    )


def _summary(backup: Backup) -> Members:
    table = backup.table
    return {
        "TableName": table.name,
        "TableId": table.id,
        "TableArn": table.arn,
        **_details(backup),
    }


@operation("DeleteBackup", members="BackupArn", resource=backup_arn)
def delete_backup(call: Call[Members], tx: Transaction) -> Members:
    """Delete a backup and its rows.

    Keys: clears ``backup``, ``backed``, ``uses``; of a deleted table's, ``rows``.

    Raises:
        BackupNotFound: no such backup.
        BackupInUse: it is being made, or a table is being restored from it.

    Source: AWS docs, DynamoDB API reference, DeleteBackup.
    """
    backup = _load(tx, call.resource)
    if backup.status == CREATING or rows.counter(tx, keys.backup_uses(backup.uid)):
        raise BackupInUse(arn=backup.arn)
    described = _description(tx, backup)
    described["BackupDetails"]["BackupStatus"] = "DELETED"
    system.remove(tx, backup)
    return {"BackupDescription": described}


def restored_arns(members: Members, scope: Scope) -> list[str]:
    """Name the backup and the table that is made of it."""
    return [members["BackupArn"], arn_of(members["TargetTableName"], scope)]


@operation(
    "RestoreTableFromBackup",
    members=f"TargetTableName BackupArn {OVERRIDES}",
    resource=restored_arns,
)
def restore_table_from_backup(call: Call[Members], tx: Transaction) -> Members:
    """Make a table of a backup. It is CREATING until its rows have been copied.

    Keys: reads ``backup``; writes ``table``, jobs; adds to ``tables``.

    Raises:
        BackupNotFound: no such backup.
        BackupInUse: it is still being made.
        TargetExists: there is a table of that name.

    Source: AWS docs, DynamoDB API reference, RestoreTableFromBackup.
    """
    arn, target = call.resources
    backup = _load(tx, arn)
    if backup.status == CREATING:
        raise BackupInUse(arn=arn)
    restored = Restored(backup.table.arn, backup.created_ms, arn)
    table = make_table(call, tx, target, backup.table, restored)
    kept = backup.table.uid if backup.kind == SYSTEM else 0
    uid = copies.new_uid(tx)
    copy = Copy(uid, backup.uid, "", table.uid, table.arn, is_restore=True, kept=kept)
    tx.add(keys.backup_uses(backup.uid), 1)
    copies.begin(tx, copy, call.now_ms)
    return {"TableDescription": describe(tx, table, call.now_ms)}
