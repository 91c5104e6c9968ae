"""Refusals of DynamoDB, with AWS's texts; those of ValidationException are in :mod:`.texts`."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson

from haar.kernel.errors import ApiError


class Invalid(ApiError):
    """A request that AWS's validation refuses; the text is one of :mod:`.texts`."""

    code = "ValidationException"

    def __init__(self, text: str, **details: object) -> None:
        super().__init__(text.format_map(details) if details else text)


class ResourceNotFound(ApiError):
    """There is no such table, as the operations on items say it."""

    code = "ResourceNotFoundException"
    message = "Requested resource not found"


class TableNotFound(ApiError):
    """There is no such table, as the operations on tables say it."""

    code = "ResourceNotFoundException"
    message = "Requested resource not found: Table: {table} not found"


class TagsNotFound(ApiError):
    """There is no such resource to tag."""

    code = "ResourceNotFoundException"
    message = "Requested resource not found: ResourcArn: {arn} not found"


class TableExists(ApiError):
    """There is a table of that name already."""

    code = "ResourceInUseException"
    message = "Table already exists: {table}"


class AccessDenied(ApiError):
    """A table of another account, which has no policy that would allow it."""

    code = "AccessDeniedException"
    message = "User: {user} is not authorized to perform: dynamodb:{action} on resource: {arn}"


class ConditionalCheckFailed(ApiError):
    """The condition of a write is not met.

    Args:
        item: the stored JSON of the item, where the client asked for it.
    """

    code = "ConditionalCheckFailedException"
    message = "The conditional request failed"

    def __init__(self, item: bytes | None = None) -> None:
        super().__init__(members={} if item is None else {"Item": orjson.Fragment(item)})


class NotReady(ApiError):
    """The table is being restored."""

    code = "ResourceInUseException"
    message = "Attempt to change a resource which is still in use: Table is being created: {table}"


class TableInUse(ApiError):
    """The table is being copied: for a backup, an export or a restore."""

    code = "ResourceInUseException"
    message = "Attempt to change a resource which is still in use: Table is being copied: {table}"


class SourceNotFound(ApiError):
    """There is no such table, as the operations on backups say it."""

    code = "TableNotFoundException"
    message = "Table not found: {table}"


class TargetExists(ApiError):
    """There is a table of the name of the one that is restored."""

    code = "TableAlreadyExistsException"
    message = "Table already exists: {table}"


class BackupNotFound(ApiError):
    """There is no such backup."""

    code = "BackupNotFoundException"
    message = "Backup not found: {arn}"


class BackupInUse(ApiError):
    """The backup is being made, or restored from."""

    code = "BackupInUseException"
    message = "Backup is being used: {arn}"


class RecoveryUnavailable(ApiError):
    """Recovery to a point in time is not switched on."""

    code = "PointInTimeRecoveryUnavailableException"
    message = "Point in time recovery is not enabled for table '{table}'"


class InvalidRestoreTime(ApiError):
    """The table cannot be recovered to that moment."""

    code = "InvalidRestoreTimeException"
    message = (
        "RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime"
    )


class ExportNotFound(ApiError):
    """There is no such export."""

    code = "ExportNotFoundException"
    message = "Export not found: {arn}"


class ExportConflict(ApiError):
    """A client's token came again with another export."""

    code = "ExportConflictException"
    message = "The client token has been used for an export with other parameters"


class InvalidExportTime(ApiError):
    """The table cannot be exported as it was at that moment."""

    code = "InvalidExportTimeException"
    message = "ExportTime must be between EarliestRestorableDateTime and the current time"


class ImportNotFound(ApiError):
    """There is no such import."""

    code = "ImportNotFoundException"
    message = "Import not found: {arn}"


class ImportConflict(ApiError):
    """A client's token came again with another import."""

    code = "ImportConflictException"
    message = "The client token has been used for an import with other parameters"


class DuplicateItem(ApiError):
    """There is an item with the key of the one that INSERT brings."""

    code = "DuplicateItemException"
    message = "Duplicate primary key exists in table"


class Throttled(ApiError):
    """A table, or a global index, has no capacity left at the moment.

    Args:
        table: the table's ARN.
        index: the index's name; empty where it is the table itself.
        kind: ``Read`` or ``Write``.
    """

    index_message: ClassVar[str] = ""
    reason: ClassVar[str] = ""
    reasons_member: ClassVar[str] = "ThrottlingReasons"

    def __init__(self, table: str, index: str, kind: str) -> None:
        what, arn = ("Index", f"{table}/index/{index}") if index else ("Table", table)
        why = {"reason": f"{what}{kind}{self.reason}", "resource": arn}
        super().__init__(
            self.index_message if index else None, members={self.reasons_member: [why]}
        )
        self.table = table


class ThroughputExceeded(Throttled):
    """It has spent its provisioned capacity."""

    code = "ProvisionedThroughputExceededException"
    reason = "ProvisionedThroughputExceeded"
    message = (
        "The level of configured provisioned throughput for the table was exceeded. Consider "
        "increasing your provisioning level with the UpdateTable API."
    )
    index_message = (
        "The level of configured provisioned throughput for one or more global secondary indexes "
        "of the table was exceeded. Consider increasing your provisioning level for the "
        "under-provisioned global secondary indexes with the UpdateTable API"
    )


class DemandExceeded(Throttled):
    """It is on demand, and has spent what its OnDemandThroughput allows. The texts are [nv]."""

    code = "ThrottlingException"
    reason = "MaxOnDemandThroughputExceeded"
    reasons_member = "throttlingReasons"
    message = "Throughput exceeds the maximum OnDemandThroughput configured on the table"
    index_message = "Throughput exceeds the maximum OnDemandThroughput configured on the index"


class TransactionCanceled(ApiError):
    """A transaction that did nothing, with a reason for each of its actions."""

    code = "TransactionCanceledException"
    message = (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )

    def __init__(self, reasons: list[dict[str, Any]]) -> None:
        codes = ", ".join(reason["Code"] for reason in reasons)
        super().__init__(members={"CancellationReasons": reasons}, codes=codes)


class LimitExceeded(ApiError):
    """An index is being made or removed already."""

    code = "LimitExceededException"
    message = (
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously "
        "per table"
    )


class TooManyTables(ApiError):
    """An account has as many tables in a region as it may have."""

    code = "LimitExceededException"
    message = "Subscriber limit exceeded: There is a limit of {limit} tables per subscriber"


class TooManyAtOnce(ApiError):
    """As many exports, imports or restores are under way as there may be. The text is [nv]."""

    code = "LimitExceededException"
    message = "Subscriber limit exceeded: There is a limit of {limit} concurrent {kind}s"


class TooManyUnits(ApiError):
    """More capacity than a table may have. The text is [nv]."""

    code = "LimitExceededException"
    message = (
        "The requested ReadCapacityUnits or WriteCapacityUnits is above the per-table maximum. "
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher "
        "limits."
    )


class TooManyDecreases(ApiError):
    """The capacity has been lowered too often today."""

    code = "LimitExceededException"
    message = (
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given "
        "UTC day. After the first 4 decreases, each subsequent decrease in the same UTC day can be "
        "performed at most once every 3600 seconds. Number of decreases today: {count}. Last "
        "decrease at {last}. Next decrease can be made at {next}"
    )


class StreamNotFound(ApiError):
    """There is no such stream, or no such shard in it."""

    code = "ResourceNotFoundException"
    message = "Requested resource not found: Stream: {arn} not found"


class ExpiredIterator(ApiError):
    """A shard iterator is older than 15 minutes."""

    code = "ExpiredIteratorException"
    message = "Iterator expired. The iterator was created more than 15 minutes ago."


class TrimmedDataAccess(ApiError):
    """A change is asked for that is more than a day old."""

    code = "TrimmedDataAccessException"
    message = (
        "The operation attempted to read past the oldest stream record in a shard. The data has "
        "been trimmed."
    )


class IdempotentParameterMismatch(ApiError):
    """A client's token came again with another request."""

    code = "IdempotentParameterMismatchException"
    message = (
        "Request parameters do not match those of the earlier request with the same client token"
    )


class ItemCollectionSizeLimitExceeded(ApiError):
    """The items of one partition key and their local index entries are more than 10 GB."""

    code = "ItemCollectionSizeLimitExceededException"
    message = "Collection size exceeded."
