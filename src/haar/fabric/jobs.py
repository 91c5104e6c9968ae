"""Durable jobs: work with a due time that survives any crash.

A job is scheduled in the transaction that causes it, and removed in the transaction of its effects.
In between it may run any number of times, so what a handler does outside of the store must be
idempotent.

=========================================  ================================================
key                                        value
=========================================  ================================================
``jobs, KIND, due, DUE_MS, KEY``           attempt (2 bytes, big-endian), then the payload
``jobs, KIND, name, KEY``                  the due time (:mod:`haar.store.layers.timeline`)
``jobs, KIND, floor``                      a due time: the lane looks for work from there on
``jobs, KIND, news``                       counter: added to by each schedule; watched
=========================================  ================================================

One runner serves all kinds of a process. The embedded store belongs to one process at a time (the
data directory is locked), so that what runs is known in memory, and a job costs no lease: after a
crash everything that is due is simply due again. Jobs that run may lie below the floor; it is taken
away at the start, when none runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import cache

from haar.kernel.logs import Log
from haar.kernel.waiting import wake
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.store import tuples
from haar.store.api import StoreStopped, Transaction, Watch
from haar.store.layers.timeline import Entry, Timeline

BACKOFF_MS_MAX = 15 * 60 * 1000
BATCH = 100
FLOOR_EVERY_MS = 1000
STUCK_ATTEMPTS = 10
"""A job that failed so often is told to the operator: some two minutes after the first time."""

log = Log()


@cache
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


def _postpone(tx: Transaction, job: Job, due_ms: int) -> None:
    if _is_current(tx, job):
        _put(tx, job._replace(due_ms=due_ms, attempt=min(job.attempt + 1, 0xFFFF)))


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

    def stuck(self) -> int:
        """Return how many jobs fail again and again."""
        return sum(len(lane.stuck) for lane in self._lanes)

    async def stop(self) -> None:
        """Cancel what runs; it is due again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in self._lanes:
            await lane.stop()


class _Lane:
    """The jobs of one kind.

    Attributes:
        stuck: keys of those that failed often, and not yet otherwise ended.
    """

    def __init__(self, cloud: Cloud, kind: JobKind) -> None:
        self.kind = kind
        self._cloud = cloud
        self._timeline = _timeline(kind.kind)
        self.stuck: set[str] = set()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wake: Callable[[], object] = _nobody
        self._has_floor = True  # an earlier process may have left one
        self._floored_ms = cloud.clock.monotonic_ms()

    async def run(self) -> None:
        """Take what is due, for ever; a failure of the lane itself is tried again later."""
        failures = 0
        while True:
            try:
                await self._turn()
                failures = 0
            except StoreStopped:
                return
            except Exception:  # a supervisor: a lane that ended would hold its jobs for ever
                failures += 1
                log.exception("jobs failed", kind=self.kind.kind)
                self._has_floor = True
                await self._pause(failures)

    async def _pause(self, failures: int) -> None:
        wait_ms = backoff_ms(self.kind, failures, self._cloud.entropy.fraction())
        await self._cloud.clock.sleep_until(self._cloud.clock.now_ms() + wait_ms)

    async def _turn(self) -> None:
        """Start what is due, and wait until there may be more."""
        await self._mind_floor()
        # Watched before looking: what is scheduled while we look wakes us.
        watch = self._cloud.store.watch(news_key(self.kind.kind))
        try:
            wake_ms = await self._take_due()
            await self._wait(watch, wake_ms)
        finally:
            watch.cancel()

    async def _take_due(self) -> int | None:
        """Start what is due; return when the next one is, or None."""
        while True:
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
        return self._cloud.read(lambda tx: self._waiting(tx, limit))

    def _waiting(self, tx: Transaction, limit: int) -> list[Job]:
        entries = self._timeline.head(tx, limit=limit + len(self._running))
        waiting = [_job(self.kind.kind, e) for e in entries if e.name not in self._running]
        return waiting[:limit]

    async def _mind_floor(self) -> None:
        """Move the floor up to the first job that waits, now and then; to 0 where one was left."""
        now_ms = self._cloud.clock.monotonic_ms()
        if self._has_floor:
            self._has_floor = False
            await self._cloud.transact(lambda tx: self._set_floor(tx, 0))
        elif now_ms - self._floored_ms >= FLOOR_EVERY_MS:
            self._floored_ms = now_ms
            await self._cloud.transact(self._raise_floor)

    def _raise_floor(self, tx: Transaction) -> None:
        waiting = self._waiting(tx, 1)
        self._set_floor(tx, waiting[0].due_ms if waiting else self._cloud.clock.now_ms())

    def _set_floor(self, tx: Transaction, due_ms: int) -> None:
        if self._timeline.floor(tx) != due_ms:
            self._timeline.set_floor(tx, due_ms)

    async def _start(self, due: list[Job]) -> None:
        if self.kind.apply is not None:
            await self._apply(due)
            return
        loop = asyncio.get_running_loop()
        for job in due:
            self._running[job.key] = loop.create_task(self._handle(job))

    async def _apply(self, due: list[Job]) -> None:
        """Run the bodies of some jobs in one transaction; if that fails, each in its own."""
        try:
            await self._cloud.transact(lambda tx: self._apply_all(due, tx))
            self.stuck.difference_update(job.key for job in due)
        except StoreStopped:
            raise
        except Exception:  # a supervisor: one job's failure must not hold up the others
            if len(due) > 1:
                for job in due:
                    await self._apply([job])
                return
            log.exception("job failed", kind=due[0].kind, key=due[0].key, attempt=due[0].attempt)
            await self._fail(due[0])

    def _apply_all(self, due: list[Job], tx: Transaction) -> None:
        apply = self.kind.apply
        assert apply is not None, "checked by the caller"
        for job in due:
            if _is_current(tx, job):
                self._timeline.remove(tx, job.key)
                apply(job, tx)

    async def _handle(self, job: Job) -> None:
        try:
            await self._attempt(job)
        except StoreStopped:
            return  # the process is about to end, and says why
        except Exception:  # a supervisor: the job is there, so it is found again from the bottom
            log.exception("job lost hold", kind=job.kind, key=job.key, attempt=job.attempt)
            self._has_floor = True
        finally:
            self._running.pop(job.key, None)
            self._wake()

    async def _attempt(self, job: Job) -> None:
        try:
            assert self.kind.handler is not None, "a kind has a handler or apply"
            finish = await self.kind.handler(job, self._cloud)
            await self._finish(job, finish)
        except StoreStopped:
            raise
        except Exception:  # a supervisor: whatever a handler raises, its job is tried again
            log.exception("job failed", kind=job.kind, key=job.key, attempt=job.attempt)
            await self._fail(job)

    async def _finish(self, job: Job, finish: Finish | None) -> None:
        def body(tx: Transaction) -> None:
            # Replaced or cancelled while it ran: its effects are void.
            if _is_current(tx, job):
                self._timeline.remove(tx, job.key)
                if finish is not None:
                    finish(tx)

        await self._cloud.transact(body)
        self.stuck.discard(job.key)

    async def _fail(self, job: Job) -> None:
        """Give the job up after its last attempt; else, or if that fails too, try it later."""
        if job.attempt >= self.kind.attempts_max:
            try:
                await self._cloud.transact(lambda tx: self._give_up(job, tx))
            except StoreStopped:
                raise
            except Exception:  # a supervisor: a dead-letter rule that fails is tried again, too
                log.exception("job not given up", kind=job.kind, key=job.key, attempt=job.attempt)
            else:
                self.stuck.discard(job.key)
                return
        if job.attempt >= STUCK_ATTEMPTS:
            self.stuck.add(job.key)
        wait_ms = backoff_ms(self.kind, job.attempt, self._cloud.entropy.fraction())
        due_ms = self._cloud.clock.now_ms() + wait_ms
        await self._cloud.transact(lambda tx: _postpone(tx, job, due_ms))

    def _give_up(self, job: Job, tx: Transaction) -> None:
        if not _is_current(tx, job):
            return
        self._timeline.remove(tx, job.key)
        if self.kind.on_dead is not None:
            self.kind.on_dead(job, tx)

    async def _wait(self, watch: Watch, wake_ms: int | None) -> None:
        """Return at news, at ``wake_ms``, or when a running job has ended. Costs no task."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wake = lambda: wake(woken)
        watch.notify(self._wake)
        alarm = self._cloud.clock.call_at(wake_ms, self._wake) if wake_ms is not None else None
        try:
            await woken
        finally:
            self._wake = _nobody
            if alarm is not None:
                alarm.cancel()

    async def stop(self) -> None:
        """Cancel what runs."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _nobody() -> None:
    """Wake nobody: the lane is not waiting."""
