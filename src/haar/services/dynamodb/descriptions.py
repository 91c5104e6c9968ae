"""Tables as AWS describes them."""

from __future__ import annotations

from haar.kit.call import Members
from haar.services.dynamodb import keys, rows
from haar.services.dynamodb.provisioning import told
from haar.services.dynamodb.records import CREATING, Index, Schema, Table
from haar.services.dynamodb.times import moment
from haar.store.api import Transaction


def describe(tx: Transaction, table: Table, now_ms: int, *, status: str = "") -> Members:
    """Return a TableDescription; ``status`` stands in place of the table's own."""
    described: Members = {
        "AttributeDefinitions": [
            {"AttributeName": part.name, "AttributeType": part.kind} for part in table.definitions
        ],
        "TableName": table.name,
        "KeySchema": schema_members(table.schema),
        "TableStatus": status or table.status,
        "CreationDateTime": moment(table.created_ms),
        "ProvisionedThroughput": told(table, now_ms),
        "TableSizeBytes": rows.counter(tx, keys.size(table.uid)),
        "ItemCount": rows.counter(tx, keys.count(table.uid)),
        "TableArn": table.arn,
        "TableId": table.id,
        "DeletionProtectionEnabled": table.is_protected,
    }
    _describe_billing(described, table)
    _describe_stream(described, table)
    _describe_restore(described, table)
    for name, is_local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
        indexes = [index for index in table.indexes if index.is_local is is_local]
        found = [_index(tx, table, index, now_ms, status) for index in indexes]
        if found:
            described[name] = found
    return described


def schema_members(schema: Schema) -> list[Members]:
    """Return a KeySchema."""
    hashes = [{"AttributeName": part.name, "KeyType": "HASH"} for part in schema.hash]
    return hashes + [{"AttributeName": part.name, "KeyType": "RANGE"} for part in schema.range]


def _describe_billing(described: Members, table: Table) -> None:
    if table.on_demand_ms:
        described["BillingModeSummary"] = {
            "BillingMode": table.billing,
            "LastUpdateToPayPerRequestDateTime": moment(table.on_demand_ms),
        }
    if table.table_class:
        described["TableClassSummary"] = {"TableClass": table.table_class}
    _describe_demand(described, table)


def _describe_stream(described: Members, table: Table) -> None:
    stream = table.stream
    if stream is None:
        return
    described["LatestStreamLabel"] = stream.label
    described["LatestStreamArn"] = f"{table.arn}/stream/{stream.label}"
    if stream.is_enabled:
        described["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream.view}


def _describe_restore(described: Members, table: Table) -> None:
    restored = table.restored
    if restored is None:
        return
    summary: Members = {
        "SourceTableArn": restored.table_arn,
        "RestoreDateTime": moment(restored.at_ms),
        "RestoreInProgress": table.status == CREATING,
    }
    if restored.backup_arn:
        summary["SourceBackupArn"] = restored.backup_arn
    described["RestoreSummary"] = summary


def _describe_demand(described: Members, of: Table | Index) -> None:
    if of.max_read_units or of.max_write_units:
        described["OnDemandThroughput"] = {
            "MaxReadRequestUnits": of.max_read_units or -1,
            "MaxWriteRequestUnits": of.max_write_units or -1,
        }


def _index(tx: Transaction, table: Table, index: Index, now_ms: int, status: str) -> Members:
    projection: Members = {"ProjectionType": index.projection}
    if index.projection == "INCLUDE":
        projection["NonKeyAttributes"] = list(index.included)
    described: Members = {
        "IndexName": index.name,
        "KeySchema": schema_members(index.schema),
        "Projection": projection,
        "IndexSizeBytes": rows.counter(tx, keys.size(table.uid, index.uid)),
        "ItemCount": rows.counter(tx, keys.count(table.uid, index.uid)),
        "IndexArn": f"{table.arn}/index/{index.name}",
    }
    if not index.is_local:
        described["IndexStatus"] = status or index.status
        if index.status == CREATING:
            described["Backfilling"] = True
        described["ProvisionedThroughput"] = told(index, now_ms)
        _describe_demand(described, index)
    return described
