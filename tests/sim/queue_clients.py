"""Clients of queues: who sends, receives, deletes, lets go, moves dead letters and purges.

Each of them does at random what a client may do, and tells the ledger.
"""

from __future__ import annotations

import json
from typing import Any

from message_ledger import Facts, Hold, Ledger, Letter, Send
from virtual_time import Spell
from world import Refused, Unknown, World

ACCOUNT = "000000000000"
DRAIN_TURNS_MAX = 5000


def arn_of(name: str) -> str:
    return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def url_of(queue: Facts) -> str:
    return f"http://127.0.0.1:4566/{ACCOUNT}/{queue.name}"


class QueueClients:
    """Clients of some queues that share a ledger.

    Args:
        world: where.
        ledger: what they know.
    """

    def __init__(self, world: World, ledger: Ledger) -> None:
        self._world = world
        self._ledger = ledger

    async def create(self, queue: Facts) -> None:
        """Make a queue; its dead-letter queue comes first."""
        attributes = {
            "VisibilityTimeout": str(queue.visibility_s),
            "DelaySeconds": str(queue.delay_s),
            "MessageRetentionPeriod": str(queue.retention_s),
        }
        if queue.is_fifo:
            attributes["FifoQueue"] = "true"
        if queue.dead_letters:
            attributes["RedrivePolicy"] = json.dumps(
                {
                    "deadLetterTargetArn": arn_of(queue.dead_letters),
                    "maxReceiveCount": queue.receives_max,
                }
            )
        await self._world.insist("sqs", "CreateQueue", QueueName=queue.name, Attributes=attributes)

    async def _call(self, queue: Facts, operation: str, **members: Any) -> dict[str, Any]:
        return await self._world.call("sqs", operation, QueueUrl=url_of(queue), **members)

    # --- sending

    async def send(self, queue: Facts, group: str, count: int) -> None:
        """Send numbered messages, one or a few at a time; a FIFO sender insists, and repeats."""
        number = 0
        while number < count:
            size = min(1 + self._world.below(2) * self._world.below(4), count - number)
            letters = [self._ledger.letter(queue, group, number + n) for n in range(size)]
            number += size
            await self._post(queue, letters)
            if queue.is_fifo and self._world.happens(0.1):
                await self._post(queue, letters)
            await self._world.pause(0.15)

    async def _post(self, queue: Facts, letters: list[Letter]) -> None:
        """Send some messages together, of a FIFO queue until somebody says that they are there."""
        entries = [self._entry(letter) for letter in letters]
        while True:
            spell, since = self._world.clock.begin(), self._world.clock.begin()
            told: dict[str, Any] | None = None
            try:
                with spell:
                    told = await self._send(queue, entries)
            except Unknown:
                pass
            for letter, entry in zip(letters, entries, strict=True):
                delay_s = entry.get("DelaySeconds", queue.delay_s)
                send = Send(spell, since, spell.low_ms + delay_s * 1000)
                self._ledger.sent(letter, send, told and told[entry["Id"]])
            if told is not None or not queue.is_fifo:
                return
            await self._world.pause(0.2)

    def _entry(self, letter: Letter) -> dict[str, Any]:
        entry: dict[str, Any] = {"Id": str(letter.number), "MessageBody": letter.body}
        if letter.queue.is_fifo:
            return entry | {
                "MessageGroupId": letter.group,
                "MessageDeduplicationId": letter.body,
            }
        if self._world.happens(0.3):
            entry["DelaySeconds"] = self._world.below(4)
        return entry

    async def _send(self, queue: Facts, entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Return what was told of each entry, by its id."""
        if len(entries) == 1:
            (entry,) = entries
            members = {name: value for name, value in entry.items() if name != "Id"}
            return {entry["Id"]: await self._call(queue, "SendMessage", **members)}
        told = await self._call(queue, "SendMessageBatch", Entries=entries)
        assert "Failed" not in told
        return {one["Id"]: one for one in told["Successful"]}

    # --- receiving

    async def receive(self, queue: Facts, rounds: int, care: float) -> None:
        """Receive, delete a share of what comes, and let go of the rest in one way or another."""
        for _ in range(rounds):
            asked: dict[str, Any] = {"MaxNumberOfMessages": 1 + self._world.below(10)}
            if self._world.happens(0.3):
                asked["VisibilityTimeout"] = self._world.below(6)
            if self._world.happens(0.3):
                asked["WaitTimeSeconds"] = self._world.below(3)
            if queue.is_fifo:
                asked["ReceiveRequestAttemptId"] = self._world.chance.bytes(8).hex()
            for body, hold in await self._take(queue, asked):
                if self._world.happens(care):
                    await self._delete(body, hold)
                elif self._world.happens(0.3):
                    await self._change(body, hold, self._world.below(3) * 2)
            await self._world.pause(0.2)

    async def _take(self, queue: Facts, asked: dict[str, Any]) -> list[tuple[str, Hold]]:
        """Receive; a FIFO receiver who was cut off asks once more for the same."""
        for _ in range(2 if queue.is_fifo else 1):
            try:
                return await self._take_once(queue, asked)
            except Unknown:
                self._ledger.cut_off(queue)
        return []

    async def _take_once(self, queue: Facts, asked: dict[str, Any]) -> list[tuple[str, Hold]]:
        since = self._world.clock.begin()
        with self._world.clock.begin() as spell:
            told = await self._call(queue, "ReceiveMessage", **asked, AttributeNames=["All"])
        visibility_s = asked.get("VisibilityTimeout", queue.visibility_s)
        hidden_ms = spell.low_ms + visibility_s * 1000
        found = [
            (one["Body"], self._hold(queue, spell, since, hidden_ms, one))
            for one in told.get("Messages", [])
        ]
        self._world.note("took", queue.name, [(body, hold.count) for body, hold in found])
        self._ledger.received(spell, found)
        return found

    def _hold(
        self, queue: Facts, spell: Spell, since: Spell, hidden_ms: int, told: dict[str, Any]
    ) -> Hold:
        attributes = told["Attributes"]
        age_ms = spell.low_ms - int(attributes["SentTimestamp"])
        assert age_ms <= queue.retention_s * 1000, f"{told['Body']} is too old"
        count = int(attributes["ApproximateReceiveCount"])
        handle, message_id = told["ReceiptHandle"], told["MessageId"]
        return Hold(queue, spell, since, hidden_ms, handle, message_id, count)

    async def _delete(self, body: str, hold: Hold) -> None:
        with self._world.clock.begin() as hold.deleting:
            try:
                await self._call(hold.queue, "DeleteMessage", ReceiptHandle=hold.handle)
            except Unknown:
                return
            except Refused:
                assert hold.queue.is_fifo, "an old handle of a standard queue is as good as any"
                assert hold.may_have_ended(), f"{body}: the handle is good"
                return
        self._ledger.deleted(body, hold)

    async def _change(self, body: str, hold: Hold, visibility_s: int) -> None:
        """Change for how long a message is in flight."""
        with self._world.clock.begin() as spell:
            try:
                await self._call(
                    hold.queue,
                    "ChangeMessageVisibility",
                    ReceiptHandle=hold.handle,
                    VisibilityTimeout=visibility_s,
                )
            except Unknown:
                hold.hidden_ms = min(hold.hidden_ms, spell.low_ms + visibility_s * 1000)
                return
            except Refused:
                is_purged = self._ledger.may_be_purged(self._ledger.letters[body])
                assert is_purged or hold.may_have_ended(), f"{body}: the handle is good"
                return
        hold.hidden_ms = spell.low_ms + visibility_s * 1000

    # --- the rest

    async def purge(self, queue: Facts) -> None:
        """Delete everything at some time."""
        await self._world.pause(3.0)
        with self._world.clock.begin() as spell:
            try:
                await self._call(queue, "PurgeQueue")
                is_sure = True
            except Unknown:
                is_sure = False
        self._ledger.purged(queue, spell, is_sure=is_sure)

    async def move_back(self, dead: Facts, times: int) -> None:
        """Move dead letters to where they came from, now and then; give up half-way sometimes."""
        for _ in range(times):
            await self._world.pause(2.0)
            self._ledger.moved()
            asked = {"MaxNumberOfMessagesPerSecond": 2} if self._world.happens(0.5) else {}
            try:
                told = await self._world.call(
                    "sqs", "StartMessageMoveTask", SourceArn=arn_of(dead.name), **asked
                )
                await self._world.pause(1.0)
                if self._world.happens(0.3):
                    handle = told["TaskHandle"]
                    await self._world.call("sqs", "CancelMessageMoveTask", TaskHandle=handle)
            except Unknown:
                continue
            except Refused as refused:
                if not refused.code.endswith("UnsupportedOperation"):
                    raise
                self._world.note("a task is running, or is over")

    async def drain(self, *queues: Facts) -> None:
        """Receive and delete until the queues say that they are empty."""
        for _ in range(DRAIN_TURNS_MAX):
            found = [await self._counts(queue) for queue in queues]
            if not any(map(sum, found)):
                break
            for queue in queues:
                for body, hold in await self._take(queue, {"MaxNumberOfMessages": 10}):
                    await self._delete(body, hold)
            await self._world.pause(2.0)
        else:
            raise AssertionError(f"never empty: {found}")
        for queue in queues:
            assert await self._take(queue, {}) == [], "not empty after all"

    async def _counts(self, queue: Facts) -> tuple[int, int, int]:
        told = await self._call(queue, "GetQueueAttributes", AttributeNames=["All"])
        names = ("", "NotVisible", "Delayed")
        visible, flying, delayed = (
            int(told["Attributes"][f"ApproximateNumberOfMessages{name}"]) for name in names
        )
        return visible, flying, delayed
