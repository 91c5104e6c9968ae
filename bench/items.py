"""The loads on DynamoDB."""

from __future__ import annotations

from itertools import count
from typing import Any

from clients import client, dumps
from load import Script, in_turn
from servers import Server
from signing import Signer

REQUESTS = 2000
REQUESTS_EACH = 250
SPREAD_EACH = 1000
_BATCHED_BEGIN = 10_000_000
NOTE_BYTES = 300
ORDERS = 10
CUSTOMERS = 200
BATCH = 25
_versions = count(1)


def item(number: int, version: int = 0) -> dict[str, Any]:
    """Return an item of about 500 bytes of JSON; versions of it are as large, but not equal."""
    return {
        "pk": {"S": f"customer#{number:08d}"},
        "name": {"S": f"Customer number {number}"},
        "balance": {"N": str(number * 37 % 100_000)},
        "active": {"BOOL": number % 2 == 0},
        "tags": {"L": [{"S": "red"}, {"S": "green"}]},
        "address": {"M": {"city": {"S": "Edinburgh"}, "zip": {"S": "EH1 1AA"}}},
        "note": {"S": f"{version:0{NOTE_BYTES}d}"},
    }


def _create(dynamodb: Any, **more: Any) -> None:
    dynamodb.create_table(
        **{
            "TableName": "bench",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            **more,
        }
    )
    dynamodb.get_waiter("table_exists").wait(TableName="bench")


def prepare(server: Server) -> None:
    """Make the table and the items that are got."""
    dynamodb = client(server, "dynamodb")
    _create(dynamodb)
    _fill(dynamodb, [item(number) for number in range(REQUESTS)])


def prepare_indexed(server: Server) -> None:
    """Make the same with a global index that has every attribute."""
    index = {
        "IndexName": "by-name",
        "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "name")]
    dynamodb = client(server, "dynamodb")
    _create(dynamodb, AttributeDefinitions=attributes, GlobalSecondaryIndexes=[index])
    _fill(dynamodb, [item(number) for number in range(REQUESTS)])


def prepare_customers(server: Server) -> None:
    """Make a table of customers with ten orders each."""
    dynamodb = client(server, "dynamodb")
    _create(
        dynamodb,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
    )
    orders = [
        {**item(customer), "sk": {"N": str(number)}}
        for customer in range(CUSTOMERS)
        for number in range(ORDERS)
    ]
    _fill(dynamodb, orders)


def _fill(dynamodb: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH):
        puts = [{"PutRequest": {"Item": row}} for row in rows[start : start + BATCH]]
        dynamodb.batch_write_item(RequestItems={"bench": puts})


def _requests(signer: Signer, operation: str, members: list[dict[str, Any]]) -> list[bytes]:
    target = f"DynamoDB_20120810.{operation}"
    return [signer.target("dynamodb", target, dumps(one)) for one in members]


def gets(signer: Signer) -> list[bytes]:
    """Return GetItem requests, each of another item."""
    keys = [{"pk": item(number)["pk"]} for number in range(REQUESTS)]
    return _requests(signer, "GetItem", [{"TableName": "bench", "Key": key} for key in keys])


def puts(signer: Signer) -> list[bytes]:
    """Return PutItem requests, each of another item."""
    rows = [item(number) for number in range(REQUESTS)]
    return _requests(signer, "PutItem", [{"TableName": "bench", "Item": row} for row in rows])


def keep_putting(signer: Signer) -> Script:
    """Return a script of PutItem requests that no other connection sends.

    What is put is never what is there: others have put theirs since, and a put that changes nothing
    would write nothing.
    """
    version = next(_versions)
    rows = [item(number, version) for number in range(REQUESTS_EACH)]
    members = [{"TableName": "bench", "Item": row} for row in rows]
    return in_turn(_requests(signer, "PutItem", members))


def keep_putting_among(signer: Signer, rows: int) -> Script:
    """Return a script like that of :func:`keep_putting`, of items all over those of the batches.

    Nearly none of them has been met lately, so that no cache has them.
    """
    version = next(_versions)
    step = rows // SPREAD_EACH
    numbers = [_BATCHED_BEGIN + (each * step + version) % rows for each in range(SPREAD_EACH)]
    members = [{"TableName": "bench", "Item": item(number, version)} for number in numbers]
    return in_turn(_requests(signer, "PutItem", members))


def updates(signer: Signer) -> list[bytes]:
    """Return UpdateItem requests that add to a number of another item each."""
    members = [
        {
            "TableName": "bench",
            "Key": {"pk": item(number)["pk"]},
            "UpdateExpression": "SET balance = balance + :one, seen = :now",
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":now": {"S": f"{number}"}},
        }
        for number in range(REQUESTS)
    ]
    return _requests(signer, "UpdateItem", members)


def queries(signer: Signer) -> list[bytes]:
    """Return Query requests for all orders of a customer."""
    members = [
        {
            "TableName": "bench",
            "KeyConditionExpression": "pk = :pk AND sk >= :first",
            "ExpressionAttributeValues": {":pk": item(number)["pk"], ":first": {"N": "0"}},
        }
        for number in range(CUSTOMERS)
    ]
    return _requests(signer, "Query", members)


def transactions(signer: Signer) -> list[bytes]:
    """Return TransactWriteItems requests of two puts."""
    members = [
        {
            "TransactItems": [
                {"Put": {"TableName": "bench", "Item": item(number)}},
                {"Put": {"TableName": "bench", "Item": item(REQUESTS + number)}},
            ]
        }
        for number in range(REQUESTS)
    ]
    return _requests(signer, "TransactWriteItems", members)


def keep_transacting(signer: Signer) -> Script:
    """Return a script of TransactWriteItems requests that no other connection sends."""
    version = next(_versions)
    pairs = [
        [item(number + offset, version) for offset in (0, REQUESTS)]
        for number in range(REQUESTS_EACH)
    ]
    members = [
        {"TransactItems": [{"Put": {"TableName": "bench", "Item": row}} for row in pair]}
        for pair in pairs
    ]
    return in_turn(_requests(signer, "TransactWriteItems", members))


def batch(signer: Signer, number: int) -> bytes:
    """Return the BatchWriteItem request of that number, of items that no other one has."""
    first = _BATCHED_BEGIN + number * BATCH
    rows = [item(first + offset) for offset in range(BATCH)]
    puts = [{"PutRequest": {"Item": row}} for row in rows]
    return _requests(signer, "BatchWriteItem", [{"RequestItems": {"bench": puts}}])[0]
