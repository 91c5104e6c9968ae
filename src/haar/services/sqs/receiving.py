"""ReceiveMessage: short polls, long polls, and what they return of a message."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.services.sqs import contents, dedup, keys, kinds, texts
from haar.services.sqs.errors import InvalidAttributeName, InvalidParameterValue, OverLimit
from haar.services.sqs.found import Taken
from haar.services.sqs.lobby import Lobby
from haar.services.sqs.lookup import load, queue_arn
from haar.services.sqs.records import Attribute, Queue
from haar.store.api import Transaction

COUNT_MAX = 10
WAIT_S_MAX = 20
VISIBILITY_S_MAX = 43_200

SYSTEM_NAMES = frozenset(
    {
        "SenderId",
        "SentTimestamp",
        "ApproximateReceiveCount",
        "ApproximateFirstReceiveTimestamp",
        "SequenceNumber",
        "MessageDeduplicationId",
        "MessageGroupId",
        "AWSTraceHeader",
        "DeadLetterQueueSourceArn",
    }
)
_RANGES = (
    ("MaxNumberOfMessages", 1, COUNT_MAX, f"Must be between 1 and {COUNT_MAX}, if provided."),
    ("WaitTimeSeconds", 0, WAIT_S_MAX, f"Must be >= 0 and <= {WAIT_S_MAX}, if provided."),
    (
        "VisibilityTimeout",
        0,
        VISIBILITY_S_MAX,
        f"Must be >= 0 and <= {VISIBILITY_S_MAX}, if provided.",
    ),
)
_ALL = "All"
_EVERY = frozenset({"All", ".*"})


class Poll(NamedTuple):
    """What a receive asks for, checked.

    Attributes:
        count_max: of messages.
        wait_s: None for the queue's.
        visibility_s: None for the queue's.
        system: names of system attributes.
        names: of message attributes; patterns among them.
        attempt_id: FIFO: lets the same receive be tried again; empty for none.
    """

    count_max: int
    wait_s: int | None
    visibility_s: int | None
    system: frozenset[str]
    names: tuple[str, ...]
    attempt_id: str

    def visibility_ms(self, queue: Queue) -> int:
        """Return how long what is received is in flight."""
        chosen = self.visibility_s if self.visibility_s is not None else queue.visibility_s
        return chosen * 1000


class Round(NamedTuple):
    """What one look at a queue came to.

    Attributes:
        messages: as they are returned.
        wake_ms: when it is worth to look again, if nothing is sent before.
        wait_s: how long the queue lets a receive wait.
        queue_id: of the queue.
        is_stopped: it moved something out of the way and may not have come to the end.
    """

    messages: list[Members]
    wake_ms: int
    wait_s: int
    queue_id: bytes
    is_stopped: bool


def checked(members: Members) -> Poll:
    """Return what a receive asks for.

    Raises:
        InvalidParameterValue: a number out of its range.
        InvalidAttributeName: a system attribute that there is not.
    """
    for name, low, high, reason in _RANGES:
        value: int | None = members.get(name)
        if value is not None and not low <= value <= high:
            raise InvalidParameterValue(value=value, name=name, reason=reason)
    return Poll(
        members.get("MaxNumberOfMessages", 1),
        members.get("WaitTimeSeconds"),
        members.get("VisibilityTimeout"),
        _system_names(members),
        tuple(members.get("MessageAttributeNames", ())),
        checked_token(members, "ReceiveRequestAttemptId"),
    )


def checked_token(members: Members, name: str) -> str:
    """Return a text of printable characters, or an empty one where there is none.

    Raises:
        InvalidParameterValue: too long, or other characters.
    """
    value: str | None = members.get(name)
    if value is None:
        return ""
    return texts.checked_token(name, value)


def _system_names(members: Members) -> frozenset[str]:
    names = frozenset(members.get("AttributeNames", ())) | frozenset(
        members.get("MessageSystemAttributeNames", ())
    )
    if _ALL in names:
        return SYSTEM_NAMES
    unknown = names - SYSTEM_NAMES
    if unknown:
        raise InvalidAttributeName(name=min(unknown))
    return names


@operation(
    "ReceiveMessage",
    members=(
        "QueueUrl AttributeNames MessageSystemAttributeNames MessageAttributeNames "
        "MaxNumberOfMessages VisibilityTimeout WaitTimeSeconds ReceiveRequestAttemptId"
    ),
    resource=queue_arn,
    needs_task=False,
)
async def receive_message(call: Call[Members], cloud: Cloud) -> Members:
    """Return up to ten messages, which nobody else receives for the visibility timeout.

    A long poll returns with the first message, or empty in the end. It takes nothing while it
    waits, so a client that goes away takes nothing with it.

    Keys: reads ``queue``; reads and writes ``c``; moves ``r`` and ``l`` to ``l``; writes ``f``;
    adds to ``i``, ``d``; moves dead letters to the ``r`` of their queue. FIFO: reads and writes
    ``m``, ``g``, ``t``, ``w``, ``x`` instead of ``r``.

    Raises:
        QueueDoesNotExist: no such queue; also when it is deleted during the wait.
        InvalidParameterValue: a number out of its range.
        InvalidAttributeName: a system attribute that there is not.
        OverLimit: a short poll, and too many messages are in flight.

    Source: AWS docs, SQS API reference, ReceiveMessage.
    """
    poll = checked(call.members)
    found = await look(cloud, call, poll, call.now_ms)
    # The client waits by its own clock, however that of the services goes.
    end_ms = cloud.clock.monotonic_ms() + found.wait_s * 1000
    while not found.messages:
        if found.is_stopped:
            found = await look(cloud, call, poll, cloud.clock.now_ms())
        elif cloud.clock.monotonic_ms() < end_ms:
            found = await look_later(cloud, call, poll, found.queue_id, end_ms)
        else:
            return {}
    return {"Messages": found.messages}


async def look(cloud: Cloud, call: Call[Members], poll: Poll, now_ms: int) -> Round:
    """Take what there is for a poll, once.

    Raises:
        QueueDoesNotExist: no such queue.
        OverLimit: too many messages are in flight, and the poll does not wait.
    """
    try:
        return await cloud.store.transact(lambda tx: take(tx, call.resource, poll, now_ms))
    except OverLimit:
        queue = cloud.read(lambda tx: load(tx, call.resource))
        wait_s = poll.wait_s if poll.wait_s is not None else queue.wait_s
        if not wait_s:
            raise
        return Round([], now_ms + 1000, wait_s, queue.id, is_stopped=False)


def take(tx: Transaction, arn: str, poll: Poll, now_ms: int) -> Round:
    """Take what there is for a poll, as a body."""
    queue = load(tx, arn)
    if poll.attempt_id and not queue.is_fifo:
        name = "ReceiveRequestAttemptId"
        raise InvalidParameterValue(value=poll.attempt_id, name=name, reason=texts.WRONG_KIND)
    visibility_ms = poll.visibility_ms(queue)
    due_ms = now_ms + visibility_ms
    if poll.attempt_id:
        again = dedup.receive_again(tx, queue, poll.attempt_id, now_ms, due_ms)
        if again is not None:
            return round_of(queue, poll, again)
    receive = kinds.begin_receive(tx, queue, now_ms, visibility_ms)
    receive.run(poll.count_max)
    if poll.attempt_id and receive.taken:
        dedup.remember_receive(tx, queue, poll.attempt_id, receive.taken, now_ms, due_ms)
    return round_of(queue, poll, receive.taken, receive.wake_ms, is_stopped=receive.gone > 0)


def round_of(
    queue: Queue, poll: Poll, taken: list[Taken], wake_ms: int = 0, *, is_stopped: bool = False
) -> Round:
    """Return what one look at a queue came to."""
    return Round(
        messages=[told(one, poll) for one in taken],
        wake_ms=wake_ms,
        wait_s=poll.wait_s if poll.wait_s is not None else queue.wait_s,
        queue_id=queue.id,
        is_stopped=is_stopped,
    )


async def look_later(
    cloud: Cloud, call: Call[Members], poll: Poll, queue_id: bytes, end_ms: float
) -> Round:
    """Take what there is for a poll when it is worth to look again, or at ``end_ms``.

    Raises:
        QueueDoesNotExist: the queue was deleted meanwhile.
    """
    lobby = cloud.part(Lobby)
    async with lobby.first(queue_id, end_ms):
        watch = cloud.store.watch(keys.data(queue_id).sent)
        try:
            # What came before the watch wakes nobody.
            found = await look(cloud, call, poll, cloud.clock.now_ms())
            if found.messages or found.is_stopped:
                return found
            await lobby.news(watch.changed(), found.wake_ms, end_ms)
        finally:
            watch.cancel()
    return await look(cloud, call, poll, cloud.clock.now_ms())


def told(taken: Taken, poll: Poll) -> Members:
    """Return a message as a receive asks for it."""
    message = taken.message
    result: Members = {
        "MessageId": message.id,
        "ReceiptHandle": taken.handle,
        "MD5OfBody": message.body_md5,
        "Body": taken.body,
    }
    if poll.system:
        result["Attributes"] = system_attributes(taken, poll.system)
    if poll.names and message.attributes:
        chosen = [a for a in message.attributes if is_asked_for(a.name, poll.names)]
        if chosen:
            result["MD5OfMessageAttributes"] = contents.md5_of_attributes(chosen)
            result["MessageAttributes"] = {a.name: told_attribute(a) for a in chosen}
    return result


def system_attributes(taken: Taken, names: Collection[str]) -> dict[str, str]:
    """Return the system attributes of those names that a message has."""
    message, head = taken.message, taken.stored.head
    values = {
        "SenderId": message.sender,
        "SentTimestamp": str(message.sent_ms),
        "ApproximateReceiveCount": str(head.receives),
        "ApproximateFirstReceiveTimestamp": str(head.first_ms),
        "SequenceNumber": texts.sequence(message.sequence),
        "MessageDeduplicationId": message.dedup_id,
        "MessageGroupId": message.group,
        "AWSTraceHeader": message.trace,
        "DeadLetterQueueSourceArn": message.source_arn,
    }
    return {name: value for name, value in values.items() if value and name in names}


def is_asked_for(name: str, asked: tuple[str, ...]) -> bool:
    """Tell whether a receive asks for a message attribute, by its name, a prefix or for all."""
    return any(
        one == name or one in _EVERY or (one.endswith(".*") and name.startswith(one[:-1]))
        for one in asked
    )


def told_attribute(attribute: Attribute) -> Members:
    """Return a message attribute."""
    if attribute.type.startswith("Binary"):
        return {"DataType": attribute.type, "BinaryValue": attribute.value}
    return {"DataType": attribute.type, "StringValue": attribute.value.decode()}


OPERATIONS = (receive_message,)
