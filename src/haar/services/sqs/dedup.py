"""What a FIFO queue remembers for five minutes: what was sent, and receives to be tried again.

Each memory has an expiry row beside it, by which the sweep (:mod:`~.workers`) finds it. A memory
that was renewed meanwhile has another time than the expiry row, and is kept.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from haar.kit.records import Codec
from haar.services.sqs import bodies, handles, keys
from haar.services.sqs import cursor as cursors
from haar.services.sqs.fifo import find as find_message
from haar.services.sqs.fifo import group_key
from haar.services.sqs.found import MOVED, State, Taken
from haar.services.sqs.handles import Handle
from haar.services.sqs.keys import QueueKeys
from haar.services.sqs.records import Message, Queue
from haar.store.api import Span, Transaction, after_prefix

MEMORY_MS = 5 * 60 * 1000

_TIME_BYTES = 8


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A message that was sent.

    Attributes:
        until_ms: how long it is not taken again.
        id: its message id.
        number: its number in the queue.
    """

    until_ms: int
    id: str
    number: int


class Again(msgspec.Struct, frozen=True, array_like=True):
    """One message of a receive: its handle's fields, and until when it is in flight."""

    seq: bytes
    handle_due_ms: int
    receives: int
    due_ms: int


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """A receive that may be tried again.

    Attributes:
        until_ms: how long.
        messages: what it returned.
    """

    until_ms: int
    messages: tuple[Again, ...]


SEEN = Codec(Seen)
ATTEMPT = Codec(Attempt)


def content_id(body: bytes) -> str:
    """Return the deduplication id that a body makes."""
    return sha256(body).hexdigest()


def _seen_key(queue: Queue, message: Message) -> bytes:
    scope = group_key(message.group) if queue.dedup_scope == "messageGroup" else b""
    return keys.data(queue.id).seen + scope + message.dedup_id.encode()


def seen(tx: Transaction, queue: Queue, message: Message) -> Seen | None:
    """Return the message that this one is a duplicate of, or None."""
    raw = tx.get(_seen_key(queue, message))
    if raw is None:
        return None
    found = SEEN.decode(raw)
    return found if message.sent_ms < found.until_ms else None


def remember(tx: Transaction, queue: Queue, message: Message) -> None:
    """Remember that a message was sent, for five minutes."""
    until_ms = message.sent_ms + MEMORY_MS
    key = _seen_key(queue, message)
    tx.put(key, SEEN.encode(Seen(until_ms, message.id, message.sequence)))
    _expire(tx, keys.data(queue.id), until_ms, key)


def _expire(tx: Transaction, own: QueueKeys, until_ms: int, key: bytes) -> None:
    tx.put(own.expiries + until_ms.to_bytes(_TIME_BYTES, "big") + key, b"")


def remember_receive(
    tx: Transaction, queue: Queue, attempt_id: str, taken: list[Taken], now_ms: int, due_ms: int
) -> None:
    """Remember what a receive returned, so that its client can ask for it again.

    Args:
        tx: the transaction.
        queue: a FIFO queue.
        attempt_id: of the request.
        taken: what it returned.
        now_ms: of the receive.
        due_ms: until when what it returned is in flight.
    """
    own = keys.data(queue.id)
    said = [handles.parse(queue, one.handle) for one in taken]
    again = tuple(Again(one.seq, one.due_ms, one.receives, due_ms) for one in said)
    key, until_ms = own.attempts + attempt_id.encode(), now_ms + MEMORY_MS
    tx.put(key, ATTEMPT.encode(Attempt(until_ms, again)))
    _expire(tx, own, until_ms, key)


def receive_again(
    tx: Transaction, queue: Queue, attempt_id: str, now_ms: int, due_ms: int
) -> list[Taken] | None:
    """Return what an earlier receive of that id returned, in flight anew.

    None where there was none, or where one of its messages was deleted, has had its visibility
    changed, or is not in flight any more.
    """
    own = keys.data(queue.id)
    key = own.attempts + attempt_id.encode()
    raw = tx.get(key)
    attempt = ATTEMPT.decode(raw) if raw is not None else None
    if attempt is None or now_ms >= attempt.until_ms:
        return None
    taken: list[Taken] = []
    for one in attempt.messages:
        found = find_message(tx, queue, Handle(one.handle_due_ms, one.seq, one.receives))
        if found.state is not State.CURRENT or found.due_ms != one.due_ms or one.due_ms <= now_ms:
            return None
        assert found.stored is not None, "it is current"
        message = found.stored.message
        handle = handles.make(queue, one.handle_due_ms, one.seq, one.receives)
        taken.append(Taken(found.stored, message, bodies.read(tx, own, message), handle))
    for one in attempt.messages:
        _fly_on(tx, own, one, due_ms)
    messages = tuple(msgspec.structs.replace(one, due_ms=due_ms) for one in attempt.messages)
    tx.put(key, ATTEMPT.encode(Attempt(attempt.until_ms, messages)))
    return taken


def _fly_on(tx: Transaction, own: QueueKeys, one: Again, due_ms: int) -> None:
    group = tx.get(own.due(one.due_ms, one.seq))
    assert group is not None, "it was just found in flight"
    tx.clear(own.due(one.due_ms, one.seq))
    tx.put(own.due(due_ms, one.seq), group)
    tx.put(own.moved + one.seq, MOVED.pack(due_ms, one.receives))
    cursors.wake_at(tx, own, due_ms)


def forget_expired(tx: Transaction, queue: Queue, now_ms: int, limit: int) -> int | None:
    """Remove up to ``limit`` memories whose time is over.

    Returns:
        When to come back: ``now_ms`` if there is more to do, None if there is no memory at all.
    """
    own = keys.data(queue.id)
    at = len(own.expiries)
    for row in list(tx.scan(Span(own.expiries, after_prefix(own.expiries)), limit=limit)):
        until_ms = int.from_bytes(row.key[at : at + _TIME_BYTES], "big")
        if until_ms > now_ms:
            return until_ms
        tx.clear(row.key)
        key = row.key[at + _TIME_BYTES :]
        raw = tx.get(key)
        if raw is not None and _until_of(own, key, raw) <= now_ms:
            tx.clear(key)
        limit -= 1
    return now_ms if limit == 0 else None


def _until_of(own: QueueKeys, key: bytes, raw: bytes) -> int:
    codec = SEEN if key.startswith(own.seen) else ATTEMPT
    return codec.decode(raw).until_ms
