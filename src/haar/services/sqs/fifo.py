"""A FIFO queue as rows: messages in their groups, and whose turn it is.

A group with messages has a row that counts those in flight. Whenever there are none, the group has
a *turn*, and turns are taken in the order in which they were given::

    first message of a group ──► turn ──receive──► in flight, no turn
    last one in flight is deleted, or its time is over ──► turn, if messages are left

So a receive meets only groups that it may take, however many wait behind messages in flight. A turn
counts only if its group has messages and none in flight: turns that were overtaken by an expiry are
thrown away when they are met.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from haar.services.sqs import bodies, keys
from haar.services.sqs import cursor as cursors
from haar.services.sqs.cursor import Cursor
from haar.services.sqs.found import COUNT_ROWS_MAX, MOVED, SEQ_BYTES, Counts, Found, State
from haar.services.sqs.handles import Handle
from haar.services.sqs.keys import QueueKeys
from haar.services.sqs.records import NEW_HEAD, Head, Message, Queue, Stored, unpack
from haar.store.api import Row, Span, Transaction, after_prefix, prefix_span

_NUMBER_BYTES = 8
SENT = struct.Struct(">Q")
"""The head of an ``a`` row: when the message was sent, ms."""

_GROUP = struct.Struct(">BI10s")
_VERSION = 1


class Group(NamedTuple):
    """A group with messages: 1 byte of version, 4 of ``flying``, 10 of ``low``.

    Attributes:
        flying: how many of its messages are in flight.
        low: none of its messages stands before.
    """

    flying: int
    low: bytes


def seq_of(number: int) -> bytes:
    """Return a message's number as it stands in keys."""
    return number.to_bytes(SEQ_BYTES, "big")


def group_key(group_id: str) -> bytes:
    """Return a group as it stands in keys."""
    return group_id.encode() + b"\x00"


class Rows:
    """The rows of a FIFO queue, within a transaction.

    The cursor is written once, by :meth:`write`.

    Args:
        tx: the transaction.
        queue: a FIFO queue.
    """

    def __init__(self, tx: Transaction, queue: Queue) -> None:
        self.tx = tx
        self.own: QueueKeys = keys.data(queue.id)
        self.cursor: Cursor = cursors.read(tx, self.own)
        self._before = self.cursor

    def write(self) -> None:
        """Store the cursor, if it has changed."""
        if self.cursor != self._before:
            self.tx.put(self.own.cursor, self.cursor.pack())

    # --- groups and their turns

    def group(self, group: bytes) -> Group | None:
        """Return a group, or None where it has no messages."""
        raw = self.tx.get(self.own.groups + group)
        return None if raw is None else Group(*_GROUP.unpack(raw)[1:])

    def put_group(self, group: bytes, state: Group) -> None:
        """Store a group."""
        self.tx.put(self.own.groups + group, _GROUP.pack(_VERSION, *state))

    def messages(self, group: bytes, low: bytes, limit: int) -> Iterator[Row]:
        """Yield the first messages of a group, from ``low`` on."""
        prefix = self.own.messages + group
        return self.tx.scan(Span(prefix + low, after_prefix(prefix)), limit=limit)

    def give_turn(self, group: bytes, low: bytes) -> None:
        """Let a group of which nothing is in flight be received from, if it has messages."""
        first = next(self.messages(group, low, 1), None)
        if first is None:
            self.tx.clear(self.own.groups + group)
            return
        self.put_group(group, Group(0, first.key[-SEQ_BYTES:]))
        self.tx.put_versioned(self.own.turns, group)

    def wait(self, group: bytes, seq: bytes, due_ms: int) -> None:
        """Let a group have its turn when its first message's delay is over."""
        self.tx.put(self.own.waiting + due_ms.to_bytes(8, "big") + seq, group)
        self.cursor = self.cursor._replace(quiet_ms=min(self.cursor.quiet_ms, due_ms))

    # --- messages

    def append(self, stored: Stored, message: Message) -> None:
        """Put a message at the end of its group."""
        tx, own = self.tx, self.own
        group, seq = group_key(message.group), seq_of(message.sequence)
        tx.put(own.messages + group + seq, stored.pack())
        tx.put(own.arrivals + seq, SENT.pack(message.sent_ms) + group)
        if self.group(group) is None:
            self.put_group(group, Group(0, seq))
            tx.put_versioned(own.turns, group)
        tx.add(own.sent, 1)

    def drop(self, group: bytes, seq: bytes, stored: Stored) -> None:
        """Remove a message for good; its group's row is the caller's to set right."""
        tx, own = self.tx, self.own
        tx.clear(own.messages + group + seq)
        tx.clear(own.arrivals + seq)
        if stored.head.receives:
            tx.clear(own.moved + seq)
        bodies.forget(tx, own, stored.message)
        self.cursor = self.cursor._replace(taken=self.cursor.taken + 1)

    def land(self, group: bytes, key: bytes) -> None:
        """Note that a message of a group is not in flight any more; the last gives the turn back.

        Args:
            group: as it stands in keys.
            key: of the message's row in the later span.
        """
        self.tx.clear(key)
        self.tx.add(self.own.flying, -1)
        state = self.group(group)
        assert state is not None, "a group with messages in flight has a row"
        if state.flying > 1:
            self.put_group(group, state._replace(flying=state.flying - 1))
        else:
            self.give_turn(group, state.low)


def next_number(tx: Transaction, queue: Queue) -> int:
    """Return the number of the next message."""
    key = keys.data(queue.id).number
    number = int.from_bytes(tx.get(key) or b"", "big") + 1
    tx.put(key, number.to_bytes(_NUMBER_BYTES, "big"))
    return number


def put(
    tx: Transaction, queue: Queue, message: Message, body: bytes, head: Head = NEW_HEAD
) -> None:
    """Append a message to its group.

    Args:
        tx: the transaction.
        queue: a FIFO queue.
        message: with the number that :func:`next_number` gave it.
        body: UTF-8.
        head: what was received of it before.
    """
    rows = Rows(tx, queue)
    record = bodies.encode(tx, rows.own, message, body)
    rows.append(Stored(head, record), message)
    rows.write()


def find(tx: Transaction, queue: Queue, handle: Handle) -> Found:
    """Return what a receipt handle stands for."""
    own, seq = keys.data(queue.id), handle.seq
    arrival = tx.get(own.arrivals + seq)
    if arrival is None:
        return Found(State.GONE)
    group = arrival[SENT.size :]
    value = tx.get(own.messages + group + seq)
    assert value is not None, "a message and its arrival are written together"
    stored = unpack(value)
    if stored.head.receives != handle.receives:
        return Found(State.OLD)
    moved = tx.get(own.moved + seq)
    due_ms: int = MOVED.unpack(moved)[0] if moved is not None else handle.due_ms
    key = own.due(due_ms, seq)
    if tx.get(key) is None:
        return Found(State.CURRENT, stored=stored, group=group)
    return Found(State.CURRENT, key, due_ms, stored, group)


def remove(tx: Transaction, queue: Queue, handle: Handle, found: Found) -> None:
    """Delete a message in flight; the last of its group in flight gives the turn back."""
    rows = Rows(tx, queue)
    assert found.stored is not None, "the caller has found it"
    rows.drop(found.group, handle.seq, found.stored)
    rows.land(found.group, found.key)
    rows.write()
    tx.add(rows.own.sent, 0)  # whoever waits looks whether it is the group's turn


def move(tx: Transaction, queue: Queue, handle: Handle, found: Found, due_ms: int) -> None:
    """Make a message in flight visible at another time."""
    own = keys.data(queue.id)
    tx.clear(found.key)
    tx.put(own.due(due_ms, handle.seq), found.group)
    tx.put(own.moved + handle.seq, MOVED.pack(due_ms, handle.receives))
    cursors.wake_at(tx, own, due_ms)
    tx.add(own.sent, 0)  # whoever waits learns when to look


def purge(tx: Transaction, queue: Queue) -> None:
    """Delete every message; what was sent within five minutes is still not taken twice."""
    own = keys.data(queue.id)
    spans = (own.messages, own.arrivals, own.groups, own.turns, own.waiting, own.later)
    for prefix in (*spans, own.moved, own.large, own.attempts):
        tx.delete(prefix_span(prefix))
    tx.put(own.cursor, Cursor(head=cursors.read(tx, own).head).pack())
    tx.clear(own.flying)
    tx.clear(own.sent)


def counts(tx: Transaction, queue: Queue, now_ms: int) -> Counts:
    """Return how many messages there are, exactly unless very many have just become due."""
    own = keys.data(queue.id)
    cursor = cursors.read(tx, own)
    flying = cursors.count(tx, own.flying)
    if cursor.quiet_ms <= now_ms and flying:
        span = Span(own.due(cursor.quiet_ms), own.due(now_ms + 1))
        flying -= sum(1 for _ in tx.scan(span, limit=COUNT_ROWS_MAX))
    delayed = _count_delayed(tx, own, now_ms - queue.delay_s * 1000) if queue.delay_s else 0
    there = cursors.count(tx, own.sent) - cursor.taken
    return Counts(there - flying - delayed, flying, delayed)


def end_waits(tx: Transaction, queue: Queue) -> None:
    """Give the groups that wait for a delay their turns: a new delay counts for them, too."""
    rows = Rows(tx, queue)
    for row in list(tx.scan(prefix_span(rows.own.waiting), limit=COUNT_ROWS_MAX)):
        tx.clear(row.key)
        tx.put_versioned(rows.own.turns, row.value)
    tx.add(rows.own.sent, 0)


def _count_delayed(tx: Transaction, own: QueueKeys, after_ms: int) -> int:
    """Count the messages that were sent after a time; they are the last ones."""
    number = 0
    for row in tx.scan(prefix_span(own.arrivals), limit=COUNT_ROWS_MAX, reverse=True):
        if SENT.unpack_from(row.value)[0] <= after_ms:
            break
        number += 1
    return number
