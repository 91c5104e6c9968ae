"""How data flows through a state, and where each type of state leads."""

import json
from typing import Any

import pytest

END = {"Type": "Succeed"}
INPUT = {"a": {"b": 1}, "n": None, "xs": [1, 2, {"c": 3}]}

PATHS: list[tuple[dict[str, Any], Any]] = [
    ({}, INPUT),
    ({"InputPath": "$.a"}, {"b": 1}),
    ({"InputPath": None}, {}),
    ({"OutputPath": "$.xs[2].c"}, 3),
    ({"OutputPath": "$.xs[-1].c"}, 3),
    ({"OutputPath": "$['a']['b']"}, 1),
    ({"OutputPath": "$..c"}, [3]),
    ({"OutputPath": "$.xs[0:2]"}, [1, 2]),
    ({"OutputPath": "$.xs[*]"}, [1, 2, {"c": 3}]),
    ({"OutputPath": "$.xs[?(@.c == 3)]"}, [{"c": 3}]),
    ({"OutputPath": "$.xs.length()"}, 3),
    ({"OutputPath": None}, {}),
    ({"ResultPath": None, "Result": 7}, INPUT),
    ({"ResultPath": "$.r", "Result": 7}, {**INPUT, "r": 7}),
    ({"ResultPath": "$.a.d.e", "Result": 7}, {**INPUT, "a": {"b": 1, "d": {"e": 7}}}),
    ({"ResultPath": "$.xs[0]", "Result": 7}, {**INPUT, "xs": [7, 2, {"c": 3}]}),
    ({"InputPath": "$.a", "ResultPath": "$.r"}, {**INPUT, "r": {"b": 1}}),
    ({"Parameters": {"x.$": "$.a.b", "y": [{"z.$": "$.n"}], "w": "$.a"}},
     {"x": 1, "y": [{"z": None}], "w": "$.a"}),
    ({"Parameters": {"x.$": "$$.State.Name", "y.$": "$$.Execution.Input.a"}},
     {"x": "S", "y": {"b": 1}}),
    ({"Result": None}, None),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "output"), PATHS)
def test_paths_choose_what_a_state_takes_and_gives(
    states: Any, fields: dict[str, Any], output: Any
) -> None:
    """InputPath, Parameters, ResultPath and OutputPath, in this order."""
    assert states.output({"Type": "Pass", **fields}, INPUT) == output


TOO_LARGE = (
    "The state/task 'S' returned a result with a size exceeding "
    "the maximum number of bytes service limit."
)
WHERE = "An error occurred while executing the state 'S' (entered at the event id #2). "
BROKEN: list[tuple[dict[str, Any], str, str]] = [
    (
        {"InputPath": "$.no"},
        "States.Runtime",
        WHERE + "Invalid path '$.no' : No results for path: $['no']",
    ),
    (
        {"OutputPath": "$.no.such"},
        "States.Runtime",
        WHERE + "Invalid path '$.no.such' : Missing property in path $['no']",
    ),
    (
        {"Parameters": {"x.$": "$.no"}},
        "States.ParameterPathFailure",
        WHERE + "Invalid path '$.no' : No results for path: $['no']",
    ),
    (
        {"Parameters": {"x.$": "States.ArrayGetItem($.xs, 9)"}},
        "States.IntrinsicFailure",
        WHERE + "Invalid arguments in States.ArrayGetItem: the index is out of bounds",
    ),
    (
        {"ResultPath": "$.xs.y", "Result": 1},
        "States.ResultPathMatchFailure",
        WHERE + "Unable to apply Reference Path $['xs']['y'] to input " + json.dumps(INPUT),
    ),
]


@pytest.mark.parametrize(("fields", "error", "cause"), BROKEN)
def test_a_path_that_finds_nothing_fails_the_execution(
    states: Any, fields: dict[str, Any], error: str, cause: str
) -> None:
    """Error and cause are AWS's."""
    answer = states.state({"Type": "Pass", **fields}, INPUT)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", error, cause)


def test_the_context_object_tells_of_the_execution(states: Any) -> None:
    """$$ has the execution, the state machine and the state, as AWS's page lists them."""
    arn = states.start(
        {
            "StartAt": "S",
            "States": {"S": {"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": True}},
        },
        {"k": 1},
        name="run-1",
    )
    answer = states.ended(arn)
    context = json.loads(answer["output"])["c"]
    machine = answer["stateMachineArn"]
    times = context["Execution"].pop("StartTime"), context["State"].pop("EnteredTime")
    assert context == {
        "Execution": {
            "Id": arn,
            "Input": {"k": 1},
            "Name": "run-1",
            "RoleArn": "arn:aws:iam::000000000000:role/machine",
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": machine, "Name": machine.rpartition(":")[2]},
        "State": {"Name": "S", "RetryCount": 0},
    }
    assert times[0] == times[1]
    assert times[0].endswith("Z")


def test_a_choice_leads_where_the_first_rule_that_holds_says(states: Any) -> None:
    """Rules are tried in order; Default is for the rest."""
    machine = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.n", "NumericGreaterThan": 10, "Next": "Large"},
                    {"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Medium"},
                ],
                "Default": "Small",
            },
            **{
                name: {"Type": "Pass", "Result": name, "End": True}
                for name in ("Large", "Medium", "Small")
            },
        },
    }
    outputs = [json.loads(states.run(machine, {"n": n})["output"]) for n in (11, 6, 5)]
    assert outputs == ["Large", "Medium", "Small"]


def test_a_choice_that_leads_nowhere_fails(states: Any) -> None:
    """No rule holds and there is no Default: States.NoChoiceMatched."""
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "E"}
    answer = states.state({"Type": "Choice", "Choices": [rule]}, {"n": 2}, E=END)
    assert (answer["status"], answer["error"]) == ("FAILED", "States.NoChoiceMatched")


def test_a_choice_of_a_variable_that_is_not_there_fails(states: Any) -> None:
    """Only IsPresent may look for what is missing."""
    rule = {"Variable": "$.no", "NumericEquals": 1, "Next": "E"}
    answer = states.state({"Type": "Choice", "Choices": [rule], "Default": "E"}, {}, E=END)
    assert (answer["error"], answer["cause"]) == (
        "States.Runtime",
        WHERE + "Invalid path '$.no' : No results for path: $['no']",
    )


FAILS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"Error": "E", "Cause": "C"}, {"error": "E", "cause": "C"}),
    ({"ErrorPath": "$.e", "CausePath": "$.c"}, {"error": "found", "cause": "why"}),
    (
        {"Error": "E", "CausePath": "States.Format('{} {}', $.c, $.e)"},
        {"error": "E", "cause": "why found"},
    ),
]


@pytest.mark.parametrize(("fields", "details"), FAILS)
def test_fail_ends_with_its_error_and_cause(
    states: Any, fields: dict[str, Any], details: dict[str, Any]
) -> None:
    """Both may be absent, written, or found in the input."""
    answer = states.state({"Type": "Fail", **fields}, {"e": "found", "c": "why"})
    assert answer["status"] == "FAILED"
    assert {name: answer[name] for name in ("error", "cause") if name in answer} == details
    last = states.history(answer["executionArn"])[-1]
    assert last["executionFailedEventDetails"] == details


def test_an_output_beyond_256_kib_is_refused(states: Any) -> None:
    """States.DataLimitExceeded, which States.ALL does not catch."""
    double = {
        "Type": "Pass",
        "Parameters": {"a.$": "$.a", "b.$": "$.a"},
        "End": True,
    }
    answer = states.run({"StartAt": "S", "States": {"S": double}}, {"a": "x" * 140_000})
    assert (answer["error"], answer["cause"]) == (
        "States.DataLimitExceeded",
        TOO_LARGE,
    )


def test_numbers_beyond_64_bits_are_kept(states: Any) -> None:
    """A sum of two large integers is a result like any other."""
    output = states.output(
        {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, $.n)"}}, {"n": 2**63}
    )
    assert output == {"n": 2**64}


def test_a_history_has_25000_events_at_most(states: Any) -> None:
    """A loop without an end fails with States.Runtime, and its last event says so."""
    arn = states.start(
        {
            "StartAt": "S",
            "States": {
                "S": {"Type": "Pass", "Next": "C"},
                "C": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.on", "BooleanEquals": True, "Next": "S"}],
                    "Default": "E",
                },
                "E": END,
            },
        },
        {"on": True},
    )
    answer = states.ended(arn)
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Runtime")
    last = states.client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=2)
    assert [(e["id"], e["type"]) for e in last["events"]] == [
        (25_000, "ExecutionFailed"),
        (24_999, last["events"][1]["type"]),
    ]
