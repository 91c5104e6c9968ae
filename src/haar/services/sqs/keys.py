"""Every key that SQS stores, below ``sqs``.

======================================  =======================================================
key                                     value
======================================  =======================================================
``queue``, account, region, name        :class:`~.records.Queue`
``deleted``, account, region, name      when a queue of that name was deleted: ms, 8 bytes
``tags``, account, region, name         :class:`haar.kit.tags.Tags`, if there are any
``source``, ARN of a dead-letter        empty: the second queue's dead letters go to the first
queue, ARN of a queue
``task``, ARN of a queue, started ms,   :class:`~.records.Task`: the last ten move tasks of each
task id                                 dead-letter queue
``moving``, account, region, ARN        the id of the queue's running move task
======================================  =======================================================

A queue's messages stand below ``data`` and its id (8 raw bytes, new for each queue), one letter,
and raw bytes: *due* is 8 bytes of milliseconds, *seq* the 10 bytes of the commit that stored the
message, all big-endian, so that they sort:

======================================  =======================================================
key                                     value
======================================  =======================================================
``r``, seq                              a message that may be received (:mod:`~.records`)
``l``, due, seq                         a message that may be received from *due* on
``f``, seq                              due and receive count: where the message stands, if that
                                        is not where its first receipt handle says
``b``, message id                       a body too large to be moved with its message: UTF-8
``s``                                   counter: messages that were ever made ready; watched
``i``                                   counter: messages of ``l`` that have been received
``d``                                   counter: messages of ``l`` that have not (delayed)
``c``                                   :class:`~.cursor.Cursor`
======================================  =======================================================

A FIFO queue counts its messages itself: *seq* is their number, 10 bytes. *group* is a message
group's UTF-8 and a zero. Its ``s`` counts all messages, its ``l`` has no more of a message than its
group, and instead of ``r`` and ``d`` it has:

======================================  =======================================================
key                                     value
======================================  =======================================================
``m``, group, seq                       a message (:mod:`~.records`)
``a``, seq                              when it was sent, 8 bytes of ms; group
``g``, group                            :class:`~.fifo.Group`: of each group with messages
``t``, 10 bytes of a commit             a group that may be received from (or was: see ``g``)
``w``, due, seq                         a group whose first message, that one, is delayed
``n``                                   the last message's number, 8 bytes
``u``, scope and deduplication id       :class:`~.dedup.Seen`
``x``, attempt id                       :class:`~.dedup.Attempt`
``e``, until, ``u`` or ``x`` key        empty: when such a row is of no use any more, 8 bytes
======================================  =======================================================
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from haar.kernel import arn as arns
from haar.store.api import Span, after_prefix, prefix_span
from haar.store.subspace import Subspace

_SQS = Subspace("sqs")
_DATA = Subspace("sqs", "data")
_QUEUE = "queue"
_CACHED_MAX = 4096


class QueueKeys(NamedTuple):
    """The keys and prefixes of one queue's messages, packed once; letters as in the table."""

    all: Span
    ready_end: bytes
    ready: bytes
    later: bytes
    moved: bytes
    large: bytes
    sent: bytes
    flying: bytes
    delayed: bytes
    cursor: bytes
    messages: bytes
    arrivals: bytes
    groups: bytes
    turns: bytes
    waiting: bytes
    number: bytes
    seen: bytes
    attempts: bytes
    expiries: bytes

    def due(self, due_ms: int, seq: bytes = b"") -> bytes:
        """Return the key of a message that may be received from ``due_ms`` on."""
        return self.later + due_ms.to_bytes(8, "big") + seq

    def body(self, message_id: str) -> bytes:
        """Return the key of a large body."""
        return self.large + message_id.encode()


@lru_cache(maxsize=_CACHED_MAX)  # a pure function, asked by every call
def data(queue_id: bytes) -> QueueKeys:
    """Return the keys of a queue's messages."""
    prefix = _DATA.prefix + queue_id
    letters = (b"r", b"l", b"f", b"b", b"s", b"i", b"d", b"c")
    fifo = (b"m", b"a", b"g", b"t", b"w", b"n", b"u", b"x", b"e")
    packed = [prefix + letter for letter in letters + fifo]
    return QueueKeys(prefix_span(prefix), after_prefix(packed[0]), *packed)


@lru_cache(maxsize=_CACHED_MAX)  # the same
def queue(arn: str) -> bytes:
    """Return the key of a queue."""
    return _SQS.pack(_QUEUE, *_place(arn))


def queues_from(account: str, region: str, prefix: str) -> Span:
    """Return the span of the queues whose names begin with ``prefix``, by name."""
    start = _SQS.pack(_QUEUE, account, region, prefix)[:-1]  # without the end of the text
    return Span(start, after_prefix(start))


def deleted(arn: str) -> bytes:
    """Return the key of the time at which a queue was deleted."""
    return _SQS.pack("deleted", *_place(arn))


def tags(arn: str) -> bytes:
    """Return the key of a queue's tags."""
    return _SQS.pack("tags", *_place(arn))


def source(dead_letter_arn: str, arn: str) -> bytes:
    """Return the key that says whose dead letters a queue takes."""
    return _SQS.pack("source", dead_letter_arn, arn)


def sources(dead_letter_arn: str) -> Span:
    """Return the span of the queues whose dead letters a queue takes, by ARN."""
    return _SQS.span("source", dead_letter_arn)


def task(arn: str, started_ms: int, task_id: str) -> bytes:
    """Return the key of a move task."""
    return _SQS.pack("task", arn, started_ms, task_id)


def tasks(arn: str) -> Span:
    """Return the span of a queue's move tasks, by their start."""
    return _SQS.span("task", arn)


def moving(arn: str) -> bytes:
    """Return the key of a queue's running move task."""
    account, region, _ = _place(arn)
    return _SQS.pack("moving", account, region, arn)


def all_moving(account: str, region: str) -> Span:
    """Return the span of an account's running move tasks."""
    return _SQS.span("moving", account, region)


def source_of(key: bytes) -> str:
    """Return the queue whose dead letters go elsewhere, of a :func:`source` key."""
    arn = _SQS.unpack(key)[2]
    assert isinstance(arn, str), "the key table says so"
    return arn


def _place(arn: str) -> tuple[str, str, str]:
    parts = arns.parse(arn)
    return parts.account, parts.region, parts.resource
