"""Answers to tasks that wait for their token: success, failure, a sign of life."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.kit.operation import anything, operation
from haar.services.states import keys, names, tokens, values
from haar.services.states.errors import (
    InvalidArn,
    InvalidOutput,
    InvalidToken,
    TaskDoesNotExist,
    TaskTimedOut,
)
from haar.services.states.frames import Frame, Phase
from haar.services.states.ledger import apply, beat, read_execution
from haar.services.states.lookup import arn_of, run_of
from haar.services.states.records import FRAMES, Path
from haar.services.states.steps import TaskFailed, TaskSucceeded
from haar.store.api import Transaction


def _waiting(call: Call[Members], tx: Transaction) -> tuple[Path, Frame]:
    """Return the wait that a token names.

    Raises:
        InvalidToken: not a token, or not one that haar made.
        TaskDoesNotExist: the execution is gone.
        TaskTimedOut: nobody waits for it any more.
    """
    try:
        token = tokens.parse(call.members["taskToken"])
        path = names.execution_of(token.arn)
    except (tokens.BadToken, InvalidArn):
        raise InvalidToken(token="Invalid token") from None  # AWS's words  # noqa: S106
    record = read_execution(tx, path)
    if record is None:
        raise TaskDoesNotExist
    secret = run_of(tx, path).secret if names.is_child(path) else record.secret
    is_ours = f":{call.account}:" in token.arn and arn_of(tx, path) == token.arn
    if not is_ours or not tokens.is_genuine(token, secret):
        raise InvalidToken(token="Invalid token")  # noqa: S106
    raw = tx.get(keys.frame(path, token.frame))
    frame = FRAMES.decode(raw) if raw is not None else None
    if frame is None or frame.phase is not Phase.WAITING or frame.ticket != token.ticket:
        raise TaskTimedOut
    return path, frame


@operation("SendTaskSuccess", members="taskToken output", resource=anything)
def send_task_success(call: Call[Members], tx: Transaction) -> Members:
    """Give the task that handed out a token its result.

    Keys: reads and writes what a step of the execution does (``execution``, ``frame``, …).

    Raises:
        InvalidToken: not a token of haar's.
        InvalidOutput: not JSON.
        TaskTimedOut: nobody waits for it any more.

    Source: AWS docs, Step Functions API reference, SendTaskSuccess.
    """
    path, frame = _waiting(call, tx)
    try:
        output = values.read(call.members["output"])
    except values.NotJson as err:
        raise InvalidOutput(reason=err) from None
    apply(tx, path, TaskSucceeded(frame.id, frame.ticket, output), call.now_ms)
    return {}


@operation("SendTaskFailure", members="taskToken error cause", resource=anything)
def send_task_failure(call: Call[Members], tx: Transaction) -> Members:
    """Fail the task that handed out a token.

    Keys: reads and writes what a step of the execution does (``execution``, ``frame``, …).

    Raises:
        InvalidToken: not a token of haar's.
        TaskTimedOut: nobody waits for it any more.

    Source: AWS docs, Step Functions API reference, SendTaskFailure.
    """
    path, frame = _waiting(call, tx)
    error, cause = call.members.get("error", ""), call.members.get("cause", "")
    apply(tx, path, TaskFailed(frame.id, frame.ticket, error, cause), call.now_ms)
    return {}


@operation("SendTaskHeartbeat", members="taskToken", resource=anything)
def send_task_heartbeat(call: Call[Members], tx: Transaction) -> Members:
    """Tell that the task that handed out a token is still worked on.

    Keys: reads ``execution``, ``frame``; moves the job of its heartbeat's end.

    Raises:
        InvalidToken: not a token of haar's.
        TaskTimedOut: nobody waits for it any more.

    Source: AWS docs, Step Functions API reference, SendTaskHeartbeat.
    """
    path, frame = _waiting(call, tx)
    if frame.heartbeat_seconds:
        beat(tx, path, frame, call.now_ms)
    return {}
