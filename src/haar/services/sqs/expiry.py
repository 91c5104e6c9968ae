"""Retention: messages that are too old are removed, a bounded number at a time.

Messages in flight are let be until their time is over; a receive would not return them then.
"""

from __future__ import annotations

from haar.fabric import jobs
from haar.services.sqs import bodies, dedup, keys
from haar.services.sqs import cursor as cursors
from haar.services.sqs.fifo import SENT, Rows
from haar.services.sqs.found import SEQ_BYTES, is_expired
from haar.services.sqs.lookup import find
from haar.services.sqs.records import Queue, unpack
from haar.store.api import Span, Transaction, after_prefix

SWEEP_KIND = "sqs.sweep"
BATCH = 500
LOOKED_AT_MAX = 4 * BATCH
"""Of a FIFO queue, in one transaction: messages in flight are passed over."""

_REST_MS = 1000
"""A sweep that found everything in order does not come back sooner."""


def schedule(tx: Transaction, queue: Queue, due_ms: int) -> None:
    """Let a queue be swept at a time."""
    jobs.schedule(tx, kind=SWEEP_KIND, key=queue.arn, due_ms=due_ms, payload=queue.id)


def cancel(tx: Transaction, queue: Queue) -> None:
    """Let a queue be swept no more."""
    jobs.cancel(tx, kind=SWEEP_KIND, key=queue.arn)


def sweep(tx: Transaction, arn: str, queue_id: bytes, now_ms: int) -> int | None:
    """Remove what is too old of a queue, up to a bound.

    Returns:
        When to come back: ``now_ms`` if there is more to do, None if the queue is gone.
    """
    queue = find(tx, arn)
    if queue is None or queue.id != queue_id:
        return None
    if not queue.is_fifo:
        oldest_ms = min(_sweep_ready(tx, queue, now_ms), _sweep_due(tx, queue, now_ms))
        return oldest_ms if oldest_ms <= now_ms else max(oldest_ms, now_ms + _REST_MS)
    oldest_ms = _sweep_fifo(tx, queue, now_ms)
    memory_ms = dedup.forget_expired(tx, queue, now_ms, BATCH)
    if memory_ms is None:
        memory_ms = now_ms + dedup.MEMORY_MS
    due_ms = min(oldest_ms, memory_ms)
    return due_ms if due_ms <= now_ms else max(due_ms, now_ms + _REST_MS)


def _end_ms(queue: Queue, sent_ms: int) -> int:
    return sent_ms + queue.retention_s * 1000 + 1


def _sweep_ready(tx: Transaction, queue: Queue, now_ms: int) -> int:
    """Remove expired messages from the head of the ready span; return when the next expires."""
    own = keys.data(queue.id)
    cursor = cursors.read(tx, own)
    span = Span(own.ready + cursor.head + b"\x00", own.ready_end)
    due_ms, head, number = _end_ms(queue, now_ms), cursor.head, 0
    for row in tx.scan(span, limit=BATCH):
        stored = unpack(row.value)
        message = stored.message
        if not is_expired(queue, message, now_ms):
            due_ms = _end_ms(queue, message.sent_ms)
            break
        head = row.key[-SEQ_BYTES:]
        number += 1
        tx.clear(row.key)
        bodies.forget(tx, own, message)
    if number:
        tx.put(own.cursor, cursor._replace(head=head, taken=cursor.taken + number).pack())
    return now_ms if number == BATCH else due_ms


def _sweep_due(tx: Transaction, queue: Queue, now_ms: int) -> int:
    """Remove expired messages that nobody received although their time had come."""
    own = keys.data(queue.id)
    cursor = cursors.read(tx, own)
    if cursor.quiet_ms > now_ms:
        return _end_ms(queue, now_ms)
    due_ms, number = _end_ms(queue, now_ms), 0
    for row in tx.scan(Span(own.due(cursor.quiet_ms), own.due(now_ms + 1)), limit=BATCH):
        stored = unpack(row.value)
        if not is_expired(queue, stored.message, now_ms):
            due_ms = _end_ms(queue, stored.message.sent_ms)
            break
        number += 1
        tx.clear(row.key)
        tx.clear(own.moved + row.key[-SEQ_BYTES:])
        bodies.forget(tx, own, stored.message)
        tx.add(own.flying if stored.head.receives else own.delayed, -1)
    return now_ms if number == BATCH else due_ms


def _sweep_fifo(tx: Transaction, queue: Queue, now_ms: int) -> int:
    """Remove expired messages of groups of which nothing is in flight."""
    rows = Rows(tx, queue)
    own = rows.own
    due_ms, number, passed = _end_ms(queue, now_ms), 0, 0
    for row in list(tx.scan(Span(own.arrivals, after_prefix(own.arrivals)), limit=LOOKED_AT_MAX)):
        sent_ms: int = SENT.unpack_from(row.value)[0]
        if _end_ms(queue, sent_ms) > now_ms:
            due_ms = _end_ms(queue, sent_ms)
            break
        removed = _remove_fifo(rows, row.value[SENT.size :], row.key[-SEQ_BYTES:])
        number, passed = number + removed, passed + 1 - removed
        if number == BATCH:
            break
    rows.write()
    if number == BATCH:
        return now_ms
    return min(due_ms, now_ms + _REST_MS) if passed else due_ms


def _remove_fifo(rows: Rows, group: bytes, seq: bytes) -> int:
    state = rows.group(group)
    assert state is not None, "a group with messages has a row"
    if state.flying:
        return 0
    value = rows.tx.get(rows.own.messages + group + seq)
    assert value is not None, "a message and its arrival are written together"
    rows.drop(group, seq, unpack(value))
    if state.low == seq:
        rows.give_turn(group, seq)
    return 1
