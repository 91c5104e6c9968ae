"""Reference counts: a like is an item, and the number of likes moves in its transaction."""

from typing import Any

from single_table import make_table

POST = {"pk": "POST#1", "sk": "POST"}


def main(dynamodb: Any) -> None:
    """Count each person's like once."""
    table = make_table(dynamodb)
    table.put_item(Item={**POST, "likes": 0})
    assert [_like(dynamodb, table, who) for who in ("alex", "bea", "alex")] == [True, True, False]
    assert table.get_item(Key=POST)["Item"]["likes"] == 2


def _like(dynamodb: Any, table: Any, who: str) -> bool:
    client = dynamodb.meta.client
    like = {"pk": "POST#1", "sk": f"LIKE#{who}"}
    actions = [
        {
            "Put": {
                "TableName": table.name,
                "Item": like,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        },
        {
            "Update": {
                "TableName": table.name,
                "Key": POST,
                "UpdateExpression": "ADD likes :one",
                "ExpressionAttributeValues": {":one": 1},
            }
        },
    ]
    try:
        client.transact_write_items(TransactItems=actions)
    except client.exceptions.TransactionCanceledException:
        return False
    return True
