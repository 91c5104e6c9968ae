"""The story, step by step: upload, count, pipe, drain, check."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from haar.cli.demo import cloud, flights
from haar.cli.demo.flights import Answers
from haar.cli.demo.process import HaarProcess

PART_BYTES = 5 * 1024 * 1024
POLL_S = 0.2
PATIENCE_S = 600


class DemoFailed(Exception):
    """A step did not come to its end; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Step:
    """How a step went: what it did, how much of what, and in how many seconds."""

    name: str
    count: int
    unit: str
    seconds: float


class Story:
    """Tells the story against one haar.

    Args:
        haar: the process.
        console: where the progress bars go.
        crash: whether to kill haar in the middle of the map and of the pipe.
        rows: only so many flights; None takes all.
    """

    def __init__(
        self, haar: HaarProcess, console: Console, *, crash: bool, rows: int | None
    ) -> None:
        self._haar = haar
        self._console = console
        self._crash = crash
        self.steps: list[Step] = []
        self.crashes = 0
        self.content = flights.text(rows)
        self.expected = flights.compute(self.content)

    def tell(self) -> Answers:
        """Run every step and return the answers that haar gave."""
        self._haar.client("s3").create_bucket(Bucket=cloud.BUCKET)
        names = cloud.build(self._haar)
        found = Answers()
        self._upload()
        self._count(names, found)
        self._read_tallies(found)
        self._pipe(names, found)
        return found

    def _upload(self) -> None:
        s3 = self._haar.client("s3")
        where = {"Bucket": cloud.BUCKET, "Key": cloud.KEY}
        with self._step("upload to S3 in parts", len(self.content), "bytes") as advance:
            upload = s3.create_multipart_upload(**where)["UploadId"]
            parts: list[dict[str, Any]] = []
            for number, start in enumerate(range(0, len(self.content), PART_BYTES), start=1):
                part = self.content[start : start + PART_BYTES]
                answer = s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
                advance(len(part))
            s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})

    def _count(self, names: cloud.Names, found: Answers) -> None:
        states = self._haar.client("stepfunctions")
        execution = states.start_execution(stateMachineArn=names.machine_arn, name="all")
        arn = execution["executionArn"]
        total = self.expected.flights
        with self._step("Distributed Map, Lambda, DynamoDB", total, "flights") as advance:
            done = 0
            for _ in self._polls("the state machine"):
                counted = _items_done(states, arn)
                advance(counted - done)
                done = counted
                if self._crash and self.crashes == 0 and done > total // 3:
                    self._kill("the map")
                answer = states.describe_execution(executionArn=arn)
                if answer["status"] != "RUNNING":
                    break
            advance(total - done if answer["status"] == "SUCCEEDED" else 0)
        if answer["status"] != "SUCCEEDED":
            raise DemoFailed(f"the execution is {answer['status']}: {answer.get('cause')}")
        batches = json.loads(answer["output"])
        found.flights = sum(batch["flights"] for batch in batches)
        found.late = sum(batch["late"] for batch in batches)

    def _read_tallies(self, found: Answers) -> None:
        dynamodb = self._haar.client("dynamodb")
        for pair in self.expected.tallies:
            key = {"pk": {"S": f"tally#{pair}"}}
            item = dynamodb.get_item(TableName=cloud.TABLE, Key=key).get("Item", {})
            numbers = {name: int(value["N"]) for name, value in item.items() if "N" in value}
            found.tallies[pair] = Counter(numbers)

    def _pipe(self, names: cloud.Names, found: Answers) -> None:
        sqs = self._haar.client("sqs")
        expected = len(self.expected.late_here)
        with self._step("pipe: filter, enrich, deliver", self.expected.late, "messages") as advance:
            self._haar.client("pipes").start_pipe(Name=names.pipe)
            for _ in self._polls("the pipe"):
                before = len(found.late_here)
                for flight in _drain(sqs, names.here_url):
                    told = flights.route(flight["airline"], flight["to"])
                    found.late_here[flight["id"]] = flight["late_minutes"], told
                news = len(found.late_here) - before
                advance(news * self.expected.late // max(expected, 1))
                if self._crash and self.crashes == 1 and len(found.late_here) > expected // 3:
                    self._kill("the pipe")
                if len(found.late_here) >= expected and _is_empty(sqs, names.late_url):
                    break

    def _kill(self, where: str) -> None:
        self.crashes += 1
        self._console.print(f"  [bold red]SIGKILL[/] in the middle of {where}; starting it again")
        self._haar.kill()
        self._haar.start()

    def _polls(self, what: str) -> Iterator[None]:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            yield
            time.sleep(POLL_S)
        raise DemoFailed(f"{what} did not come to its end in {PATIENCE_S} seconds")

    @contextmanager
    def _step(self, name: str, count: int, unit: str) -> Iterator[Callable[[int], None]]:
        bar = Progress(
            TextColumn("{task.description:<36}"),
            BarColumn(),
            TextColumn("{task.completed:>10,.0f} / {task.total:,.0f} " + unit),
            TimeElapsedColumn(),
            console=self._console,
        )
        start = time.monotonic()
        with bar:
            task = bar.add_task(name, total=count)
            yield lambda more: bar.advance(task, more)
            bar.update(task, completed=count)
        self.steps.append(Step(name, count, unit, time.monotonic() - start))


def _items_done(states: Any, execution_arn: str) -> int:
    runs = states.list_map_runs(executionArn=execution_arn)["mapRuns"]
    if not runs:
        return 0
    counts = states.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
    return int(counts["succeeded"])


def _drain(sqs: Any, url: str) -> Iterator[dict[str, Any]]:
    while True:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            return
        yield from (json.loads(message["Body"]) for message in messages)
        sqs.delete_message_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ],
        )


def _is_empty(sqs: Any, url: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return all(int(counts[name]) == 0 for name in names)


def fresh(data: Path) -> HaarProcess:
    """Start a haar on a data directory and return it."""
    haar = HaarProcess(data)
    haar.start()
    return haar
