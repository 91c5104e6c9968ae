"""An overloaded index: different kinds of items share one index, each with a meaning of its own."""

from typing import Any

from boto3.dynamodb.conditions import Key
from single_table import make_table


def main(dynamodb: Any) -> None:
    """Find orders by their state, and users by their mail, in the same index."""
    table = make_table(dynamodb)
    with table.batch_writer() as batch:
        for number, state in enumerate(("OPEN", "SENT", "OPEN")):
            order = {"pk": f"ORDER#{number}", "sk": "ORDER", "gsi1pk": state}
            batch.put_item({**order, "gsi1sk": f"2026-01-0{number + 1}"})
        user = {"pk": "USER#1", "sk": "USER", "gsi1pk": "a@example.com", "gsi1sk": "USER#1"}
        batch.put_item(user)
    assert _keys(table, "OPEN") == ["ORDER#0", "ORDER#2"]
    assert _keys(table, "a@example.com") == ["USER#1"]


def _keys(table: Any, value: str) -> list[str]:
    answer = table.query(IndexName="gsi1", KeyConditionExpression=Key("gsi1pk").eq(value))
    return [item["pk"] for item in answer["Items"]]
