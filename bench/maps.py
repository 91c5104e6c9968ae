"""The Distributed Map: children per second, from the map run's own record."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

from clients import client
from servers import Server, running

CHILDREN = 10_000
DEFINITION = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                "Parameters": {"Bucket": "bench", "Key": "rows.csv"},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Done",
                "States": {"Done": {"Type": "Pass", "Result": 1, "End": True}},
            },
            "End": True,
        }
    },
}


def figures(rounds: int, scratch: Path) -> list[str]:
    """Return the lines of the table about the Distributed Map."""
    rates, costs = [], []
    for number in range(rounds):
        with running("haar", scratch / f"map-{number}") as server:
            assert server is not None
            rate, cpu_us = _run(server)
            rates.append(rate)
            costs.append(cpu_us)
    title = f"Distributed Map, {CHILDREN:,} Pass children: children a second"
    return [
        f"| {title} | {statistics.median(rates):,.0f} |",
        f"| CPU µs a child | {statistics.median(costs):,.0f} |",
    ]


def _run(server: Server) -> tuple[float, float]:
    s3, states = client(server, "s3"), client(server, "stepfunctions")
    s3.create_bucket(Bucket="bench")
    rows = "id,name\n" + "".join(f"{n},row {n}\n" for n in range(CHILDREN))
    s3.put_object(Bucket="bench", Key="rows.csv", Body=rows.encode())
    machine = states.create_state_machine(
        name="bench",
        roleArn="arn:aws:iam::000000000000:role/bench",
        definition=json.dumps(DEFINITION),
    )["stateMachineArn"]
    before = server.cpu_seconds()
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    answer = _wait(states, arn)
    used = server.cpu_seconds() - before
    if answer["status"] != "SUCCEEDED" or len(json.loads(answer["output"])) != CHILDREN:
        raise RuntimeError(f"the map ended as {answer['status']}: {answer.get('cause')}")
    seconds = (answer["stopDate"] - answer["startDate"]).total_seconds()
    return CHILDREN / seconds, used / CHILDREN * 1e6


def _wait(states: Any, arn: str) -> Any:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        answer = states.describe_execution(executionArn=arn)
        if answer["status"] != "RUNNING":
            return answer
        time.sleep(0.1)
    raise RuntimeError("the map did not end")
