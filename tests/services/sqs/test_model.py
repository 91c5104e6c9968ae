"""Queues against a model in plain Python, on a clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from haar.kernel.clock import VirtualClock
from haar.kernel.errors import ApiError
from haar.kit.call import Scope
from haar.testing import Running, running

SCOPE = Scope("000000000000", "us-east-1")
ROOT = "arn:aws:iam::000000000000:root"
RECEIVES_MAX = 3
SECONDS = st.integers(0, 12)


@dataclass
class Message:
    """What the model knows of a message."""

    body: str
    group: str
    visible_s: float
    receives: int = 0
    is_flying: bool = False
    handles: list[str] = field(default_factory=list)


class Bench:
    """A haar in memory whose time the test moves."""

    def __init__(self, cloud: Running, clock: VirtualClock) -> None:
        self.cloud, self.clock, self.made = cloud, clock, 0

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation in process: the same checks as by wire."""
        work = self.cloud.app.cloud.invoke("sqs", operation, members, as_=ROOT, scope=SCOPE)
        found: dict[str, Any] = self.cloud.run(work)
        return found

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""

        async def advance() -> None:
            self.clock.advance(int(seconds * 1000))

        self.cloud.run(advance())


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """One haar for all examples: each has queues of its own."""
    clock = VirtualClock()
    with running(clock=clock) as cloud:
        yield Bench(cloud, clock)


class QueueMachine(RuleBasedStateMachine):
    """What every queue promises; the two kinds say what a receive may return."""

    bench: Bench
    is_fifo = False

    def __init__(self) -> None:
        super().__init__()
        self.bench.made += 1
        self.now_s = 0.0
        self.sent = 0
        self.there: list[Message] = []
        self.all: list[Message] = []
        suffix = ".fifo" if self.is_fifo else ""
        kind = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if self.is_fifo else {}
        self.dead_url = self.bench.call(
            "CreateQueue", QueueName=f"dead-{self.bench.made}{suffix}", Attributes=kind
        )["QueueUrl"]
        told = self.bench.call(
            "GetQueueAttributes", QueueUrl=self.dead_url, AttributeNames=["QueueArn"]
        )
        policy = {
            "deadLetterTargetArn": told["Attributes"]["QueueArn"],
            "maxReceiveCount": RECEIVES_MAX,
        }
        self.url = self.bench.call(
            "CreateQueue",
            QueueName=f"q-{self.bench.made}{suffix}",
            Attributes={**kind, "RedrivePolicy": json.dumps(policy)},
        )["QueueUrl"]

    def teardown(self) -> None:
        assert self.drain_dead() == []
        for url in (self.url, self.dead_url):
            self.bench.call("DeleteQueue", QueueUrl=url)

    def drain_dead(self) -> list[str]:
        """Return the bodies of the dead letters, and delete them."""
        bodies: list[str] = []
        while found := self.bench.call(
            "ReceiveMessage", QueueUrl=self.dead_url, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                handle = message["ReceiptHandle"]
                self.bench.call("DeleteMessage", QueueUrl=self.dead_url, ReceiptHandle=handle)
        return bodies

    # --- the model

    def settle(self) -> None:
        """Let flights end whose time is over."""
        for message in self.there:
            if message.is_flying and message.visible_s <= self.now_s:
                message.is_flying = False

    def is_visible(self, message: Message) -> bool:
        return not message.is_flying and message.visible_s <= self.now_s

    def choices(self) -> list[Message]:
        """Return what a receive may return or bury, in the order of sending."""
        raise NotImplementedError

    # --- what is done

    @rule(seconds=st.integers(1, 9))
    def time_passes(self, seconds: int) -> None:
        self.bench.pass_s(seconds)
        self.now_s += seconds
        self.settle()

    @rule(count=st.integers(1, 10), visibility=SECONDS)
    def receive(self, count: int, visibility: int) -> None:
        candidates = self.choices()
        found = self.bench.call(
            "ReceiveMessage",
            QueueUrl=self.url,
            MaxNumberOfMessages=count,
            VisibilityTimeout=visibility,
            AttributeNames=["ApproximateReceiveCount"],
        ).get("Messages", [])
        for body in self.drain_dead():
            letter = next(m for m in candidates if m.body == body)
            assert letter.receives >= RECEIVES_MAX
            self.there.remove(letter)
            candidates.remove(letter)
        self.check([one["Body"] for one in found], candidates, count)
        for one in found:
            message = next(m for m in self.there if m.body == one["Body"])
            message.receives += 1
            assert one["Attributes"]["ApproximateReceiveCount"] == str(message.receives)
            message.handles.append(one["ReceiptHandle"])
            message.is_flying = visibility > 0
            message.visible_s = self.now_s + visibility

    def check(self, bodies: list[str], candidates: list[Message], count: int) -> None:
        """Compare what was received with what the model allows."""
        raise NotImplementedError

    @precondition(lambda self: any(m.handles for m in self.all))
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        message, handle = self.draw(data)
        is_there, is_last = message in self.there, handle == message.handles[-1]
        is_late = self.is_fifo and is_there and is_last and not message.is_flying
        if is_late:
            with pytest.raises(ApiError):
                self.bench.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=handle)
            return
        self.bench.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=handle)
        if is_there and is_last:
            self.there.remove(message)

    @precondition(lambda self: any(m.handles for m in self.all))
    @rule(data=st.data(), seconds=SECONDS)
    def change_visibility(self, data: Any, seconds: int) -> None:
        message, handle = self.draw(data)
        is_good = message in self.there and message.is_flying and handle == message.handles[-1]
        change = {"ReceiptHandle": handle, "VisibilityTimeout": seconds}
        if not is_good:
            with pytest.raises(ApiError):
                self.bench.call("ChangeMessageVisibility", QueueUrl=self.url, **change)
            return
        self.bench.call("ChangeMessageVisibility", QueueUrl=self.url, **change)
        message.visible_s = self.now_s + seconds
        self.settle()

    def draw(self, data: Any) -> tuple[Message, str]:
        known = [m for m in self.all if m.handles]
        message = data.draw(st.sampled_from(known))
        handle: str = data.draw(st.sampled_from(message.handles))
        return message, handle

    @invariant()
    def counts_agree(self) -> None:
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        told = self.bench.call("GetQueueAttributes", QueueUrl=self.url, AttributeNames=names)
        visible, flying, delayed = (int(told["Attributes"][name]) for name in names)
        assert flying == sum(m.is_flying for m in self.there)
        assert visible == sum(self.is_visible(m) for m in self.there)
        assert visible + flying + delayed == len(self.there)


class StandardMachine(QueueMachine):
    """A standard queue: whatever is visible, in any order."""

    @rule(delay=st.one_of(st.none(), SECONDS), size=st.sampled_from([0, 10_000]))
    def send(self, delay: int | None, size: int) -> None:
        self.sent += 1
        body = f"{self.sent}:{'x' * size}"
        members = {} if delay is None else {"DelaySeconds": delay}
        self.bench.call("SendMessage", QueueUrl=self.url, MessageBody=body, **members)
        message = Message(body, "", self.now_s + (delay or 0))
        self.there.append(message)
        self.all.append(message)

    def choices(self) -> list[Message]:
        return [m for m in self.there if self.is_visible(m)]

    def check(self, bodies: list[str], candidates: list[Message], count: int) -> None:
        living = {m.body for m in candidates if m.receives < RECEIVES_MAX}
        assert len(set(bodies)) == len(bodies) == min(count, len(living))
        assert set(bodies) <= living


class FifoMachine(QueueMachine):
    """A FIFO queue: a group's messages in order, nothing behind one in flight."""

    is_fifo = True

    @rule(group=st.sampled_from("abc"), size=st.sampled_from([0, 10_000]))
    def send(self, group: str, size: int) -> None:
        self.sent += 1
        body = f"{self.sent}:{'x' * size}"
        self.bench.call("SendMessage", QueueUrl=self.url, MessageBody=body, MessageGroupId=group)
        message = Message(body, group, self.now_s)
        self.there.append(message)
        self.all.append(message)

    def choices(self) -> list[Message]:
        locked = {m.group for m in self.there if m.is_flying}
        return [m for m in self.there if m.group not in locked]

    def check(self, bodies: list[str], candidates: list[Message], count: int) -> None:
        assert len(bodies) == min(count, len(candidates))
        for group in "abc":
            own = [m.body for m in candidates if m.group == group]
            got = [body for body in bodies if body in own]
            assert got == own[: len(got)]


@pytest.mark.parametrize("machine", [StandardMachine, FifoMachine])
def test_a_queue_behaves_as_its_model(bench: Bench, machine: type[QueueMachine]) -> None:
    """Whatever is done in whatever order, a queue and a list of messages agree."""
    bound = type(machine.__name__, (machine,), {"bench": bench})
    run_state_machine_as_test(
        bound,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


def counts_of(bench: Bench, url: str) -> list[str]:
    told = bench.call("GetQueueAttributes", QueueUrl=url, AttributeNames=COUNTS)
    return [told["Attributes"][name] for name in COUNTS]


def test_a_receive_in_the_very_moment_of_the_end_of_a_delay_is_counted(bench: Bench) -> None:
    """Also if what it takes is visible again in the same moment."""
    url = bench.call("CreateQueue", QueueName="moment")["QueueUrl"]
    bench.call("SendMessage", QueueUrl=url, MessageBody="x", DelaySeconds=4)
    bench.pass_s(4)
    for _ in range(3):
        assert bench.call("ReceiveMessage", QueueUrl=url, VisibilityTimeout=0)["Messages"]
        assert counts_of(bench, url) == ["1", "0", "0"]
    handle = bench.call("ReceiveMessage", QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    assert counts_of(bench, url) == ["0", "1", "0"]
    bench.call("DeleteMessage", QueueUrl=url, ReceiptHandle=handle)
    assert counts_of(bench, url) == ["0", "0", "0"]


@pytest.mark.parametrize("moves", [[30], [60, 30]], ids=str)
def test_a_time_that_is_changed_to_what_it_was_leaves_nothing_behind(
    bench: Bench, moves: list[int]
) -> None:
    """The second delete is answered like the first."""
    url = bench.call("CreateQueue", QueueName=f"same-{len(moves)}")["QueueUrl"]
    bench.call("SendMessage", QueueUrl=url, MessageBody="x")
    handle = bench.call("ReceiveMessage", QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    where = {"QueueUrl": url, "ReceiptHandle": handle}
    for seconds in moves:
        bench.call("ChangeMessageVisibility", **where, VisibilityTimeout=seconds)
    assert bench.call("DeleteMessage", **where) == {}
    assert bench.call("DeleteMessage", **where) == {}
    assert counts_of(bench, url) == ["0", "0", "0"]
