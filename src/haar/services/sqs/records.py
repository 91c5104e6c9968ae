"""What SQS stores: queues, their tags, messages.

A stored message is a head of :data:`HEAD_BYTES` that each receive changes, and a record that
nothing changes, so that moving a message neither decodes nor encodes what its sender said:

======  =====  ==============================================
offset  bytes  what
======  =====  ==============================================
0       1      version of the head: 1
1       4      how often it was received, over all queues
5       8      when it was first received, ms; 0 if never
13      8      when it was last received, ms; 0 if never
21      rest   :class:`Message`
======  =====  ==============================================
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import msgspec

from haar.kit.records import Codec

_HEAD = struct.Struct(">BIQQ")
_VERSION = 1
HEAD_BYTES = _HEAD.size


class Queue(msgspec.Struct, frozen=True, array_like=True):
    """A queue: a hot row, read by each call.

    Attributes:
        arn: the queue's.
        name: the last part of it.
        id: 8 bytes below which its messages stand; new for each queue.
        secret: authenticates its receipt handles.
        created_s: when it was made, seconds.
        modified_s: when its attributes were last changed, seconds.
        is_fifo: FIFO or standard.
        delay_s: before a message may be received.
        size_bytes_max: of a message.
        retention_s: after which a message is deleted.
        wait_s: how long a receive waits unless it says otherwise.
        visibility_s: how long a received message is in flight unless the receive says otherwise.
        policy: JSON, or empty.
        dead_letter_arn: where messages go that were received too often, or empty.
        receives_max: how often is not too often.
        redrive_allow: JSON, or empty.
        has_sse: encryption with SQS's own keys was asked for (or not refused).
        has_content_dedup: FIFO: the body makes the deduplication id.
        dedup_scope: FIFO: ``queue`` or ``messageGroup``.
        throughput_limit: FIFO: ``perQueue`` or ``perMessageGroupId``.
        purged_ms: when it was last purged.
    """

    arn: str
    name: str
    id: bytes
    secret: bytes
    created_s: int
    modified_s: int
    is_fifo: bool = False
    delay_s: int = 0
    size_bytes_max: int = 1_048_576
    retention_s: int = 345_600
    wait_s: int = 0
    visibility_s: int = 30
    policy: str = ""
    dead_letter_arn: str = ""
    receives_max: int = 0
    redrive_allow: str = ""
    has_sse: bool = True
    has_content_dedup: bool = False
    dedup_scope: str = "queue"
    throughput_limit: str = "perQueue"
    purged_ms: int = 0


class Attribute(msgspec.Struct, frozen=True, array_like=True):
    """A message attribute.

    Attributes:
        name: the attribute's.
        type: ``String``, ``Number`` or ``Binary``, maybe with a label.
        value: UTF-8 of a text, or the bytes.
    """

    name: str
    type: str
    value: bytes


class Message(msgspec.Struct, frozen=True, array_like=True):
    """What a sender said, and what was known when it was said.

    Attributes:
        id: a UUID.
        body: None where it stands in a row of its own.
        body_md5: hexadecimal.
        sent_ms: when it was sent.
        sender: the principal's unique id.
        attributes: of the message, by name.
        trace: the X-Ray header, or empty.
        group: the message group, or empty.
        dedup_id: FIFO: the deduplication id.
        sequence: FIFO: the sequence number; 0 on standard queues.
        source_arn: the queue whose dead letter it is, or empty.
        receives_before: its receive count when it came to this queue.
    """

    id: str
    body: str | None
    body_md5: str
    sent_ms: int
    sender: str
    attributes: tuple[Attribute, ...] = ()
    trace: str = ""
    group: str = ""
    dedup_id: str = ""
    sequence: int = 0
    source_arn: str = ""
    receives_before: int = 0


class Task(msgspec.Struct, frozen=True, array_like=True):
    """A move task.

    Attributes:
        id: a UUID.
        source_arn: the dead-letter queue.
        destination_arn: where all messages go; empty for the queues that they come from.
        rate_max: messages a second; 0 for as fast as possible.
        started_ms: when it began.
        to_move: how many messages there were then.
        moved: how many have been moved.
        status: ``RUNNING``, ``COMPLETED``, ``CANCELLED`` or ``FAILED``.
        failure: why it failed, or empty.
    """

    id: str
    source_arn: str
    destination_arn: str
    rate_max: int
    started_ms: int
    to_move: int
    moved: int = 0
    status: str = "RUNNING"
    failure: str = ""


class Head(NamedTuple):
    """The changing part of a stored message."""

    receives: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def received(self, now_ms: int) -> Head:
        """Return the head after one more receive."""
        return Head(self.receives + 1, self.first_ms or now_ms, now_ms)


NEW_HEAD = Head()


class Stored(NamedTuple):
    """A stored message whose record is still bytes."""

    head: Head
    record: bytes

    @property
    def message(self) -> Message:
        """The record, decoded."""
        return MESSAGE.decode(self.record)

    def pack(self) -> bytes:
        """Return the stored bytes."""
        return _HEAD.pack(_VERSION, *self.head) + self.record


def unpack(value: bytes) -> Stored:
    """Return the message of a row.

    Raises:
        msgspec.DecodeError: a head of another version.
    """
    version, *head = _HEAD.unpack_from(value)
    if version != _VERSION:
        raise msgspec.DecodeError(f"message version {version} is not known")
    return Stored(Head(*head), value[HEAD_BYTES:])


QUEUE = Codec(Queue)
MESSAGE = Codec(Message)
TASK = Codec(Task)
