"""The two kinds of queues behind one face."""

from __future__ import annotations

from haar.services.sqs import fifo, standard
from haar.services.sqs.fifo_take import FifoTake
from haar.services.sqs.found import Counts, Found
from haar.services.sqs.handles import Handle
from haar.services.sqs.records import Queue
from haar.services.sqs.standard import Take
from haar.store.api import Transaction


def begin_receive(
    tx: Transaction, queue: Queue, now_ms: int, visibility_ms: int
) -> Take | FifoTake:
    """Return a receive that has not run yet."""
    kind = FifoTake if queue.is_fifo else Take
    return kind(tx, queue, now_ms, visibility_ms)


def find(tx: Transaction, queue: Queue, handle: Handle) -> Found:
    """Return what a receipt handle stands for."""
    return fifo.find(tx, queue, handle) if queue.is_fifo else standard.find(tx, queue, handle)


def remove(tx: Transaction, queue: Queue, handle: Handle, found: Found) -> None:
    """Delete a message that was received."""
    (fifo.remove if queue.is_fifo else standard.remove)(tx, queue, handle, found)


def move(tx: Transaction, queue: Queue, handle: Handle, found: Found, due_ms: int) -> None:
    """Make a message in flight visible at another time."""
    (fifo.move if queue.is_fifo else standard.move)(tx, queue, handle, found, due_ms)


def purge(tx: Transaction, queue: Queue) -> None:
    """Delete every message."""
    (fifo.purge if queue.is_fifo else standard.purge)(tx, queue)


def counts(tx: Transaction, queue: Queue, now_ms: int) -> Counts:
    """Return how many messages there are."""
    return (fifo.counts if queue.is_fifo else standard.counts)(tx, queue, now_ms)
