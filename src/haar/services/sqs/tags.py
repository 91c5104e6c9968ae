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
_SIGNS = frozenset("_.:/=+-@")
KEY_MAX = 128
VALUE_MAX = 256


def checked(tags: dict[str, str]) -> dict[str, str]:
    """Return tags that a queue may have.

    Raises:
        InvalidParameterValue: too many, too long, with signs that tags have not, or AWS's own.
    """
    if len(tags) > TAGS_MAX:
        raise InvalidParameterValue(f"Too many tags added for queue. Maximum is {TAGS_MAX}.")
    for key, value in tags.items():
        is_ours = not key.lower().startswith("aws:")
        if not (0 < len(key) <= KEY_MAX and is_ours and _is_plain(key)):
            raise InvalidParameterValue(value=key, name="Tag.Key", reason="Tag key is not valid.")
        if len(value) > VALUE_MAX or not _is_plain(value):
            reason = "Tag value is not valid."
            raise InvalidParameterValue(value=value, name="Tag.Value", reason=reason)
    return tags


def _is_plain(text: str) -> bool:
    """Whether a text has letters, digits, blanks and the signs of tags only."""
    return all(one in _SIGNS or one.isalnum() or one.isspace() for one in text)


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
