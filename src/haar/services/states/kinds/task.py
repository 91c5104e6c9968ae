"""Task: work that an integration does, its answer, its time-outs.

A task that waits for its token is asked for like any other; the integration's own answer is
recorded as TaskSubmitted, and the wait goes on until SendTaskSuccess or SendTaskFailure.
"""

from __future__ import annotations

from typing import Any

from haar.kernel import arn
from haar.services.states import values
from haar.services.states.frames import Frame
from haar.services.states.run import Run, StateFailed
from haar.services.states.shapes import SECONDS_MAX, Number, TaskState
from haar.services.states.steps import Forget, Purpose, RunTask, SetTimer


def begin_task(run: Run, frame: Frame, state: TaskState) -> None:
    """Ask for the work; the parameters are evaluated anew for each attempt."""
    # The ticket of the wait is the id of the Started event: the token must tell it beforehand.
    token = run.token(frame, run.next_event + 1) if state.resource.is_callback else ""
    parameters = run.arguments(frame, state, token)
    timeout = _seconds(run, frame, state, state.timeout)
    frame.heartbeat_seconds = _seconds(run, frame, state, state.heartbeat)
    _record_scheduled(run, frame, state, parameters, timeout)
    _record(run, frame, state, "Started", {})
    ticket = run.wait(frame)
    run.command(RunTask(frame.id, ticket, state.resource, parameters))
    limits = ((timeout, Purpose.TASK_TIMEOUT), (frame.heartbeat_seconds, Purpose.HEARTBEAT))
    for seconds, purpose in limits:
        if seconds:
            run.command(SetTimer(frame.id, ticket, run.now_ms + seconds * 1000, purpose))


def _seconds(run: Run, frame: Frame, state: TaskState, number: Number) -> int:
    """Return a limit in seconds; 0 where there is none."""
    if not number.is_given:
        return 0
    found = int(run.number(frame, number, run.effective_input(frame, state)))
    if found <= 0:
        run.break_down(frame, f"The {number.path_name} parameter must find a positive integer.")
    if found > SECONDS_MAX:
        reason = f"The {number.path_name} parameter must find {SECONDS_MAX} at most."
        run.break_down(frame, reason)
    return found


def _record_scheduled(
    run: Run, frame: Frame, state: TaskState, parameters: Any, timeout: int
) -> None:
    given = {"timeoutInSeconds": timeout, "heartbeatInSeconds": frame.heartbeat_seconds}
    limits = {name: seconds for name, seconds in given.items() if seconds}
    if state.resource.is_function:
        limits.pop("heartbeatInSeconds", None)  # the event has no such member
        details = {"resource": state.resource.arn, "input": run.shown(parameters), **limits}
        run.follow(frame, "LambdaFunctionScheduled", details)
        return
    details = {
        "resourceType": state.resource.type,
        "resource": state.resource.pattern,
        "region": arn.parse(run.facts.arn).region,
        "parameters": run.shown(parameters),
        **limits,
    }
    run.follow(frame, "TaskScheduled", details)


def _record(run: Run, frame: Frame, state: TaskState, what: str, details: dict[str, Any]) -> None:
    """Append an event of the task: LambdaFunction* for a function's ARN, else Task*."""
    if state.resource.is_function:
        run.follow(frame, f"LambdaFunction{what}", details or None)
        return
    named = {"resourceType": state.resource.type, "resource": state.resource.pattern}
    run.follow(frame, f"Task{what}", {**named, **details})


def submit_task(run: Run, frame: Frame, state: TaskState, output: Any) -> None:
    """Take the integration's own answer, and go on waiting for the token."""
    _record(run, frame, state, "Submitted", {"output": run.shown(output)})


def end_task(run: Run, frame: Frame, state: TaskState, output: Any) -> None:
    """Take the task's answer.

    Raises:
        StateFailed: an answer that is too large, or paths that do not fit it.
    """
    run.command(Forget(frame.id, frame.ticket))
    text = run.text(output)
    if values.size(text) > values.PAYLOAD_BYTES_MAX:
        failure = run.too_large(state)
        _record(run, frame, state, "Failed", {"error": failure.error, "cause": failure.cause})
        raise failure
    _record(run, frame, state, "Succeeded", {"output": run.shown(output)})
    run.complete(frame, state, output)


def fail_task(run: Run, frame: Frame, state: TaskState, error: str, cause: str) -> None:
    """Take the task's error.

    Raises:
        StateFailed: always.
    """
    run.command(Forget(frame.id, frame.ticket))
    _record(run, frame, state, "Failed", {"error": error, "cause": cause})
    raise StateFailed(error, cause)


def time_out(run: Run, frame: Frame, state: TaskState, purpose: Purpose) -> None:
    """End the wait for the task: its answer comes too late.

    A missed heartbeat is recorded as a time-out; Retry and Catch may tell it by its own name.

    Raises:
        StateFailed: always.
    """
    run.command(Forget(frame.id, frame.ticket))
    _record(run, frame, state, "TimedOut", {"error": "States.Timeout"})
    alias = "States.HeartbeatTimeout" if purpose is Purpose.HEARTBEAT else ""
    raise StateFailed("States.Timeout", "", alias)
