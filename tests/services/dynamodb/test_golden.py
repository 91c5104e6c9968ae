"""Bytes of rows and keys on disk: what an older haar wrote, this one finds and reads."""

from __future__ import annotations

from typing import Any

from haar.services.dynamodb import row_bytes, schema
from haar.services.dynamodb.records import Index, KeyPart, Schema, Table

KEY = Schema((KeyPart("p", "S"),), (KeyPart("s", "N"),))
INDEX = Index(
    uid=1, name="by-g", is_local=False, schema=Schema((KeyPart("g", "B"),)), projection="ALL"
)
SAMPLE = Table(
    uid=7,
    id="id",
    arn="arn:aws:dynamodb:us-east-1:000000000000:table/gold",
    name="gold",
    status="ACTIVE",
    created_ms=1,
    definitions=(KeyPart("p", "S"),),
    schema=KEY,
    indexes=(INDEX,),
)


def test_rows_and_keys_have_their_old_bytes() -> None:
    """An item is found where it was put, as it was put."""
    item: Any = {"p": {"S": "a\x00\x01é"}, "s": {"N": "-1.5"}}
    row = bytes.fromhex(
        "01000000097b2270223a7b2253223a22615c75303030305c7530303031c3a9227d2c2273223a7b224e223a222d"
        "312e35227d7d"
    )
    assert row_bytes.encode(item, 9) == row
    assert row_bytes.item_of(row) == item
    assert row_bytes.size_of(row) == 9
    key = schema.item_key(SAMPLE, item)
    assert key.hex() == ("0264796e616d6f64620002726f7773001507146f0d69df6101010102c3a900017de9ff")
    entry = schema.entry_key(SAMPLE, INDEX, {**item, "g": {"B": b"\x00\x01\xff"}}, key)
    assert entry is not None
    assert entry.hex() == (
        "0264796e616d6f64620002726f777300150715016fe215cf01010102ff006f0d69df6101010102c3a900017de9ff"
    )
