"""Every key that SQS stores, below ``sqs``.

======================================  =======================================================
key                                     value
======================================  =======================================================
``queue``, account, region, name        :class:`~.records.Queue`
``deleted``, account, region, name      when a queue of that name was deleted: ms, 8 bytes
``tags``, account, region, name         :class:`~.records.Tags`, where there are any
``source``, ARN of a dead-letter        empty: the second queue's dead letters go to the first
queue, ARN of a queue
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
    packed = [prefix + letter for letter in letters]
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


def source_of(key: bytes) -> str:
    """Return the queue whose dead letters go elsewhere, of a :func:`source` key."""
    arn = _SQS.unpack(key)[2]
    assert isinstance(arn, str), "the key table says so"
    return arn


def _place(arn: str) -> tuple[str, str, str]:
    parts = arns.parse(arn)
    return parts.account, parts.region, parts.resource
