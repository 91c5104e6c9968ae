"""Bytes on disk and in clients' hands: what an older haar wrote, this one reads."""

from __future__ import annotations

from typing import Any

import pytest

from haar.kit.records import Codec
from haar.services.sqs import cursor, handles, keys
from haar.services.sqs.dedup import ATTEMPT, SEEN, Again, Attempt, Seen
from haar.services.sqs.records import (
    MESSAGE,
    QUEUE,
    TAGS,
    TASK,
    Attribute,
    Head,
    Message,
    Queue,
    Stored,
    Tags,
    Task,
    unpack,
)

ARN = "arn:aws:sqs:us-east-1:000000000000:gold"
SAMPLE = Queue(
    arn=ARN,
    name="gold",
    id=b"12345678",
    secret=b"s" * 16,
    created_s=1,
    modified_s=2,
    is_fifo=True,
    delay_s=3,
    size_bytes_max=4,
    retention_s=5,
    wait_s=6,
    visibility_s=7,
    policy="{}",
    dead_letter_arn="d",
    receives_max=8,
    redrive_allow="{}",
    has_sse=False,
    has_content_dedup=True,
    dedup_scope="messageGroup",
    throughput_limit="perMessageGroupId",
    purged_ms=9,
)
MESSAGE_SAMPLE = Message(
    id="id",
    body=None,
    body_md5="m",
    sent_ms=1,
    sender="s",
    attributes=(Attribute("n", "String", b"v"),),
    trace="t",
    group="g",
    dedup_id="d",
    sequence=2,
    source_arn="a",
    receives_before=3,
)

# Written by version 0.1.0; lines are only added.
GOLDEN: list[tuple[Codec[Any], Any, str]] = [
    (
        QUEUE,
        SAMPLE,
        (
            "01dc0015d92761726e3a6177733a7371733a75732d656173742d313a3030303030303030303030303a676f6c"
            "64a4676f6c64c4083132333435363738c410737373737373737373737373737373730102c30304050607a27b"
            "7da16408a27b7dc2c3ac6d65737361676547726f7570b17065724d65737361676547726f7570496409"
        ),
    ),
    (
        MESSAGE,
        MESSAGE_SAMPLE,
        "019ca26964c0a16d01a1739193a16ea6537472696e67c40176a174a167a16402a16103",
    ),
    (TAGS, Tags({"a": "b"}), "019181a161a162"),
    (
        TASK,
        Task("i", "s", "d", 1, 2, 3, 4, "FAILED", "f"),
        "0199a169a173a16401020304a64641494c4544a166",
    ),
    (SEEN, Seen(1, "i", 2), "019301a16902"),
    (ATTEMPT, Attempt(1, (Again(b"q", 1, 2, 3),)), "0192019194c40171010203"),
]


@pytest.mark.parametrize(("codec", "record", "golden"), GOLDEN)
def test_old_records_are_read(codec: Codec[Any], record: Any, golden: str) -> None:
    """A record of each kind means what it meant."""
    assert codec.decode(bytes.fromhex(golden)) == record


def test_rows_keys_and_handles_have_their_old_bytes() -> None:
    """A message is found where it was put, by the handle that its receiver holds."""
    stored = "01000000010000000000000002000000000000000372657374"
    assert unpack(bytes.fromhex(stored)) == Stored(Head(1, 2, 3), b"rest")
    bounds = "010000000000000001000000000000000268686868686868686868"
    assert cursor.Cursor(1, 2, b"h" * 10).pack().hex() == bounds
    handle = "MTIzNDU2NzgAAAAAAAAAAXFxcXFxcXFxcXEAAAAC+R6zwNMLcy0="
    assert handles.parse(SAMPLE, handle) == handles.Handle(1, b"q" * 10, 2)
    own = keys.data(SAMPLE.id)
    later = "027371730002646174610031323334353637386c000000000000000571717171717171717171"
    assert own.due(5, b"q" * 10).hex() == later
    assert keys.queue(ARN).hex() == (
        "02737173000271756575650002303030303030303030303030000275732d656173742d310002676f6c6400"
    )
