"""Durable jobs: work with a due time that survives any crash.

A job is scheduled in the transaction that causes it, and removed in the transaction of its effects.
In between it may run any number of times, so what a handler does outside of the store must be
idempotent.

=========================================  ================================================
key                                        value
=========================================  ================================================
``jobs, KIND, due, DUE_MS, KEY``           attempt (2 bytes, big-endian), then the payload
``jobs, KIND, name, KEY``                  the due time (:mod:`haar.store.layers.timeline`)
``jobs, KIND, news``                       counter: added to by each schedule; watched
=========================================  ================================================

One runner serves all kinds of a process. The embedded store belongs to one process at a time (the
data directory is locked), so that what runs is known in memory, and a job costs no lease: after a
crash everything that is due is simply due again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.store import tuples
from haar.store.api import Transaction
from haar.store.layers.timeline import Entry, Timeline

BACKOFF_MS_MAX = 15 * 60 * 1000
BATCH = 100

log = structlog.get_logger()


def _timeline(kind: str) -> Timeline:
    return Timeline("jobs", kind)


def news_key(kind: str) -> bytes:
    """Return the key that changes whenever a job of the kind is scheduled."""
    return tuples.pack("jobs", kind, "news")


def schedule(tx: Transaction, *, kind: str, key: str, due_ms: int, payload: bytes = b"") -> None:
    """Schedule a job, as part of the transaction; the same kind and key replaces.

    Args:
        tx: the transaction that causes the work.
        kind: of a :class:`haar.kit.jobs.JobKind` that some service declares.
        key: unique within the kind.
        due_ms: not before this time.
        payload: the handler's own bytes.
    """
    _put(tx, Job(kind, key, due_ms, payload, 1))


def cancel(tx: Transaction, *, kind: str, key: str) -> None:
    """Remove a job, if it is there. A handler that is running finishes without effect."""
    _timeline(kind).remove(tx, key)


def _put(tx: Transaction, job: Job) -> None:
    value = job.attempt.to_bytes(2, "big") + job.payload
    _timeline(job.kind).put(tx, job.key, job.due_ms, value)
    tx.add(news_key(job.kind), 1)


def _job(kind: str, entry: Entry) -> Job:
    attempt = int.from_bytes(entry.value[:2], "big")
    return Job(kind, entry.name, entry.due_ms, entry.value[2:], attempt)


def _is_current(tx: Transaction, job: Job) -> bool:
    found = _timeline(job.kind).find(tx, job.key)
    return found is not None and _job(job.kind, found) == job


def backoff_ms(kind: JobKind, attempt: int, fraction: float) -> int:
    """Return how long to wait after a failed attempt: full jitter below a doubling bound."""
    bound = min(kind.backoff_ms << min(attempt - 1, 30), BACKOFF_MS_MAX)
    return int(bound * fraction) + 1


class JobRunner:
    """Runs the jobs of all kinds until it is stopped.

    Args:
        cloud: given to the handlers.
        kinds: what to run.
    """

    def __init__(self, cloud: Cloud, kinds: Iterable[JobKind]) -> None:
        self._lanes = [_Lane(cloud, kind) for kind in kinds]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin: whatever is due runs."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(lane.run(), name=f"jobs {lane.kind.kind}") for lane in self._lanes
        ]

    async def stop(self) -> None:
        """Cancel what runs; it is due again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in self._lanes:
            await lane.stop()


class _Lane:
    """The jobs of one kind."""

    def __init__(self, cloud: Cloud, kind: JobKind) -> None:
        self.kind = kind
        self._cloud = cloud
        self._running: dict[str, asyncio.Task[None]] = {}
        self._has_ended = asyncio.Event()

    async def run(self) -> None:
        """Take what is due, for ever."""
        while True:
            # Watched before looking: what is scheduled while we look wakes us.
            watch = self._cloud.store.watch(news_key(self.kind.kind))
            try:
                wake_ms = await self._take_due()
                await self._wait(watch.changed(), wake_ms)
            finally:
                watch.cancel()

    async def _take_due(self) -> int | None:
        """Start what is due; return when the next one is, or None."""
        while True:
            self._has_ended.clear()
            room = self.kind.concurrency - len(self._running)
            if room <= 0:
                return None
            now_ms = self._cloud.clock.now_ms()
            heads = self._heads(room)
            due = [job for job in heads if job.due_ms <= now_ms]
            if not due:
                return heads[0].due_ms if heads else None
            await self._start(due)

    def _heads(self, room: int) -> list[Job]:
        """Return the first jobs that are not running, as many as there is room for."""
        limit = BATCH if self.kind.apply is not None else room

        def body(tx: Transaction) -> list[Job]:
            entries = _timeline(self.kind.kind).head(tx, limit=limit + len(self._running))
            return [_job(self.kind.kind, e) for e in entries if e.name not in self._running]

        return self._cloud.read(body)[:limit]

    async def _start(self, due: list[Job]) -> None:
        if self.kind.apply is not None:
            await self._apply(due)
            return
        loop = asyncio.get_running_loop()
        for job in due:
            self._running[job.key] = loop.create_task(self._handle(job))

    async def _apply(self, due: list[Job]) -> None:
        apply = self.kind.apply
        assert apply is not None, "checked by the caller"

        def body(tx: Transaction) -> None:
            for job in due:
                if _is_current(tx, job):
                    _timeline(job.kind).remove(tx, job.key)
                    apply(job, tx)

        await self._cloud.transact(body)

    async def _handle(self, job: Job) -> None:
        try:
            assert self.kind.handler is not None, "a kind has a handler or apply"
            finish = await self.kind.handler(job, self._cloud)
            await self._finish(job, finish)
        except asyncio.CancelledError:
            raise
        except Exception:  # a supervisor: whatever a handler raises, its job is tried again
            log.exception("job failed", kind=job.kind, key=job.key, attempt=job.attempt)
            await self._fail(job)
        finally:
            self._running.pop(job.key, None)
            self._has_ended.set()

    async def _finish(self, job: Job, finish: Finish | None) -> None:
        def body(tx: Transaction) -> None:
            # Replaced or cancelled while it ran: its effects are void.
            if _is_current(tx, job):
                _timeline(job.kind).remove(tx, job.key)
                if finish is not None:
                    finish(tx)

        await self._cloud.transact(body)

    async def _fail(self, job: Job) -> None:
        is_dead = job.attempt >= self.kind.attempts_max
        wait_ms = backoff_ms(self.kind, job.attempt, self._cloud.entropy.fraction())
        due_ms = self._cloud.clock.now_ms() + wait_ms

        def body(tx: Transaction) -> None:
            if not _is_current(tx, job):
                return
            if not is_dead:
                _put(tx, job._replace(due_ms=due_ms, attempt=min(job.attempt + 1, 0xFFFF)))
                return
            _timeline(job.kind).remove(tx, job.key)
            if self.kind.on_dead is not None:
                self.kind.on_dead(job, tx)

        await self._cloud.transact(body)

    async def _wait(self, news: object, wake_ms: int | None) -> None:
        """Return at news, at ``wake_ms``, or when a running job has ended."""
        assert asyncio.iscoroutine(news), "Watch.changed is a coroutine function"
        loop = asyncio.get_running_loop()
        waits: set[asyncio.Task[object]] = {
            loop.create_task(news),
            loop.create_task(self._has_ended.wait()),
        }
        if wake_ms is not None:
            waits.add(loop.create_task(self._cloud.clock.sleep_until(wake_ms)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def stop(self) -> None:
        """Cancel what runs."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
