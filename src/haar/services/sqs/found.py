"""What both kinds of queues say of messages: what a receive took, what a handle finds, counts."""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

from haar.services.sqs.records import Message, Queue, Stored

FLYING_MAX = 120_000
"""How many messages of a queue may be in flight."""

COUNT_ROWS_MAX = 20_000
"""How many messages whose time has just come are counted one by one."""

GONE_MAX = 100
"""How many expired and dead messages one transaction moves out of the way."""

PEEK_MS = 1000
"""How far ahead of the time a receive looks for the next message that becomes due."""

POLL_MS_MAX = 20_000
"""As long as a receive may wait: whoever waits now does not care for what becomes due later."""

SEQ_BYTES = 10

MOVED = struct.Struct(">QI")
"""The value of an ``f`` row: due, receive count."""


class Taken(NamedTuple):
    """A message that a receive returns."""

    stored: Stored
    message: Message
    body: str
    handle: str


class State(Enum):
    """What became of the receive that a handle is of."""

    CURRENT = "it is the last receive of the message"
    OLD = "the message was received again"
    GONE = "the message is not there any more"


class Found(NamedTuple):
    """What a handle finds; the rest is empty unless it is current.

    Attributes:
        state: of the receive.
        key: of the row of the later span; empty where a FIFO group has the message back.
        due_ms: when the message may be received again; 0 where a FIFO group has it back.
        stored: the message.
        group: of a FIFO queue, as it stands in keys.
    """

    state: State
    key: bytes = b""
    due_ms: int = 0
    stored: Stored | None = None
    group: bytes = b""


class Counts(NamedTuple):
    """How many messages a queue has; each is in one of the three."""

    visible: int
    flying: int
    delayed: int


def is_expired(queue: Queue, message: Message, now_ms: int) -> bool:
    """Tell whether a message is older than its queue keeps messages."""
    return now_ms - message.sent_ms > queue.retention_s * 1000


def is_dead(queue: Queue, stored: Stored, message: Message) -> bool:
    """Tell whether one more receive is one too many."""
    received = stored.head.receives - message.receives_before
    return bool(queue.dead_letter_arn) and received >= queue.receives_max
