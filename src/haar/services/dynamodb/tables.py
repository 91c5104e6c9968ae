"""Tables: create, describe, list, delete."""

from __future__ import annotations

from haar.kernel.entropy import uuid4
from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Call, Members
from haar.kit.operation import anything, inside, operation
from haar.kit.tags import write_tags
from haar.services.dynamodb import (
    definitions,
    keys,
    quotas,
    rows,
    stream_lives,
    texts,
    time_to_live,
)
from haar.services.dynamodb.backups import system
from haar.services.dynamodb.descriptions import describe
from haar.services.dynamodb.errors import Invalid, TableExists, TableInUse
from haar.services.dynamodb.lookup import load_named, named_table_arn, refuse_unready
from haar.services.dynamodb.records import TABLE, Table
from haar.services.dynamodb.tags import checked_tags
from haar.store.api import Span, Transaction, prefix_span

_PAGE_MAX = 100


DEFINED = " ".join(
    (
        "TableName AttributeDefinitions KeySchema BillingMode",
        "ProvisionedThroughput OnDemandThroughput SSESpecification.Enabled",
        inside("GlobalSecondaryIndexes", definitions.INDEX_MEMBERS),
    )
)
"""What a client may say of a table wherever it defines one."""


@operation(
    "CreateTable",
    members=f"{DEFINED} LocalSecondaryIndexes TableClass DeletionProtectionEnabled "
    "StreamSpecification Tags",
    resource=named_table_arn,
)
def create_table(call: Call[Members], tx: Transaction) -> Members:
    """Make a table. It is ACTIVE at once, with its indexes.

    Keys: reads and writes ``table``; writes ``tags``, ``stream``, ``shards``; adds to ``tables``,
    ``streams``; schedules ``dynamodb.stream``.

    Raises:
        Invalid: settings that AWS does not take.
        TableExists: there is one of that name.
        TooManyTables: the account has 2,500.
        TooManyUnits: more capacity than a table may have.

    Source: AWS docs, DynamoDB API reference, CreateTable.
    """
    refuse_unbuilt(call)
    arn = call.resource
    if tx.get(keys.table(arn)) is not None:
        checked_table(call, 0)
        raise TableExists(table=arn.rpartition("/")[2])
    quotas.refuse_full(tx, call.scope)
    tx.add(keys.NEWEST_TABLE, 1)
    table = checked_table(call, rows.counter(tx, keys.NEWEST_TABLE))
    table = with_stream(tx, table, call.members, call.now_ms, is_new=True)
    tx.put(keys.table(arn), TABLE.encode(table))
    write_tags(tx, keys.tags(arn), checked_tags({}, call.members.get("Tags", [])))
    return {"TableDescription": describe(tx, table, call.now_ms)}


def refuse_unbuilt(call: Call[Members]) -> None:
    """Refuse by name what haar does not have; its absence spelled out is fine.

    Raises:
        NotImplementedByHaar: names it.
    """
    members = call.members
    given: Members | None = members.get("SSESpecification")
    if given is not None and given.get("Enabled"):
        raise NotImplementedByHaar(what=f"the member SSESpecification of {call.operation}")


def with_stream(
    tx: Transaction, table: Table, members: Members, now_ms: int, *, is_new: bool = False
) -> Table:
    """Return a table with the stream that a request asks for.

    Raises:
        Invalid: it has one already, or none to disable, or the view does not go with the switch.
    """
    asked: Members | None = members.get("StreamSpecification")
    if asked is None:
        return table
    view = asked.get("StreamViewType")
    if asked["StreamEnabled"]:
        if view is None:
            raise Invalid(texts.STREAM_VIEW_MISSING)
        return stream_lives.begin(tx, table, view, now_ms)
    if view is not None:
        raise Invalid(texts.STREAM_VIEW_GIVEN)
    return table if is_new else stream_lives.end(tx, table, now_ms)


def checked_table(call: Call[Members], uid: int) -> Table:
    """Return the record of a new table.

    Raises:
        Invalid: settings that AWS does not take.
    """
    members, arn = call.members, call.resource
    for name, text in (
        ("AttributeDefinitions", texts.DEFINITIONS_MISSING),
        ("KeySchema", texts.KEY_SCHEMA_MISSING),
    ):
        if name not in members:
            raise Invalid(text)
    billing = members.get("BillingMode", definitions.PROVISIONED)
    units, most = definitions.units_of(members, billing), definitions.demand_units(members)
    kinds = definitions.kinds_of(members["AttributeDefinitions"])
    schema = definitions.table_schema(members["KeySchema"], kinds)
    local = definitions.local_indexes(members, kinds, schema)
    indexes = (*local, *definitions.global_indexes(members, kinds, local, billing))
    definitions.check_whole(kinds, schema, indexes)
    return Table(
        uid=uid,
        id=uuid4(call.entropy),
        arn=arn,
        name=arn.rpartition("/")[2],
        status="ACTIVE",
        created_ms=call.now_ms,
        definitions=definitions.definitions_of(kinds),
        schema=schema,
        indexes=indexes,
        billing=billing,
        read_units=units.read,
        write_units=units.write,
        on_demand_ms=call.now_ms if billing == definitions.ON_DEMAND else 0,
        table_class=members.get("TableClass", ""),
        is_protected=members.get("DeletionProtectionEnabled", False),
        max_read_units=most.read,
        max_write_units=most.write,
        newest_index=len(indexes),
    )


@operation("DescribeTable", members="TableName", resource=named_table_arn, readonly=True)
def describe_table(call: Call[Members], tx: Transaction) -> Members:
    """Describe a table; its counts are of this moment.

    Keys: reads ``table``, ``count``, ``bytes``.

    Raises:
        TableNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, DescribeTable.
    """
    return {"Table": describe(tx, load_named(tx, call.resource), call.now_ms)}


@operation("ListTables", members="ExclusiveStartTableName Limit", resource=anything, readonly=True)
def list_tables(call: Call[Members], tx: Transaction) -> Members:
    """List the names of tables, a page at a time.

    Keys: reads ``table``.

    Source: AWS docs, DynamoDB API reference, ListTables.
    """
    after = call.members.get("ExclusiveStartTableName", "")
    limit = call.members.get("Limit", _PAGE_MAX)
    span = keys.tables(call.account, call.region, after)
    found = [TABLE.decode_hot(row.value).name for row in tx.scan(span, limit=limit + 1)]
    result: Members = {"TableNames": found[:limit]}
    if len(found) > limit:
        result["LastEvaluatedTableName"] = found[limit - 1]
    return result


@operation("DeleteTable", members="TableName", resource=named_table_arn)
def delete_table(call: Call[Members], tx: Transaction) -> Members:
    """Delete a table; it is gone when the answer comes. One that can be recovered leaves a backup.

    Keys: clears ``table``, ``tags``, ``rows``, ``count``, ``bytes``, ``collection``, ``expiry``,
    ``level``; reads and writes ``stream``; writes ``shards``, ``backup``, jobs.

    Raises:
        TableNotFound: no such table.
        Invalid: it is protected.
        NotReady: it is being restored.
        TableInUse: it is being copied.

    Source: AWS docs, DynamoDB API reference, DeleteTable.
    """
    table = load_named(tx, call.resource)
    refuse_unready(table)
    if table.is_protected:
        raise Invalid(texts.PROTECTED)
    if table.pins:
        raise TableInUse(table=table.name)
    described = describe(tx, table, call.now_ms, status="DELETING")
    if table.has_stream:
        stream_lives.end(tx, table, call.now_ms)
    if table.has_expiries:
        time_to_live.forget(tx, table)
    if table.recovery_days:
        system.keep(call, tx, table)
    tx.clear(keys.table(table.arn))
    tx.clear(keys.tags(table.arn))
    for span in (
        *_rows_to_go(table),
        keys.counts(table.uid),
        keys.sizes(table.uid),
        keys.collections(table.uid),
        keys.journal_span(table.uid),
        keys.levels(table.uid),
    ):
        tx.delete(span)
    return {"TableDescription": described}


def _rows_to_go(table: Table) -> list[Span]:
    """Return what a deleted table leaves behind; a system backup keeps the items."""
    if not table.recovery_days:
        return [keys.all_rows(table.uid)]
    return [prefix_span(keys.rows(table.uid, index.uid)) for index in table.indexes]
