"""Bytes on disk and in clients' hands: what an older haar wrote, this one reads."""

from __future__ import annotations

from haar.services.sqs import cursor, handles, keys
from haar.services.sqs.records import Head, Queue, Stored, unpack

ARN = "arn:aws:sqs:us-east-1:000000000000:gold"
SAMPLE = Queue(arn=ARN, name="gold", id=b"12345678", secret=b"s" * 16, created_s=1, modified_s=2)


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
