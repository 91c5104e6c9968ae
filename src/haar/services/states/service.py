"""The front door of Step Functions."""

from __future__ import annotations

from haar.kit.jobs import JobKind
from haar.kit.operation import collect
from haar.kit.service import Service
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
from haar.services.states.workers import continue_step, fire_timer, run_task

TASKS_AT_ONCE = 128
FUNCTIONS_AT_ONCE = 64
"""As many as functions have processes by default: the rest waits in the store, where waiting costs
nothing, and not for a process, where it ends in a refusal."""

MAP_RUNS_AT_ONCE = 1_000
"""Open Map Runs of an account. Source: AWS docs, Step Functions quotas."""

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
        JobKind(TASK, handler=run_task, concurrency=TASKS_AT_ONCE),
        JobKind(FUNCTION, handler=run_task, concurrency=FUNCTIONS_AT_ONCE),
        JobKind(TIMER, handler=fire_timer, concurrency=64),
        JobKind(STEP, handler=continue_step, concurrency=64),
        JobKind(MAP, handler=pump, concurrency=MAP_RUNS_AT_ONCE),
    ),
    iam_prefix="states",
)
