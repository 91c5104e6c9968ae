"""A sparse index: only items with the index's key are in it, so that it is a list of the few."""

from typing import Any

from single_table import make_table


def main(dynamodb: Any) -> None:
    """Keep the list of open tickets; closing one takes it out."""
    table = make_table(dynamodb)
    for number in range(100):
        table.put_item(Item={"pk": f"TICKET#{number}", "sk": "TICKET"})
    for number in (7, 8):
        _set(
            table, number, "SET gsi1pk = :open, gsi1sk = :at", {":open": "OPEN", ":at": str(number)}
        )
    assert _open(table) == {"TICKET#7", "TICKET#8"}
    _set(table, 7, "REMOVE gsi1pk, gsi1sk", {})
    assert _open(table) == {"TICKET#8"}


def _set(table: Any, number: int, update: str, values: dict[str, str]) -> None:
    more = {"ExpressionAttributeValues": values} if values else {}
    key = {"pk": f"TICKET#{number}", "sk": "TICKET"}
    table.update_item(Key=key, UpdateExpression=update, **more)


def _open(table: Any) -> set[str]:
    return {item["pk"] for item in table.scan(IndexName="gsi1")["Items"]}
