"""One batch of a move task, as a transaction."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from haar.kernel.entropy import Entropy, uuid4
from haar.services.sqs import dedup, fifo, handles, kinds, moves, standard
from haar.services.sqs.found import Taken
from haar.services.sqs.lookup import find
from haar.services.sqs.records import NEW_HEAD, Queue, Task
from haar.store.api import Transaction

BATCH = 100

_NO_SOURCE = "CouldNotDetermineMessageSource"
_NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


class Stuck(Exception):
    """A message that has nowhere to go.

    Attributes:
        reason: as the task tells it.
        moved: how many messages of the batch come before it.
    """

    def __init__(self, reason: str, moved: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.moved = moved


class Batch(NamedTuple):
    """What a batch came to: how many messages moved, and whether the task is over."""

    moved: int
    is_over: bool


def move_batch(
    tx: Transaction, arn: str, task_id: str, now_ms: int, entropy: Entropy, limit: int
) -> Batch:
    """Move up to ``limit`` messages of a task that runs.

    Raises:
        Stuck: one of them has nowhere to go; nothing was moved.
    """
    task = moves.running(tx, arn)
    source = find(tx, arn)
    if task is None or task.id != task_id:
        return Batch(0, is_over=True)
    if source is None:
        moves.put(tx, msgspec.structs.replace(task, status=moves.FAILED, failure=_NO_QUEUE))
        return Batch(0, is_over=True)
    receive = kinds.begin_receive(tx, source, now_ms, 0)
    receive.run(limit)
    for number, taken in enumerate(receive.taken):
        target = target_of(tx, task, taken, number)
        handle = handles.parse(source, taken.handle)
        kinds.remove(tx, source, handle, kinds.find(tx, source, handle))
        put_anew(tx, target, taken, now_ms, entropy)
    moved = len(receive.taken)
    is_over = not moved and not receive.gone
    status = moves.COMPLETED if is_over else moves.RUNNING
    moves.put(tx, msgspec.structs.replace(task, moved=task.moved + moved, status=status))
    return Batch(moved, is_over)


def target_of(tx: Transaction, task: Task, taken: Taken, number: int) -> Queue:
    """Return the queue that a message goes to.

    Raises:
        Stuck: it is not known, or not there.
    """
    arn = task.destination_arn or taken.message.source_arn
    if not arn:
        raise Stuck(_NO_SOURCE, number)
    target = find(tx, arn)
    if target is None:
        raise Stuck(_NO_QUEUE, number)
    return target


def put_anew(tx: Transaction, target: Queue, taken: Taken, now_ms: int, entropy: Entropy) -> None:
    """Store a message as a new one: another id, another time of sending, never received."""
    message = msgspec.structs.replace(
        taken.message,
        id=uuid4(entropy),
        body=taken.body,
        sent_ms=now_ms,
        source_arn="",
        receives_before=0,
    )
    body = taken.body.encode()
    if not target.is_fifo:
        standard.put(tx, target, message, body)
        return
    message = msgspec.structs.replace(message, sequence=fifo.next_number(tx, target))
    fifo.put(tx, target, message, body, NEW_HEAD)
    dedup.remember(tx, target, message)


def fail(tx: Transaction, arn: str, task_id: str, reason: str) -> None:
    """End a task that cannot go on."""
    task = moves.running(tx, arn)
    if task is not None and task.id == task_id:
        moves.put(tx, msgspec.structs.replace(task, status=moves.FAILED, failure=reason))
