"""Choice: the first rule that holds names the next state."""

from __future__ import annotations

from haar.services.states.expressions import Unresolved
from haar.services.states.frames import Frame
from haar.services.states.run import Run, StateFailed
from haar.services.states.shapes import ChoiceState


def begin_choice(run: Run, frame: Frame, state: ChoiceState) -> None:
    """Go where the rules lead.

    Raises:
        StateFailed: States.NoChoiceMatched; States.Runtime where a Variable is not there.
    """
    effective = run.effective_input(frame, state)
    following = _decide(run, frame, state, effective)
    output = effective
    if state.output_path is not None:
        output = run.evaluate(frame, state.output_path, effective)
    run.leave(frame, state, output, following)


def _decide(run: Run, frame: Frame, state: ChoiceState, effective: object) -> str:
    around = run.surroundings(frame)
    try:
        for predicate, following in state.rules:
            if predicate(effective, around):
                return following
    except Unresolved as err:
        run.break_down(frame, str(err))
    if state.default is None:
        raise StateFailed("States.NoChoiceMatched", f"No choice matched in state '{state.name}'")
    return state.default
