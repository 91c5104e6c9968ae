"""An SQS queue at either end of a pipe."""

from __future__ import annotations

from dataclasses import dataclass, field

from haar.kernel import arn as arns
from haar.kit.call import Members
from haar.services.pipes.callers import Caller
from haar.services.pipes.events import Event, from_message
from haar.services.pipes.parts import parts

RECEIVE_MAX = 10
SEND_BYTES_MAX = 262_144
"""Of the bodies in one SendMessageBatch; AWS has raised its own bound, this one fits both."""

ALL = ["All"]


@dataclass
class Queue:
    """A queue, spoken to through its API.

    Attributes:
        caller: with the pipe's role.
        arn: of the queue.
    """

    caller: Caller
    arn: str
    _url: str = field(default="", init=False)

    async def open(self) -> None:
        """Look the queue up: it is there, and the role may read it.

        Raises:
            ApiError: it is not there, or the role may not.
        """
        await self._call("GetQueueAttributes", {"AttributeNames": ["QueueArn"]})

    async def receive(self, count: int, wait_s: int) -> list[Event]:
        """Return up to ``count`` messages as events; wait for the first ``wait_s`` seconds."""
        answer = await self._call(
            "ReceiveMessage",
            {
                "MaxNumberOfMessages": min(count, RECEIVE_MAX),
                "WaitTimeSeconds": wait_s,
                "MessageSystemAttributeNames": ALL,
                "MessageAttributeNames": ALL,
            },
        )
        region = arns.parse(self.arn).region
        return [from_message(one, self.arn, region) for one in answer.get("Messages", [])]

    async def remove(self, events: list[Event]) -> None:
        """Delete the messages of events; one that cannot be deleted comes again."""
        for start in range(0, len(events), RECEIVE_MAX):
            entries = [
                {"Id": str(number), "ReceiptHandle": event["receiptHandle"]}
                for number, event in enumerate(events[start : start + RECEIVE_MAX])
            ]
            await self._call("DeleteMessageBatch", {"Entries": entries})

    async def send(self, messages: list[Members]) -> list[int]:
        """Send messages (``MessageBody`` and more) in order; return the places of those refused."""
        entries = [{"Id": str(place), **message} for place, message in enumerate(messages)]
        failed: list[int] = []
        for part in parts(entries, count_max=RECEIVE_MAX, bytes_max=SEND_BYTES_MAX, size=_bytes):
            answer = await self._call("SendMessageBatch", {"Entries": part})
            failed += [int(one["Id"]) for one in answer.get("Failed", [])]
        return failed

    async def _call(self, operation: str, members: Members) -> Members:
        if not self._url:
            place = arns.parse(self.arn)
            named = {"QueueName": place.resource, "QueueOwnerAWSAccountId": place.account}
            answer = await self.caller.call("sqs", "GetQueueUrl", named, on=self.arn)
            self._url = answer["QueueUrl"]
        return await self.caller.call(
            "sqs", operation, {"QueueUrl": self._url, **members}, on=self.arn
        )


def _bytes(entry: Members) -> int:
    return len(entry["MessageBody"].encode())
