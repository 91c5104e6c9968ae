"""Bytes on disk: what an older haar wrote, this one reads."""

from __future__ import annotations

from typing import Any

import pytest

from haar.kit.records import Codec
from haar.services.dynamodb import row_bytes, schema
from haar.services.dynamodb.records import (
    CHANGE,
    SHARD,
    STREAM,
    TABLE,
    TAGS,
    TOKEN,
    Index,
    KeyPart,
    Schema,
    Shard,
    Stream,
    StreamChange,
    StreamState,
    Table,
    Tags,
    TimeToLive,
    Token,
)

KEY = Schema((KeyPart("p", "S"),), (KeyPart("s", "N"),))
INDEX = Index(
    uid=1,
    name="by-g",
    is_local=False,
    schema=Schema((KeyPart("g", "B"),)),
    projection="INCLUDE",
    included=("x",),
    read_units=1,
    write_units=2,
    max_read_units=3,
    max_write_units=4,
    status="CREATING",
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
    billing="PAY_PER_REQUEST",
    read_units=1,
    write_units=2,
    max_read_units=3,
    max_write_units=4,
    on_demand_ms=5,
    table_class="STANDARD",
    is_protected=True,
    time_to_live=TimeToLive("ends", True, 6, True),
    units_raised_ms=7,
    units_lowered_ms=8,
    newest_index=9,
    stream=Stream(10, "label", "NEW_IMAGE", False),
)

# Written by version 0.1.0; lines are only added.
GOLDEN: list[tuple[Codec[Any], Any, str]] = [
    (
        TABLE,
        SAMPLE,
        (
            "01dc001907a26964d93261726e3a6177733a64796e616d6f64623a75732d656173742d313a3030303030303030"
            "303030303a7461626c652f676f6c64a4676f6c64a6414354495645019192a170a153929192a170a1539192a173"
            "a14e919b01a462792d67c2929192a167a14290a7494e434c55444591a17801020304a84352454154494e47af50"
            "41595f5045525f524551554553540102030405a85354414e44415244c394a4656e6473c306c3070809940aa56c"
            "6162656ca94e45575f494d414745c2000000"
        ),
    ),
    (TOKEN, Token(b"f", 1), "0192c4016601"),
    (TAGS, Tags({"a": "b"}), "019181a161a162"),
    (
        STREAM,
        StreamState(1, "arn", "label", "NEW_IMAGE", KEY, 2, 3, b"v"),
        "019801a361726ea56c6162656ca94e45575f494d414745929192a170a1539192a173a14e0203c40176",
    ),
    (SHARD, Shard(1, is_end=True), "019201c3"),
    (
        CHANGE,
        StreamChange("INSERT", 1, b"{}", b"{}", None, 5, is_expiry=True),
        "0197a6494e5345525401c4027b7dc4027b7dc005c3",
    ),
]


@pytest.mark.parametrize(("codec", "record", "golden"), GOLDEN)
def test_old_records_are_read(codec: Codec[Any], record: Any, golden: str) -> None:
    """A record of each kind means what it meant."""
    assert codec.decode(bytes.fromhex(golden)) == record


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
