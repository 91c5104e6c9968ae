"""Composite sort keys: one kind of item of a collection, by ``begins_with``."""

from typing import Any

from boto3.dynamodb.conditions import Key
from single_table import make_table


def main(dynamodb: Any) -> None:
    """Read only the invoices of a customer."""
    table = make_table(dynamodb)
    for sort in ("ORDER#1", "ORDER#2", "INVOICE#2026-01", "INVOICE#2026-02", "PROFILE"):
        table.put_item(Item={"pk": "CUSTOMER#alex", "sk": sort})
    own = Key("pk").eq("CUSTOMER#alex")
    found = table.query(KeyConditionExpression=own & Key("sk").begins_with("INVOICE#"))
    assert [item["sk"] for item in found["Items"]] == ["INVOICE#2026-01", "INVOICE#2026-02"]
