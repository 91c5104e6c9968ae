"""SIGKILL while a Distributed Map is at work: each item is done, and none of it twice."""

import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haar.cli.demo.process import HaarProcess
from haar.kernel.entropy import SeededEntropy

KILLS = int(os.environ.get("HAAR_CRASH_KILLS", "3"))
ITEMS = 2_000
BATCH = 20
SECONDS_MAX = 240
ROLE = "arn:aws:iam::000000000000:role/crash"
FUNCTION = """
import os
import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])

def handler(event, context):
    with table.batch_writer() as batch:
        for row in event["Items"]:
            number = int(row["n"])
            batch.put_item(Item={"id": row["id"], "square": number * number})
    return len(event["Items"])
"""
MACHINE = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                "Parameters": {"Bucket": "crash", "Key": "rows.csv"},
            },
            "ItemBatcher": {"MaxItemsPerBatch": BATCH},
            "MaxConcurrency": 8,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Square",
                "States": {
                    "Square": {
                        "Type": "Task",
                        "Resource": "arn:aws:lambda:us-east-1:000000000000:function:square",
                        "End": True,
                    }
                },
            },
            "End": True,
        }
    },
}


def prepare(haar: HaarProcess) -> str:
    """Make everything, start the execution and return its ARN."""
    dynamodb, s3 = haar.client("dynamodb"), haar.client("s3")
    dynamodb.create_table(
        TableName="squares",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    s3.create_bucket(Bucket="crash")
    rows = "id,n\n" + "".join(f"item-{n},{n}\n" for n in range(ITEMS))
    s3.put_object(Bucket="crash", Key="rows.csv", Body=rows.encode())
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", FUNCTION)
    haar.client("lambda").create_function(
        FunctionName="square",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=ROLE,
        Handler="app.handler",
        Timeout=30,
        Code={"ZipFile": package.getvalue()},
        # The functions use this environment's boto3.
        Environment={"Variables": {"TABLE": "squares", "PYTHONPATH": os.pathsep.join(sys.path)}},
    )
    states = haar.client("stepfunctions")
    machine = states.create_state_machine(
        name="crash", definition=json.dumps(MACHINE), roleArn=ROLE
    )
    started = states.start_execution(stateMachineArn=machine["stateMachineArn"])
    return str(started["executionArn"])


def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def reach(haar: HaarProcess, execution: str, goal: int) -> None:
    """Wait until so many items are done."""
    states = haar.client("stepfunctions")
    until(lambda: succeeded(states, execution) >= goal)


def succeeded(states: Any, execution: str) -> int:
    """Return how many items of the Map Run are done."""
    answer = states.describe_execution(executionArn=execution)
    assert answer["status"] in {"RUNNING", "SUCCEEDED"}, answer
    runs = states.list_map_runs(executionArn=execution)["mapRuns"]
    if not runs:
        return 0
    counts = states.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
    return int(counts["succeeded"])


@pytest.mark.crash
@pytest.mark.slow
def test_a_distributed_map_survives_every_kill(tmp_path: Path, moments: SeededEntropy) -> None:
    """The results come out exactly right, each item in one child, however often haar dies."""
    haar = HaarProcess(tmp_path / "data")
    haar.start()
    try:
        execution = prepare(haar)
        for kill in range(KILLS):
            goal = int(ITEMS * (kill + moments.fraction()) / (KILLS + 1))
            reach(haar, execution, goal)
            haar.kill()
            haar.start()
        check(haar, execution)
    finally:
        haar.kill()


def check(haar: HaarProcess, execution: str) -> None:
    """The execution ends well, and everything that it did is there once."""
    states = haar.client("stepfunctions")
    until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    answer = states.describe_execution(executionArn=execution)
    assert answer["status"] == "SUCCEEDED", answer
    outputs = json.loads(answer["output"])
    assert outputs == [BATCH] * (ITEMS // BATCH)
    (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    told = states.describe_map_run(mapRunArn=run["mapRunArn"])
    assert (told["itemCounts"]["succeeded"], told["itemCounts"]["total"]) == (ITEMS, ITEMS)
    assert told["executionCounts"]["succeeded"] == ITEMS // BATCH
    assert items_of(haar) == {f"item-{n}": n * n for n in range(ITEMS)}
    assert items_given(states, run["mapRunArn"]) == [f"item-{n}" for n in range(ITEMS)]


def items_of(haar: HaarProcess) -> dict[str, int]:
    """Return the table."""
    pages = haar.client("dynamodb").get_paginator("scan").paginate(TableName="squares")
    items = [item for page in pages for item in page["Items"]]
    return {item["id"]["S"]: int(item["square"]["N"]) for item in items}


def items_given(states: Any, run: str) -> list[str]:
    """Return which items the children were given, the first child's first."""
    pages = states.get_paginator("list_executions").paginate(mapRunArn=run)
    children = [child["executionArn"] for page in pages for child in page["executions"]]
    given: list[str] = []
    for child in reversed(children):
        told = states.describe_execution(executionArn=child)
        given += [row["id"] for row in json.loads(told["input"])["Items"]]
    return given
