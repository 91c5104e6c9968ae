"""Task: work that an integration does, its answer, its time-out."""

from __future__ import annotations

from typing import Any

from haar.kernel import arn
from haar.services.states import values
from haar.services.states.frames import Frame
from haar.services.states.run import Run, StateFailed
from haar.services.states.shapes import TaskState
from haar.services.states.steps import Forget, Purpose, RunTask, SetTimer
from haar.services.states.values import is_integer


def begin_task(run: Run, frame: Frame, state: TaskState) -> None:
    """Ask for the work; the parameters are evaluated anew for each attempt."""
    parameters = run.arguments(frame, state)
    timeout = _timeout_seconds(run, frame, state)
    _record_scheduled(run, frame, state, parameters, timeout)
    _record(run, frame, state, "Started", {})
    ticket = run.wait(frame)
    run.command(RunTask(frame.id, ticket, state.resource, parameters))
    if timeout is not None:
        due_ms = run.now_ms + timeout * 1000
        run.command(SetTimer(frame.id, ticket, due_ms, Purpose.TASK_TIMEOUT))


def _timeout_seconds(run: Run, frame: Frame, state: TaskState) -> int | None:
    if state.timeout_path is None:
        return state.timeout_seconds
    found = run.evaluate(frame, state.timeout_path, run.effective_input(frame, state))
    if not is_integer(found) or found <= 0:
        run.break_down(frame, "The TimeoutSecondsPath parameter must find a positive integer.")
    return found


def _record_scheduled(
    run: Run, frame: Frame, state: TaskState, parameters: Any, timeout: int | None
) -> None:
    limits = {} if timeout is None else {"timeoutInSeconds": timeout}
    if state.resource.is_function:
        details = {"resource": state.resource.arn, "input": run.shown(parameters), **limits}
        run.follow(frame, "LambdaFunctionScheduled", details)
        return
    details = {
        "resourceType": state.resource.type,
        "resource": state.resource.action,
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
    named = {"resourceType": state.resource.type, "resource": state.resource.action}
    run.follow(frame, f"Task{what}", {**named, **details})


def _forget_timer(run: Run, frame: Frame, state: TaskState) -> None:
    if state.timeout_seconds is not None or state.timeout_path is not None:
        run.command(Forget(frame.id, frame.ticket, timer=True))


def end_task(run: Run, frame: Frame, state: TaskState, output: Any) -> None:
    """Take the task's answer.

    Raises:
        StateFailed: an answer that is too large, or paths that do not fit it.
    """
    _forget_timer(run, frame, state)
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
    _forget_timer(run, frame, state)
    _record(run, frame, state, "Failed", {"error": error, "cause": cause})
    raise StateFailed(error, cause)


def time_out(run: Run, frame: Frame, state: TaskState) -> None:
    """End the wait for the task: its answer comes too late.

    Raises:
        StateFailed: always.
    """
    run.command(Forget(frame.id, frame.ticket, task=True))
    _record(run, frame, state, "TimedOut", {"error": "States.Timeout"})
    raise StateFailed("States.Timeout", "")
