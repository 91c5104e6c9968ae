"""Clients of queues."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from world import Unknown, World

ACCOUNT = "000000000000"


class Queue:
    """Senders and receivers of one queue, and what they know of each message."""

    def __init__(self, world: World, name: str, *, is_fifo: bool) -> None:
        self.world = world
        self.url = f"http://127.0.0.1:4566/{ACCOUNT}/{name}"
        self.name = name
        self.is_fifo = is_fifo
        self.sent: set[str] = set()
        self.tried: set[str] = set()
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()
        self.seen: dict[str, list[int]] = defaultdict(list)

    async def create(self) -> None:
        attributes = {"VisibilityTimeout": "3"} | ({"FifoQueue": "true"} if self.is_fifo else {})
        await self.world.insist("sqs", "CreateQueue", QueueName=self.name, Attributes=attributes)

    async def send(self, group: str, count: int) -> None:
        """Send numbered messages of a group; a FIFO sender insists, with the same id."""
        for n in range(count):
            body = f"{group}/{n}"
            self.tried.add(body)
            extra = (
                {"MessageGroupId": group, "MessageDeduplicationId": body} if self.is_fifo else {}
            )
            while True:
                try:
                    await self.world.call(
                        "sqs", "SendMessage", QueueUrl=self.url, MessageBody=body, **extra
                    )
                    self.sent.add(body)
                    break
                except Unknown:
                    if not self.is_fifo:
                        break
                    await self.world.pause(0.1)
            await self.world.pause(0.1)

    async def receive(self, rounds: int, keeps: float) -> None:
        """Receive and delete, but for a share that is let go."""
        for _ in range(rounds):
            try:
                told = await self.world.call(
                    "sqs", "ReceiveMessage", QueueUrl=self.url, MaxNumberOfMessages=4
                )
            except Unknown:
                continue
            for message in told.get("Messages", []):
                await self._take(message, keeps)
            await self.world.pause(0.1)

    async def _take(self, message: dict[str, Any], keeps: float) -> None:
        body = message["Body"]
        group, _, number = body.partition("/")
        self.seen[group].append(int(number))
        assert body not in self.deleted, f"{body} came back from the dead"
        if self.world.chance.fraction() < keeps:
            return
        self.deleting.add(body)
        try:
            await self.world.call(
                "sqs", "DeleteMessage", QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]
            )
            self.deleted.add(body)
        except Unknown:
            return

    async def drain(self) -> None:
        """Receive until there is nothing, for longer than a message can be hidden."""
        empty = 0
        while empty < 10:
            told = await self.world.call(
                "sqs", "ReceiveMessage", QueueUrl=self.url, MaxNumberOfMessages=10
            )
            messages = told.get("Messages", [])
            empty = 0 if messages else empty + 1
            for message in messages:
                await self._take(message, 0.0)
            await self.world.pause(1.0)

    def check(self) -> None:
        """No acknowledged message is lost, none is made up; a group keeps its order."""
        received = {f"{group}/{n}" for group, numbers in self.seen.items() for n in numbers}
        assert self.sent - received == set()
        assert received <= self.tried
        if self.is_fifo:
            for group, numbers in self.seen.items():
                firsts = list(dict.fromkeys(numbers))
                assert firsts == sorted(firsts), f"group {group} lost its order: {numbers}"
