"""Exports: ask for one, describe and list them.

The table is copied as it was at the moment (:mod:`haar.services.dynamodb.backups.copies`), or what
has changed in it is gathered (:mod:`.gathering`); then :mod:`.writing` brings that to S3.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from haar.kit import pages
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import anything, operation
from haar.services.dynamodb import journal, keys, quotas, texts
from haar.services.dynamodb.backups import copies, recovery
from haar.services.dynamodb.backups.records import Copy
from haar.services.dynamodb.errors import (
    ExportConflict,
    ExportNotFound,
    Invalid,
    InvalidExportTime,
    RecoveryUnavailable,
)
from haar.services.dynamodb.listings import is_of, page_of, rest_of
from haar.services.dynamodb.lookup import arn_of, load_for_backup
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.times import moment
from haar.services.dynamodb.transfers.claims import claim, claimed
from haar.services.dynamodb.transfers.gathering import Gathering, begin
from haar.services.dynamodb.transfers.records import (
    COMPLETED,
    EXPORT,
    FAILED,
    FULL,
    INCREMENTAL,
    NEW_AND_OLD_IMAGES,
    Export,
)
from haar.store.api import Transaction

SPAN_MS_MIN = 15 * 60 * 1000
SPAN_MS_MAX = 24 * 60 * 60 * 1000
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
    members=(
        "TableArn ExportTime ClientToken S3Bucket S3Prefix ExportFormat ExportType "
        "IncrementalExportSpecification"
    ),
    resource=table_arn,
)
def export_table_to_point_in_time(call: Call[Members], tx: Transaction) -> Members:
    """Write a table as it was at a moment, or what changed in it, to S3: JSON or Ion in gzip.

    Keys: reads and writes ``table``; reads ``journal``; writes ``export``, ``claim``, jobs.

    Raises:
        SourceNotFound: no such table.
        Invalid: a span of time that AWS does not take.
        RecoveryUnavailable: its recovery to a point in time is not switched on.
        InvalidExportTime: a moment to which it does not go back.
        ExportConflict: the token has been used for another export.
        TooManyAtOnce: 300 are under way.

    Source: AWS docs, DynamoDB API reference, ExportTableToPointInTime.
    """
    members = call.members
    table = load_for_backup(tx, call.resource)
    earlier = _by_token(call, tx)
    if earlier is not None:
        return {"ExportDescription": _described(earlier)}
    if not table.recovery_days:
        raise RecoveryUnavailable(table=table.name)
    started = _incremental if _is_incremental(members) else _full
    quotas.begin(tx, call.scope, quotas.EXPORT)
    return {"ExportDescription": _described(started(call, tx, table))}


def _is_incremental(members: Members) -> bool:
    """Whether changes are asked for.

    Raises:
        Invalid: a span without them.
    """
    is_incremental = bool(members.get("ExportType", FULL) == INCREMENTAL)
    if not is_incremental and "IncrementalExportSpecification" in members:
        raise Invalid(texts.EXPORT_SPAN_GIVEN)
    if is_incremental and "ExportTime" in members:
        raise Invalid(texts.EXPORT_TIME_GIVEN)
    return is_incremental


def _full(call: Call[Members], tx: Transaction, table: Table) -> Export:
    until_ms = _until_ms(call, table)
    export = _export(call, tx, table, moment_ms=until_ms or call.now_ms)
    _keep(call, tx, export)
    journal.pin(tx, table)
    copy = Copy(
        export.uid,
        table.uid,
        table.arn,
        export.uid,
        export.arn,
        is_restore=False,
        until_ms=until_ms,
        begun=journal.end(tx, table.uid),
    )
    copies.begin(tx, copy, call.now_ms)
    return export


def _incremental(call: Call[Members], tx: Transaction, table: Table) -> Export:
    asked: Members = call.members.get("IncrementalExportSpecification", {})
    from_ms, to_ms = _span(call, table, asked)
    export = msgspec.structs.replace(
        _export(call, tx, table, moment_ms=to_ms),
        kind=INCREMENTAL,
        from_ms=from_ms,
        view=asked.get("ExportViewType", NEW_AND_OLD_IMAGES),
        key_names=tuple(part.name for part in table.schema.parts),
    )
    _keep(call, tx, export)
    journal.pin(tx, table)
    before = journal.end(tx, table.uid)
    gathering = Gathering(export.uid, table.uid, export.arn, from_ms, to_ms, before)
    begin(tx, gathering, call.now_ms)
    return export


def _keep(call: Call[Members], tx: Transaction, export: Export) -> None:
    tx.put(keys.export(export.arn), EXPORT.encode(export))
    claim(call, tx, "export", export.arn)


def _export(call: Call[Members], tx: Transaction, table: Table, *, moment_ms: int) -> Export:
    members = call.members
    return Export(
        uid=copies.new_uid(tx),
        arn=f"{table.arn}/export/0{call.now_ms}-{call.entropy.bytes(4).hex()}",
        table_id=table.id,
        caller=call.principal.arn,
        bucket=members["S3Bucket"],
        prefix=members.get("S3Prefix", ""),
        token=members.get("ClientToken", ""),
        started_ms=call.now_ms,
        moment_ms=moment_ms,
        form=members.get("ExportFormat", "DYNAMODB_JSON"),
    )


def _span(call: Call[Members], table: Table, asked: Members) -> tuple[int, int]:
    """Return the span of an incremental export, in milliseconds: from the first, to the second.

    Raises:
        Invalid: it has no beginning, or is shorter or longer than AWS takes.
        InvalidExportTime: the table does not go back so far, or that has not come yet.
    """
    start, end = asked.get("ExportFromTime"), asked.get("ExportToTime")
    if start is None:
        raise Invalid(texts.EXPORT_FROM_MISSING)
    from_ms = _ms(start)
    to_ms = call.now_ms if end is None else _ms(end)
    if not SPAN_MS_MIN <= to_ms - from_ms <= SPAN_MS_MAX:
        raise Invalid(texts.EXPORT_SPAN)
    if not recovery.earliest_ms(table, call.now_ms) <= from_ms < to_ms <= call.now_ms:
        raise InvalidExportTime
    return from_ms, to_ms


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _until_ms(call: Call[Members], table: Table) -> int:
    at: datetime | None = call.members.get("ExportTime")
    if at is None:
        return 0
    until_ms = _ms(at)
    if not recovery.earliest_ms(table, call.now_ms) <= until_ms <= call.now_ms:
        raise InvalidExportTime
    return until_ms


def _by_token(call: Call[Members], tx: Transaction) -> Export | None:
    """Return the export that was asked for with the same token, lately."""
    known = claimed(call, tx, "export", keys.export, EXPORT)
    if known is not None and not _is_same(call, known):
        raise ExportConflict
    return known


def _is_same(call: Call[Members], known: Export) -> bool:
    """Whether a request asks for an export that is known."""
    members = call.members
    span: Members = members.get("IncrementalExportSpecification", {})
    asked_ms = {
        "from_ms": span.get("ExportFromTime"),
        "moment_ms": span.get("ExportToTime", members.get("ExportTime")),
    }
    asked = {
        "table_arn": call.resource,
        "bucket": members["S3Bucket"],
        "prefix": members.get("S3Prefix", ""),
        "kind": members.get("ExportType", FULL),
        "form": members.get("ExportFormat", known.form),
        "view": span.get("ExportViewType", known.view),
        **{name: _ms(at) for name, at in asked_ms.items() if at is not None},
    }
    return all(getattr(known, name) == value for name, value in asked.items())


def _described(export: Export) -> Members:
    described: Members = {
        "ExportArn": export.arn,
        "ExportStatus": export.status,
        "StartTime": moment(export.started_ms),
        "TableArn": export.table_arn,
        "TableId": export.table_id,
        "S3Bucket": export.bucket,
        "ExportFormat": export.form,
        "ExportType": export.kind,
    }
    if export.kind == INCREMENTAL:
        described["IncrementalExportSpecification"] = {
            "ExportFromTime": moment(export.from_ms),
            "ExportToTime": moment(export.moment_ms),
            "ExportViewType": export.view,
        }
    else:
        described["ExportTime"] = moment(export.moment_ms)
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

    Raises:
        Invalid: a token that haar did not make for this listing.

    Source: AWS docs, DynamoDB API reference, ListExports.
    """
    members = call.members
    limit = members.get("MaxResults", _PAGE_MAX)
    left = rest_of(call, members.get("NextToken"), keys.exports(call.account, call.region))
    every = (EXPORT.decode(row.value) for row in tx.scan(left))
    wanted = (one for one in every if members.get("TableArn", one.table_arn) == one.table_arn)
    page, last = page_of(wanted, limit)
    result: Members = {
        "ExportSummaries": [
            {"ExportArn": one.arn, "ExportStatus": one.status, "ExportType": one.kind}
            for one in page
        ]
    }
    return {**result, "NextToken": pages.make(call, keys.export(last))} if last else result
