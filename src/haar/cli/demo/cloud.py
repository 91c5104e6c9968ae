"""What the story builds in the cloud: bucket, table, queues, functions, state machine, pipe."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import dataclass
from importlib import resources
from typing import Any

from haar.cli.demo import flights
from haar.cli.demo.process import HaarProcess

ROLE = "arn:aws:iam::000000000000:role/flights"
BUCKET = "flights"
KEY = "2013/flights.csv"
TABLE = "tallies"
BATCH_ROWS = 500  # 500 rows as JSON are 185 KB; a state's input may have 256 KiB
CONCURRENCY = 4


@dataclass(frozen=True, slots=True)
class Names:
    """Where things are.

    Attributes:
        late_url: queue of the flights that were more than three hours late.
        here_url: queue of those that left :data:`haar.cli.demo.flights.AIRPORT`, with names.
        machine_arn: the state machine.
        pipe: name of the pipe from the first queue to the second.
    """

    late_url: str
    here_url: str
    machine_arn: str
    pipe: str


def build(haar: HaarProcess) -> Names:
    """Make everything that the story needs and return where it is."""
    sqs = haar.client("sqs")
    late = sqs.create_queue(QueueName="late", Attributes={"VisibilityTimeout": "10"})["QueueUrl"]
    here = sqs.create_queue(QueueName="late-here")["QueueUrl"]
    _create_table(haar)
    aggregate = _create_function(haar, "aggregate", {"TABLE": TABLE, "LATE_QUEUE": late})
    names = _create_function(haar, "names", {}, "airlines.csv", "airports.csv")
    machine = haar.client("stepfunctions").create_state_machine(
        name="flights", roleArn=ROLE, definition=json.dumps(definition(aggregate))
    )["stateMachineArn"]
    _create_pipe(haar, late, here, names)
    return Names(late, here, machine, "late-flights")


def _create_table(haar: HaarProcess) -> None:
    dynamodb = haar.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE)


def _create_function(haar: HaarProcess, name: str, environment: dict[str, str], *data: str) -> str:
    lambda_ = haar.client("lambda")
    arn = lambda_.create_function(
        FunctionName=name,
        Runtime=f"python3.{sys.version_info.minor}",  # the one that is surely here
        Role=ROLE,
        Handler=f"{name}.handler",
        Code={"ZipFile": _zip(name, data)},
        Environment={"Variables": environment},
        Timeout=60,
        MemorySize=256,
    )["FunctionArn"]
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    assert isinstance(arn, str), "the model says so"
    return arn


def _zip(name: str, data: tuple[str, ...]) -> bytes:
    source = resources.files("haar.cli.demo.functions").joinpath(f"{name}.py").read_bytes()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.py", source)
        for file in data:
            archive.writestr(file, (flights.directory() / file).read_bytes())
    return written.getvalue()


def definition(function: str) -> dict[str, Any]:
    """Return the state machine: a Distributed Map over the CSV, one invocation a batch."""
    count = {
        "Type": "Task",
        "Resource": function,
        "Parameters": {"Batch.$": "$$.Execution.Name", "Items.$": "$.Items"},
        "Retry": [
            {
                "ErrorEquals": ["States.ALL"],
                "IntervalSeconds": 1,
                "MaxAttempts": 5,
                "BackoffRate": 2.0,
                "JitterStrategy": "FULL",
            }
        ],
        "End": True,
    }
    return {
        "Comment": "Count the flights of the CSV",
        "StartAt": "Batches",
        "States": {
            "Batches": {
                "Type": "Map",
                "Label": "Batches",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                    "Parameters": {"Bucket": BUCKET, "Key": KEY},
                },
                "ItemBatcher": {"MaxItemsPerBatch": BATCH_ROWS},
                "MaxConcurrency": CONCURRENCY,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Count",
                    "States": {"Count": count},
                },
                "End": True,
            }
        },
    }


def _create_pipe(haar: HaarProcess, late: str, here: str, names: str) -> None:
    sqs = haar.client("sqs")
    haar.client("pipes").create_pipe(
        Name="late-flights",
        RoleArn=ROLE,
        Source=_arn(sqs, late),
        SourceParameters={
            "FilterCriteria": {
                "Filters": [{"Pattern": json.dumps({"body": {"origin": [flights.AIRPORT]}})}]
            },
            "SqsQueueParameters": {"BatchSize": 10},
        },
        Enrichment=names,
        EnrichmentParameters={"InputTemplate": '{"flight": <$.body>}'},
        Target=_arn(sqs, here),
        DesiredState="STOPPED",
    )


def _arn(sqs: Any, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = answer["Attributes"]["QueueArn"]
    assert isinstance(arn, str), "the model says so"
    return arn
