"""Queues for the tests of SQS: clients of a running haar, one with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.clock import VirtualClock
from haar.testing import Running, running


@pytest.fixture(scope="session")
def cloud() -> Iterator[Running]:
    """A haar that the tests of a process share: each has queues of its own."""
    with running() as started:
        yield started


@pytest.fixture
def client(cloud: Running) -> Any:
    """A boto3 client of SQS."""
    return cloud.client("sqs")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A queue name of the test's own."""
    return "".join(c if c.isalnum() else "-" for c in request.node.name)[-70:]


@pytest.fixture
def queue(client: Any, name: str) -> str:
    """The URL of a new standard queue."""
    url: str = client.create_queue(QueueName=name)["QueueUrl"]
    return url


@pytest.fixture
def create(client: Any, name: str) -> Callable[..., str]:
    """Create a queue with attributes; ``suffix`` sets several queues of a test apart."""

    def make(suffix: str = "", **attributes: str) -> str:
        full = f"{name[:60]}{suffix}"
        if attributes.get("FifoQueue"):
            full += ".fifo"
        url: str = client.create_queue(QueueName=full, Attributes=attributes)["QueueUrl"]
        return url

    return make


class Timed:
    """A haar whose time moves when the test says so."""

    def __init__(self, cloud: Running, clock: VirtualClock) -> None:
        self.cloud = cloud
        self.sqs = cloud.client("sqs")
        self._clock = clock

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""

        async def advance() -> None:
            self._clock.advance(int(seconds * 1000))

        self.cloud.run(advance())

    def arn(self, url: str) -> str:
        """Return the ARN of a queue."""
        return arn_of(self.sqs, url)


@pytest.fixture
def timed() -> Iterator[Timed]:
    """A haar whose time moves when the test says so."""
    # It begins now: signatures are checked against it, too.
    import time  # noqa: PLC0415

    clock = VirtualClock(int(time.time() * 1000))  # noqa: TID251
    with running(clock=clock) as cloud:
        yield Timed(cloud, clock)


def arn_of(client: Any, url: str) -> str:
    """Return the ARN of a queue."""
    told = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = told["Attributes"]["QueueArn"]
    return arn


@pytest.fixture
def refusal() -> Callable[..., tuple[str, str]]:
    """Return code and message of what a call is refused with."""

    def of(call: Callable[..., object], **members: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            call(**members)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return of


def bodies(answer: dict[str, Any]) -> list[str]:
    """Return the bodies of received messages."""
    return [message["Body"] for message in answer.get("Messages", [])]


def counts(client: Any, url: str) -> tuple[int, int, int]:
    """Return how many messages are visible, in flight and delayed."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    told = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    visible, flying, delayed = (int(told[n]) for n in names)
    return visible, flying, delayed


@pytest.fixture(name="bodies")
def _bodies() -> Callable[[dict[str, Any]], list[str]]:
    return bodies


@pytest.fixture(name="counts")
def _counts() -> Callable[[Any, str], tuple[int, int, int]]:
    return counts


@pytest.fixture(name="arn_of")
def _arn_of() -> Callable[[Any, str], str]:
    return arn_of
