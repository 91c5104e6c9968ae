"""Parallel and the inline Map: order, failure, concurrency, history."""

import json
from typing import Any

import pytest

END = {"Type": "Succeed"}


def branch(name: str, **state: Any) -> dict[str, Any]:
    body = {"Type": "Pass", **state}
    return {
        "StartAt": name,
        "States": {name: body if body["Type"] == "Fail" else {**body, "End": True}},
    }


def mapped(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": branch("I", **state), **fields}


def test_branches_get_the_input_and_give_an_array(states: Any) -> None:
    """Each branch has a copy; outputs are in branch order, whichever ends first."""
    slow = branch("A", Type="Wait", Seconds=2)
    fast = branch("B", Parameters={"x.$": "$.n"})
    arn = states.start(
        {
            "StartAt": "S",
            "States": {"S": {"Type": "Parallel", "Branches": [slow, fast], "End": True}},
        },
        {"n": 1},
    )
    states.tick(2_000)
    assert json.loads(states.ended(arn)["output"]) == [{"n": 1}, {"x": 1}]


def test_the_history_of_a_parallel_state(states: Any) -> None:
    """Each branch chains from ParallelStateStarted, the end from the last event inside."""
    answer = states.state({"Type": "Parallel", "Branches": [branch("A"), branch("B")]})
    assert states.trace(answer["executionArn"]) == [
        (1, "ExecutionStarted", 0),
        (2, "ParallelStateEntered", 0),
        (3, "ParallelStateStarted", 2),
        (4, "PassStateEntered", 3),
        (5, "PassStateExited", 4),
        (6, "PassStateEntered", 3),
        (7, "PassStateExited", 6),
        (8, "ParallelStateSucceeded", 7),
        (9, "ParallelStateExited", 8),
        (10, "ExecutionSucceeded", 9),
    ]


def test_a_branch_that_fails_stops_the_others(states: Any) -> None:
    """The error is the failing state's; what waits is aborted, and its timer with it."""
    answer = states.state(
        {
            "Type": "Parallel",
            "Branches": [
                branch("A", Type="Wait", Seconds=9),
                branch("B", Type="Fail", Error="Oops", Cause="why"),
            ],
        }
    )
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Oops", "why")
    types = [type_ for _, type_, _ in states.trace(answer["executionArn"])]
    assert types[-4:] == [
        "FailStateEntered",
        "WaitStateAborted",
        "ParallelStateFailed",
        "ExecutionFailed",
    ]


def test_a_parallel_state_is_caught_and_retried_as_a_whole(states: Any) -> None:
    """A retry starts every branch again."""
    body = {
        "Type": "Parallel",
        "Branches": [branch("A"), branch("B", Type="Fail", Error="Oops")],
        "Retry": [{"ErrorEquals": ["Oops"], "MaxAttempts": 1, "IntervalSeconds": 1}],
        "Catch": [{"ErrorEquals": ["Oops"], "ResultPath": "$.e", "Next": "E"}],
        "Next": "E",
    }
    arn = states.start({"StartAt": "S", "States": {"S": body, "E": END}}, {"k": 1})
    states.tick(1_000)
    answer = states.ended(arn)
    assert json.loads(answer["output"]) == {"k": 1, "e": {"Error": "Oops", "Cause": ""}}
    types = [type_ for _, type_, _ in states.trace(arn)]
    assert types.count("ParallelStateStarted") == 2
    assert types.count("PassStateEntered") == 2
    assert types.count("ParallelStateEntered") == 1


def test_a_map_gives_the_outputs_in_item_order(states: Any) -> None:
    """ItemsPath finds the items, ItemSelector makes each input."""
    body = mapped(
        {"Parameters": {"doubled.$": "States.MathAdd($.v, $.v)", "i.$": "$.i"}},
        ItemsPath="$.xs",
        ItemSelector={"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "k.$": "$.k"},
        ResultPath="$.out",
    )
    output = states.output(body, {"xs": [1, 2, 3], "k": "z"})
    assert output["out"] == [{"doubled": 2 * (n + 1), "i": n} for n in range(3)]


def test_a_map_over_nothing_gives_nothing(states: Any) -> None:
    """An empty array is no error; the history is AWS's."""
    answer = states.state(mapped({}), [])
    assert answer["output"] == "[]"
    assert [type_ for _, type_, _ in states.trace(answer["executionArn"])] == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]


def test_the_history_of_a_map(states: Any) -> None:
    """Iterations have their own chains, with the state's name and their index."""
    answer = states.state(mapped({}, MaxConcurrency=1), [5, 6])
    arn = answer["executionArn"]
    assert states.trace(arn)[2:-3] == [
        (3, "MapStateStarted", 2),
        (4, "MapIterationStarted", 3),
        (5, "PassStateEntered", 4),
        (6, "PassStateExited", 5),
        (7, "MapIterationSucceeded", 6),
        (8, "MapIterationStarted", 3),
        (9, "PassStateEntered", 8),
        (10, "PassStateExited", 9),
        (11, "MapIterationSucceeded", 10),
    ]
    events = states.history(arn)
    assert events[2]["mapStateStartedEventDetails"] == {"length": 2}
    assert events[7]["mapIterationStartedEventDetails"] == {"name": "S", "index": 1}


@pytest.mark.parametrize(("concurrency", "seconds"), [(1, 6.0), (2, 3.0), (0, 1.0)])
def test_a_map_runs_as_many_at_once_as_it_may(
    states: Any, concurrency: int, seconds: float
) -> None:
    """Six waits of a second, one, two or all at a time."""
    body = mapped({"Type": "Wait", "Seconds": 1}, MaxConcurrency=concurrency, End=True)
    arn = states.start({"StartAt": "S", "States": {"S": body}}, [0] * 6)
    for _ in range(6):
        states.tick(1_000)
    assert states.ended(arn)["status"] == "SUCCEEDED"
    assert states.seconds(arn)[-1] == ("ExecutionSucceeded", seconds)


def test_an_iteration_that_fails_fails_the_map(states: Any) -> None:
    """The others are stopped; the error is the iteration's."""
    processor = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "F"}],
                "Default": "W",
            },
            "F": {"Type": "Fail", "Error": "Two"},
            "W": {"Type": "Wait", "Seconds": 5, "End": True},
        },
    }
    answer = states.state({"Type": "Map", "ItemProcessor": processor}, [1, 2, 3])
    assert (answer["status"], answer["error"]) == ("FAILED", "Two")
    types = [type_ for _, type_, _ in states.trace(answer["executionArn"])]
    assert types.count("MapIterationFailed") == 1
    assert types.count("MapIterationAborted") == 2
    assert types[-2:] == ["MapStateFailed", "ExecutionFailed"]


def test_a_map_over_what_is_no_array_fails(states: Any) -> None:
    """States.Runtime, in AWS's words."""
    answer = states.state(mapped({}, ItemsPath="$.xs"), {"xs": 1})
    assert answer["error"] == "States.Runtime"
    assert answer["cause"].endswith('Reference path "$.xs" must point to array.')


def test_states_nest(states: Any) -> None:
    """A Map in a branch of a Parallel in a Map; the context object tells of the innermost Map."""
    inner = mapped({"Parameters": {"i.$": "$$.Map.Item.Index"}}, ItemsPath="$.ys")
    fan = {"Type": "Parallel", "Branches": [branch("B", **inner)]}
    outer = {
        "Type": "Map",
        "ItemsPath": "$.xs",
        "ItemProcessor": {"StartAt": "P", "States": {"P": {**fan, "End": True}}},
    }
    output = states.output(outer, {"xs": [{"ys": [7, 8]}, {"ys": []}]})
    assert output == [[[{"i": 0}, {"i": 1}]], [[]]]


def test_many_iterations_are_done_in_many_steps(states: Any) -> None:
    """A step records a bounded number of events; the rest follows in the next."""
    output = states.output(mapped({"Result": 1}), [0] * 2_000)
    assert output == [1] * 2_000


def test_a_negative_concurrency_fails_the_state(states: Any) -> None:
    """A path may find any number; below nothing no iteration would ever begin."""
    answer = states.state(
        mapped({}, ItemsPath="$.xs", MaxConcurrencyPath="$.n"), {"xs": [1], "n": -1}
    )
    assert answer["error"] == "States.Runtime"
    assert answer["cause"].endswith("MaxConcurrency cannot be negative.")
