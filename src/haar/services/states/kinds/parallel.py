"""Parallel: every branch gets a copy of the input; the output is an array in branch order."""

from __future__ import annotations

from haar.services.states.frames import Frame, Phase
from haar.services.states.run import Run
from haar.services.states.shapes import ParallelState


def begin_parallel(run: Run, frame: Frame, state: ParallelState) -> None:
    """Start all branches."""
    given = run.arguments(frame, state)
    frame.ticket = run.follow(frame, "ParallelStateStarted")
    frame.phase = Phase.CHILDREN
    frame.first_child, frame.children = run.next_frame, len(state.branches)
    frame.started = frame.finished = 0
    run.next_frame += frame.children
    for index, start_at in enumerate(state.branches):
        id_ = frame.first_child + index
        run.frames.add(Frame(id_, start_at, given, Phase.PENDING, parent=frame.id, index=index))
    for _ in state.branches:
        run.start_child(frame)
