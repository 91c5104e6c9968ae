"""A standard queue as rows: put, take, find, move, remove.

Where a message stands, and what moves it::

    send ──► ready ──receive──► later(due) ──receive, once due──► later(due')
    send with delay ──────────►     │  ▲ change of visibility
                                    └──┘                    delete ──► gone

Senders only append and add: they never conflict. What a receive takes is found at two seeks, from
the bounds of :mod:`~.cursor` on, however many messages there are or were.
"""

from __future__ import annotations

import msgspec

from haar.services.sqs import bodies, handles, keys
from haar.services.sqs import cursor as cursors
from haar.services.sqs.cursor import FAR_MS, Cursor
from haar.services.sqs.errors import OverLimit
from haar.services.sqs.found import (
    COUNT_ROWS_MAX,
    FLYING_MAX,
    GONE_MAX,
    MOVED,
    PEEK_MS,
    POLL_MS_MAX,
    SEQ_BYTES,
    Counts,
    Found,
    State,
    Taken,
    is_dead,
    is_expired,
)
from haar.services.sqs.handles import Handle
from haar.services.sqs.keys import QueueKeys
from haar.services.sqs.lookup import find as find_queue
from haar.services.sqs.records import NEW_HEAD, Message, Queue, Stored, unpack
from haar.store.api import Row, Span, Transaction


def put(tx: Transaction, queue: Queue, message: Message, body: bytes, due_ms: int = 0) -> None:
    """Store a message, to be received at once or from ``due_ms`` on.

    Args:
        tx: the transaction.
        queue: a standard queue.
        message: as it was sent; its body is overwritten by None if it gets a row of its own.
        body: UTF-8.
        due_ms: when it may be received; 0 for at once.
    """
    own = keys.data(queue.id)
    stored = Stored(NEW_HEAD, bodies.encode(tx, own, message, body))
    if due_ms:
        cursors.wake_at(tx, own, due_ms)
        tx.put_versioned(own.due(due_ms), stored.pack())
        tx.add(own.delayed, 1)
        tx.add(own.sent, 0)  # whoever waits learns when to look
    else:
        _make_ready(tx, own, stored)


def _make_ready(tx: Transaction, own: QueueKeys, stored: Stored) -> None:
    tx.put_versioned(own.ready, stored.pack())
    tx.add(own.sent, 1)


class Take:
    """One receive of a standard queue, within a transaction.

    Args:
        tx: the transaction.
        queue: the queue.
        now_ms: of the receive.
        visibility_ms: how long what it takes is in flight.

    Attributes:
        taken: what it took.
        gone: how many messages it moved out of the way, expired or dead.
    """

    def __init__(self, tx: Transaction, queue: Queue, now_ms: int, visibility_ms: int) -> None:
        self._tx = tx
        self._queue = queue
        self._now_ms = now_ms
        self._due_ms = now_ms + visibility_ms
        self._keys = keys.data(queue.id)
        self._cursor = cursors.read(tx, self._keys)
        self._flying = self._delayed = 0
        self.taken: list[Taken] = []
        self.gone = 0

    @property
    def wake_ms(self) -> int:
        """When it is worth to look again, if nothing is sent."""
        return self._cursor.quiet_ms

    def run(self, count: int) -> None:
        """Take up to ``count`` messages: those whose time has come, then the ready ones.

        Raises:
            OverLimit: too many would be in flight.
        """
        before = self._cursor
        if before.quiet_ms <= self._now_ms:
            self._take_due(count)
        if len(self.taken) < count:
            self._take_ready(count)
        if self.taken:
            quiet_ms = min(self._cursor.quiet_ms, self._due_ms)
            self._cursor = self._cursor._replace(quiet_ms=quiet_ms)
        if self._cursor != before or self._flying or self._delayed:
            self._write(is_sooner=self._cursor.quiet_ms < before.quiet_ms)

    def _write(self, *, is_sooner: bool) -> None:
        tx, own = self._tx, self._keys
        tx.put(own.cursor, self._cursor.pack())
        if self._delayed:
            tx.add(own.delayed, self._delayed)
        if self._flying:
            tx.add(own.flying, self._flying)
            if self._flying > 0 and cursors.count(tx, own.flying) > FLYING_MAX:
                raise OverLimit(reason="Too many messages are in flight.")
        if is_sooner and self._due_ms < self._now_ms + POLL_MS_MAX:
            tx.add(own.sent, 0)

    def _take_due(self, count: int) -> None:
        tx, own = self._tx, self._keys
        if not cursors.count(tx, own.flying) + cursors.count(tx, own.delayed):
            self._cursor = self._cursor._replace(quiet_ms=FAR_MS)
            return
        quiet_ms = self._now_ms + PEEK_MS
        span = Span(own.due(self._cursor.quiet_ms), own.due(quiet_ms))
        limit = count + GONE_MAX
        # All of them first: taking puts rows into the span that is read.
        rows = list(tx.scan(span, limit=limit))
        for row in rows:
            due_ms, seq = self._due_of(row)
            if due_ms > self._now_ms or len(self.taken) == count:
                quiet_ms = due_ms
                break
            self._leave_later(row, seq)
        else:
            if len(rows) == limit:
                quiet_ms = self._due_of(rows[-1])[0]
        self._cursor = self._cursor._replace(quiet_ms=quiet_ms)

    def _due_of(self, row: Row) -> tuple[int, bytes]:
        raw = row.key[len(self._keys.later) :]
        return int.from_bytes(raw[:8], "big"), raw[8:]

    def _leave_later(self, row: Row, seq: bytes) -> None:
        stored = unpack(row.value)
        self._tx.clear(row.key)
        if stored.head.receives:
            self._flying -= 1
        else:
            self._delayed -= 1
        self._deliver(stored, seq)

    def _take_ready(self, count: int) -> None:
        own, cursor = self._keys, self._cursor
        span = Span(own.ready + cursor.head + b"\x00", own.ready_end)
        last, number = cursor.head, 0
        for row in self._tx.scan(span, limit=count + GONE_MAX):
            last = row.key[-SEQ_BYTES:]
            number += 1
            self._tx.clear(row.key)
            self._deliver(unpack(row.value), last)
            if len(self.taken) == count:
                break
        self._cursor = cursor._replace(taken=cursor.taken + number, head=last)

    def _deliver(self, stored: Stored, seq: bytes) -> None:
        """Put a message in flight, unless it is too old or was received too often."""
        tx, own, queue = self._tx, self._keys, self._queue
        message = stored.message
        if is_expired(queue, message, self._now_ms):
            self._remove(message, seq, stored)
            return
        if is_dead(queue, stored, message):
            target = find_queue(tx, queue.dead_letter_arn)
            if target is not None:
                self._bury(target, message, seq, stored)
                return
        head = stored.head.received(self._now_ms)
        stored = Stored(head, stored.record)
        tx.put(own.due(self._due_ms, seq), stored.pack())
        if head.receives - message.receives_before > 1:
            tx.put(own.moved + seq, MOVED.pack(self._due_ms, head.receives))
        self._flying += 1
        handle = handles.make(queue, self._due_ms, seq, head.receives)
        self.taken.append(Taken(stored, message, bodies.read(tx, own, message), handle))

    def _remove(self, message: Message, seq: bytes, stored: Stored) -> None:
        self.gone += 1
        bodies.forget(self._tx, self._keys, message)
        if stored.head.receives:
            self._tx.clear(self._keys.moved + seq)

    def _bury(self, target: Queue, message: Message, seq: bytes, stored: Stored) -> None:
        """Move a message to the dead-letter queue, with its id, time of sending and count."""
        body = bodies.read(self._tx, self._keys, message)
        self._remove(message, seq, stored)
        receives = stored.head.receives
        letter = msgspec.structs.replace(
            message, body=body, source_arn=self._queue.arn, receives_before=receives
        )
        own = keys.data(target.id)
        record = bodies.encode(self._tx, own, letter, body.encode())
        _make_ready(self._tx, own, Stored(stored.head, record))


def find(tx: Transaction, queue: Queue, handle: Handle) -> Found:
    """Return what a receipt handle stands for."""
    own = keys.data(queue.id)
    key = own.due(handle.due_ms, handle.seq)
    value = tx.get(key)
    if value is not None:
        stored = unpack(value)
        if stored.head.receives == handle.receives:
            return Found(State.CURRENT, key, handle.due_ms, stored)
    raw = tx.get(own.moved + handle.seq)
    if raw is None:
        return Found(State.GONE)
    due_ms, receives = MOVED.unpack(raw)
    if receives != handle.receives:
        return Found(State.OLD)
    key = own.due(due_ms, handle.seq)
    value = tx.get(key)
    assert value is not None, "the row of a move is written with the message"
    return Found(State.CURRENT, key, due_ms, unpack(value))


def remove(tx: Transaction, queue: Queue, handle: Handle, found: Found) -> None:
    """Delete a message that was received."""
    own, stored = keys.data(queue.id), found.stored
    assert stored is not None, "the caller has found it"
    tx.clear(found.key)
    if found.due_ms != handle.due_ms or stored.head.receives > 1:
        tx.clear(own.moved + handle.seq)
    bodies.forget(tx, own, stored.message)
    tx.add(own.flying, -1)


def move(tx: Transaction, queue: Queue, handle: Handle, found: Found, due_ms: int) -> None:
    """Make a message in flight visible at another time."""
    own, stored = keys.data(queue.id), found.stored
    assert stored is not None, "the caller has found it"
    tx.clear(found.key)
    tx.put(own.due(due_ms, handle.seq), stored.pack())
    if due_ms == handle.due_ms and stored.head.receives == 1:
        tx.clear(own.moved + handle.seq)  # the handle leads there by itself, and so does no row
    else:
        tx.put(own.moved + handle.seq, MOVED.pack(due_ms, handle.receives))
    cursors.wake_at(tx, own, due_ms)
    tx.add(own.sent, 0)  # whoever waits learns when to look


def purge(tx: Transaction, queue: Queue) -> None:
    """Delete every message."""
    own = keys.data(queue.id)
    head = cursors.read(tx, own).head
    tx.delete(own.all)
    tx.put(own.cursor, Cursor(head=head).pack())


def counts(tx: Transaction, queue: Queue, now_ms: int) -> Counts:
    """Return how many messages there are, exactly unless very many have just become due."""
    own = keys.data(queue.id)
    cursor = cursors.read(tx, own)
    ready = cursors.count(tx, own.sent) - cursor.taken
    flying, delayed = cursors.count(tx, own.flying), cursors.count(tx, own.delayed)
    if cursor.quiet_ms > now_ms or not flying + delayed:
        return Counts(ready, flying, delayed)
    again = first = 0
    span = Span(own.due(cursor.quiet_ms), own.due(now_ms + 1))
    for row in tx.scan(span, limit=COUNT_ROWS_MAX):
        if unpack(row.value).head.receives:
            again += 1
        else:
            first += 1
    return Counts(ready + again + first, flying - again, delayed - first)
