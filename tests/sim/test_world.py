"""SQS and DynamoDB in a simulated world: crashes, dropped connections, slow syncs, one seed.

A seed that fails is told by the test's name and in its output; ``HAAR_SIM_SEED=<seed>`` runs it
again, ``HAAR_SIM_SEEDS=<count>`` runs more of them than CI does.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any

import pytest
from linearizable import NEVER, Step, is_linearizable
from world import Refused, Unknown, World

from haar.wire.models import ModelCatalog

ACCOUNT = "000000000000"
CRASHES = 3


def seeds() -> list[int]:
    if chosen := os.environ.get("HAAR_SIM_SEED"):
        return [int(chosen)]
    return list(range(int(os.environ.get("HAAR_SIM_SEEDS", "12"))))


@pytest.fixture(scope="module")
def catalog() -> ModelCatalog:
    """The models, which no seed changes."""
    return ModelCatalog(None)


async def misfortunes(world: World) -> None:
    """Crash now and then, then let everything be well."""
    world.drops = 0.05
    for _ in range(CRASHES):
        await world.pause(1.5)
        await world.crash()
    world.drops = 0.0


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


async def queues(world: World) -> None:
    """Both kinds of queues, under misfortunes."""
    kinds = [Queue(world, "standard", is_fifo=False), Queue(world, "q.fifo", is_fifo=True)]
    for queue in kinds:
        await queue.create()
    clients = [
        world.spawn(work)
        for queue in kinds
        for work in (
            *[queue.send(group, 12) for group in "abc"],
            *[queue.receive(25, 0.2) for _ in range(2)],
        )
    ]
    fate = world.spawn(misfortunes(world))
    for one in (*clients, fate):
        await one
    for queue in kinds:
        await queue.drain()
        queue.check()
        world.note(queue.name, sorted(queue.seen.items()), sorted(queue.deleted))


class Table:
    """Clients of one table."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.histories: dict[str, list[Step]] = defaultdict(list)
        self.added = self.maybe_added = 0
        self.values = 0

    async def create(self) -> None:
        await self.world.insist(
            "dynamodb",
            "CreateTable",
            TableName="table",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    async def register(self, key: str, steps: int) -> None:
        """Put, read and swap one item, and write down what was answered."""
        last: str | None = None
        for _ in range(steps):
            kind = ("put", "get", "cas")[self.world.below(3)]
            self.values += 1
            new = f"v{self.values}"
            given: Any = {"put": new, "get": None, "cas": (last, new)}[kind]
            step = Step(self.world.loop.time(), NEVER, kind, given)
            self.histories[key].append(step)
            try:
                step.got = await getattr(self, f"_{kind}")(key, given)
                step.answered = self.world.loop.time()
                last = step.got if kind == "get" else new if step.got is not False else last
            except Unknown:
                if kind == "get":
                    self.histories[key].remove(step)
            await self.world.pause(0.15)

    async def _put(self, key: str, value: str) -> None:
        item = {"pk": {"S": key}, "v": {"S": value}}
        await self.world.call("dynamodb", "PutItem", TableName="table", Item=item)

    async def _get(self, key: str, _: None) -> str | None:
        told = await self.world.call(
            "dynamodb", "GetItem", TableName="table", Key={"pk": {"S": key}}, ConsistentRead=True
        )
        return str(told["Item"]["v"]["S"]) if "Item" in told else None

    async def _cas(self, key: str, swap: tuple[str | None, str]) -> bool:
        old, new = swap
        condition: dict[str, Any] = (
            {"ConditionExpression": "attribute_not_exists(pk)"}
            if old is None
            else {"ConditionExpression": "v = :o", "ExpressionAttributeValues": {":o": {"S": old}}}
        )
        item = {"pk": {"S": key}, "v": {"S": new}}
        try:
            await self.world.call("dynamodb", "PutItem", TableName="table", Item=item, **condition)
        except Refused as refused:
            if refused.code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    async def count(self, times: int) -> None:
        """Add one to a counter."""
        for _ in range(times):
            self.maybe_added += 1
            try:
                await self.world.call(
                    "dynamodb",
                    "UpdateItem",
                    TableName="table",
                    Key={"pk": {"S": "counter"}},
                    UpdateExpression="ADD n :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )
                self.added += 1
            except Unknown:
                pass
            await self.world.pause(0.1)

    async def twins(self, times: int) -> None:
        """Write two items in one transaction, and read both in another."""
        for n in range(times):
            puts = [
                {"Put": {"TableName": "table", "Item": {"pk": {"S": pk}, "n": {"N": str(n)}}}}
                for pk in ("left", "right")
            ]
            gets = [
                {"Get": {"TableName": "table", "Key": {"pk": {"S": pk}}}}
                for pk in ("left", "right")
            ]
            try:
                await self.world.call("dynamodb", "TransactWriteItems", TransactItems=puts)
                told = await self.world.call("dynamodb", "TransactGetItems", TransactItems=gets)
                left, right = [one["Item"]["n"] for one in told["Responses"]]
                assert left == right, "half a transaction"
            except Unknown:
                pass
            await self.world.pause(0.2)

    async def check(self) -> None:
        """Every item is a register; the counter has every acknowledged one, and no one twice."""
        for key, history in self.histories.items():
            assert is_linearizable(history), f"{key}: {history}"
        told = await self.world.call(
            "dynamodb", "GetItem", TableName="table", Key={"pk": {"S": "counter"}}
        )
        total = int(told["Item"]["n"]["N"])
        assert self.added <= total <= self.maybe_added
        self.world.note("counter", total, "of", self.added, "to", self.maybe_added)


async def tables(world: World) -> None:
    """Items, counters and transactions, under misfortunes."""
    table = Table(world)
    await table.create()
    clients = [
        world.spawn(work)
        for work in (
            *[table.register(key, 12) for key in "xxxyyyz"],
            *[table.count(20) for _ in range(3)],
            table.twins(15),
        )
    ]
    fate = world.spawn(misfortunes(world))
    for one in (*clients, fate):
        await one
    await table.check()


STORIES = {"queues": queues, "tables": tables}


def play(seed: int, story: str, catalog: ModelCatalog) -> World:
    world = World(seed, catalog)
    try:
        world.run(lambda: STORIES[story](world))
    except BaseException:
        print(f"HAAR_SIM_SEED={seed} repeats this:")
        print("\n".join(world.trace[-50:]))
        raise
    return world


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("seed", seeds())
def test_the_promises_hold_in_a_world_of_misfortunes(
    seed: int, story: str, catalog: ModelCatalog
) -> None:
    """Whatever crashes and drops, what was acknowledged holds, in order, once."""
    assert play(seed, story, catalog).crashes == CRASHES


@pytest.mark.parametrize("story", STORIES)
def test_a_seed_repeats_its_world(story: str, catalog: ModelCatalog) -> None:
    """The same seed is the same story, to the last event."""
    first, again = play(7, story, catalog), play(7, story, catalog)
    assert first.trace == again.trace
    assert first.loop.time() == again.loop.time()


@pytest.mark.parametrize(
    ("history", "is_fine"),
    [
        ([("put", 0, 1, "a", None), ("get", 2, 3, None, "a")], True),
        ([("put", 0, 1, "a", None), ("get", 2, 3, None, None)], False),
        ([("put", 0, 5, "a", None), ("get", 2, 3, None, None)], True),
        ([("put", 0, NEVER, "a", None), ("get", 2, 3, None, None), ("get", 4, 5, None, "a")], True),
        (
            [("put", 0, NEVER, "a", None), ("get", 2, 3, None, "a"), ("get", 4, 5, None, None)],
            False,
        ),
        ([("cas", 0, 1, (None, "a"), True), ("cas", 2, 3, (None, "b"), True)], False),
        ([("cas", 0, 1, (None, "a"), True), ("cas", 2, 3, (None, "b"), False)], True),
    ],
)
def test_the_checker_knows_a_register(history: list[tuple[Any, ...]], is_fine: bool) -> None:
    """A lost write, a stale read and a swap done twice are found; what is allowed is not."""
    steps = [Step(called, end, name, given, got) for name, called, end, given, got in history]
    assert is_linearizable(steps) == is_fine
