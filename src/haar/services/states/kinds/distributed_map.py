"""Map, distributed: plans a Map Run and waits for its end."""

from __future__ import annotations

import uuid
from typing import Any

from haar.kernel import arn
from haar.services.states.frames import Frame
from haar.services.states.kinds.inline_map import items_of
from haar.services.states.run import Run, StateFailed
from haar.services.states.shapes import Distribution, MapState
from haar.services.states.steps import MapPlan, MapRunEnded, OpenMapRun
from haar.services.states.values import is_array, is_object


def begin_distributed_map(run: Run, frame: Frame, state: MapState) -> None:
    """Open a Map Run. Every expression but ItemSelector is evaluated here, once."""
    assert state.distribution is not None
    shape = state.distribution
    effective = run.effective_input(frame, state)
    items: Any = None
    if shape.reader is None:
        items = items_of(run, frame, state, effective)
        if not (is_array(items) or is_object(items)):
            run.break_down(
                frame, f'Reference path "{state.items_text}" must point to array or object.'
            )
    numbers = _numbers(run, frame, state, shape, effective)
    reader = _parameters(run, frame, shape.reader and shape.reader.parameters, effective)
    writer = _parameters(run, frame, shape.writer and shape.writer.parameters, effective)
    batch = shape.batcher.batch_input if shape.batcher else None
    batch_input = None if batch is None else run.evaluate(frame, batch, effective)
    run.follow(frame, "MapStateStarted", {"length": 0 if items is None else len(items)})
    run_uuid = str(uuid.UUID(bytes=run.surroundings(frame).entropy.bytes(16), version=4))
    details = {"mapRunArn": map_run_arn(run, shape.label, run_uuid)}
    run.follow(frame, "MapRunStarted", details)
    ticket = run.wait(frame)
    frame.map_run = run_uuid
    plan = MapPlan(
        frame=frame.id,
        ticket=ticket,
        state=state.name,
        run_uuid=run_uuid,
        input=effective,
        items=items,
        reader=reader,
        numbers=numbers,
        batch_input=batch_input,
        has_batch_input=batch is not None,
        writer=writer,
    )
    run.command(OpenMapRun(plan))


def map_run_arn(run: Run, label: str, run_uuid: str) -> str:
    """Return the ARN of a Map Run of this execution."""
    own = arn.parse(run.facts.arn)
    resource = f"mapRun:{run.facts.machine_name}/{label}:{run_uuid}"
    return arn.make("states", own.region, own.account, resource, own.partition)


def _parameters(run: Run, frame: Frame, template: Any, effective: Any) -> dict[str, Any] | None:
    if template is None:
        return None
    found = run.evaluate(frame, template, effective, error="States.ParameterPathFailure")
    if not is_object(found):
        run.break_down(frame, "The parameters of a reader or writer must be an object.")
    return found


def _numbers(
    run: Run, frame: Frame, state: MapState, shape: Distribution, effective: Any
) -> dict[str, float]:
    given = {"concurrency": state.concurrency, "tolerated_count": shape.tolerated_count}
    if shape.batcher:
        given["batch_items_max"] = shape.batcher.items_max
        given["batch_bytes_max"] = shape.batcher.bytes_max
    numbers: dict[str, float] = {
        name: run.count(frame, number, effective)
        for name, number in given.items()
        if number.is_given
    }
    if shape.reader and shape.reader.max_items.is_given:
        # A negative one fails the Map Run, not the state.
        numbers["items_max"] = run.number(frame, shape.reader.max_items, effective)
    if shape.tolerated_percentage.is_given:
        numbers["tolerated_percentage"] = _percentage(run, frame, shape, effective)
    return numbers


def _percentage(run: Run, frame: Frame, shape: Distribution, effective: Any) -> float:
    found = run.number(frame, shape.tolerated_percentage, effective, is_whole=False)
    if not 0 <= found <= 100:
        run.break_down(frame, "ToleratedFailurePercentage must be between 0 and 100.")
    return found


def end_distributed_map(run: Run, frame: Frame, state: MapState, ended: MapRunEnded) -> None:
    """Take the Map Run's output or error.

    Raises:
        StateFailed: the run failed, or its output is too large.
    """
    frame.map_run = ""
    if ended.error:
        run.follow(frame, "MapRunFailed", {"error": ended.error, "cause": ended.cause})
        run.follow(frame, "MapStateFailed")
        raise StateFailed(ended.error, ended.cause)
    run.follow(frame, "MapRunSucceeded")
    run.follow(frame, "MapStateSucceeded")
    run.complete(frame, state, ended.output)
