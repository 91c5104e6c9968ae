"""A running pipe: reads its queue by long polls and carries batches through passes, some at once.

What it holds in memory is nothing that is lost with it: a message that was read and not removed is
shown again by its queue. An idle pipe is one parked long poll.

A failed pass slows the reading down, longer and longer while nothing succeeds, so that a target
that is down does not push a whole queue through its receive counts. A pipe that is refused (a
missing queue, a missing permission) again and again stops by itself and tells why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from haar.fabric.jobs import backoff_ms
from haar.kernel.errors import ApiError
from haar.kernel.logs import Log
from haar.kit.cloud import Cloud
from haar.kit.jobs import JobKind
from haar.services.pipes import filters, keys
from haar.services.pipes.callers import Caller
from haar.services.pipes.events import Event
from haar.services.pipes.functions import PassFailed
from haar.services.pipes.lookup import find
from haar.services.pipes.parts import parts
from haar.services.pipes.passes import Passes
from haar.services.pipes.queues import RECEIVE_MAX, Queue
from haar.services.pipes.races import unless
from haar.services.pipes.records import Pipe
from haar.services.pipes.rules import is_fifo

PASSES_AT_ONCE = 5
"""Batches of one pipe that are under way. Source: AWS docs, "Pipes batching and concurrency"."""
PASS_MS_MAX = 300_000
"""Of enrichment and target together. Source: AWS docs, EventBridge quotas."""
BATCH_BYTES_MAX = 6 * 1024 * 1024
POLL_S = 20
REFUSALS_MAX = 20
"""Refusals in a row after which a pipe stops by itself: about six minutes [nv]."""
PAUSE_MS_MAX = 60_000

_PAUSE = JobKind("pipes.pause", backoff_ms=200)

log = Log()


class Flow:
    """Runs a pipe until another revision of it is wanted.

    Args:
        cloud: has everything.
        pipe: as it is wanted.
    """

    def __init__(self, cloud: Cloud, pipe: Pipe) -> None:
        self._cloud = cloud
        self._pipe = pipe
        self._source = Queue(Caller(cloud, pipe.role), pipe.source)
        self._is_fifo = is_fifo(pipe.source)
        self._is_filtered = bool(filters.patterns_of(pipe.source_parameters))
        self._takes: Callable[[Any], bool] = filters.compiled(pipe.source_parameters)
        self._passes = Passes(cloud, pipe)
        self._room = asyncio.Semaphore(PASSES_AT_ONCE)
        self._is_over = asyncio.Event()
        self._removing: asyncio.Task[None] | None = None
        self._failures = 0
        self._refusals = 0
        parameters = pipe.source_parameters["SqsQueueParameters"]
        self._size: int = parameters["BatchSize"]
        self._window_ms: int = parameters["MaximumBatchingWindowInSeconds"] * 1000
        self.reason = ""

    async def open(self) -> None:
        """Look the source up.

        Raises:
            ApiError: it is not there, or the role may not read it.
        """
        await self._source.open()

    async def run(self) -> None:
        """Read and carry until the pipe is wanted otherwise, or has given up (:attr:`reason`)."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            while not self._is_over.is_set():
                await self._read(group)
            watching.cancel()

    async def _watch(self) -> None:
        """Note when another revision of the pipe is wanted."""
        while True:
            watch = self._cloud.store.watch(keys.pipe(self._pipe.arn))
            try:
                found = self._cloud.read(lambda tx: find(tx, self._pipe.arn))
                if found is None or found.revision != self._pipe.revision:
                    self._is_over.set()
                    return
                await watch.changed()
            finally:
                watch.cancel()

    async def _read(self, group: asyncio.TaskGroup) -> None:
        """Read one batch and start its passes; pause where nothing but failures comes back."""
        try:
            batch = await self._gather(group)
        except ApiError as refusal:
            self._note_refusal(refusal)
            batch = []
        cut = list(parts(batch, count_max=self._size, bytes_max=BATCH_BYTES_MAX, size=_bytes_of))
        # A message group may go over several parts: they follow each other.
        for line in [cut] if self._is_fifo and cut else [[part] for part in cut]:
            await self._room.acquire()
            group.create_task(self._carry_all(line))
        if self._failures:
            await self._pause()

    async def _gather(self, group: asyncio.TaskGroup) -> list[Event]:
        """Return the messages of one batch that the filter takes; the others are removed.

        Without a window a batch is what the queue has now; with one, what comes until it is full
        or the window has passed since the first message. It may be a bit more than one batch.
        """
        taken: list[Event] = []
        end_ms: int | None = None
        while len(taken) < self._size and sum(map(_bytes_of, taken)) < BATCH_BYTES_MAX:
            asked = min(self._size - (0 if self._is_filtered else len(taken)), RECEIVE_MAX)
            got = await self._receive(asked, self._wait_s(end_ms))
            taken += await self._filtered(group, got)
            if self._is_over.is_set():
                break
            if taken and end_ms is None:
                end_ms = self._cloud.clock.now_ms() + self._window_ms
            if self._wait_s(end_ms) == 0 and len(got) < asked:
                break
        return taken

    def _wait_s(self, end_ms: int | None) -> int:
        """Return how long to wait for messages: what is left of the window, if one has begun."""
        if end_ms is None:
            return POLL_S
        left_ms = end_ms - self._cloud.clock.now_ms()
        return max(0, min(POLL_S, -(-left_ms // 1000)))

    async def _receive(self, count: int, wait_s: int) -> list[Event]:
        # Cancelling a long poll that was about to answer costs its messages one visibility.
        got = await unless(self._is_over.wait(), self._source.receive(count, wait_s))
        return got or []

    async def _filtered(self, group: asyncio.TaskGroup, got: list[Event]) -> list[Event]:
        """Return what the filter takes; the rest is removed while the next messages are read."""
        taken: list[Event] = []
        refused: list[Event] = []
        for event in got:
            (taken if self._takes(event) else refused).append(event)
        if refused:
            if self._removing is not None:
                await self._removing
            self._removing = group.create_task(self._remove(refused))
        return taken

    async def _remove(self, events: list[Event]) -> None:
        try:
            await self._source.remove(events)
        except ApiError as refusal:
            self._note_refusal(refusal)

    async def _carry_all(self, line: list[list[Event]]) -> None:
        """Do passes one after the other, until one fails: what comes behind it comes again."""
        try:
            for batch in line:
                if not await self._carry(batch):
                    return
        finally:
            self._room.release()

    async def _carry(self, batch: list[Event]) -> bool:
        """Do one pass; its messages go from the queue but for those that failed.

        Returns:
            Whether none has failed.
        """
        try:
            failed = await self._pass(batch)
            await self._source.remove([one for one in batch if one["messageId"] not in failed])
            self._failures = self._failures + 1 if failed else 0
            self._refusals = 0
        except PassFailed as failure:
            self._failures += 1
            log.warning("pass failed", pipe=self._pipe.arn, reason=str(failure))
        except ApiError as refusal:
            self._note_refusal(refusal)
        else:
            return not failed
        return False

    async def _pass(self, batch: list[Event]) -> set[str]:
        clock = self._cloud.clock
        end = clock.sleep_until(clock.now_ms() + PASS_MS_MAX)
        failed = await unless(end, self._passes.carry(batch))
        if failed is None:
            raise PassFailed(f"not done after {PASS_MS_MAX // 1000} seconds.")
        return failed

    def _note_refusal(self, refusal: ApiError) -> None:
        self._failures += 1
        log.warning("pass refused", pipe=self._pipe.arn, code=refusal.code, reason=refusal.text)
        is_lasting = refusal.status < 500 and refusal.status != 429
        self._refusals = self._refusals + 1 if is_lasting else 0
        if self._refusals >= REFUSALS_MAX:
            self.reason = f"{refusal.code}: {refusal.text}"
            self._is_over.set()

    async def _pause(self) -> None:
        """Wait, the longer the more has failed in a row."""
        fraction = self._cloud.entropy.fraction()
        wait_ms = min(backoff_ms(_PAUSE, self._failures, fraction), PAUSE_MS_MAX)
        clock = self._cloud.clock
        await unless(self._is_over.wait(), clock.sleep_until(clock.now_ms() + wait_ms))


def _bytes_of(event: Event) -> int:
    return len(event["body"])
