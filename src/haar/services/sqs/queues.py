"""Queues: create, find, configure, purge, list, delete."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from haar.config import Config
from haar.kit import pages
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import anything, operation
from haar.kit.tags import write_tags
from haar.services.sqs import attributes, expiry, fifo, keys, kinds, moves, redrive, tags
from haar.services.sqs.attributes import Fields
from haar.services.sqs.errors import (
    InvalidParameterValue,
    PurgeQueueInProgress,
    QueueDeletedRecently,
    QueueNameExists,
)
from haar.services.sqs.lookup import find, load, named_arn, queue_arn, url_of
from haar.services.sqs.records import QUEUE, Queue
from haar.store.api import Span, Transaction

PURGE_MS = 60_000
PAGE_MAX = 1000

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")
_NAME_TEXT = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
_FIFO_NAME_TEXT = (
    "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
    "must end with .fifo suffix and be 1 to 80 in length."
)
_TIME_BYTES = 8


@operation("CreateQueue", members="QueueName Attributes tags", resource=named_arn, needs_task=False)
async def create_queue(call: Call[Members], cloud: Cloud) -> Members:
    """Make a queue, or return the one of that name if what is asked for is what it has.

    Keys: reads ``queue``, ``deleted``; writes ``queue``, ``tags``, ``source`` and a job; clears
    ``deleted``.

    Raises:
        InvalidParameterValue: a name that no queue can have; a redrive policy that is wrong.
        InvalidAttributeName, InvalidAttributeValue: attributes that are wrong.
        QueueNameExists: there is one with other attributes.
        QueueDeletedRecently: one of that name was deleted less than a minute ago.

    Source: AWS docs, SQS API reference, CreateQueue.
    """
    given = attributes.given_to_create(call.members)
    is_fifo = checked_kind(call.members["QueueName"], given)
    attributes.refuse_unknown(given, is_fifo=is_fifo, is_new=True)
    fields = attributes.checked(given, call.resource)
    config = cloud.part(Config)
    free_ms = config.queue_name_s * 1000

    def body(tx: Transaction) -> None:
        queue = find(tx, call.resource)
        if queue is None:
            refuse_recent(tx, call.resource, call.now_ms - free_ms)
            put_new(call, tx, fields, is_fifo=is_fifo)
        elif (other := attributes.differing(given, fields, queue)) is not None:
            raise QueueNameExists(attribute=other)

    await cloud.transact(body)
    return {"QueueUrl": url_of(call, call.resource)}


def checked_kind(name: str, given: dict[str, str]) -> bool:
    """Return whether a queue is to be FIFO, by its name and attributes.

    Raises:
        InvalidParameterValue: the name does not do for that kind.
    """
    is_fifo = given.get("FifoQueue", "").lower() == "true"
    if is_fifo and not _FIFO_NAME.fullmatch(name):
        raise InvalidParameterValue(_FIFO_NAME_TEXT)
    if not is_fifo and not _NAME.fullmatch(name):
        raise InvalidParameterValue(_NAME_TEXT)
    return is_fifo


def refuse_recent(tx: Transaction, arn: str, after_ms: int) -> None:
    """Refuse the name of a queue that was deleted after ``after_ms``.

    Raises:
        QueueDeletedRecently: it was.
    """
    raw = tx.get(keys.deleted(arn))
    if raw is None:
        return
    if int.from_bytes(raw, "big") > after_ms:
        raise QueueDeletedRecently
    tx.clear(keys.deleted(arn))


def put_new(call: Call[Members], tx: Transaction, fields: Fields, *, is_fifo: bool) -> None:
    """Store a new queue with its tags."""
    queue = Queue(
        arn=call.resource,
        name=call.members["QueueName"],
        id=call.entropy.bytes(8),
        secret=call.entropy.bytes(16),
        created_s=call.now_ms // 1000,
        modified_s=call.now_ms // 1000,
        is_fifo=is_fifo,
        **fields,
    )
    put_changed(tx, None, queue)
    expiry.schedule(tx, queue, call.now_ms + queue.retention_s * 1000)
    given: dict[str, str] = call.members.get("tags", {})
    write_tags(tx, keys.tags(queue.arn), tags.checked(given))


def put_changed(tx: Transaction, old: Queue | None, new: Queue) -> None:
    """Store a queue, once its attributes agree with each other and with other queues.

    Raises:
        InvalidAttributeValue: they contradict each other.
        InvalidParameterValue: the dead-letter queue does not do.
    """
    attributes.refuse_combinations(new)
    before = old.dead_letter_arn if old is not None else ""
    if new.dead_letter_arn and (old is None or redrive_of(old) != redrive_of(new)):
        refuse_target(tx, new)
    if before != new.dead_letter_arn:
        if before:
            tx.clear(keys.source(before, new.arn))
        if new.dead_letter_arn:
            tx.put(keys.source(new.dead_letter_arn, new.arn), b"")
    tx.put(keys.queue(new.arn), QUEUE.encode(new))


def redrive_of(queue: Queue) -> tuple[str, int]:
    """Return what a queue's redrive policy says."""
    return queue.dead_letter_arn, queue.receives_max


def refuse_target(tx: Transaction, queue: Queue) -> None:
    """Refuse a dead-letter queue that is not there, of the other kind, or unwilling.

    Raises:
        InvalidParameterValue: the text says which.
    """
    shown = redrive.told_redrive(queue)
    target = find(tx, queue.dead_letter_arn)
    if target is None:
        raise redrive.refused(shown, "Dead letter target does not exist.")
    if target.is_fifo != queue.is_fifo:
        raise redrive.refused(shown, "Dead-letter queue must be same type of queue as the source.")
    if not redrive.allows(target, queue.arn):
        reason = "The source queue is not allowed by the dead-letter queue's RedriveAllowPolicy."
        raise redrive.refused(shown, reason)


@operation(
    "GetQueueUrl", members="QueueName QueueOwnerAWSAccountId", resource=named_arn, readonly=True
)
def get_queue_url(call: Call[Members], tx: Transaction) -> Members:
    """Return the URL of a queue.

    Keys: reads ``queue``.

    Raises:
        QueueDoesNotExist: no such queue.

    Source: AWS docs, SQS API reference, GetQueueUrl.
    """
    load(tx, call.resource)
    return {"QueueUrl": url_of(call, call.resource)}


@operation(
    "GetQueueAttributes", members="QueueUrl AttributeNames", resource=queue_arn, readonly=True
)
def get_queue_attributes(call: Call[Members], tx: Transaction) -> Members:
    """Return the attributes asked for that the queue has.

    Keys: reads ``queue``; ``s``, ``i``, ``d``, ``c``, and the ``l`` whose time has come, where a
    count is asked for.

    Raises:
        QueueDoesNotExist: no such queue.
        InvalidAttributeName: an attribute that there is not.

    Source: AWS docs, SQS API reference, GetQueueAttributes.
    """
    asked = attributes.checked_names(call.members.get("AttributeNames", ()))
    queue = load(tx, call.resource)
    told = attributes.told(queue)
    if not asked.isdisjoint(attributes.COUNTS):
        counts = kinds.counts(tx, queue, call.now_ms)
        told |= {name: str(n) for name, n in zip(attributes.COUNTS, counts, strict=True)}
    chosen = {name: value for name, value in told.items() if name in asked}
    return {"Attributes": chosen} if chosen else {}


@operation("SetQueueAttributes", members="QueueUrl Attributes", resource=queue_arn)
def set_queue_attributes(call: Call[Members], tx: Transaction) -> Members:
    """Change attributes; all of them or none.

    Keys: reads and writes ``queue``, ``source``.

    Raises:
        QueueDoesNotExist: no such queue.
        InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue: attributes are wrong.

    Source: AWS docs, SQS API reference, SetQueueAttributes.
    """
    given: dict[str, str] = call.members["Attributes"]
    is_fifo = call.resource.endswith(".fifo")
    attributes.refuse_unknown(given, is_fifo=is_fifo, is_new=False)
    fields = attributes.checked(given, call.resource)
    old = load(tx, call.resource)
    new = msgspec.structs.replace(old, modified_s=call.now_ms // 1000, **fields)
    put_changed(tx, old, new)
    if new.retention_s < old.retention_s:
        expiry.schedule(tx, new, call.now_ms)
    if new.is_fifo and new.delay_s != old.delay_s:
        fifo.end_waits(tx, new)
    return {}


@operation("DeleteQueue", members="QueueUrl", resource=queue_arn)
def delete_queue(call: Call[Members], tx: Transaction) -> Members:
    """Delete a queue with its messages, at once.

    Keys: clears ``queue``, ``tags``, ``source``, ``task``, ``moving`` and all below ``data``;
    writes ``deleted``.

    Raises:
        QueueDoesNotExist: no such queue.

    Source: AWS docs, SQS API reference, DeleteQueue.
    """
    queue = load(tx, call.resource)
    tx.clear(keys.queue(queue.arn))
    tx.clear(keys.tags(queue.arn))
    if queue.dead_letter_arn:
        tx.clear(keys.source(queue.dead_letter_arn, queue.arn))
    tx.delete(keys.data(queue.id).all)
    expiry.cancel(tx, queue)
    moves.forget(tx, queue.arn)
    tx.put(keys.deleted(queue.arn), call.now_ms.to_bytes(_TIME_BYTES, "big"))
    return {}


@operation(
    "ListQueues", members="QueueNamePrefix NextToken MaxResults", resource=anything, readonly=True
)
def list_queues(call: Call[Members], tx: Transaction) -> Members:
    """Return the URLs of queues by name, a page at a time where ``MaxResults`` is given.

    Keys: reads ``queue``.

    Raises:
        InvalidParameterValue: a token that haar did not make; a page size out of range.

    Source: AWS docs, SQS API reference, ListQueues.
    """
    prefix: str = call.members.get("QueueNamePrefix", "")
    span = keys.queues_from(call.account, call.region, prefix)
    rows = tx.scan(page_span(call, span), limit=page_size(call.members) + 1)
    arns = [(row.key, QUEUE.decode(row.value).arn) for row in rows]
    return page(call, arns, "QueueUrls")


def page_size(members: Members) -> int:
    """Return how many queues a page has.

    Raises:
        InvalidParameterValue: out of range.
    """
    size: int = members.get("MaxResults", PAGE_MAX)
    if not 1 <= size <= PAGE_MAX:
        reason = f"MaxResults must be an integer between 1 and {PAGE_MAX}."
        raise InvalidParameterValue(value=size, name="MaxResults", reason=reason)
    return size


def page_span(call: Call[Members], span: Span) -> Span:
    """Return what is left of a span after the pages that the client has seen.

    Raises:
        InvalidParameterValue: a token that haar did not make for this listing.
    """
    token: str | None = call.members.get("NextToken")
    try:
        return pages.rest_of(call, token, span)
    except pages.BadToken:
        reason = "The token is not valid."
        raise InvalidParameterValue(value=token, name="NextToken", reason=reason) from None


def page(call: Call[Members], found: Iterable[tuple[bytes, str]], name: str) -> Members:
    """Return a page of queue URLs, from one more key and ARN than the page has."""
    rows, size = list(found), page_size(call.members)
    if not rows:
        return {}
    result: Members = {name: [url_of(call, arn) for _, arn in rows[:size]]}
    if len(rows) > size and "MaxResults" in call.members:
        result["NextToken"] = pages.make(call, rows[size - 1][0])
    return result


@operation(
    "ListDeadLetterSourceQueues",
    members="QueueUrl NextToken MaxResults",
    resource=queue_arn,
    readonly=True,
)
def list_dead_letter_source_queues(call: Call[Members], tx: Transaction) -> Members:
    """Return the URLs of the queues whose dead letters a queue takes.

    Keys: reads ``queue``, ``source``.

    Raises:
        QueueDoesNotExist: no such queue.
        InvalidParameterValue: as ListQueues.

    Source: AWS docs, SQS API reference, ListDeadLetterSourceQueues.
    """
    queue = load(tx, call.resource)
    span = page_span(call, keys.sources(queue.arn))
    rows = tx.scan(span, limit=page_size(call.members) + 1)
    found = [(row.key, keys.source_of(row.key)) for row in rows]
    return page(call, found, "queueUrls") or {"queueUrls": []}


@operation("PurgeQueue", members="QueueUrl", resource=queue_arn)
def purge_queue(call: Call[Members], tx: Transaction) -> Members:
    """Delete every message of a queue, at once.

    Keys: reads and writes ``queue``; clears all below ``data``.

    Raises:
        QueueDoesNotExist: no such queue.
        PurgeQueueInProgress: it was purged less than a minute ago.

    Source: AWS docs, SQS API reference, PurgeQueue.
    """
    queue = load(tx, call.resource)
    if queue.purged_ms and call.now_ms < queue.purged_ms + PURGE_MS:
        raise PurgeQueueInProgress(queue=queue.name)
    tx.put(
        keys.queue(queue.arn), QUEUE.encode(msgspec.structs.replace(queue, purged_ms=call.now_ms))
    )
    kinds.purge(tx, queue)
    return {}


OPERATIONS = (
    create_queue,
    get_queue_url,
    get_queue_attributes,
    set_queue_attributes,
    delete_queue,
    list_queues,
    list_dead_letter_source_queues,
    purge_queue,
)
