"""Exports: ask for one, describe and list them.

The table is copied as it was at the moment (:mod:`haar.services.dynamodb.backups.copies`); then
:mod:`.writing` brings the copy to S3.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import anything, operation
from haar.services.dynamodb import journal, keys
from haar.services.dynamodb.backups import copies, recovery
from haar.services.dynamodb.backups.records import Copy
from haar.services.dynamodb.descriptions import moment
from haar.services.dynamodb.errors import (
    ExportConflict,
    ExportNotFound,
    InvalidExportTime,
    RecoveryUnavailable,
)
from haar.services.dynamodb.listings import is_of, page_of, start_of
from haar.services.dynamodb.lookup import arn_of, load_for_backup
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.transfers.records import COMPLETED, EXPORT, FAILED, Export
from haar.store.api import Row, Transaction

TOKEN_MS = 8 * 60 * 60 * 1000
_PAGE_MAX = 25


def table_arn(members: Members, scope: Scope) -> str:
    """Name the table of a request."""
    return arn_of(members["TableArn"], scope)


def export_arn(members: Members, scope: Scope) -> str:
    """Name the export of a request."""
    del scope
    return str(members["ExportArn"])


@operation(
    "ExportTableToPointInTime",
    members="TableArn ExportTime ClientToken S3Bucket S3Prefix ExportFormat ExportType",
    resource=table_arn,
)
def export_table_to_point_in_time(call: Call[Members], tx: Transaction) -> Members:
    """Write a table as it was at a moment to S3, as JSON of DynamoDB in gzip.

    Keys: reads and writes ``table``; writes ``export``, ``journal``, jobs.

    Raises:
        SourceNotFound: no such table.
        RecoveryUnavailable: its recovery to a point in time is not switched on.
        InvalidExportTime: a moment to which it does not go back.
        ExportConflict: the token has been used for another export.

    Source: AWS docs, DynamoDB API reference, ExportTableToPointInTime.
    """
    members = call.members
    _refuse_unbuilt(members)
    table = load_for_backup(tx, call.resource)
    earlier = _by_token(call, tx)
    if earlier is not None:
        return {"ExportDescription": _described(earlier)}
    until_ms = _until_ms(call, table)
    uid = copies.new_uid(tx)
    export = Export(
        uid=uid,
        arn=f"{table.arn}/export/0{call.now_ms}-{call.entropy.bytes(4).hex()}",
        table_id=table.id,
        caller=call.principal.arn,
        bucket=members["S3Bucket"],
        prefix=members.get("S3Prefix", ""),
        token=members.get("ClientToken", ""),
        started_ms=call.now_ms,
        moment_ms=until_ms or call.now_ms,
    )
    tx.put(keys.export(export.arn), EXPORT.encode(export))
    journal.pin(tx, table)
    journal.mark(tx, table.uid, uid, call.now_ms)
    copy = Copy(uid, table.uid, table.arn, uid, export.arn, is_restore=False, until_ms=until_ms)
    copies.begin(tx, copy, call.now_ms)
    return {"ExportDescription": _described(export)}


def _refuse_unbuilt(members: Members) -> None:
    if members.get("ExportFormat", "DYNAMODB_JSON") != "DYNAMODB_JSON":
        raise NotImplementedByHaar(what="the ExportFormat ION")
    if members.get("ExportType", "FULL_EXPORT") != "FULL_EXPORT":
        raise NotImplementedByHaar(what="the ExportType INCREMENTAL_EXPORT")


def _until_ms(call: Call[Members], table: Table) -> int:
    if not table.recovery_days:
        raise RecoveryUnavailable(table=table.name)
    at: datetime | None = call.members.get("ExportTime")
    if at is None:
        return 0
    until_ms = int(at.timestamp() * 1000)
    if not recovery.earliest_ms(table, call.now_ms) <= until_ms <= call.now_ms:
        raise InvalidExportTime
    return until_ms


def _by_token(call: Call[Members], tx: Transaction) -> Export | None:
    """Return the export that was asked for with the same token, lately."""
    members = call.members
    if "ClientToken" not in members:
        return None
    for row in _rows(call, tx):
        known = EXPORT.decode(row.value)
        is_fresh = call.now_ms - known.started_ms < TOKEN_MS
        if known.token == members["ClientToken"] and is_fresh:
            asked = (call.resource, members["S3Bucket"], members.get("S3Prefix", ""))
            if (known.table_arn, known.bucket, known.prefix) != asked:
                raise ExportConflict
            return known
    return None


def _described(export: Export) -> Members:
    described: Members = {
        "ExportArn": export.arn,
        "ExportStatus": export.status,
        "StartTime": moment(export.started_ms),
        "TableArn": export.table_arn,
        "TableId": export.table_id,
        "ExportTime": moment(export.moment_ms),
        "S3Bucket": export.bucket,
        "ExportFormat": "DYNAMODB_JSON",
        "ExportType": "FULL_EXPORT",
    }
    if export.token:
        described["ClientToken"] = export.token
    if export.prefix:
        described["S3Prefix"] = export.prefix
    if export.ended_ms:
        described["EndTime"] = moment(export.ended_ms)
    if export.status == COMPLETED:
        described["ExportManifest"] = export.manifest
        described["BilledSizeBytes"] = export.size
        described["ItemCount"] = export.count
    if export.status == FAILED:
        described["FailureCode"], described["FailureMessage"] = export.failure
    return described


@operation("DescribeExport", members="ExportArn", resource=export_arn, readonly=True)
def describe_export(call: Call[Members], tx: Transaction) -> Members:
    """Describe an export.

    Keys: reads ``export``.

    Raises:
        ExportNotFound: no such export.

    Source: AWS docs, DynamoDB API reference, DescribeExport.
    """
    raw = tx.get(keys.export(call.resource)) if is_of(call.resource, "export") else None
    if raw is None:
        raise ExportNotFound(arn=call.resource)
    return {"ExportDescription": _described(EXPORT.decode(raw))}


@operation("ListExports", members="TableArn MaxResults NextToken", resource=anything, readonly=True)
def list_exports(call: Call[Members], tx: Transaction) -> Members:
    """List the exports of a table or of the account, a page at a time.

    Keys: reads ``export``.

    Source: AWS docs, DynamoDB API reference, ListExports.
    """
    members = call.members
    limit = members.get("MaxResults", _PAGE_MAX)
    start = start_of(members.get("NextToken", ""), "export")
    every = (EXPORT.decode(row.value) for row in _rows(call, tx, start))
    wanted = (one for one in every if members.get("TableArn", one.table_arn) == one.table_arn)
    page, last = page_of(wanted, limit)
    result: Members = {
        "ExportSummaries": [
            {"ExportArn": one.arn, "ExportStatus": one.status, "ExportType": "FULL_EXPORT"}
            for one in page
        ]
    }
    return {**result, "NextToken": last} if last else result


def _rows(call: Call[Members], tx: Transaction, start: str = "") -> Iterator[Row]:
    return tx.scan(keys.exports(call.account, call.region, start))
