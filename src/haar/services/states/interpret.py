"""The interpreter: ``decide`` takes one event and carries every frame as far as it goes.

It touches nothing but the :class:`~.run.Run` that it is handed, and follows from it, the event and
``run.now_ms`` alone: see :mod:`.run`. What must happen in the world is in ``run.commands``; what
happened is in ``run.events``; ``run.outcome`` is set when the execution has ended.
"""

from __future__ import annotations

from typing import assert_never

from haar.services.states.frames import Frame, Phase
from haar.services.states.kinds.choice import begin_choice
from haar.services.states.kinds.distributed_map import begin_distributed_map, end_distributed_map
from haar.services.states.kinds.inline_map import begin_inline_map
from haar.services.states.kinds.parallel import begin_parallel
from haar.services.states.kinds.plain import begin_fail, begin_pass, begin_succeed
from haar.services.states.kinds.task import (
    begin_task,
    end_task,
    fail_task,
    submit_task,
    time_out,
)
from haar.services.states.kinds.wait import begin_wait, end_wait
from haar.services.states.run import HistoryIsFull, Run
from haar.services.states.shapes import (
    ChoiceState,
    FailState,
    MapState,
    ParallelState,
    PassState,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from haar.services.states.steps import (
    ROOT,
    Answer,
    Continued,
    Event,
    MapRunEnded,
    Purpose,
    SetTimer,
    Started,
    Stopped,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)


def decide(run: Run, event: Event) -> None:
    """Apply an event and go on until every frame waits or the execution has ended."""
    try:
        _apply(run, event)
        while run.ready and run.outcome is None:
            if run.is_spent():
                run.leave_rest()
                break
            _step(run, run.ready.popleft())
    except HistoryIsFull:
        run.abort(run.frames.need(ROOT))
        cause = "The execution reached the maximum number of history events (25000)."
        run.end("FAILED", "ExecutionFailed", run.next_event - 1, "States.Runtime", cause)


def _apply(run: Run, event: Event) -> None:
    match event:
        case Started():
            _start(run)
        case Continued():
            pass
        case Stopped():
            _stop(run, event)
        case TimerFired(purpose=Purpose.EXECUTION_TIMEOUT):
            run.abort(run.frames.need(ROOT))
            run.end("TIMED_OUT", "ExecutionTimedOut", run.next_event - 1, None, None)
        case TimerFired() | TaskSubmitted() | TaskSucceeded() | TaskFailed() | MapRunEnded():
            frame = run.frames.get(event.frame)
            if frame and frame.phase is Phase.WAITING and frame.ticket == event.ticket:
                run.guard(frame, lambda: _answer(run, frame, event))
        case _:
            assert_never(event)


def _start(run: Run) -> None:
    facts = run.facts
    run.record("ExecutionStarted", 0, {"input": None, "roleArn": facts.role})
    root = Frame(ROOT, run.definition.start_at, facts.input)
    run.frames.add(root)
    run.make_ready(root)
    if run.definition.timeout_seconds is not None:
        due_ms = run.now_ms + run.definition.timeout_seconds * 1000
        run.command(SetTimer(ROOT, 0, due_ms, Purpose.EXECUTION_TIMEOUT))


def _stop(run: Run, event: Stopped) -> None:
    run.abort(run.frames.need(ROOT))
    run.end("ABORTED", "ExecutionAborted", run.next_event - 1, event.error, event.cause)


def _answer(run: Run, frame: Frame, event: Answer) -> None:
    """Give a waiting frame what it waited for."""
    state = run.definition.states[frame.state]
    match event, state:
        case TimerFired(purpose=Purpose.RETRY), _:
            run.make_ready(frame, Phase.AGAIN)
        case TimerFired(), WaitState():
            end_wait(run, frame, state)
        case TimerFired(), TaskState():
            time_out(run, frame, state, event.purpose)
        case TaskSubmitted(), TaskState():
            submit_task(run, frame, state, event.output)
        case TaskSucceeded(), TaskState():
            end_task(run, frame, state, event.output)
        case TaskFailed(), TaskState():
            fail_task(run, frame, state, event.error, event.cause)
        case MapRunEnded(), MapState():
            end_distributed_map(run, frame, state, event)
        case _:
            raise AssertionError(f"{event} does not answer a {state.type}")


def _step(run: Run, frame: Frame) -> None:
    """Enter a state (or begin it again), and do what it does."""
    state = run.definition.states[frame.state]
    if frame.phase is Phase.ENTER:
        details = {"name": state.name, "input": run.shown(frame.input)}
        # AWS numbers the first state's predecessor 0, as it does that of ExecutionStarted.
        frame.entered = run.follow(frame, f"{state.type}StateEntered", details)
        frame.entered_ms = run.now_ms
    run.guard(frame, lambda: _begin(run, frame, state))


def _begin(run: Run, frame: Frame, state: State) -> None:  # a table of types
    match state:
        case PassState():
            begin_pass(run, frame, state)
        case ChoiceState():
            begin_choice(run, frame, state)
        case TaskState():
            begin_task(run, frame, state)
        case WaitState():
            begin_wait(run, frame, state)
        case SucceedState():
            begin_succeed(run, frame, state)
        case FailState():
            begin_fail(run, frame, state)
        case ParallelState():
            begin_parallel(run, frame, state)
        case MapState(distribution=None):
            begin_inline_map(run, frame, state)
        case MapState():
            begin_distributed_map(run, frame, state)
        case _:
            raise AssertionError(f"a state of no known type: {state.type}")
