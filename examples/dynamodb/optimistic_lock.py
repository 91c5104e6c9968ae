"""Optimistic locking: whoever writes says which version was read; a lost race is noticed."""

from typing import Any

from boto3.dynamodb.conditions import Attr
from single_table import make_table

KEY = {"pk": "DOCUMENT#1", "sk": "DOCUMENT"}


def main(dynamodb: Any) -> None:
    """Refuse the second of two writers who read the same version."""
    table = make_table(dynamodb)
    table.put_item(Item={**KEY, "version": 1, "text": ""})
    first = table.get_item(Key=KEY)["Item"]
    second = table.get_item(Key=KEY)["Item"]
    assert _save(dynamodb, table, {**first, "text": "mine"})
    assert not _save(dynamodb, table, {**second, "text": "yours"})
    assert table.get_item(Key=KEY)["Item"] == {**KEY, "version": 2, "text": "mine"}


def _save(dynamodb: Any, table: Any, document: dict[str, Any]) -> bool:
    read = document["version"]
    new = {**document, "version": read + 1}
    try:
        table.put_item(Item=new, ConditionExpression=Attr("version").eq(read))
    except dynamodb.meta.client.exceptions.ConditionalCheckFailedException:
        return False
    return True
