"""What is done with a received message: delete it, change how long it stays in flight."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.sqs import batches, handles, kinds
from haar.services.sqs.errors import InvalidParameterValue, MessageNotInflight
from haar.services.sqs.found import State
from haar.services.sqs.lookup import load, queue_arn
from haar.services.sqs.receiving import VISIBILITY_S_MAX
from haar.services.sqs.records import Queue
from haar.store.api import Transaction

_GONE = "Message does not exist or is not available for visibility timeout change."
_EXPIRED = "The receipt handle has expired."
_RANGE = f"VisibilityTimeout must be an integer between 0 and {VISIBILITY_S_MAX}."
_TOTAL = (
    f"Total VisibilityTimeout for the message is beyond the limit [{VISIBILITY_S_MAX} seconds]."
)


@operation("DeleteMessage", members="QueueUrl ReceiptHandle", resource=queue_arn)
def delete_message(call: Call[Members], tx: Transaction) -> Members:
    """Delete the message of a receipt handle; an old handle succeeds without effect.

    Keys: reads ``queue``; clears ``l``, ``f``, ``b``; adds to ``i``. FIFO: also clears ``m``,
    ``a``, and writes ``g``, ``t``.

    Raises:
        QueueDoesNotExist: no such queue.
        ReceiptHandleIsInvalid: not a handle of this queue.
        InvalidParameterValue: FIFO: the message is not in flight any more.

    Source: AWS docs, SQS API reference, DeleteMessage.
    """
    return delete(tx, load(tx, call.resource), call.members, call.now_ms)


def delete(tx: Transaction, queue: Queue, members: Members, now_ms: int) -> Members:
    """Delete the message of one handle.

    Raises:
        ReceiptHandleIsInvalid: not a handle of this queue.
        InvalidParameterValue: FIFO: the message is not in flight any more.
    """
    text: str = members["ReceiptHandle"]
    handle = handles.parse(queue, text)
    found = kinds.find(tx, queue, handle)
    if found.state is State.CURRENT:
        if queue.is_fifo and found.due_ms <= now_ms:
            raise InvalidParameterValue(value=text, name="ReceiptHandle", reason=_EXPIRED)
        kinds.remove(tx, queue, handle, found)
    return {}


@operation(
    "DeleteMessageBatch", members="QueueUrl Entries", resource=queue_arn, action="DeleteMessage"
)
def delete_message_batch(call: Call[Members], tx: Transaction) -> Members:
    """Delete up to ten messages; an entry that is wrong fails alone.

    Keys: as DeleteMessage.

    Raises:
        QueueDoesNotExist: no such queue.
        EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId,
        BatchEntryIdsNotDistinct: the batch is wrong.

    Source: AWS docs, SQS API reference, DeleteMessageBatch.
    """
    queue = load(tx, call.resource)
    entries = batches.checked_entries(call.members, "DeleteMessageBatchRequestEntry")
    return batches.each(entries, lambda entry: delete(tx, queue, entry, call.now_ms))


@operation(
    "ChangeMessageVisibility",
    members="QueueUrl ReceiptHandle VisibilityTimeout",
    resource=queue_arn,
)
def change_message_visibility(call: Call[Members], tx: Transaction) -> Members:
    """Let a message in flight be received again so many seconds from now; 0 for at once.

    Keys: reads ``queue``, ``l``; moves ``l``; writes ``f``, ``c``.

    Raises:
        QueueDoesNotExist: no such queue.
        ReceiptHandleIsInvalid: not a handle of this queue.
        MessageNotInflight: it may be received already, or was received again.
        InvalidParameterValue: out of range; more than 12 hours in all; the message is gone.

    Source: AWS docs, SQS API reference, ChangeMessageVisibility.
    """
    return change_visibility(tx, load(tx, call.resource), call.members, call.now_ms)


def change_visibility(tx: Transaction, queue: Queue, members: Members, now_ms: int) -> Members:
    """Change how long one message stays in flight.

    Raises:
        ReceiptHandleIsInvalid, MessageNotInflight, InvalidParameterValue: as the operation.
    """
    text: str = members["ReceiptHandle"]
    visibility_s: int = members.get("VisibilityTimeout", queue.visibility_s)
    if not 0 <= visibility_s <= VISIBILITY_S_MAX:
        raise InvalidParameterValue(value=visibility_s, name="VisibilityTimeout", reason=_RANGE)
    handle = handles.parse(queue, text)
    found = kinds.find(tx, queue, handle)
    if found.state is State.GONE:
        raise InvalidParameterValue(value=text, name="ReceiptHandle", reason=_GONE)
    if found.state is State.OLD or found.due_ms <= now_ms:
        raise MessageNotInflight
    assert found.stored is not None, "it is current"
    due_ms = now_ms + visibility_s * 1000
    if due_ms - found.stored.head.last_ms >= VISIBILITY_S_MAX * 1000:
        raise InvalidParameterValue(value=visibility_s, name="VisibilityTimeout", reason=_TOTAL)
    kinds.move(tx, queue, handle, found, due_ms)
    return {}


@operation(
    "ChangeMessageVisibilityBatch",
    members="QueueUrl Entries",
    resource=queue_arn,
    action="ChangeMessageVisibility",
)
def change_message_visibility_batch(call: Call[Members], tx: Transaction) -> Members:
    """Change how long up to ten messages stay in flight; an entry that is wrong fails alone.

    Keys: as ChangeMessageVisibility.

    Raises:
        QueueDoesNotExist: no such queue.
        EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId,
        BatchEntryIdsNotDistinct: the batch is wrong.

    Source: AWS docs, SQS API reference, ChangeMessageVisibilityBatch.
    """
    queue = load(tx, call.resource)
    entries = batches.checked_entries(call.members, "ChangeMessageVisibilityBatchRequestEntry")
    return batches.each(entries, lambda entry: change_visibility(tx, queue, entry, call.now_ms))


OPERATIONS = (
    delete_message,
    delete_message_batch,
    change_message_visibility,
    change_message_visibility_batch,
)
