"""Map, inline: an iteration for each item of an array, inside of this execution."""

from __future__ import annotations

from typing import Any

from haar.services.states.frames import Frame, Phase
from haar.services.states.run import Run
from haar.services.states.shapes import MapState
from haar.services.states.values import is_array

INLINE_CONCURRENCY = 40
"""Iterations at once where MaxConcurrency does not say. Source: AWS docs, Inline Map."""


def begin_inline_map(run: Run, frame: Frame, state: MapState) -> None:
    """Start the iterations, as many at once as MaxConcurrency allows."""
    effective = run.effective_input(frame, state)
    items = items_of(run, frame, state, effective)
    if not is_array(items):
        run.break_down(frame, f'Reference path "{state.items_text}" must point to array.')
    concurrency = run.count(frame, state.concurrency, effective)
    inputs = [
        selected(run, frame, state, effective, {"Index": index, "Value": item})
        for index, item in enumerate(items)
    ]
    frame.ticket = run.follow(frame, "MapStateStarted", {"length": len(items)})
    frame.phase = Phase.CHILDREN
    frame.first_child, frame.children = run.next_frame, len(items)
    frame.started = frame.finished = 0
    run.next_frame += len(items)
    for index, given in enumerate(inputs):
        run.frames.add(_iteration(frame, state, index, given, items[index]))
    for _ in range(min(concurrency or INLINE_CONCURRENCY, len(items))):
        run.start_child(frame)
    if not items:
        run.gather(frame)


def _iteration(frame: Frame, state: MapState, index: int, given: Any, item: Any) -> Frame:
    return Frame(
        frame.first_child + index,
        state.start_at,
        given,
        Phase.PENDING,
        parent=frame.id,
        index=index,
        item=item,
    )


def items_of(run: Run, frame: Frame, state: MapState, effective: Any) -> Any:
    """Return what ItemsPath finds."""
    if state.items_path is None:
        return effective
    return run.evaluate(frame, state.items_path, effective)


def selected(run: Run, frame: Frame, state: MapState, effective: Any, item: dict[str, Any]) -> Any:
    """Return an item's input: what ItemSelector makes of it, or the item itself."""
    if state.selector is None:
        return item["Value"]
    around = run.surroundings(frame, item)
    return run.evaluate(
        frame, state.selector, effective, error="States.ParameterPathFailure", around=around
    )
