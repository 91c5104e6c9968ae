"""Executions: started, described, stopped, listed; and their histories."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

PASS = {"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 600, "End": True}}}


def test_the_same_start_answers_the_same_while_it_runs(states: Any) -> None:
    """StartExecution is idempotent on name and input."""
    arn = states.machine(WAIT)
    start = states.client.start_execution
    first = start(stateMachineArn=arn, name="once", input='{"a": 1}')
    states.tick(1_000)
    again = start(stateMachineArn=arn, name="once", input='{"a": 1}')
    assert again["executionArn"] == first["executionArn"]
    assert again["startDate"] == first["startDate"]
    with pytest.raises(states.client.exceptions.ExecutionAlreadyExists) as refusal:
        start(stateMachineArn=arn, name="once", input='{"a": 2}')
    message = refusal.value.response["Error"]["Message"]
    assert message == f"Execution Already Exists: '{first['executionArn']}'"
    states.client.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(states.client.exceptions.ExecutionAlreadyExists):
        start(stateMachineArn=arn, name="once", input='{"a": 1}')


@pytest.mark.parametrize(
    "text", ["{", "", " ", "nope", '"' + "x" * 262_144 + '"', "[" * 300 + "]" * 300]
)
def test_an_input_that_is_no_json_or_too_large_is_refused(states: Any, text: str) -> None:
    """InvalidExecutionInput, before anything is written."""
    arn = states.machine(PASS)
    with pytest.raises(ClientError) as refusal:
        states.client.start_execution(stateMachineArn=arn, input=text)
    assert refusal.value.response["Error"]["Code"] in {
        "InvalidExecutionInput",
        "ValidationException",
    }
    assert states.client.list_executions(stateMachineArn=arn)["executions"] == []


def test_an_execution_is_described(states: Any) -> None:
    """Every member that AWS tells of one that has ended."""
    answer = states.run(PASS, {"a": 1})
    told = {k: v for k, v in answer.items() if k != "ResponseMetadata"}
    times = told.pop("startDate"), told.pop("stopDate")
    assert times[0] <= times[1]
    arn = told.pop("executionArn")
    assert arn == f"{told['stateMachineArn'].replace('stateMachine', 'execution')}:{told['name']}"
    del told["stateMachineArn"], told["name"]
    assert told == {
        "status": "SUCCEEDED",
        "input": '{"a": 1}',
        "inputDetails": {"included": True},
        "output": '{"a": 1}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_an_execution_is_stopped(states: Any) -> None:
    """ABORTED with the error and cause that were given; what waits is gone; twice is once."""
    arn = states.start(WAIT)
    stopped = states.client.stop_execution(executionArn=arn, error="E", cause="C")
    answer = states.describe(arn)
    assert (answer["status"], answer["error"], answer["cause"]) == ("ABORTED", "E", "C")
    assert answer["stopDate"] == stopped["stopDate"]
    states.tick(700_000)
    again = states.client.stop_execution(executionArn=arn, error="other")
    assert again["stopDate"] == stopped["stopDate"]
    events = states.history(arn)
    assert [event["type"] for event in events[-2:]] == ["WaitStateAborted", "ExecutionAborted"]
    assert events[-1]["executionAbortedEventDetails"] == {"error": "E", "cause": "C"}


def test_executions_are_listed_newest_first_in_pages(states: Any) -> None:
    """Each execution is on one page; a filter leaves out the others."""
    arn = states.machine(WAIT)
    made = []
    for number in range(5):
        states.tick(10)
        started = states.client.start_execution(stateMachineArn=arn, name=f"e{number}")
        made.append(started["executionArn"])
    states.client.stop_execution(executionArn=made[2])
    pages = states.client.get_paginator("list_executions").paginate(
        stateMachineArn=arn, PaginationConfig={"PageSize": 2}
    )
    listed = [[entry["executionArn"] for entry in page["executions"]] for page in pages]
    assert listed == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    stopped = states.client.list_executions(stateMachineArn=arn, statusFilter="ABORTED")
    assert [entry["name"] for entry in stopped["executions"]] == ["e2"]
    assert stopped["executions"][0]["status"] == "ABORTED"


def test_a_history_comes_in_pages_from_either_end(states: Any) -> None:
    """Every event once, in order, whatever the page size."""
    mapped = {
        "Type": "Map",
        "ItemProcessor": PASS | {"StartAt": "P", "States": {"P": PASS["States"]["S"]}},
        "End": True,
    }
    arn = states.start({"StartAt": "M", "States": {"M": mapped}}, [0] * 300)
    states.ended(arn)
    for reverse in (False, True):
        pages = states.client.get_paginator("get_execution_history").paginate(
            executionArn=arn, reverseOrder=reverse, PaginationConfig={"PageSize": 70}
        )
        ids = [event["id"] for page in pages for event in page["events"]]
        assert ids == sorted(range(1, 1207), reverse=reverse)


def test_a_history_without_data(states: Any) -> None:
    """includeExecutionData false leaves inputs and outputs out."""
    answer = states.run(PASS, {"secret": 1})
    events = states.client.get_execution_history(
        executionArn=answer["executionArn"], includeExecutionData=False
    )["events"]
    assert "secret" not in json.dumps(events, default=str)
    assert events[1]["stateEnteredEventDetails"] == {"name": "S"}


MISSING = "arn:aws:states:us-east-1:000000000000:execution:m:missing"
CHILD = "arn:aws:states:us-east-1:000000000000:execution:m/l:00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("arn", [MISSING, CHILD])
@pytest.mark.parametrize(
    "operation",
    [
        "describe_execution",
        "stop_execution",
        "get_execution_history",
        "describe_state_machine_for_execution",
        "list_map_runs",
    ],
)
def test_an_execution_that_is_not_there_is_refused(states: Any, operation: str, arn: str) -> None:
    """ExecutionDoesNotExist, with the ARN."""
    with pytest.raises(states.client.exceptions.ExecutionDoesNotExist) as refusal:
        getattr(states.client, operation)(executionArn=arn)
    message = refusal.value.response["Error"]["Message"]
    assert message == f"Execution Does Not Exist: '{arn}'"


@pytest.mark.parametrize(
    ("arn", "told"),
    [
        ("nothing", "nothing"),
        ("arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sqs:us-east-1:000000000000:q"),
        (
            "arn:aws:states:us-east-1:000000000000:stateMachine:m",
            "Resource type not valid in this context: stateMachine",
        ),
    ],
)
def test_an_arn_of_another_kind_is_refused(states: Any, arn: str, told: str) -> None:
    """InvalidArn, in AWS's words."""
    with pytest.raises(states.client.exceptions.InvalidArn) as refusal:
        states.client.describe_execution(executionArn=arn)
    assert refusal.value.response["Error"]["Message"] == f"Invalid Arn: '{told}'"
