"""Pipes for the tests: clients of a running haar, queues, functions, and waiting for states."""

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from haar.testing import running

PYTHON = f"python3.{sys.version_info.minor}"
ROLE = "arn:aws:iam::000000000000:role/tester"
SOURCE = "arn:aws:sqs:us-east-1:000000000000:source"
TARGET = "arn:aws:sqs:us-east-1:000000000000:target"
PATIENCE_S = 90


def eventually(found: Callable[[], Any]) -> Any:
    """Return what ``found`` returns as soon as that is true."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        result = found()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError(f"did not come about: {found}")


class Pipeline:
    """Queues, functions and pipes of one haar."""

    def __init__(self, haar: Any) -> None:
        self.pipes = haar.client("pipes")
        self.sqs = haar.client("sqs")
        self.functions = haar.client("lambda")

    def queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """Make a queue; return its URL and ARN."""
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, answer["Attributes"]["QueueArn"]

    def function(self, name: str, source: str, **settings: Any) -> str:
        """Make a function from the source of its module; return its ARN."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("app.py", source)
        return self.functions.create_function(
            FunctionName=name,
            Runtime=PYTHON,
            Role=ROLE,
            Handler="app.handler",
            Code={"ZipFile": buffer.getvalue()},
            **{"Timeout": 60, **settings},
        )["FunctionArn"]

    def create(self, source: str = SOURCE, target: str = TARGET, **members: Any) -> dict[str, Any]:
        """Make a pipe."""
        given = {"Name": "tested", "RoleArn": ROLE, "Source": source, "Target": target, **members}
        return self.pipes.create_pipe(**given)

    def described(self, name: str = "tested") -> dict[str, Any]:
        """Describe a pipe."""
        return self.pipes.describe_pipe(Name=name)

    def comes_to(self, state: str, name: str = "tested") -> dict[str, Any]:
        """Wait for a state of a pipe and describe it."""
        return eventually(lambda: (d := self.described(name))["CurrentState"] == state and d)

    def send(self, url: str, *bodies: Any, **members: Any) -> None:
        """Send messages; what is no text is sent as JSON."""
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.sqs.send_message(QueueUrl=url, MessageBody=text, **members)

    def take(self, url: str, count: int) -> list[str]:
        """Wait for messages, remove them, and return their bodies in the order of arrival."""
        return [message["Body"] for message in self.take_messages(url, count)]

    def take_all(self, url: str, bodies: set[str]) -> bool:
        """Wait until each of the bodies has come; more than once is at least once."""
        missing = set(bodies)
        while missing:
            (body,) = self.take(url, 1)
            assert body in bodies
            missing.discard(body)
        return True

    def take_messages(self, url: str, count: int) -> list[dict[str, Any]]:
        """Wait for messages, remove them, and return them in the order of arrival."""
        return list(self._taken(url, count))

    def _taken(self, url: str, count: int) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE_S
        while count > 0:
            answer = self.sqs.receive_message(
                QueueUrl=url,
                WaitTimeSeconds=20,
                MaxNumberOfMessages=min(count, 10),
                MessageSystemAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            assert messages or time.monotonic() < deadline, f"{count} messages did not come"
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield message
            count -= len(messages)

    def left(self, url: str) -> int:
        """Return how many messages a queue has, those in flight included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(answer[name]) for name in names)

    def is_emptied(self, url: str) -> None:
        """Wait until a queue has no message, not even in flight."""
        eventually(lambda: self.left(url) == 0)


@pytest.fixture
def pipeline(haar: Any) -> Pipeline:
    """Queues, functions and pipes of a haar of the test's own."""
    return Pipeline(haar)


@pytest.fixture
def pipeline_of() -> type[Pipeline]:
    """Make the queues, functions and pipes of a haar that the test has started."""
    return Pipeline


@pytest.fixture
def restarted() -> Callable[[Path], AbstractContextManager[Pipeline]]:
    """Start haar on a data directory, as often as one likes."""

    @contextmanager
    def start(data: Path) -> Iterator[Pipeline]:
        with running(data=data) as haar:
            yield Pipeline(haar)

    return start
