"""State machines: made, changed, described, listed, tagged, deleted."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

PASS = {"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}}
OTHER = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
ROLE = "arn:aws:iam::000000000000:role/other"
MISSING = "arn:aws:states:us-east-1:000000000000:stateMachine:missing"


def test_a_machine_is_described_as_it_was_made(states: Any) -> None:
    """The definition comes back to the letter."""
    arn = states.machine(PASS, name="told")
    answer = states.client.describe_state_machine(stateMachineArn=arn)
    assert arn == "arn:aws:states:us-east-1:000000000000:stateMachine:told"
    assert answer["definition"] == json.dumps(PASS)
    assert (answer["name"], answer["status"], answer["type"]) == ("told", "ACTIVE", "STANDARD")
    assert "revisionId" not in answer


def test_only_the_metadata_is_told_when_asked_for(states: Any) -> None:
    """METADATA_ONLY leaves the definition out."""
    arn = states.machine(PASS)
    answer = states.client.describe_state_machine(stateMachineArn=arn, includedData="METADATA_ONLY")
    assert answer["definition"] == "{}"


def test_creating_the_same_machine_again_answers_the_same(states: Any) -> None:
    """CreateStateMachine is idempotent, whatever the role."""
    first = states.machine(PASS, name="twice")
    again = states.client.create_state_machine(
        name="twice", definition=json.dumps(PASS), roleArn=ROLE
    )
    assert again["stateMachineArn"] == first
    described = states.client.describe_state_machine(stateMachineArn=first)
    assert described["roleArn"] != ROLE


def test_another_definition_under_a_taken_name_is_refused(states: Any) -> None:
    """A name has one definition at a time."""
    arn = states.machine(PASS, name="taken")
    with pytest.raises(states.client.exceptions.StateMachineAlreadyExists) as refusal:
        states.machine(OTHER, name="taken")
    message = refusal.value.response["Error"]["Message"]
    assert message == f"State Machine Already Exists: '{arn}'"


@pytest.mark.parametrize("name", ["a b", "a<b", "a*b", "a/b", "a:b", "a;b", "a#b"])
def test_a_name_with_forbidden_characters_is_refused(states: Any, name: str) -> None:
    """A name is part of ARNs."""
    with pytest.raises(states.client.exceptions.InvalidName) as refusal:
        states.machine(PASS, name=name)
    assert refusal.value.response["Error"]["Message"] == f"Invalid Name: '{name}'"


def test_an_update_is_in_force_for_later_executions(states: Any) -> None:
    """An execution runs the definition that it began with."""
    waiting = {"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 9, "End": True}}}
    arn = states.machine(waiting)
    early = states.client.start_execution(stateMachineArn=arn)["executionArn"]
    changed = states.client.update_state_machine(
        stateMachineArn=arn, definition=json.dumps(PASS), roleArn=ROLE
    )
    described = states.client.describe_state_machine(stateMachineArn=arn)
    assert described["revisionId"] == changed["revisionId"]
    assert (described["definition"], described["roleArn"]) == (json.dumps(PASS), ROLE)
    late = states.client.start_execution(stateMachineArn=arn)["executionArn"]
    assert states.ended(late)["status"] == "SUCCEEDED"
    assert states.describe(early)["status"] == "RUNNING"
    told = states.client.describe_state_machine_for_execution(executionArn=early)
    assert told["definition"] == json.dumps(waiting)
    told = states.client.describe_state_machine_for_execution(executionArn=late)
    assert (told["definition"], told["roleArn"]) == (json.dumps(PASS), ROLE)


def test_an_update_needs_something_to_change(states: Any) -> None:
    """MissingRequiredParameter, in AWS's words."""
    arn = states.machine(PASS)
    with pytest.raises(ClientError) as refusal:
        states.client.update_state_machine(stateMachineArn=arn)
    assert refusal.value.response["Error"] == {
        "Code": "MissingRequiredParameter",
        "Message": "Either the definition, the role ARN, the LoggingConfiguration, "
        "or the TracingConfiguration must be specified",
    }


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("describe_state_machine", {"stateMachineArn": MISSING}),
        ("update_state_machine", {"stateMachineArn": MISSING, "roleArn": ROLE}),
        ("start_execution", {"stateMachineArn": MISSING}),
        ("list_executions", {"stateMachineArn": MISSING}),
    ],
)
def test_a_machine_that_is_not_there_is_refused(
    states: Any, operation: str, members: dict[str, Any]
) -> None:
    """StateMachineDoesNotExist, with the ARN."""
    with pytest.raises(states.client.exceptions.StateMachineDoesNotExist) as refusal:
        getattr(states.client, operation)(**members)
    message = refusal.value.response["Error"]["Message"]
    assert message == f"State Machine Does Not Exist: '{MISSING}'"


def test_machines_are_listed_in_pages(fresh_states: Any) -> None:
    """Each machine is on one page."""
    states = fresh_states
    arns = sorted(states.machine(PASS, name=f"m{n}") for n in range(5))
    pages = states.client.get_paginator("list_state_machines").paginate(
        PaginationConfig={"PageSize": 2}
    )
    found = [[machine["stateMachineArn"] for machine in page["stateMachines"]] for page in pages]
    assert found == [arns[:2], arns[2:4], arns[4:]]


def test_a_token_that_was_not_given_out_is_refused(states: Any) -> None:
    """A page token is opaque, not a position that a client may choose."""
    with pytest.raises(states.client.exceptions.InvalidToken):
        states.client.list_state_machines(nextToken="AAAA")


def test_a_deleted_machine_is_gone_and_its_executions_go_on(states: Any) -> None:
    """Deleting is not stopping."""
    arn = states.machine(
        {"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 1, "End": True}}}
    )
    execution = states.client.start_execution(stateMachineArn=arn)["executionArn"]
    states.client.delete_state_machine(stateMachineArn=arn)
    with pytest.raises(states.client.exceptions.StateMachineDoesNotExist):
        states.client.describe_state_machine(stateMachineArn=arn)
    states.client.delete_state_machine(stateMachineArn=arn)
    states.tick(1_000)
    assert states.ended(execution)["status"] == "SUCCEEDED"


def test_tags_are_kept_changed_and_removed(states: Any) -> None:
    """Tags given at creation and later are one set."""
    arn = states.machine(PASS, tags=[{"key": "team", "value": "blue"}])
    client = states.client
    client.tag_resource(
        resourceArn=arn, tags=[{"key": "team", "value": "red"}, {"key": "cost", "value": "1"}]
    )
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"key": "team", "value": "red"},
        {"key": "cost", "value": "1"},
    ]
    client.untag_resource(resourceArn=arn, tagKeys=["team"])
    tags = client.list_tags_for_resource(resourceArn=arn)["tags"]
    assert tags == [{"key": "cost", "value": "1"}]


def test_more_than_fifty_tags_are_refused(states: Any) -> None:
    """AWS's limit of tags of a resource."""
    arn = states.machine(PASS)
    many = [{"key": f"k{n}", "value": ""} for n in range(51)]
    with pytest.raises(states.client.exceptions.TooManyTags):
        states.client.tag_resource(resourceArn=arn, tags=many)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        (
            {"loggingConfiguration": {"level": "ALL", "destinations": []}},
            "loggingConfiguration of state machines",
        ),
        (
            {"tracingConfiguration": {"enabled": True}},
            "tracingConfiguration of state machines",
        ),
        ({"publish": True}, "publish (versions of state machines)"),
        (
            {"encryptionConfiguration": {"type": "AWS_OWNED_KEY"}},
            "the member encryptionConfiguration of CreateStateMachine",
        ),
    ],
)
def test_what_is_not_built_is_refused_by_name(
    states: Any, settings: dict[str, Any], what: str
) -> None:
    """Nothing is silently ignored."""
    with pytest.raises(ClientError) as refusal:
        states.machine(PASS, **settings)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert refusal.value.response["Error"]["Message"] == f"haar does not implement {what}."
