"""Tags of queues."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.kit.tags import read_tags, without, write_tags
from haar.services.sqs import keys
from haar.services.sqs.errors import InvalidParameterValue
from haar.services.sqs.lookup import load, queue_arn
from haar.store.api import Transaction

TAGS_MAX = 50
KEY_MAX = 128
VALUE_MAX = 256


def checked(tags: dict[str, str]) -> dict[str, str]:
    """Return tags that a queue may have.

    Raises:
        InvalidParameterValue: too many, too long, or AWS's own.
    """
    if len(tags) > TAGS_MAX:
        raise InvalidParameterValue(f"Too many tags added for queue. Maximum is {TAGS_MAX}.")
    for key, value in tags.items():
        if not 0 < len(key) <= KEY_MAX or key.lower().startswith("aws:"):
            raise InvalidParameterValue(value=key, name="Tag.Key", reason="Tag key is not valid.")
        if len(value) > VALUE_MAX:
            reason = "Tag value is not valid."
            raise InvalidParameterValue(value=value, name="Tag.Value", reason=reason)
    return tags


def tags_of(tx: Transaction, arn: str) -> dict[str, str]:
    """Return the tags of a queue.

    Raises:
        QueueDoesNotExist: no such queue.
    """
    load(tx, arn)
    return read_tags(tx, keys.tags(arn))


@operation("TagQueue", members="QueueUrl Tags", resource=queue_arn)
def tag_queue(call: Call[Members], tx: Transaction) -> Members:
    """Add tags to a queue; the same key overwrites.

    Keys: reads ``queue``; reads and writes ``tags``.

    Raises:
        QueueDoesNotExist: no such queue.
        InvalidParameterValue: tags that no queue can have.

    Source: AWS docs, SQS API reference, TagQueue.
    """
    tags = checked(tags_of(tx, call.resource) | call.members["Tags"])
    write_tags(tx, keys.tags(call.resource), tags)
    return {}


@operation("UntagQueue", members="QueueUrl TagKeys", resource=queue_arn)
def untag_queue(call: Call[Members], tx: Transaction) -> Members:
    """Remove tags from a queue; unknown keys are no harm.

    Keys: reads ``queue``; reads and writes ``tags``.

    Raises:
        QueueDoesNotExist: no such queue.

    Source: AWS docs, SQS API reference, UntagQueue.
    """
    kept = without(tags_of(tx, call.resource), call.members["TagKeys"])
    write_tags(tx, keys.tags(call.resource), kept)
    return {}


@operation("ListQueueTags", members="QueueUrl", resource=queue_arn, readonly=True)
def list_queue_tags(call: Call[Members], tx: Transaction) -> Members:
    """Return the tags of a queue.

    Keys: reads ``queue``, ``tags``.

    Raises:
        QueueDoesNotExist: no such queue.

    Source: AWS docs, SQS API reference, ListQueueTags.
    """
    found = tags_of(tx, call.resource)
    return {"Tags": found} if found else {}


OPERATIONS = (tag_queue, untag_queue, list_queue_tags)
