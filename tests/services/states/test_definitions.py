"""What a definition may say: AWS's codes, texts and places for what it may not."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.services.states.definition import examine

SCHEMA = "SCHEMA_VALIDATION_FAILED"
TARGET = "MISSING_TRANSITION_TARGET"
TYPES = (
    "The field 'Type' should have one of these values: "
    "[Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"
)
NO_EXPRESSION = (
    "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call"
)
LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:f"
END = {"Type": "Succeed"}


def machine(state: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"StartAt": "S", "States": {"S": state, **others}}


def ending(**fields: Any) -> dict[str, Any]:
    return machine({"Type": "Pass", "End": True, **fields})


def task(**fields: Any) -> dict[str, Any]:
    return machine({"Type": "Task", "Resource": LAMBDA, "End": True, **fields})


def choice(**rule: Any) -> dict[str, Any]:
    return machine({"Type": "Choice", "Choices": [{"Next": "E", **rule}]}, E=END)


def mapped(**fields: Any) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "End": True}},
    }
    return machine({"Type": "Map", "ItemProcessor": processor, "End": True, **fields})


BRANCH = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}

PROBLEMS: list[tuple[Any, list[tuple[str, str, str | None]]]] = [
    ({}, [(SCHEMA, "These fields are required: [States, StartAt]", "/")]),
    ({"StartAt": "S", "States": {}}, [(SCHEMA, "Value cannot be empty", "/States")]),
    (
        machine({"Type": "Go"}),
        [
            (
                SCHEMA,
                TYPES,
                "/States/S/Type",
            )
        ],
    ),
    (machine({}), [(SCHEMA, "These fields are required: [Type]", "/States/S")]),
    (ending(Retry=[]), [(SCHEMA, "Field 'Retry' is not supported", "/States/S")]),
    (ending(TimeoutSeconds=1), [(SCHEMA, "Field 'TimeoutSeconds' is not supported", "/States/S")]),
    (ending(OutputPath="x"), [(SCHEMA, "Value must be a valid JSONPath.", "/States/S/OutputPath")]),
    (
        ending(Parameters={"a": [{"b.$": "no"}]}),
        [
            (
                SCHEMA,
                NO_EXPRESSION,
                "/States/S/Parameters/a[0]",
            )
        ],
    ),
    (
        ending(Parameters={"b.$": "States.Nothing(1)"}),
        [
            (
                SCHEMA,
                NO_EXPRESSION,
                "/States/S/Parameters",
            )
        ],
    ),
    (
        ending(ResultPath="$.a[*]"),
        [(SCHEMA, "Value is not a Reference Path", "/States/S/ResultPath")],
    ),
    (
        machine({"Type": "Wait", "Seconds": 10**16, "End": True}),
        [(SCHEMA, "Maximum value is 99999999", "/States/S/Seconds")],
    ),
    (
        machine({"Type": "Wait", "Timestamp": "tomorrow", "End": True}),
        [(SCHEMA, "String does not match RFC3339 timestamp", "/States/S/Timestamp")],
    ),
    (
        machine({"Type": "Parallel", "Branches": [], "End": True}),
        [(SCHEMA, "Value cannot be empty", "/States/S/Branches")],
    ),
    (
        machine({"Type": "Choice", "Choices": []}, E=END),
        [(SCHEMA, "Value cannot be empty", "/States/S/Choices")],
    ),
    (
        machine(
            {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True}], "Default": "E"},
            E=END,
        ),
        [(SCHEMA, "These fields are required: [Next]", "/States/S/Choices[0]")],
    ),
    (
        task(Resource="nothing"),
        [(SCHEMA, "Value is not a valid resource ARN", "/States/S/Resource")],
    ),
    (
        task(Resource="arn:aws:states:::sqs:sendMessage", Parameters={"QueueUrl": "u"}),
        [(SCHEMA, "The field 'MessageBody' is required but was missing", "/States/S/Parameters")],
    ),
    (
        task(Resource="arn:aws:states:::lambda:invoke", Parameters={"FunctionName": "f", "X": 1}),
        [(SCHEMA, "The field 'X' is not supported by Step Functions", "/States/S/Parameters")],
    ),
    (
        task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]),
        [
            (
                SCHEMA,
                "States.ALL must appear alone and at end of list",
                "/States/S/Retry[0]/ErrorEquals[0]",
            )
        ],
    ),
    (
        task(Retry=[{"ErrorEquals": ["A"], "BackoffRate": 0.5, "IntervalSeconds": 0}]),
        [
            (SCHEMA, "Minimum value is 1", "/States/S/Retry[0]/IntervalSeconds"),
            (SCHEMA, "Minimum value is 1.0", "/States/S/Retry[0]/BackoffRate"),
        ],
    ),
    (
        mapped(MaxConcurrency=1.5),
        [(SCHEMA, "Expected value of type Integer", "/States/S/MaxConcurrency")],
    ),
    (
        mapped(ToleratedFailurePercentage=101),
        [(SCHEMA, "Maximum value is 100", "/States/S/ToleratedFailurePercentage")],
    ),
    (
        {"StartAt": "X", "States": {"S": END}},
        [
            (TARGET, "Missing 'Next' target: X", "/StartAt"),
            (TARGET, 'State "S" is not reachable.', "/States/S"),
        ],
    ),
    (
        machine({"Type": "Pass", "Next": "X"}),
        [
            (TARGET, "Missing 'Next' target: X", "/States/S/Next"),
            ("MISSING_END_STATE", "Workflow has no terminal state", None),
        ],
    ),
    (
        machine({"Type": "Pass", "Next": "X"}, E=END),
        [
            (TARGET, "Missing 'Next' target: X", "/States/S/Next"),
            (TARGET, 'State "E" is not reachable.', "/States/E"),
        ],
    ),
    (
        machine({"Type": "Pass", "Next": "T"}, T={"Type": "Pass", "Next": "S"}),
        [("MISSING_END_STATE", "Workflow has no terminal state", None)],
    ),
    (
        choice(Variable="$.a", IsNull=True) | {"StartAt": "S"},
        [],
    ),
    (
        machine(
            {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "X"}],
                "Default": "Y",
            },
            E=END,
        ),
        [
            (TARGET, "Missing 'Next' target: Y", "/States/S/Default"),
            (TARGET, "Missing 'Next' target: X", "/States/S/Choices[0]/Next"),
            (TARGET, 'State "E" is not reachable.', "/States/E"),
        ],
    ),
    (
        task(Catch=[{"ErrorEquals": ["A"], "Next": "X"}]),
        [(TARGET, "Missing 'Next' target: X", "/States/S/Catch[0]/Next")],
    ),
    (
        machine({"Type": "Parallel", "Branches": [BRANCH, BRANCH], "End": True}),
        [("DUPLICATE_STATE_NAME", "Duplicate State name: B", "/States/S/Branches[1]/States/B")],
    ),
    (
        machine(
            {
                "Type": "Parallel",
                "Branches": [{"StartAt": "B", "States": {"B": END, "C": END}}],
                "End": True,
            }
        ),
        [(TARGET, 'State "C" is not reachable.', "/States/S/Branches[0]/States/C")],
    ),
]


@pytest.mark.parametrize(("definition", "expected"), PROBLEMS)
def test_problems_are_told_with_their_places(definition: Any, expected: Any) -> None:
    """Code, text and JSON pointer are AWS's."""
    _, problems = examine(json.dumps(definition))
    assert [(p.code, p.message, p.place) for p in problems] == expected


RULES = [
    {"Variable": "$.a", "StringEquals": 1},
    {"Variable": "$.a", "NumericEquals": "1"},
    {"Variable": "$.a", "BooleanEquals": "true"},
    {"Variable": "$.a", "TimestampEquals": "noon"},
    {"Variable": "$.a", "IsNull": 1},
    {"Variable": "$.a", "StringMatches": 1},
    {"Variable": "$.a"},
    {"StringEquals": "a"},
    {"Variable": "$.a", "StringEquals": "a", "NumericEquals": 1},
    {"And": []},
    {"Not": []},
]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_makes_no_sense_is_a_problem(rule: dict[str, Any]) -> None:
    """A Choice rule has a variable, one operator, and an operand of its type."""
    _, problems = examine(json.dumps(choice(**rule)))
    assert [(p.code, p.place) for p in problems] == [(SCHEMA, "/States/S/Choices[0]")]


REFUSED = [
    (ending(QueryLanguage="JSONata"), "QueryLanguage JSONata"),
    (ending(Assign={"a": 1}), "Assign (variables)"),
    (ending(Parameters={"a.$": "$name"}), "Variables"),
    (task(Resource="arn:aws:states:::sns:publish"), "The resource arn:aws:states:::sns:publish"),
    (task(Credentials={"RoleArn": "r"}), "Credentials"),
]


@pytest.mark.parametrize(("definition", "what"), REFUSED)
def test_what_the_language_has_and_haar_does_not_is_refused_by_name(
    states: Any, definition: dict[str, Any], what: str
) -> None:
    """A definition that could not be run is not accepted."""
    with pytest.raises(ClientError) as refusal:
        states.machine(definition)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    message = refusal.value.response["Error"]["Message"]
    assert message == f"haar does not implement {what} in a state machine definition."


def test_creating_tells_all_problems_in_one_text(states: Any) -> None:
    """InvalidDefinition joins what is wrong; a problem without a place is at null."""
    with pytest.raises(states.client.exceptions.InvalidDefinition) as refusal:
        states.machine(machine({"Type": "Pass", "Next": "X"}))
    assert refusal.value.response["Error"]["Message"] == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: X "
        "at /States/S/Next, MISSING_END_STATE: Workflow has no terminal state at null'"
    )


def test_validating_answers_diagnostics(states: Any) -> None:
    """ValidateStateMachineDefinition tells problems instead of raising them."""
    validate = states.client.validate_state_machine_definition
    assert validate(definition=json.dumps(ending()))["result"] == "OK"
    answer = validate(definition=json.dumps(machine({"Type": "Pass", "Next": "X"})), maxResults=1)
    assert (answer["result"], answer["truncated"]) == ("FAIL", True)
    assert answer["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": TARGET,
            "message": "Missing 'Next' target: X",
            "location": "/States/S/Next",
        }
    ]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": NaN}', "[" * 500 + "]" * 500])
def test_a_text_that_is_no_json_object_is_told_so(states: Any, text: str) -> None:
    """INVALID_JSON_DESCRIPTION, whatever is wrong with it."""
    answer = states.client.validate_state_machine_definition(definition=text or " ")
    assert [d["code"] for d in answer["diagnostics"]] == ["INVALID_JSON_DESCRIPTION"]
