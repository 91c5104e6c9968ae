"""One receive of a FIFO queue."""

from __future__ import annotations

import msgspec

from haar.services.sqs import bodies, fifo, handles
from haar.services.sqs import cursor as cursors
from haar.services.sqs.cursor import FAR_MS
from haar.services.sqs.fifo import Group, Rows
from haar.services.sqs.found import (
    FLYING_MAX,
    GONE_MAX,
    MOVED,
    PEEK_MS,
    POLL_MS_MAX,
    SEQ_BYTES,
    Taken,
    is_dead,
    is_expired,
)
from haar.services.sqs.lookup import find as find_queue
from haar.services.sqs.records import Message, Queue, Stored, unpack
from haar.store.api import Row, Span, Transaction, after_prefix


class FifoTake:
    """One receive of a FIFO queue, within a transaction.

    Args:
        tx: the transaction.
        queue: the queue.
        now_ms: of the receive.
        visibility_ms: how long what it takes is in flight.

    Attributes:
        taken: what it took: in the order of sending within each group.
        gone: how much it moved out of the way: messages that are expired or dead, and turns that
            count no more.
    """

    def __init__(self, tx: Transaction, queue: Queue, now_ms: int, visibility_ms: int) -> None:
        self._rows = Rows(tx, queue)
        self._tx = tx
        self._own = self._rows.own
        self._queue = queue
        self._now_ms = now_ms
        self._due_ms = now_ms + visibility_ms
        self.taken: list[Taken] = []
        self.gone = 0

    @property
    def wake_ms(self) -> int:
        """When it is worth to look again, if nothing is sent."""
        return self._rows.cursor.quiet_ms

    def run(self, count: int) -> None:
        """Take up to ``count`` messages: as many as there are of one group, then of the next."""
        rows = self._rows
        before_ms = rows.cursor.quiet_ms
        if before_ms <= self._now_ms:
            self._land_due()
        room = FLYING_MAX - cursors.count(self._tx, self._own.flying)
        self._take_turns(min(count, room))
        if self.taken:
            self._tx.add(self._own.flying, len(self.taken))
            quiet_ms = min(rows.cursor.quiet_ms, self._due_ms)
            rows.cursor = rows.cursor._replace(quiet_ms=quiet_ms)
        if rows.cursor.quiet_ms < min(before_ms, self._now_ms + POLL_MS_MAX):
            self._tx.add(self._own.sent, 0)  # whoever waits learns when to look
        rows.write()

    def _land_due(self) -> None:
        """Give groups their turns: of messages whose time is over, and whose delay is."""
        rows, own = self._rows, self._own
        quiet_ms = FAR_MS
        for prefix in (own.later, own.waiting):
            found = self._due_rows(prefix)
            for number, row in enumerate(found, 1):
                due_ms = int.from_bytes(row.key[len(prefix) :][:8], "big")
                if due_ms > self._now_ms or number == GONE_MAX:
                    quiet_ms = min(quiet_ms, due_ms)
                    break
                if prefix is own.later:
                    rows.land(row.value, row.key)
                else:
                    self._tx.clear(row.key)
                    self._tx.put_versioned(own.turns, row.value)
        self._set_quiet(quiet_ms)

    def _due_rows(self, prefix: bytes) -> list[Row]:
        start, end = (
            prefix + ms.to_bytes(8, "big")
            for ms in (self._rows.cursor.quiet_ms, self._now_ms + PEEK_MS)
        )
        return list(self._tx.scan(Span(start, end), limit=GONE_MAX))

    def _set_quiet(self, quiet_ms: int) -> None:
        """Set the bound: the next row that was seen, or the end of what was looked at."""
        if quiet_ms == FAR_MS and (cursors.count(self._tx, self._own.flying) or self._is_awaited()):
            quiet_ms = self._now_ms + PEEK_MS
        self._rows.cursor = self._rows.cursor._replace(quiet_ms=quiet_ms)

    def _is_awaited(self) -> bool:
        start = self._own.waiting + self._now_ms.to_bytes(8, "big")
        span = Span(start, after_prefix(self._own.waiting))
        return any(True for _ in self._tx.scan(span, limit=1))

    def _take_turns(self, count: int) -> None:
        """Take from the groups whose turn it is, in the order of their turns."""
        own, rows = self._own, self._rows
        span = Span(own.turns + rows.cursor.head + b"\x00", after_prefix(own.turns))
        for row in self._tx.scan(span, limit=count + GONE_MAX):
            if len(self.taken) >= count or self.gone >= GONE_MAX:
                break
            self._tx.clear(row.key)
            rows.cursor = rows.cursor._replace(head=row.key[-SEQ_BYTES:])
            state = rows.group(row.value)
            if state is None or state.flying:
                self.gone += 1
            else:
                self._take_group(row.value, state.low, count)

    def _take_group(self, group: bytes, low: bytes, count: int) -> None:
        """Take from one group; give it another turn if none of its messages is in flight now."""
        before = len(self.taken)
        seq = low
        for row in self._rows.messages(group, low, GONE_MAX):
            seq = row.key[-SEQ_BYTES:]
            stored = unpack(row.value)
            message = stored.message
            if len(self.taken) >= count or self._is_delayed(message):
                break
            if not self._is_out_of_the_way(group, seq, stored, message):
                self._deliver(group, seq, stored, message)
        flying = len(self.taken) - before
        if flying:
            self._rows.put_group(group, Group(flying, low))
        else:
            self._pass_on(group, seq)

    def _is_delayed(self, message: Message) -> bool:
        return message.sent_ms + self._queue.delay_s * 1000 > self._now_ms

    def _pass_on(self, group: bytes, low: bytes) -> None:
        """Let a group wait from which nothing could be taken."""
        first = next(self._rows.messages(group, low, 1), None)
        if first is not None:
            seq, message = first.key[-SEQ_BYTES:], unpack(first.value).message
            if self._is_delayed(message):
                self._rows.put_group(group, Group(0, seq))
                self._rows.wait(group, seq, message.sent_ms + self._queue.delay_s * 1000)
                return
        self._rows.give_turn(group, low)

    def _is_out_of_the_way(
        self, group: bytes, seq: bytes, stored: Stored, message: Message
    ) -> bool:
        """Remove a message that is too old, and bury one that was received too often."""
        if is_expired(self._queue, message, self._now_ms):
            self._rows.drop(group, seq, stored)
        elif is_dead(self._queue, stored, message):
            target = find_queue(self._tx, self._queue.dead_letter_arn)
            if target is None:
                return False
            self._bury(target, group, seq, stored, message)
        else:
            return False
        self.gone += 1
        return True

    def _bury(
        self, target: Queue, group: bytes, seq: bytes, stored: Stored, message: Message
    ) -> None:
        """Move a message to the dead-letter queue: its id becomes its deduplication id."""
        body = bodies.read(self._tx, self._own, message)
        self._rows.drop(group, seq, stored)
        letter = msgspec.structs.replace(
            message,
            body=body,
            sent_ms=self._now_ms,
            dedup_id=message.id,
            sequence=fifo.next_number(self._tx, target),
            source_arn=self._queue.arn,
            receives_before=stored.head.receives,
        )
        fifo.put(self._tx, target, letter, body.encode(), stored.head)

    def _deliver(self, group: bytes, seq: bytes, stored: Stored, message: Message) -> None:
        tx, own = self._tx, self._own
        head = stored.head.received(self._now_ms)
        stored = Stored(head, stored.record)
        tx.put(own.messages + group + seq, stored.pack())
        tx.put(own.due(self._due_ms, seq), group)
        tx.put(own.moved + seq, MOVED.pack(self._due_ms, head.receives))
        handle = handles.make(self._queue, self._due_ms, seq, head.receives)
        self.taken.append(Taken(stored, message, bodies.read(tx, own, message), handle))
