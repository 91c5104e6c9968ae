"""Where a receive begins to look, so that it never walks over what is gone.

Deleted rows leave tombstones that a scan would step over one by one. So each queue keeps one row
with two lower bounds, changed in the transactions that make them true:

* no ready message stands at or before ``head``: messages become ready in the order of commits, and
  none goes back before the head;
* no message of the later span is due before ``quiet_ms``: whoever puts one there lowers the bound
  first (:func:`wake_at`).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from haar.services.sqs.keys import QueueKeys
from haar.store.api import Transaction

_FORM = struct.Struct(">BQQ10s")
_VERSION = 1

FAR_MS = 1 << 62
"""Later than anything is due."""


class Cursor(NamedTuple):
    """The bounds of a queue: version (1 byte), then three fields of 8, 8 and 10 bytes.

    Attributes:
        quiet_ms: nothing is due before.
        taken: how many messages have left the ready span.
        head: the sequence of the last ready message that was taken.
    """

    quiet_ms: int = FAR_MS
    taken: int = 0
    head: bytes = b""

    def pack(self) -> bytes:
        """Return the stored bytes."""
        return _FORM.pack(_VERSION, self.quiet_ms, self.taken, self.head)


_NEW = Cursor(head=bytes(10))


def read(tx: Transaction, keys: QueueKeys) -> Cursor:
    """Return a queue's bounds."""
    raw = tx.get(keys.cursor)
    if raw is None:
        return _NEW
    _, *fields = _FORM.unpack(raw)
    return Cursor(*fields)


def wake_at(tx: Transaction, keys: QueueKeys, due_ms: int) -> None:
    """Note that a message is put into the later span."""
    cursor = read(tx, keys)
    if due_ms < cursor.quiet_ms:
        tx.put(keys.cursor, cursor._replace(quiet_ms=due_ms).pack())


def count(tx: Transaction, key: bytes) -> int:
    """Return the value of a counter."""
    return int.from_bytes(tx.get(key) or b"", "little", signed=True)
