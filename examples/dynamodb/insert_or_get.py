"""Insert or return what is there: one request, by ReturnValuesOnConditionCheckFailure."""

from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from single_table import make_table


def main(dynamodb: Any) -> None:
    """Get the same order twice for the same payment."""
    table = make_table(dynamodb)
    first = _insert_or_get(dynamodb, table, {"pk": "PAYMENT#1", "sk": "ORDER", "order": "a"})
    again = _insert_or_get(dynamodb, table, {"pk": "PAYMENT#1", "sk": "ORDER", "order": "b"})
    assert first["order"] == again["order"] == "a"


def _insert_or_get(dynamodb: Any, table: Any, item: dict[str, Any]) -> dict[str, Any]:
    try:
        table.put_item(
            Item=item,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except dynamodb.meta.client.exceptions.ConditionalCheckFailedException as err:
        read = TypeDeserializer().deserialize
        return {name: read(value) for name, value in err.response["Item"].items()}
    return item
