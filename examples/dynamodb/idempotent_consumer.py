"""Idempotent consumers: the effect and the mark that it happened are one transaction."""

from typing import Any

from single_table import make_table

ACCOUNT = {"pk": "ACCOUNT#1", "sk": "BALANCE"}


def main(dynamodb: Any) -> None:
    """Book each payment once, however often its event comes."""
    table = make_table(dynamodb)
    table.put_item(Item={**ACCOUNT, "balance": 0})
    for event, amount in (("e1", 10), ("e2", 5), ("e1", 10), ("e2", 5)):
        _book(dynamodb, table, event, amount)
    assert table.get_item(Key=ACCOUNT)["Item"]["balance"] == 15


def _book(dynamodb: Any, table: Any, event: str, amount: int) -> None:
    client = dynamodb.meta.client
    mark = {"pk": f"EVENT#{event}", "sk": "DONE"}
    actions = [
        {
            "Put": {
                "TableName": table.name,
                "Item": mark,
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        },
        {
            "Update": {
                "TableName": table.name,
                "Key": ACCOUNT,
                "UpdateExpression": "ADD balance :amount",
                "ExpressionAttributeValues": {":amount": amount},
            }
        },
    ]
    try:
        client.transact_write_items(TransactItems=actions)
    except client.exceptions.TransactionCanceledException as err:
        # The mark is there: booked before. Any other reason is for the caller.
        if err.response["CancellationReasons"][0]["Code"] != "ConditionalCheckFailed":
            raise
