"""The story, step by step: upload, count, pipe, drain."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from haar.cli.demo import cloud, flights
from haar.cli.demo.flights import Answers
from haar.cli.demo.process import HaarProcess
from haar.cli.demo.steps import Steps

PART_BYTES = 5 * 1024 * 1024
POLL_S = 0.1
PATIENCE_S = 600


class DemoFailed(Exception):
    """A step did not come to its end; the text says which and why."""


class Story:
    """Tells the story against one haar.

    Args:
        haar: the process.
        steps: shows how far each step is.
        content: the CSV.
        expected: the answers, as the CSV alone gives them.
        crash: whether to kill haar in the middle of the map and of the pipe.
    """

    def __init__(
        self, haar: HaarProcess, steps: Steps, content: bytes, expected: Answers, *, crash: bool
    ) -> None:
        self._haar = haar
        self._steps = steps
        self._content = content
        self._expected = expected
        self._crash = crash
        self.crashes = 0

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
        content = self._content
        with self._steps.step("upload to S3", len(content), "bytes") as advance:
            upload = s3.create_multipart_upload(**where)["UploadId"]
            parts: list[dict[str, Any]] = []
            for number, start in enumerate(range(0, len(content), PART_BYTES), start=1):
                part = content[start : start + PART_BYTES]
                answer = s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
                advance(len(part))
            s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})

    def _count(self, names: cloud.Names, found: Answers) -> None:
        states = self._haar.client("stepfunctions")
        execution = states.start_execution(stateMachineArn=names.machine_arn, name="all")
        arn, total, done = execution["executionArn"], self._expected.flights, 0
        answer: dict[str, Any] = {}
        with self._steps.step("map, count in Lambda", total, "flights") as advance:
            for _ in _polls("the state machine"):
                counted = _items_done(states, arn)
                advance(counted - done)
                done = counted
                if self.crashes == 0 and done > total // 3:
                    self._kill(f"the map ({done:,} flights)")
                answer = states.describe_execution(executionArn=arn)
                if answer["status"] != "RUNNING":
                    break
        if answer["status"] != "SUCCEEDED":
            raise DemoFailed(f"the execution is {answer['status']}: {answer.get('cause')}")
        batches = json.loads(answer["output"])
        found.flights = sum(batch["flights"] for batch in batches)
        found.late = sum(batch["late"] for batch in batches)

    def _read_tallies(self, found: Answers) -> None:
        dynamodb = self._haar.client("dynamodb")
        for pair in self._expected.tallies:
            key = {"pk": {"S": f"tally#{pair}"}}
            item = dynamodb.get_item(TableName=cloud.TABLE, Key=key).get("Item", {})
            numbers = {name: int(value["N"]) for name, value in item.items() if "N" in value}
            found.tallies[pair] = Counter(numbers)

    def _pipe(self, names: cloud.Names, found: Answers) -> None:
        sqs = self._haar.client("sqs")
        late, expected, done = self._expected.late, len(self._expected.late_here), 0
        with self._steps.step("pipe, filter, name", late, "messages") as advance:
            self._haar.client("pipes").start_pipe(Name=names.pipe)
            for flight in self._arrivals(sqs, names.here_url, found, expected):
                told = flights.route(flight["airline"], flight["to"])
                found.late_here[flight["id"]] = flight["late_minutes"], told
                # Of every so many late flights one is from here: that tells how far the pipe is.
                read = len(found.late_here) * late // max(expected, 1)
                advance(read - done)
                done = read
                if self.crashes == 1 and len(found.late_here) > expected // 3:
                    self._kill(f"the pipe ({done:,} messages)")
            for _ in _polls("the pipe"):
                if _is_empty(sqs, names.late_url):
                    break

    def _arrivals(
        self, sqs: Any, url: str, found: Answers, expected: int
    ) -> Iterator[dict[str, Any]]:
        """Yield what the pipe delivers until all that is expected has come."""
        deadline = time.monotonic() + PATIENCE_S
        while len(found.late_here) < expected:
            if time.monotonic() > deadline:
                raise DemoFailed(f"the pipe did not come to its end in {PATIENCE_S} seconds")
            yield from _take(sqs, url)

    def _kill(self, where: str) -> None:
        if not self._crash:
            return
        self.crashes += 1
        start = time.monotonic()
        self._haar.kill()
        self._haar.start()
        self._steps.console.print(
            f"  [bold red]SIGKILL[/] in the middle of {where}; "
            f"up again in {time.monotonic() - start:.1f} s",
            highlight=False,
        )


def _polls(what: str) -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        yield
        time.sleep(POLL_S)
    raise DemoFailed(f"{what} did not come to its end in {PATIENCE_S} seconds")


def _items_done(states: Any, execution_arn: str) -> int:
    runs = states.list_map_runs(executionArn=execution_arn)["mapRuns"]
    if not runs:
        return 0
    counts = states.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
    return int(counts["succeeded"])


def _take(sqs: Any, url: str) -> Iterator[dict[str, Any]]:
    """Yield up to ten messages, removed once all of them have been used."""
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
    messages = answer.get("Messages", [])
    yield from (json.loads(message["Body"]) for message in messages)
    if messages:
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
