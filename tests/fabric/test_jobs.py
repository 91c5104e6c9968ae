"""Durable jobs: when they run, how often, and what a crash makes of them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from haar.fabric import jobs
from haar.fabric.jobs import BACKOFF_MS_MAX, BATCH, backoff_ms
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.store.api import Transaction
from haar.store.simulated import FAILING


def noting(seen: list[str], name: str = "k", **options: Any) -> JobKind:
    """Return a kind whose jobs note their keys."""

    async def handle(job: Job, cloud: Cloud) -> None:
        seen.append(job.key)

    return JobKind(name, handle, **options)


def counting(name: str = "k", **options: Any) -> JobKind:
    """Return a kind whose jobs add one to a counter, in the transaction that ends them."""

    async def handle(job: Job, cloud: Cloud) -> Finish:
        return lambda tx: tx.add(b"count", 1)

    return JobKind(name, handle, **options)


def count(world: Any) -> int:
    raw = world.store.read(lambda tx: tx.get(b"count"))
    return int.from_bytes(raw or b"", "little")


def left(world: Any, kind: str = "k") -> list[str]:
    """Return the keys of the jobs that are still to be done."""
    entries = world.store.read(lambda tx: list(jobs._timeline(kind).head(tx, limit=1000)))
    return [entry.name for entry in entries]


async def test_jobs_run_when_they_are_due_in_that_order(world: Any) -> None:
    """Nothing runs before its time; whatever is due runs, the earliest first."""
    kind = noting(world.seen, concurrency=1)
    for key, in_ms in (("c", 300), ("a", 100), ("b", 200), ("now", 0)):
        await world.schedule(kind, key, in_ms)
    await world.start(kind)
    assert world.seen == ["now"]
    await world.advance(99)
    assert world.seen == ["now"]
    await world.advance(1)
    assert world.seen == ["now", "a"]
    await world.advance(1000)
    assert world.seen == ["now", "a", "b", "c"]
    assert left(world) == []
    await world.stop()


async def test_a_job_scheduled_while_the_lane_waits_wakes_it(world: Any) -> None:
    """News wake a lane that has nothing, and one that waits for a later job."""
    kind = noting(world.seen)
    await world.start(kind)
    await world.schedule(kind, "later", 5000)
    await world.schedule(kind, "sooner", 50)
    await world.schedule(kind, "now")
    await world.settle()
    assert world.seen == ["now"]
    await world.advance(50)
    assert world.seen == ["now", "sooner"]
    await world.stop()


async def test_the_same_key_replaces(world: Any) -> None:
    """A key is there once, where it was scheduled last, with its last payload."""
    payloads: list[bytes] = []

    async def handle(job: Job, cloud: Cloud) -> None:
        payloads.append(job.payload)

    kind = JobKind("k", handle)
    await world.start(kind)
    await world.schedule(kind, "a", 100, b"old")
    await world.schedule(kind, "a", 300, b"new")
    await world.advance(200)
    assert payloads == []
    await world.advance(100)
    assert payloads == [b"new"]
    await world.stop()


async def test_a_cancelled_job_does_not_run(world: Any) -> None:
    """Cancelling takes it away, and only it."""
    kind = noting(world.seen)
    await world.start(kind)
    await world.schedule(kind, "a", 100)
    await world.schedule(kind, "b", 100)
    await world.store.transact(lambda tx: jobs.cancel(tx, kind="k", key="a"))
    await world.advance(100)
    assert world.seen == ["b"]
    await world.stop()


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_what_was_cancelled_while_it_ran_has_no_effect(
    world: Any, *, is_replaced: bool
) -> None:
    """The effects of a run whose job was cancelled or replaced meanwhile are void."""
    gate = asyncio.Event()

    async def handle(job: Job, cloud: Cloud) -> Finish:
        world.seen.append(job.payload.decode())
        await gate.wait()
        return lambda tx: tx.put(b"effect", job.payload)

    kind = JobKind("k", handle)
    await world.start(kind)
    await world.schedule(kind, "a", payload=b"first")
    await world.settle()
    if is_replaced:
        await world.schedule(kind, "a", payload=b"second")
    else:
        await world.store.transact(lambda tx: jobs.cancel(tx, kind="k", key="a"))
    gate.set()
    await world.settle()
    expected = ["first", "second"] if is_replaced else ["first"]
    assert world.seen == expected
    effect = world.store.read(lambda tx: tx.get(b"effect"))
    assert effect == (b"second" if is_replaced else None)
    await world.stop()


async def test_a_failed_job_is_tried_again_later_and_then_given_up(world: Any) -> None:
    """Attempts are counted, waits lie below a doubling bound, the dead rule is the last act."""
    attempts: list[tuple[int, int]] = []

    async def handle(job: Job, cloud: Cloud) -> None:
        attempts.append((job.attempt, cloud.clock.now_ms()))
        raise ValueError("does not work")

    def on_dead(job: Job, tx: Transaction) -> None:
        tx.put(b"dead", job.payload)

    kind = JobKind("k", handle, attempts_max=4, backoff_ms=100, on_dead=on_dead)
    await world.start(kind)
    await world.schedule(kind, "a", payload=b"it")
    for _ in range(200):
        await world.advance(10)
    assert [attempt for attempt, _ in attempts] == [1, 2, 3, 4]
    waits = [after - before for (_, before), (_, after) in pairwise(attempts)]
    assert all(0 < wait <= (100 << n) + 10 for n, wait in enumerate(waits))
    assert world.store.read(lambda tx: tx.get(b"dead")) == b"it"
    assert left(world) == []
    await world.stop()


@pytest.mark.parametrize(
    ("attempt", "fraction", "wait_ms"),
    [
        (1, 0.0, 1),
        (1, 0.5, 101),
        (3, 0.5, 401),
        (1000, 0.999999, BACKOFF_MS_MAX),
    ],
)
def test_the_wait_has_full_jitter_and_a_bound(attempt: int, fraction: float, wait_ms: int) -> None:
    """A wait is anywhere below 200 ms doubled by each failure, and never over 15 minutes."""
    assert backoff_ms(JobKind("k", backoff_ms=200), attempt, fraction) == wait_ms


async def test_a_job_that_is_due_runs_after_a_restart(world: Any) -> None:
    """What was scheduled is in the store, whoever is there to run it."""
    kind = noting(world.seen)
    await world.schedule(kind, "a", 100)
    await world.start(kind)
    await world.crash()
    world.clock.advance(100)
    await world.start(kind)
    assert world.seen == ["a"]
    await world.stop()


@pytest.mark.parametrize(("kept", "expected"), [(0, 2), (1, 2)])
async def test_a_crash_between_the_effect_and_its_sync_repeats_nothing(
    world: Any, kept: int, expected: int
) -> None:
    """The effect and the end of a job are one transaction: both are lost, or both are there."""
    kind = counting()
    await world.start(kind)
    await world.schedule(kind, "a")
    await world.settle()
    assert count(world) == 1
    await world.schedule(kind, "b", 100)
    world.is_holding = True
    world.clock.advance(100)
    await world.settle()
    await world.crash(kept)
    world.is_holding = False
    await world.start(kind)
    assert count(world) == expected
    assert left(world) == []
    await world.stop()


async def test_a_stop_leaves_what_runs_for_the_next_start(world: Any) -> None:
    """A job that was cut off is due again, though others behind it are done."""
    gate = asyncio.Event()

    async def handle(job: Job, cloud: Cloud) -> Finish:
        if job.key == "slow":
            await gate.wait()
        return lambda tx: tx.put(job.key.encode(), b"")

    kind = JobKind("k", handle)
    await world.start(kind)
    await world.schedule(kind, "slow")
    for n in range(30):
        await world.schedule(kind, f"quick{n}")
        await world.advance(200)
    assert left(world) == [], "it lies below the floor"
    await world.stop()
    gate.set()
    await world.start(kind)
    assert world.store.read(lambda tx: tx.get(b"slow")) == b""
    await world.stop()


async def test_a_job_below_the_floor_is_found(world: Any) -> None:
    """A lane that has come far still runs what is scheduled for the past."""
    kind = noting(world.seen, concurrency=2)
    await world.start(kind)
    for n in range(20):
        await world.schedule(kind, f"a{n}")
        await world.advance(500)
    assert world.store.read(jobs._timeline("k").floor) > 0
    await world.schedule(kind, "of the past", -9000)
    await world.settle()
    assert world.seen[-1] == "of the past"
    await world.stop()


async def test_no_more_run_at_once_than_the_kind_allows(world: Any) -> None:
    """The bound holds, and a place that becomes free is taken at once."""
    running, most = 0, 0
    gates: dict[str, asyncio.Event] = {str(n): asyncio.Event() for n in range(10)}

    async def handle(job: Job, cloud: Cloud) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gates[job.key].wait()
        running -= 1

    kind = JobKind("k", handle, concurrency=3)
    for key in gates:
        await world.schedule(kind, key)
    await world.start(kind)
    assert running == 3
    for gate in gates.values():
        gate.set()
        await world.settle()
    assert most == 3
    assert left(world) == []
    await world.stop()


async def test_bodies_run_in_batches_and_one_that_fails_holds_up_nobody(world: Any) -> None:
    """A kind that is only a transaction shares one; a poisoned job is retried by itself."""
    failures: list[int] = []

    def apply(job: Job, tx: Transaction) -> None:
        tx.add(b"count", 1)
        if job.key == "poison":
            failures.append(job.attempt)
            raise ValueError("poison")

    kind = JobKind("k", apply=apply, attempts_max=3, backoff_ms=10)
    for n in range(2 * BATCH):
        await world.schedule(kind, f"{n:03}")
    await world.schedule(kind, "poison", -1)
    await world.start(kind)
    await world.settle()
    for _ in range(20):
        await world.advance(10)
    assert count(world) == 2 * BATCH
    assert left(world) == []
    assert failures[-1] == 3
    await world.stop()


async def test_a_frozen_time_holds_what_is_to_be_tried_again(world: Any) -> None:
    """A retry is due by the time that can be stopped, like all that waits; moving it runs it."""

    async def handle(job: Job, cloud: Cloud) -> None:
        world.seen.append(str(job.attempt))
        if job.attempt == 1:
            raise ValueError("not yet")

    await world.schedule(JobKind("k", handle), "a")
    await world.start(JobKind("k", handle))
    for _ in range(20):
        await world.settle()
    assert (world.seen, left(world)) == (["1"], ["a"])
    await world.advance(1000)
    assert (world.seen, left(world)) == (["1", "2"], [])
    await world.stop()


@pytest.mark.parametrize("is_body", [True, False])
async def test_a_job_that_fails_again_and_again_is_told(world: Any, *, is_body: bool) -> None:
    """Without an end it goes on for ever; it counts as stuck until it works."""
    failures: list[int] = []

    def apply(job: Job, tx: Transaction) -> None:
        if len(failures) < jobs.STUCK_ATTEMPTS:
            failures.append(job.attempt)
            raise ValueError("not yet")

    async def handle(job: Job, cloud: Cloud) -> Finish:
        return lambda tx: apply(job, tx)

    work: Any = {"apply": apply} if is_body else {"handler": handle}
    kind = JobKind("k", backoff_ms=10, **work)
    await world.schedule(kind, "a")
    await world.start(kind)
    while len(failures) < jobs.STUCK_ATTEMPTS:
        assert world.stuck == 0
        await world.advance(1000)
    assert world.stuck == 1
    while left(world):
        await world.advance(1000)
    assert world.stuck == 0
    await world.stop()


@pytest.mark.parametrize("is_body", [True, False])
async def test_a_job_that_cannot_be_given_up_holds_up_nobody(world: Any, is_body: bool) -> None:
    """A dead-letter rule that fails is tried again after a wait, and the jobs behind go on."""
    given_up: list[int] = []

    def apply(job: Job, tx: Transaction) -> None:
        if job.key == "poison":
            raise ValueError("poison")
        tx.add(b"count", 1)

    async def handle(job: Job, cloud: Cloud) -> Finish:
        return lambda tx: apply(job, tx)

    def on_dead(job: Job, tx: Transaction) -> None:
        given_up.append(cloud_ms())
        if len(given_up) < 4:
            raise ValueError("no dead letters today")

    cloud_ms = world.clock.now_ms
    work: Any = {"apply": apply} if is_body else {"handler": handle, "concurrency": 1}
    kind = JobKind("k", attempts_max=1, backoff_ms=100, on_dead=on_dead, **work)
    await world.schedule(kind, "poison", -1)
    await world.schedule(kind, "behind")
    await world.start(kind)
    assert count(world) == 1
    for _ in range(100):
        await world.advance(10)
    assert left(world) == []
    assert len(given_up) == 4
    assert all(before < after for before, after in pairwise(given_up))
    await world.stop()


async def test_a_failing_disk_ends_the_lanes_quietly(world: Any) -> None:
    """Jobs are neither retried nor reported: the process is about to end, and says why."""

    async def handle(job: Job, cloud: Cloud) -> Finish:
        world.seen.append(job.key)
        world._disk.fate = FAILING
        return lambda tx: tx.add(b"count", 1)

    kind = JobKind("k", handle)
    await world.start(kind)
    await world.schedule(kind, "a")
    await world.settle()
    assert world.seen == ["a"]
    assert [task.done() and task.exception() for task in world._runner._tasks] == [None]
    await world.stop()
