"""The durable jobs of Step Functions: tasks, timers, left steps; Map Runs are in :mod:`.pump`."""

from __future__ import annotations

from functools import partial

from haar.kit.call import Scope
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job
from haar.services.states import keys, values
from haar.services.states.definition import parse
from haar.services.states.execution_history import event_at
from haar.services.states.frames import Phase
from haar.services.states.history import SAME_AS_INPUT
from haar.services.states.integrations.calls import TaskError, TaskOrder
from haar.services.states.integrations.perform import perform
from haar.services.states.ledger import (
    Order,
    apply,
    definition_text,
    order_of,
    origin_of,
    read_execution,
    read_input,
)
from haar.services.states.records import FRAMES
from haar.services.states.shapes import TaskState
from haar.services.states.steps import (
    Continued,
    Event,
    Purpose,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from haar.store.api import Transaction


async def run_task(job: Job, cloud: Cloud) -> Finish | None:
    """Do a task that an execution waits for, and hand its answer in.

    After a crash the task runs again, unless its answer is recorded.
    """
    order = order_of(job.payload)
    task = cloud.read(partial(find_task, order=order))
    if task is None:
        return None
    event: Event
    try:
        answer = await perform(cloud, task)
        make = TaskSubmitted if task.resource.is_callback else TaskSucceeded
        event = make(order.frame, order.ticket, answer)
    except TaskError as err:
        event = TaskFailed(order.frame, order.ticket, err.error[:256], err.cause[:32_768])
    return _finish(order, event, cloud)


def _finish(order: Order, event: Event, cloud: Cloud) -> Finish:
    return partial(apply, path=order.path, event=event, now_ms=cloud.clock.now_ms())


def find_task(tx: Transaction, order: Order) -> TaskOrder | None:
    """Return the task of an order; None if nobody waits for it any more.

    The parameters are those that the history tells: they were evaluated when it was scheduled.
    """
    record = read_execution(tx, order.path)
    raw = tx.get(keys.frame(order.path, order.frame))
    if record is None or record.status != "RUNNING" or raw is None:
        return None
    frame = FRAMES.decode(raw)
    if frame.phase is not Phase.WAITING or frame.ticket != order.ticket:
        return None
    origin = origin_of(tx, order.path, record)
    state = parse(definition_text(tx, *origin.revision)).states[frame.state]
    # The ticket is the id of the Started event; the one before it has the parameters.
    event = event_at(tx, order.path, order.ticket - 1)
    assert isinstance(state, TaskState)
    assert event is not None
    assert event.details is not None
    text = event.details["input" if state.resource.is_function else "parameters"]
    if text is SAME_AS_INPUT:
        text = read_input(tx, order.path, record)
    return TaskOrder(
        resource=state.resource,
        parameters=values.read(text),
        role=origin.role,
        scope=Scope(origin.account, origin.region),
    )


async def fire_timer(job: Job, cloud: Cloud) -> Finish | None:
    """Tell an execution that a timer's time has come."""
    order = order_of(job.payload)
    event = TimerFired(order.frame, order.ticket, Purpose(order.purpose))
    return _finish(order, event, cloud)


async def continue_step(job: Job, cloud: Cloud) -> Finish | None:
    """Let an execution go on whose last step was too long for one transaction."""
    return _finish(order_of(job.payload), Continued(), cloud)
