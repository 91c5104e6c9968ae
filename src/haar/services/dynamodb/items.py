"""Items: get, put, update, delete one."""

from __future__ import annotations

import orjson

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.dynamodb import capacity, changes, texts
from haar.services.dynamodb.capacity import Meter, read_units
from haar.services.dynamodb.changes import Applied, Change
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.legacy import bind_any
from haar.services.dynamodb.lookup import load, table_arn
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.row_bytes import item_of, shown, size_or_0, spliced
from haar.services.dynamodb.schema import given_key
from haar.services.dynamodb.values import Item, dumps, measure_item
from haar.store.api import Transaction

_CONDITIONS = (
    "ConditionExpression ExpressionAttributeNames ExpressionAttributeValues Expected "
    "ConditionalOperator"
)
_TOLD = (
    "ReturnValues ReturnConsumedCapacity ReturnItemCollectionMetrics "
    "ReturnValuesOnConditionCheckFailure"
)


@operation(
    "GetItem",
    members=(
        "TableName Key ConsistentRead ReturnConsumedCapacity ProjectionExpression "
        "ExpressionAttributeNames AttributesToGet"
    ),
    resource=table_arn,
    readonly=True,
)
def get_item(call: Call[Members], tx: Transaction) -> Members:
    """Return an item, or what a projection leaves of it; nothing where there is none.

    Keys: reads ``table``, ``rows``.

    Raises:
        Invalid: a key or an expression that AWS does not take.
        ResourceNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, GetItem.
    """
    members = call.members
    bound = bind_any(members, "ProjectionExpression")
    key = members["Key"]
    measure_item(key)
    table = load(tx, call.resource)
    row = tx.get(given_key(table, key))
    result: Members = {}
    if row is not None:
        result["Item"] = shown(row, bound)
    if "ReturnConsumedCapacity" in members:
        meter = Meter(members["TableName"], table)
        is_consistent = members.get("ConsistentRead", False)
        meter.read(read_units(size_or_0(row), is_consistent=is_consistent))
        capacity.tell(result, members, meter)
    return result


@operation(
    "PutItem",
    members=f"TableName Item {_CONDITIONS} {_TOLD}",
    resource=table_arn,
)
def put_item(call: Call[Members], tx: Transaction) -> Members:
    """Put an item in the place of the one with its key.

    Keys: reads ``table``; reads and writes ``rows``; adds to ``count``, ``bytes``, ``collection``.

    Raises:
        Invalid: an item or an expression that AWS does not take.
        ResourceNotFound: no such table.
        ConditionalCheckFailed: the condition does not hold.

    Source: AWS docs, DynamoDB API reference, PutItem.
    """
    _refuse_return_values(call.members)
    return _changed(
        call, tx, changes.put(call.members, bind_any(call.members, "ConditionExpression"))
    )


@operation(
    "DeleteItem",
    members=f"TableName Key {_CONDITIONS} {_TOLD}",
    resource=table_arn,
)
def delete_item(call: Call[Members], tx: Transaction) -> Members:
    """Delete an item; it is no error where there is none.

    Keys: reads ``table``; reads and writes ``rows``; adds to ``count``, ``bytes``, ``collection``.

    Raises:
        Invalid: a key or an expression that AWS does not take.
        ResourceNotFound: no such table.
        ConditionalCheckFailed: the condition does not hold.

    Source: AWS docs, DynamoDB API reference, DeleteItem.
    """
    _refuse_return_values(call.members)
    return _changed(
        call, tx, changes.delete(call.members, bind_any(call.members, "ConditionExpression"))
    )


@operation(
    "UpdateItem",
    members=f"TableName Key UpdateExpression AttributeUpdates {_CONDITIONS} {_TOLD}",
    resource=table_arn,
)
def update_item(call: Call[Members], tx: Transaction) -> Members:
    """Change an item, or make it where there is none.

    Keys: reads ``table``; reads and writes ``rows``; adds to ``count``, ``bytes``, ``collection``.

    Raises:
        Invalid: a key or an expression that AWS does not take, or that does not fit the item.
        ResourceNotFound: no such table.
        ConditionalCheckFailed: the condition does not hold.

    Source: AWS docs, DynamoDB API reference, UpdateItem.
    """
    bound = bind_any(call.members, "UpdateExpression", "ConditionExpression")
    return _changed(call, tx, changes.update(call.members, bound))


def _refuse_return_values(members: Members) -> None:
    if members.get("ReturnValues", "NONE") not in {"NONE", "ALL_OLD"}:
        raise Invalid(texts.RETURN_VALUES_OLD)


def _changed(call: Call[Members], tx: Transaction, change: Change) -> Members:
    """Apply a change and tell what the request asked for."""
    members = call.members
    table = load(tx, call.resource)
    done = change.apply(tx, table, change.key(table), call.now_ms)
    result: Members = {}
    wanted = members.get("ReturnValues", "NONE")
    if wanted != "NONE":
        _tell_values(result, wanted, change, done)
    if "ReturnConsumedCapacity" in members:
        _tell_capacity(result, members, table, done)
    if "ReturnItemCollectionMetrics" in members:
        capacity.tell_collection(result, members, tx, table, change.item)
    return result


def _tell_capacity(result: Members, members: Members, table: Table, done: Applied) -> None:
    meter = Meter(members["TableName"], table)
    meter.write(done.written)
    capacity.tell(result, members, meter)


def _tell_values(result: Members, wanted: str, change: Change, done: Applied) -> None:
    row = done.old if wanted.endswith("OLD") else done.new
    if row is None:
        return
    if wanted.startswith("ALL"):
        result["Attributes"] = spliced(row)
        return
    touched = _touched(change, item_of(row))
    if touched:
        result["Attributes"] = orjson.Fragment(dumps(touched))


def _touched(change: Change, item: Item) -> Item:
    update = change.bound.update
    return {} if update is None else update.touched(item)
