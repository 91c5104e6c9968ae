"""Receipt handles: which receive of which message, authenticated.

======  =====  ==================================================================
offset  bytes  what
======  =====  ==================================================================
0       8      the queue's id
8       8      when the message was to be visible again, ms
16      10     its sequence (:mod:`~.keys`)
26      4      its receive count
30      8      BLAKE2b of all that, keyed with the queue's secret
======  =====  ==================================================================

In base64. A handle is found without a look-up of its own: it says where the message stands.
"""

from __future__ import annotations

import binascii
import struct
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

from haar.services.sqs.errors import ReceiptHandleIsInvalid
from haar.services.sqs.records import Queue

_FORM = struct.Struct(">8sQ10sI")
_MAC_BYTES = 8
_BYTES = _FORM.size + _MAC_BYTES


class Handle(NamedTuple):
    """What a handle says."""

    due_ms: int
    seq: bytes
    receives: int


def make(queue: Queue, due_ms: int, seq: bytes, receives: int) -> str:
    """Return the handle of a receive."""
    said = _FORM.pack(queue.id, due_ms, seq, receives)
    return binascii.b2a_base64(said + _mac(queue, said), newline=False).decode()


def parse(queue: Queue, text: str) -> Handle:
    """Return what a handle says.

    Raises:
        ReceiptHandleIsInvalid: not a handle, or one of another queue.
    """
    try:
        raw = binascii.a2b_base64(text)
    except (ValueError, binascii.Error):
        raise ReceiptHandleIsInvalid(handle=text) from None
    said = raw[: _FORM.size]
    if len(raw) != _BYTES or not compare_digest(raw[_FORM.size :], _mac(queue, said)):
        raise ReceiptHandleIsInvalid(handle=text)
    _, due_ms, seq, receives = _FORM.unpack(said)
    return Handle(due_ms, seq, receives)


def _mac(queue: Queue, said: bytes) -> bytes:
    return blake2b(said, digest_size=_MAC_BYTES, key=queue.secret).digest()
