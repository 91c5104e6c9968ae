"""Waits, retries and time-outs, on a virtual clock: to the millisecond."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from haar.services.states import keys
from haar.services.states.records import FRAMES, Path
from haar.services.states.service import ATTEMPTS_MAX
from haar.store.api import Transaction
from haar.store.subspace import Subspace

DAY_MS = 86_400_000
PLACE = ("000000000000", "us-east-1")
END = {"Type": "Succeed"}
MISSING = "arn:aws:lambda:us-east-1:000000000000:function:missing"
"""A task that fails at once, with Lambda.ResourceNotFoundException."""


def run_for(states: Any, body: dict[str, Any], given: Any, seconds: int, **others: Any) -> str:
    """Start a machine of one state, let time pass a second at a time, return the ARN."""
    if body["Type"] != "Fail" and "Next" not in body:
        body = {**body, "End": True}
    arn: str = states.start({"StartAt": "S", "States": {"S": body, **others}}, given)
    for _ in range(seconds):
        states.tick(1_000)
    return arn


def in_seconds(states: Any, seconds: float) -> str:
    moment = datetime.fromtimestamp(states.clock.now_ms() / 1000, UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("form", ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"])
def test_a_wait_ends_at_its_time(states: Any, form: str) -> None:
    """All four forms; not a millisecond early."""
    value: Any = 3 if form.startswith("Seconds") else in_seconds(states, 3)
    wait = {"Type": "Wait", form: "$.at" if form.endswith("Path") else value}
    arn = run_for(states, wait, {"at": value}, 2)
    states.tick(999)
    assert states.describe(arn)["status"] == "RUNNING"
    states.tick(1)
    assert states.ended(arn)["output"] == states.describe(arn)["input"]
    assert dict(states.seconds(arn))["WaitStateExited"] == 3.0


@pytest.mark.parametrize(
    "wait",
    [
        {"Seconds": 0},
        {"SecondsPath": "$.zero"},
        {"Timestamp": "2001-01-01T00:00:00Z"},
        {"TimestampPath": "$.past"},
    ],
)
def test_a_wait_for_a_time_that_is_past_is_none(states: Any, wait: dict[str, Any]) -> None:
    """It exits in the very step that entered it."""
    given = {"zero": 0, "past": "2001-01-01T00:00:00+02:00"}
    assert states.output({"Type": "Wait", **wait}, given) == given


WRONG_WAITS = [
    ({"SecondsPath": "$.s"}, {"s": -1}, "references a negative value: $.s == -1"),
    ({"SecondsPath": "$.s"}, {"s": 10**8}, "references a value above 99999999: $.s == 100000000"),
    (
        {"SecondsPath": "$.s"},
        {"s": 2**62},
        "references a value above 99999999: $.s == 4611686018427387904",
    ),
    ({"SecondsPath": "$.s"}, {"s": 1.5}, "cannot be parsed as a long value: $.s == 1.5"),
]


@pytest.mark.parametrize(("wait", "given", "reason"), WRONG_WAITS)
def test_a_wait_for_nonsense_fails(
    states: Any, wait: dict[str, Any], given: dict[str, Any], reason: str
) -> None:
    """States.Runtime with AWS's reason."""
    answer = states.state({"Type": "Wait", **wait}, given)
    assert answer["error"] == "States.Runtime"
    assert answer["cause"].endswith(f"The SecondsPath parameter {reason}")


def test_a_wait_of_a_year_is_one_row(states: Any) -> None:
    """Nothing runs meanwhile; the time may go in leaps."""
    arn = run_for(states, {"Type": "Wait", "Seconds": 31_536_000}, {}, 0)
    states.tick(31_535_999_999)
    assert states.describe(arn)["status"] == "RUNNING"
    states.tick(1)
    assert states.ended(arn)["status"] == "SUCCEEDED"


RETRIES = [
    ({}, [1, 2, 4]),
    ({"MaxAttempts": 0}, []),
    ({"IntervalSeconds": 3, "BackoffRate": 1.0, "MaxAttempts": 2}, [3, 3]),
    ({"IntervalSeconds": 1, "BackoffRate": 10.0, "MaxDelaySeconds": 5}, [1, 5, 5]),
    ({"BackoffRate": 1e300, "MaxDelaySeconds": 1, "MaxAttempts": 4}, [1, 1, 1, 1]),
    ({"IntervalSeconds": 2, "BackoffRate": 1.5, "MaxAttempts": 3}, [2, 3, 4.5]),
]


@pytest.mark.parametrize(("rule", "waits"), RETRIES)
def test_a_retry_backs_off(states: Any, rule: dict[str, Any], waits: list[float]) -> None:
    """Interval, rate, largest delay and count; the first attempt is not a retry."""
    retry = [{"ErrorEquals": ["States.ALL"], **rule}]
    arn = run_for(states, {"Type": "Task", "Resource": MISSING, "Retry": retry}, {}, 0)
    for _ in range(40):
        states.tick(500)
    assert states.ended(arn)["error"] == "Lambda.ResourceNotFoundException"
    scheduled = [at for type_, at in states.seconds(arn) if type_ == "LambdaFunctionScheduled"]
    assert [b - a for a, b in pairwise(scheduled)] == waits


def test_jitter_is_between_nothing_and_the_delay(states: Any) -> None:
    """FULL jitter draws from the whole of it."""
    retry = [
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": 10,
            "MaxAttempts": 6,
            "BackoffRate": 1.0,
            "JitterStrategy": "FULL",
        }
    ]
    arn = run_for(states, {"Type": "Task", "Resource": MISSING, "Retry": retry}, {}, 70)
    assert states.ended(arn)["status"] == "FAILED"
    scheduled = [at for type_, at in states.seconds(arn) if type_ == "LambdaFunctionScheduled"]
    waits = [b - a for a, b in pairwise(scheduled)]
    assert len(set(waits)) > 1  # six of eleven: once in a hundred thousand runs they are all alike
    assert all(0 <= wait <= 11 for wait in waits)


def test_each_retrier_has_its_own_count(states: Any) -> None:
    """The first rule that matches counts, and what it has used up goes on to Catch."""
    body = {
        "Type": "Task",
        "Resource": MISSING,
        "Retry": [
            {"ErrorEquals": ["Other"], "MaxAttempts": 5},
            {"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1},
            {"ErrorEquals": ["States.ALL"], "MaxAttempts": 5},
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "E"}],
        "Next": "E",
    }
    arn = run_for(states, body, {"k": 1}, 3, E=END)
    answer = states.ended(arn)
    assert answer["status"] == "SUCCEEDED"
    assert '"k":1,"e":{"Error":"Lambda.ResourceNotFoundException"' in answer["output"]
    types = [type_ for type_, _ in states.seconds(arn)]
    assert types.count("LambdaFunctionScheduled") == 2
    assert types.count("TaskStateEntered") == 1


def test_a_retry_evaluates_the_parameters_anew(states: Any) -> None:
    """$$.State.RetryCount counts the retries; the state is entered once."""
    body = {
        "Type": "Task",
        "Resource": MISSING,
        "Parameters": {"n.$": "$$.State.RetryCount"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}],
    }
    arn = run_for(states, body, {}, 4)
    inputs = [
        event["lambdaFunctionScheduledEventDetails"]["input"]
        for event in states.history(arn)
        if event["type"] == "LambdaFunctionScheduled"
    ]
    assert inputs == ['{"n":0}', '{"n":1}', '{"n":2}']


def test_an_execution_that_takes_too_long_is_timed_out(states: Any) -> None:
    """TimeoutSeconds of the whole machine: TIMED_OUT, and what waited is aborted."""
    arn = states.start(
        {
            "StartAt": "S",
            "TimeoutSeconds": 5,
            "States": {"S": {"Type": "Wait", "Seconds": 60, "End": True}},
        }
    )
    states.tick(4_999)
    assert states.describe(arn)["status"] == "RUNNING"
    states.tick(1)
    answer = states.ended(arn)
    assert answer["status"] == "TIMED_OUT"
    assert (answer["stopDate"] - answer["startDate"]).total_seconds() == 5.0
    assert [type_ for _, type_, _ in states.trace(arn)][-2:] == [
        "WaitStateAborted",
        "ExecutionTimedOut",
    ]
    states.tick(60_000)
    assert states.describe(arn)["status"] == "TIMED_OUT"


@pytest.mark.parametrize("error", ["States.Runtime", "States.DataLimitExceeded"])
def test_states_all_does_not_catch_everything(states: Any, error: str) -> None:
    """Two errors go past States.ALL."""
    parallel = {
        "Type": "Parallel",
        "Branches": [{"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": error}}}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "E"}],
        "Next": "E",
    }
    assert states.state(parallel, {}, E=END)["error"] == error


def rows_of(states: Any) -> list[bytes]:
    """Return the keys of all that executions have left."""

    def body(tx: Transaction) -> list[bytes]:
        whole = Subspace("states").span()
        kept = (keys.machines(*PLACE), Subspace("states").span("revision", *PLACE))
        rows = tx.scan(whole, limit=100_000)
        return [row.key for row in rows if not any(one.start <= row.key < one.end for one in kept)]

    async def read() -> list[bytes]:
        return list(states.cloud.app._parts.store.read(body))

    found: list[bytes] = states.cloud.run(read())
    return found


def revisions_of(states: Any) -> int:
    """Return how many definitions are stored."""

    def body(tx: Transaction) -> int:
        return len(list(tx.scan(Subspace("states").span("revision", *PLACE))))

    async def read() -> int:
        return int(states.cloud.app._parts.store.read(body))

    return int(states.cloud.run(read()))


def test_definitions_go_with_the_last_execution_that_needs_them(fresh_states: Any) -> None:
    """One that nobody runs goes at once; another when its last execution has been forgotten."""
    states = fresh_states
    waiting = {"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 9, "End": True}}}
    arn = states.machine(waiting, name="short-lived")
    states.client.update_state_machine(stateMachineArn=arn, definition=json.dumps(waiting) + " ")
    states.tick(1000)
    assert revisions_of(states) == 1
    started = states.client.start_execution(stateMachineArn=arn)["executionArn"]
    states.client.update_state_machine(stateMachineArn=arn, definition=json.dumps(waiting))
    states.client.delete_state_machine(stateMachineArn=arn)
    states.client.delete_state_machine(stateMachineArn=arn)
    states.machine({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}, name="short-lived")
    for _ in range(89):
        states.tick(DAY_MS)
    assert states.describe(started)["status"] == "SUCCEEDED"
    told = states.client.describe_state_machine_for_execution(executionArn=started)
    assert told["definition"] == json.dumps(waiting) + " "
    assert revisions_of(states) == 3
    for _ in range(4):
        states.tick(DAY_MS)
    assert revisions_of(states) == 1
    answer = states.client.describe_state_machine(stateMachineArn=arn)
    assert "Succeed" in answer["definition"]


def waiting_map(seconds: int) -> dict[str, Any]:
    """Return a Distributed Map over ``$.items`` whose children wait."""
    child = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "C",
        "States": {"C": {"Type": "Wait", "Seconds": seconds, "End": True}},
    }
    return {"Type": "Map", "ItemProcessor": child, "ItemsPath": "$.items"}


def test_executions_are_forgotten_in_time(fresh_states: Any) -> None:
    """Ninety days after the end nothing is left of one or its Map Runs; one that runs stays."""
    states = fresh_states
    arn = run_for(states, waiting_map(1), {"items": [1, 2, 3]}, 5)
    assert states.ended(arn)["status"] == "SUCCEEDED"
    lasting = states.machine(
        {"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 20_000_000, "End": True}}}
    )
    running = states.client.start_execution(stateMachineArn=lasting)["executionArn"]
    before = len(rows_of(states))
    for _ in range(89):
        states.tick(DAY_MS)
    assert states.describe(arn)["status"] == "SUCCEEDED"
    assert len(rows_of(states)) == before
    for _ in range(3):
        states.tick(DAY_MS)
    with pytest.raises(states.client.exceptions.ExecutionDoesNotExist):
        states.describe(arn)
    assert states.describe(running)["status"] == "RUNNING"
    states.client.stop_execution(executionArn=running)
    for _ in range(92):
        states.tick(DAY_MS)
    assert rows_of(states) == []


def other_state(tx: Transaction, path: Path) -> None:
    """Let an execution stand in a state that its timer does not fit: as a bug of ours would."""
    for row in list(tx.scan(keys.frames(path), limit=10)):
        frame = FRAMES.decode(row.value)
        frame.state = "Other"
        tx.put(row.key, FRAMES.encode(frame))


def no_definition(tx: Transaction, path: Path) -> None:
    """Let an execution have no definition any more."""
    tx.delete(Subspace("states").span("revision", *path[:3]))


def no_progress(tx: Transaction, path: Path) -> None:
    """Let an execution have lost its counters."""
    tx.clear(keys.progress(path))


def no_record(tx: Transaction, path: Path) -> None:
    """Let an execution's record be one of a haar to come."""
    tx.put(keys.execution(path), b"\xff")


def no_map_run(tx: Transaction, path: Path) -> None:
    """Let an execution's Map Run be a record of a haar to come."""
    for row in list(tx.scan(keys.all_mapped(path))):
        tx.put(keys.map_run(str(keys.name_of(row.key)[-1])), b"\xff")


def spoil(states: Any, arn: str, how: Callable[[Transaction, Path], None]) -> None:
    _, _, _, region, account, _, machine, name = arn.split(":")
    path = (account, region, machine, name)
    states.cloud.run(states.cloud.app._parts.store.transact(lambda tx: how(tx, path)))


def test_an_execution_that_nobody_can_read_is_not_tried_for_ever(fresh_states: Any) -> None:
    """Its job is given up, too, though nothing can be done for it."""
    states = fresh_states
    arn = run_for(states, {"Type": "Wait", "Seconds": 3}, None, 0)
    spoil(states, arn, no_record)
    for _ in range(ATTEMPTS_MAX + 1):
        states.tick(120_000)
    assert states.cloud.app._parts.workers.stuck_jobs() == 0


def test_a_map_run_that_nobody_can_read_is_not_tried_for_ever(fresh_states: Any) -> None:
    """Its job is given up, too, though nothing can be done for it."""
    states = fresh_states
    arn = run_for(states, waiting_map(100), {"items": [1]}, 0)
    spoil(states, arn, no_map_run)
    for _ in range(ATTEMPTS_MAX + 3):
        states.tick(120_000)
    assert states.cloud.app._parts.workers.stuck_jobs() == 0


@pytest.mark.parametrize("how", [other_state, no_definition, no_progress])
def test_an_execution_that_fails_for_certain_ends(
    fresh_states: Any, how: Callable[[Transaction, Path], None]
) -> None:
    """A step that raises again and again is given up: the execution fails, and nothing is stuck."""
    states = fresh_states
    other = {"Other": {"Type": "Pass", "End": True}}
    arn = run_for(states, {"Type": "Wait", "Seconds": 3, "Next": "Other"}, None, 0, **other)
    spoil(states, arn, how)
    for _ in range(ATTEMPTS_MAX):
        assert states.describe(arn)["status"] == "RUNNING"
        states.tick(120_000)
    answer = states.ended(arn)
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Runtime")
    assert states.history(arn)[-1]["type"] == "ExecutionFailed"
    assert states.cloud.app._parts.workers.stuck_jobs() == 0
