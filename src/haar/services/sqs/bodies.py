"""Large bodies: in rows of their own, so that a message that moves does not take them along."""

from __future__ import annotations

import msgspec

from haar.services.sqs.keys import QueueKeys
from haar.services.sqs.records import MESSAGE, Message
from haar.store.api import Transaction

LARGE_BYTES = 8192


def encode(tx: Transaction, own: QueueKeys, message: Message, body: bytes) -> bytes:
    """Return a message's record; a large body goes to its own row."""
    if len(body) > LARGE_BYTES:
        tx.put(own.body(message.id), body)
        message = msgspec.structs.replace(message, body=None)
    return MESSAGE.encode(message)


def read(tx: Transaction, own: QueueKeys, message: Message) -> str:
    """Return a message's body, wherever it stands."""
    if message.body is not None:
        return message.body
    raw = tx.get(own.body(message.id))
    assert raw is not None, "a large body is put with its message"
    return raw.decode()


def forget(tx: Transaction, own: QueueKeys, message: Message) -> None:
    """Remove the body's own row, if it has one."""
    if message.body is None:
        tx.clear(own.body(message.id))
