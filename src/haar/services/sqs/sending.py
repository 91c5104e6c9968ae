"""SendMessage and SendMessageBatch."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from haar.kernel.entropy import uuid4
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.sqs import batches, contents, dedup, fifo, standard, texts
from haar.services.sqs.errors import BatchRequestTooLong, InvalidParameterValue, MissingParameter
from haar.services.sqs.lookup import load, queue_arn
from haar.services.sqs.records import Attribute, Message, Queue
from haar.store.api import Transaction

DELAY_S_MAX = 900

_NO_DEDUP_TEXT = (
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
    "provided explicitly"
)
_SENT = (
    "MessageBody DelaySeconds MessageAttributes MessageSystemAttributes MessageDeduplicationId "
    "MessageGroupId"
)


class Draft(NamedTuple):
    """What a request says of a message, checked."""

    body: bytes
    attributes: tuple[Attribute, ...]
    trace: str


def checked(queue: Queue, members: Members) -> Draft:
    """Return what a request says of a message.

    Raises:
        MissingParameter: no body.
        InvalidMessageContents: characters that a message may not have.
        InvalidParameterValue: too long, or attributes that are wrong.
        UnsupportedOperation: attributes that are lists.
    """
    body = contents.checked_body(members)
    attributes = contents.checked_attributes(members)
    trace = contents.checked_trace(members)
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if name in members:
            texts.checked_token(name, members[name])
    contents.refuse_size(contents.size_of(body, attributes), queue.size_bytes_max)
    return Draft(body, attributes, trace)


def checked_delay_s(queue: Queue, members: Members) -> int:
    """Return how long a message of a standard queue is delayed.

    Raises:
        InvalidParameterValue: longer than allowed.
    """
    delay_s: int | None = members.get("DelaySeconds")
    if delay_s is None:
        return queue.delay_s
    if not 0 <= delay_s <= DELAY_S_MAX:
        reason = f"DelaySeconds must be >= 0 and <= {DELAY_S_MAX}."
        raise InvalidParameterValue(value=delay_s, name="DelaySeconds", reason=reason)
    return delay_s


@operation("SendMessage", members=f"QueueUrl {_SENT}", resource=queue_arn)
def send_message(call: Call[Members], tx: Transaction) -> Members:
    """Put one message on a queue, visible after its delay.

    Keys: reads ``queue``; writes ``r`` or ``l``, and ``b``; adds to ``s`` or ``d``. Senders never
    conflict. FIFO: reads and writes ``n``, ``g``, ``u``; writes ``m``, ``a``, ``t``, ``e``.

    Raises:
        QueueDoesNotExist: no such queue.
        MissingParameter: no body.
        InvalidMessageContents: characters that a message may not have.
        InvalidParameterValue: too long, or members that are wrong.

    Source: AWS docs, SQS API reference, SendMessage.
    """
    queue = load(tx, call.resource)
    return send(call, tx, queue, call.members)


def send(call: Call[Members], tx: Transaction, queue: Queue, members: Members) -> Members:
    """Check and store one message; return what its sender is told."""
    draft = checked(queue, members)
    if queue.is_fifo:
        return send_fifo(call, tx, queue, members, draft)
    return send_standard(call, tx, queue, members, draft)


def send_standard(
    call: Call[Members], tx: Transaction, queue: Queue, members: Members, draft: Draft
) -> Members:
    """Store a message of a standard queue.

    Raises:
        InvalidParameterValue: a member that only FIFO queues have.
    """
    dedup_id: str | None = members.get("MessageDeduplicationId")
    if dedup_id is not None:
        name = "MessageDeduplicationId"
        raise InvalidParameterValue(value=dedup_id, name=name, reason=texts.WRONG_KIND)
    delay_s = checked_delay_s(queue, members)
    message = message_of(call, members, draft)
    standard.put(tx, queue, message, draft.body, call.now_ms + delay_s * 1000 if delay_s else 0)
    return told(message, draft)


def message_of(call: Call[Members], members: Members, draft: Draft) -> Message:
    """Return the record of a message that is sent now."""
    return Message(
        id=uuid4(call.entropy),
        body=members["MessageBody"],
        body_md5=contents.md5_of(draft.body),
        sent_ms=call.now_ms,
        sender=call.principal.user_id,
        attributes=draft.attributes,
        trace=draft.trace,
        group=members.get("MessageGroupId", ""),
    )


def send_fifo(
    call: Call[Members], tx: Transaction, queue: Queue, members: Members, draft: Draft
) -> Members:
    """Store a message of a FIFO queue, unless it was sent within the last five minutes.

    Raises:
        MissingParameter: no group.
        InvalidParameterValue: a delay of its own; nothing to know a duplicate by.
    """
    if "MessageGroupId" not in members:
        raise MissingParameter(name="MessageGroupId")
    delay_s: int | None = members.get("DelaySeconds")
    if delay_s is not None:
        name = "DelaySeconds"
        raise InvalidParameterValue(value=delay_s, name=name, reason=texts.WRONG_KIND)
    dedup_id: str = members.get("MessageDeduplicationId", "")
    if not dedup_id:
        if not queue.has_content_dedup:
            raise InvalidParameterValue(_NO_DEDUP_TEXT)
        dedup_id = dedup.content_id(draft.body)
    message = msgspec.structs.replace(message_of(call, members, draft), dedup_id=dedup_id)
    first = dedup.seen(tx, queue, message)
    if first is not None:
        return told(msgspec.structs.replace(message, id=first.id, sequence=first.number), draft)
    message = msgspec.structs.replace(message, sequence=fifo.next_number(tx, queue))
    fifo.put(tx, queue, message, draft.body)
    dedup.remember(tx, queue, message)
    return told(message, draft)


def told(message: Message, draft: Draft) -> Members:
    """Return what the sender of a message is told."""
    result: Members = {"MessageId": message.id, "MD5OfMessageBody": message.body_md5}
    if draft.attributes:
        result["MD5OfMessageAttributes"] = contents.md5_of_attributes(draft.attributes)
    if draft.trace:
        result["MD5OfMessageSystemAttributes"] = contents.md5_of_trace(draft.trace)
    if message.sequence:
        result["SequenceNumber"] = texts.sequence(message.sequence)
    return result


@operation("SendMessageBatch", members="QueueUrl Entries", resource=queue_arn, action="SendMessage")
def send_message_batch(call: Call[Members], tx: Transaction) -> Members:
    """Put up to ten messages on a queue, in order; an entry that is wrong fails alone.

    Keys: as SendMessage.

    Raises:
        QueueDoesNotExist: no such queue.
        BatchRequestTooLong: all of them together are.
        EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId,
        BatchEntryIdsNotDistinct: the batch is wrong.

    Source: AWS docs, SQS API reference, SendMessageBatch.
    """
    queue = load(tx, call.resource)
    entries = batches.checked_entries(call.members, "SendMessageBatchRequestEntry")
    size = sum(_rough_size(entry) for entry in entries)
    if size > contents.BATCH_BYTES_MAX:
        raise BatchRequestTooLong(size_max=contents.BATCH_BYTES_MAX, size=size)
    return batches.each(entries, lambda entry: send(call, tx, queue, entry))


def _rough_size(entry: Members) -> int:
    """Return the size of a message that has not been checked yet, in bytes."""
    given: dict[str, Members] = entry.get("MessageAttributes", {})
    size = len(entry["MessageBody"].encode("utf-8", "replace"))
    for name, attribute in given.items():
        value = attribute.get("BinaryValue") or attribute.get("StringValue", "").encode(
            "utf-8", "replace"
        )
        size += len(name.encode()) + len(attribute.get("DataType", "")) + len(value)
    return size


OPERATIONS = (send_message, send_message_batch)
