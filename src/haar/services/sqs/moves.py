"""Move tasks: dead letters go back where they came from, or elsewhere, as a durable job.

A task's messages move in batches; each batch is one transaction with the task's count, so that a
crash neither loses a message nor moves it twice.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec

from haar.fabric import jobs
from haar.kernel import arn as arns
from haar.kernel.entropy import uuid4
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.services.sqs import keys, kinds
from haar.services.sqs.errors import (
    InvalidParameterValue,
    OverLimit,
    ResourceNotFound,
    UnsupportedOperation,
)
from haar.services.sqs.lookup import find
from haar.services.sqs.records import TASK, Queue, Task
from haar.store.api import Transaction

MOVE_KIND = "sqs.move"
RATE_MAX = 500
ACTIVE_MAX = 100
KEPT_MAX = 10

RUNNING, COMPLETED, CANCELLED, FAILED = "RUNNING", "COMPLETED", "CANCELLED", "FAILED"

_UNKNOWN_TEXT = "Task does not exist."
_ALREADY_TEXT = (
    "There is already a task running. Only one active task is allowed for a source queue arn at a "
    "given time."
)
_ITSELF = "Source and destination queues must be different."
"""[nv] A queue moved to itself would never come to its end."""

_NO_DEAD_LETTERS_TEXT = "Source queue must be configured as a Dead Letter Queue."


def source_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the dead-letter queue.

    Raises:
        InvalidParameterValue: not the ARN of a queue.
    """
    return checked_arn("SourceArn", members["SourceArn"])


def both_arns(members: Members, scope: Scope) -> tuple[str, ...]:
    """Return the ARNs of the dead-letter queue and of the destination, if one is named."""
    names = [name for name in ("SourceArn", "DestinationArn") if name in members]
    return tuple(checked_arn(name, members[name]) for name in names)


def checked_arn(name: str, text: str) -> str:
    """Return the ARN of a queue.

    Raises:
        InvalidParameterValue: it is none.
    """
    try:
        parts = arns.parse(text)
    except arns.NotAnArn:
        parts = None
    if parts is None or parts.service != "sqs" or not parts.resource:
        raise InvalidParameterValue(value=text, name=name, reason="Not a valid queue ARN.")
    return text


def handle_of(task: Task) -> str:
    """Return the handle of a task."""
    said = {"taskId": task.id, "sourceArn": task.source_arn}
    return base64.b64encode(json.dumps(said, separators=(",", ":")).encode()).decode()


def parse_handle(text: str) -> tuple[str, str]:
    """Return task id and source ARN of a handle.

    Raises:
        ResourceNotFound: not a handle.
    """
    try:
        said: Any = json.loads(base64.b64decode(text, validate=True))
        return str(said["taskId"]), checked_arn("TaskHandle", str(said["sourceArn"]))
    except (ValueError, RecursionError, KeyError, TypeError, InvalidParameterValue):
        raise ResourceNotFound(_UNKNOWN_TEXT) from None


def handled_arn(members: Members, scope: Scope) -> str:
    """Return the ARN of the queue whose task a handle is of."""
    return parse_handle(members["TaskHandle"])[1]


def put(tx: Transaction, task: Task) -> None:
    """Store a task; one that runs keeps others from starting."""
    tx.put(keys.task(task.source_arn, task.started_ms, task.id), TASK.encode(task))
    if task.status == RUNNING:
        tx.put(keys.moving(task.source_arn), task.id.encode())
    else:
        tx.clear(keys.moving(task.source_arn))


def tasks_of(tx: Transaction, arn: str) -> list[Task]:
    """Return the tasks of a queue, the newest first."""
    rows = tx.scan(keys.tasks(arn), limit=KEPT_MAX, reverse=True)
    return [TASK.decode(row.value) for row in rows]


def running(tx: Transaction, arn: str) -> Task | None:
    """Return the running task of a queue, or None."""
    return next((task for task in tasks_of(tx, arn) if task.status == RUNNING), None)


def forget(tx: Transaction, arn: str) -> None:
    """Remove the tasks of a queue that goes; one that runs ends."""
    jobs.cancel(tx, kind=MOVE_KIND, key=arn)
    tx.clear(keys.moving(arn))
    tx.delete(keys.tasks(arn))


@operation(
    "StartMessageMoveTask",
    members="SourceArn DestinationArn MaxNumberOfMessagesPerSecond",
    resource=both_arns,
)
def start_message_move_task(call: Call[Members], tx: Transaction) -> Members:
    """Begin to move the messages of a dead-letter queue.

    Keys: reads ``queue``, ``source``, ``moving``; writes ``task``, ``moving`` and a job.

    Raises:
        ResourceNotFound: no such queue.
        InvalidParameterValue: nobody's dead letters; a destination of the other kind, or the queue
            itself; a bad rate.
        UnsupportedOperation: a task of that queue is running.
        OverLimit: a hundred tasks of the account are.

    Source: AWS docs, SQS API reference, StartMessageMoveTask.
    """
    rate_max = checked_rate(call.members)
    source = existing(tx, call.resource, "SourceArn")
    target: str = call.members.get("DestinationArn", "")
    if target == source.arn:
        raise InvalidParameterValue(value=target, name="DestinationArn", reason=_ITSELF)
    if target and existing(tx, target, "DestinationArn").is_fifo != source.is_fifo:
        reason = "Destination queue must be same type of queue as the source."
        raise InvalidParameterValue(value=target, name="DestinationArn", reason=reason)
    if next(iter(tx.scan(keys.sources(source.arn), limit=1)), None) is None:
        raise InvalidParameterValue(_NO_DEAD_LETTERS_TEXT)
    if tx.get(keys.moving(source.arn)) is not None:
        raise UnsupportedOperation(reason=_ALREADY_TEXT)
    active = tx.scan(keys.all_moving(call.account, call.region), limit=ACTIVE_MAX)
    if sum(1 for _ in active) == ACTIVE_MAX:
        raise OverLimit(reason=f"Only {ACTIVE_MAX} active tasks are allowed for an account.")
    task = Task(
        id=uuid4(call.entropy),
        source_arn=source.arn,
        destination_arn=target,
        rate_max=rate_max,
        started_ms=call.now_ms,
        to_move=kinds.counts(tx, source, call.now_ms).visible,
    )
    for old in tasks_of(tx, source.arn)[KEPT_MAX - 1 :]:
        tx.clear(keys.task(old.source_arn, old.started_ms, old.id))
    put(tx, task)
    schedule(tx, task, call.now_ms)
    return {"TaskHandle": handle_of(task)}


def schedule(tx: Transaction, task: Task, due_ms: int) -> None:
    """Let a task go on at a time."""
    payload = task.id.encode()
    jobs.schedule(tx, kind=MOVE_KIND, key=task.source_arn, due_ms=due_ms, payload=payload)


def checked_rate(members: Members) -> int:
    """Return how many messages may move in a second; 0 where nobody says.

    Raises:
        InvalidParameterValue: out of range.
    """
    rate_max: int | None = members.get("MaxNumberOfMessagesPerSecond")
    if rate_max is None:
        return 0
    if not 1 <= rate_max <= RATE_MAX:
        name = "MaxNumberOfMessagesPerSecond"
        reason = f"Must be between 1 and {RATE_MAX}, if provided."
        raise InvalidParameterValue(value=rate_max, name=name, reason=reason)
    return rate_max


def existing(tx: Transaction, arn: str, name: str) -> Queue:
    """Return a queue.

    Raises:
        ResourceNotFound: there is none.
    """
    queue = find(tx, arn)
    if queue is None:
        raise ResourceNotFound(name=name)
    return queue


@operation(
    "ListMessageMoveTasks", members="SourceArn MaxResults", resource=source_arn, readonly=True
)
def list_message_move_tasks(call: Call[Members], tx: Transaction) -> Members:
    """Return the last move tasks of a queue, the newest first; one unless more are asked for.

    Keys: reads ``queue``, ``task``.

    Raises:
        ResourceNotFound: no such queue.
        InvalidParameterValue: more than ten are asked for.

    Source: AWS docs, SQS API reference, ListMessageMoveTasks.
    """
    size: int = call.members.get("MaxResults", 1)
    if not 1 <= size <= KEPT_MAX:
        reason = f"Must be between 1 and {KEPT_MAX}, if provided."
        raise InvalidParameterValue(value=size, name="MaxResults", reason=reason)
    existing(tx, call.resource, "SourceArn")
    found = tasks_of(tx, call.resource)[:size]
    return {"Results": [told(task) for task in found]} if found else {}


def told(task: Task) -> Members:
    """Return a task as it is listed; its handle only while it runs."""
    result: Members = {
        "Status": task.status,
        "SourceArn": task.source_arn,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started_ms,
    }
    if task.status == RUNNING:
        result["TaskHandle"] = handle_of(task)
    if task.destination_arn:
        result["DestinationArn"] = task.destination_arn
    if task.rate_max:
        result["MaxNumberOfMessagesPerSecond"] = task.rate_max
    if task.failure:
        result["FailureReason"] = task.failure
    return result


@operation("CancelMessageMoveTask", members="TaskHandle", resource=handled_arn)
def cancel_message_move_task(call: Call[Members], tx: Transaction) -> Members:
    """End a running move task; what it has moved stays moved.

    Keys: reads and writes ``task``; clears ``moving`` and the job.

    Raises:
        ResourceNotFound: no such task.
        UnsupportedOperation: it does not run any more.

    Source: AWS docs, SQS API reference, CancelMessageMoveTask.
    """
    task_id, arn = parse_handle(call.members["TaskHandle"])
    task = next((one for one in tasks_of(tx, arn) if one.id == task_id), None)
    if task is None:
        raise ResourceNotFound(_UNKNOWN_TEXT)
    if task.status != RUNNING:
        raise UnsupportedOperation(reason="Only active tasks can be cancelled.")
    put(tx, msgspec.structs.replace(task, status=CANCELLED))
    jobs.cancel(tx, kind=MOVE_KIND, key=arn)
    return {"ApproximateNumberOfMessagesMoved": task.moved}


OPERATIONS = (start_message_move_task, list_message_move_tasks, cancel_message_move_task)
