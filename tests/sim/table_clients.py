"""Clients of tables."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from linearizable import Step, is_linearizable
from virtual_time import NEVER
from world import Refused, Unknown, World

TOKEN_MS = 10 * 60 * 1000


class Table:
    """Clients of one table."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.histories: dict[str, list[Step]] = defaultdict(list)
        self.added = self.maybe_added = self.paid = 0
        self.maybe_paid = 0.0
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

    async def pay(self, times: int) -> None:
        """Change two accounts by one transaction, with a token, until it is said to be done.

        However often it is tried, it is done once: a token is kept for ten minutes.
        """
        for number in range(times):
            token = f"pay-{number}"
            spell = self.world.clock.begin()
            await self._transfer(token)
            if self.world.happens(0.5):
                await self.world.pause(2.0)
                await self._transfer(token)
            self.world.clock.end(spell)
            self.paid += 1
            self.maybe_paid += 1 if spell.high_ms - spell.low_ms < TOKEN_MS else NEVER
            await self.world.pause(0.3)

    async def _transfer(self, token: str) -> None:
        changes = [
            {
                "Update": {
                    "TableName": "table",
                    "Key": {"pk": {"S": pk}},
                    "UpdateExpression": "ADD n :by",
                    "ExpressionAttributeValues": {":by": {"N": str(by)}},
                }
            }
            for pk, by in (("payer", -1), ("payee", 1))
        ]
        await self.world.insist(
            "dynamodb", "TransactWriteItems", TransactItems=changes, ClientRequestToken=token
        )

    async def _number(self, key: str) -> int:
        told = await self.world.call(
            "dynamodb", "GetItem", TableName="table", Key={"pk": {"S": key}}
        )
        return int(told["Item"]["n"]["N"])

    async def check(self) -> None:
        """Every item is a register; the counter has every acknowledged one, and no one twice."""
        for key, history in self.histories.items():
            assert is_linearizable(history), f"{key}: {history}"
        total = await self._number("counter")
        assert self.added <= total <= self.maybe_added
        paid = await self._number("payee")
        assert paid == -await self._number("payer"), "half a transaction"
        assert self.paid <= paid <= self.maybe_paid, "a token counts once"
        self.world.note("counter", total, "of", self.added, "to", self.maybe_added)
