"""The front door of Step Functions."""

from __future__ import annotations

from haar.kit.jobs import Handler, JobKind
from haar.kit.operation import collect
from haar.kit.service import Service
from haar.services.states.breaking import give_up, give_up_run
from haar.services.states.callbacks import (
    send_task_failure,
    send_task_heartbeat,
    send_task_success,
)
from haar.services.states.execution_history import get_execution_history
from haar.services.states.execution_lists import list_executions
from haar.services.states.executions import (
    describe_execution,
    start_execution,
    stop_execution,
)
from haar.services.states.ledger import FUNCTION, MAP, STEP, TASK, TIMER
from haar.services.states.machines import (
    create_state_machine,
    delete_state_machine,
    describe_for_execution,
    describe_state_machine,
    list_state_machines,
    list_tags,
    tag_resource,
    untag_resource,
    update_state_machine,
    validate_definition,
)
from haar.services.states.map_runs import describe_map_run, list_map_runs, update_map_run
from haar.services.states.pump import pump
from haar.services.states.retention import forget_old
from haar.services.states.revisions import RETIRED
from haar.services.states.workers import continue_step, fire_timer, run_task

TASKS_AT_ONCE = 128
FUNCTIONS_AT_ONCE = 64
"""As many as functions have processes by default: the rest waits in the store, where waiting costs
nothing, and not for a process, where it ends in a refusal."""

ATTEMPTS_MAX = 10
"""Of what should never fail: errors of tasks are answers to the execution, and no failures.

They take some two minutes, in which whatever was wrong with the machine may have passed."""

MAP_RUNS_AT_ONCE = 1_000
"""Open Map Runs of an account. Source: AWS docs, Step Functions quotas."""


def _lasting(kind: str, handler: Handler, concurrency: int) -> JobKind:
    """Return a kind of jobs whose executions end where a job fails for certain."""
    return JobKind(
        kind,
        handler=handler,
        concurrency=concurrency,
        attempts_max=ATTEMPTS_MAX,
        on_dead=give_up,
    )


SERVICE = Service(
    name="states",
    models=("stepfunctions",),
    operations=collect(
        create_state_machine,
        update_state_machine,
        describe_state_machine,
        describe_for_execution,
        delete_state_machine,
        list_state_machines,
        validate_definition,
        list_tags,
        tag_resource,
        untag_resource,
        start_execution,
        describe_execution,
        stop_execution,
        list_executions,
        get_execution_history,
        describe_map_run,
        list_map_runs,
        update_map_run,
        send_task_success,
        send_task_failure,
        send_task_heartbeat,
    ),
    jobs=(
        _lasting(TASK, run_task, TASKS_AT_ONCE),
        _lasting(FUNCTION, run_task, FUNCTIONS_AT_ONCE),
        _lasting(TIMER, fire_timer, 64),
        _lasting(STEP, continue_step, 64),
        JobKind(
            MAP,
            handler=pump,
            concurrency=MAP_RUNS_AT_ONCE,
            attempts_max=ATTEMPTS_MAX,
            on_dead=give_up_run,
        ),
        RETIRED,
    ),
    workers=(forget_old,),
    iam_prefix="states",
)
