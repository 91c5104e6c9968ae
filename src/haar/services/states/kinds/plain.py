"""Pass, Succeed and Fail: states that are left in the step that enters them."""

from __future__ import annotations

from typing import Any

from haar.services.states.frames import Frame
from haar.services.states.run import Run, StateFailed
from haar.services.states.shapes import FailState, PassState, SucceedState
from haar.services.states.surroundings import Expression


def begin_pass(run: Run, frame: Frame, state: PassState) -> None:
    """Pass the input, or the Result, on. Result wins over Parameters [nv]."""
    result = state.result if state.has_result else run.arguments(frame, state)
    run.complete(frame, state, result)


def begin_succeed(run: Run, frame: Frame, state: SucceedState) -> None:
    """End the scope with the input."""
    output = run.effective_input(frame, state)
    if state.output_path is not None:
        output = run.evaluate(frame, state.output_path, output)
    run.leave(frame, state, output, None)


def begin_fail(run: Run, frame: Frame, state: FailState) -> None:
    """End the scope with an error; it meets no rule here, only those around."""
    error = _word(run, frame, state.error, "Error")
    cause = _word(run, frame, state.cause, "Cause")
    if frame.parent < 0:
        run.end("FAILED", "ExecutionFailed", frame.last, error, cause)
    else:
        run.give_up(frame, error or "States.BranchFailed", cause or "")


def _word(run: Run, frame: Frame, expression: Expression | None, field: str) -> str | None:
    if expression is None:
        return None
    value: Any = run.evaluate(frame, expression, frame.input)
    if not isinstance(value, str):
        raise StateFailed("States.Runtime", f"The field '{field}Path' must find a string")
    return value
