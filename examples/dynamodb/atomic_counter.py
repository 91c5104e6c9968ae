"""Atomic counters: ADD needs no read before, whoever counts at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from single_table import make_table


def main(dynamodb: Any) -> None:
    """Count 100 views from eight threads; a client is safe to share, a resource is not."""
    table = make_table(dynamodb)
    client, name = dynamodb.meta.client, table.name
    key = {"pk": "PAGE#home", "sk": "VIEWS"}

    def count(_view: int) -> None:
        client.update_item(
            TableName=name,
            Key=key,
            UpdateExpression="ADD #views :one",
            ExpressionAttributeNames={"#views": "views"},
            ExpressionAttributeValues={":one": 1},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(100)))
    assert table.get_item(Key=key)["Item"]["views"] == 100
