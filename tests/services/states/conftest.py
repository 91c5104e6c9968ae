"""State machines for tests: a haar on a virtual clock, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from haar.kernel.clock import SystemClock, VirtualClock
from haar.testing import Running, running

ROLE = "arn:aws:iam::000000000000:role/machine"
TURNS = 200
"""Of haar's loop: more than any chain of steps, on the memory store, takes until it waits."""


class States:
    """A client of Step Functions and the clock of its haar.

    Attributes:
        cloud: the haar.
        client: of boto3.
    """

    def __init__(self, cloud: Running, clock: VirtualClock) -> None:
        self.cloud = cloud
        self.clock = clock
        self.client = cloud.client("stepfunctions")
        self._machines = 0

    def machine(self, definition: dict[str, Any], name: str = "", **settings: Any) -> str:
        """Create a state machine and return its ARN."""
        self._machines += 1
        made = self.client.create_state_machine(
            name=name or f"m{self._machines}",
            definition=json.dumps(definition),
            roleArn=ROLE,
            **settings,
        )
        return str(made["stateMachineArn"])

    def start(self, definition: dict[str, Any], given: Any = None, **settings: Any) -> str:
        """Start a definition and return the execution's ARN."""
        arn = self.machine(definition)
        text = json.dumps({} if given is None else given)
        started = self.client.start_execution(stateMachineArn=arn, input=text, **settings)
        return str(started["executionArn"])

    def run(self, definition: dict[str, Any], given: Any = None) -> dict[str, Any]:
        """Run a definition to its end and return DescribeExecution's answer."""
        return self.ended(self.start(definition, given))

    def state(self, body: dict[str, Any], given: Any = None, **others: Any) -> dict[str, Any]:
        """Run a machine whose first state is ``S``; ``others`` are further states."""
        if body["Type"] not in {"Succeed", "Fail", "Choice"} and "Next" not in body:
            body = {**body, "End": True}
        return self.run({"StartAt": "S", "States": {"S": body, **others}}, given)

    def output(self, body: dict[str, Any], given: Any = None, **others: Any) -> Any:
        """Return the output of a machine whose first state is ``S``."""
        answer = self.state(body, given, **others)
        assert answer["status"] == "SUCCEEDED", answer
        return json.loads(answer["output"])

    def describe(self, arn: str) -> dict[str, Any]:
        """Return DescribeExecution's answer."""
        answer: dict[str, Any] = self.client.describe_execution(executionArn=arn)
        return answer

    def ended(self, arn: str) -> dict[str, Any]:
        """Return DescribeExecution's answer once an execution has ended.

        Time stands still; only what takes real time (a function's process) is waited for.
        """
        return self.until(lambda: self.describe(arn), lambda seen: seen["status"] != "RUNNING")

    def until(
        self, look: Callable[[], dict[str, Any]], is_so: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Look again and again until it is so, and return what was seen."""
        for _ in range(5_000):
            seen = look()
            if is_so(seen):
                return seen
            self.tick(0)
        raise AssertionError(f"it never came to be: {seen}")

    def tick(self, by_ms: int) -> None:
        """Let everything happen that is due, move the time, let happen what follows of it."""

        async def settle() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)

        async def move() -> None:
            await settle()
            self.clock.advance(by_ms)
            await settle()

        self.cloud.run(move())

    def history(self, arn: str) -> list[dict[str, Any]]:
        """Return the events of an execution."""
        pages = self.client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def trace(self, arn: str) -> list[tuple[int, str, int]]:
        """Return id, type and predecessor of each event of an execution."""
        return [(e["id"], e["type"], e["previousEventId"]) for e in self.history(arn)]

    def seconds(self, arn: str) -> list[tuple[str, float]]:
        """Return the type of each event, and its time since the execution's start."""
        events = self.history(arn)
        start = events[0]["timestamp"]
        return [(e["type"], (e["timestamp"] - start).total_seconds()) for e in events]


@contextlib.contextmanager
def on_virtual_clock() -> Iterator[States]:
    """Run Step Functions on a virtual clock; signatures are judged by the machine's."""
    clock = VirtualClock(SystemClock().now_ms())
    with running(clock=clock) as cloud:
        yield States(cloud, clock)


@pytest.fixture(scope="module")
def states() -> Iterator[States]:
    """Step Functions for the tests of a module, each with state machines of its own."""
    with on_virtual_clock() as found:
        yield found


@pytest.fixture
def fresh_states() -> Iterator[States]:
    """Step Functions with nothing in it."""
    with on_virtual_clock() as found:
        yield found
