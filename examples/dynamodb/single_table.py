"""Single-table design: customers and their orders in one table, read together by one Query.

The table that the other examples use is made here: generic keys, an overloaded index.
"""

from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Key


def make_table(dynamodb: Any) -> Any:
    """Make a table with the keys ``pk``, ``sk`` and an index with ``gsi1pk``, ``gsi1sk``."""
    names = ("pk", "sk", "gsi1pk", "gsi1sk")
    table = dynamodb.create_table(
        TableName=f"example-{uuid4()}",
        KeySchema=_keys("pk", "sk"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "gsi1",
                "KeySchema": _keys("gsi1pk", "gsi1sk"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    return table


def _keys(hashed: str, ranged: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hashed, "KeyType": "HASH"},
        {"AttributeName": ranged, "KeyType": "RANGE"},
    ]


def main(dynamodb: Any) -> None:
    """Read a customer with all orders in one request."""
    table = make_table(dynamodb)
    with table.batch_writer() as batch:
        batch.put_item({"pk": "CUSTOMER#alex", "sk": "PROFILE", "name": "Alex"})
        for number in range(3):
            order = {"pk": "CUSTOMER#alex", "sk": f"ORDER#{number:04d}", "total": number * 10}
            batch.put_item(order)
        batch.put_item({"pk": "CUSTOMER#bea", "sk": "PROFILE", "name": "Bea"})
    # Backwards: the profile sorts last, so that it comes first, then the newest orders.
    answer = table.query(
        KeyConditionExpression=Key("pk").eq("CUSTOMER#alex"), ScanIndexForward=False, Limit=3
    )
    assert [item["sk"] for item in answer["Items"]] == ["PROFILE", "ORDER#0002", "ORDER#0001"]
