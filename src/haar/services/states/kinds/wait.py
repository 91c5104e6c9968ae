"""Wait: a timer; a time that is past is no wait at all."""

from __future__ import annotations

from typing import Any

from haar.services.states import values
from haar.services.states.frames import Frame
from haar.services.states.run import Run
from haar.services.states.shapes import SECONDS_MAX, WaitState
from haar.services.states.steps import Purpose, SetTimer
from haar.services.states.timestamps import NotATime, parse_ms
from haar.services.states.values import is_integer


def begin_wait(run: Run, frame: Frame, state: WaitState) -> None:
    """Set a timer for the state's end."""
    due_ms = _due_ms(run, frame, state)
    if due_ms <= run.now_ms:
        end_wait(run, frame, state)
        return
    ticket = run.wait(frame)
    run.command(SetTimer(frame.id, ticket, due_ms, Purpose.WAIT))


def end_wait(run: Run, frame: Frame, state: WaitState) -> None:
    """Leave the state with its input."""
    output = run.effective_input(frame, state)
    if state.output_path is not None:
        output = run.evaluate(frame, state.output_path, output)
    run.leave(frame, state, output, state.next)


def _due_ms(run: Run, frame: Frame, state: WaitState) -> int:
    if state.seconds is not None:
        return run.now_ms + state.seconds * 1000
    if state.until_ms is not None:
        return state.until_ms
    effective = run.effective_input(frame, state)
    if state.timestamp_path is not None:
        return _timestamp(run, frame, state, run.evaluate(frame, state.timestamp_path, effective))
    found = effective
    if state.seconds_path is not None:
        found = run.evaluate(frame, state.seconds_path, effective)
    return run.now_ms + _seconds(run, frame, state, found) * 1000


def _seconds(run: Run, frame: Frame, state: WaitState, found: Any) -> int:
    path = state.path_text
    shown = values.write(found)
    if not is_integer(found):
        reason = f"The SecondsPath parameter cannot be parsed as a long value: {path} == {shown}"
        run.break_down(frame, reason)
    if found < 0:
        reason = f"The SecondsPath parameter references a negative value: {path} == {shown}"
        run.break_down(frame, reason)
    if found > SECONDS_MAX:
        reason = f"The SecondsPath parameter references a value above {SECONDS_MAX}: {path}"
        run.break_down(frame, f"{reason} == {shown}")
    return int(found)


def _timestamp(run: Run, frame: Frame, state: WaitState, found: Any) -> int:
    try:
        return parse_ms(found if isinstance(found, str) else "")
    except NotATime:
        reason = (
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset "
            f"date-time format string: {state.path_text} == {values.write(found)}"
        )
        run.break_down(frame, reason)
