"""Sortable ids: time first and randomness after it, so that the newest is one Query away."""

import secrets
from typing import Any

from boto3.dynamodb.conditions import Key
from single_table import make_table

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(at_ms: int) -> str:
    """Return an id of 26 digits that sorts by its millisecond (as ULID has it)."""
    number = at_ms << 80 | secrets.randbits(80)
    return "".join(_DIGITS[number >> shift & 31] for shift in range(125, -1, -5))


def main(dynamodb: Any) -> None:
    """Read the newest messages of a room without knowing their times."""
    table = make_table(dynamodb)
    for at_ms in (1_760_000_000_000, 1_750_000_000_000, 1_770_000_000_000):
        table.put_item(Item={"pk": "ROOM#1", "sk": ulid(at_ms), "at": at_ms})
    newest = table.query(
        KeyConditionExpression=Key("pk").eq("ROOM#1"), ScanIndexForward=False, Limit=2
    )
    assert [item["at"] for item in newest["Items"]] == [1_770_000_000_000, 1_760_000_000_000]
