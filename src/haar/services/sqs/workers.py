"""What happens to queues when nobody asks: messages and memories expire, dead letters move.

Each queue has one ``sqs.sweep`` job, due when its oldest message expires. A receive never returns
an expired message; the sweep gives back the space and keeps the counts true. Each running move task
has one ``sqs.move`` job.
"""

from __future__ import annotations

from functools import partial

from haar.fabric import jobs
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.services.sqs import expiry, moving
from haar.services.sqs.expiry import SWEEP_KIND
from haar.services.sqs.moves import MOVE_KIND, running
from haar.services.sqs.moving import Batch, Stuck
from haar.store.api import Transaction

_SECOND_MS = 1000


async def sweep(job: Job, cloud: Cloud) -> Finish | None:
    """Remove what is too old of one queue; come back when there is more."""
    while True:
        now_ms = cloud.clock.now_ms()
        due_ms = await cloud.transact(partial(_sweep_once, job, now_ms))
        if due_ms is None:
            return None
        if due_ms > now_ms:
            return _again(job, due_ms)


def _sweep_once(job: Job, now_ms: int, tx: Transaction) -> int | None:
    return expiry.sweep(tx, job.key, job.payload, now_ms)


async def move(job: Job, cloud: Cloud) -> Finish | None:
    """Move one batch of a task; come back for the next when its rate allows."""
    task_id = job.payload.decode()
    now_ms = cloud.clock.now_ms()
    task = cloud.read(lambda tx: running(tx, job.key))
    rate_max = task.rate_max if task is not None else 0
    limit = min(rate_max, moving.BATCH) if rate_max else moving.BATCH
    try:
        batch = await _move(job, cloud, now_ms, limit)
    except Stuck as stuck:
        if stuck.moved:
            await _move(job, cloud, now_ms, stuck.moved)
        reason = stuck.reason
        return lambda tx: moving.fail(tx, job.key, task_id, reason)
    if batch.is_over:
        return None
    pause_ms = batch.moved * _SECOND_MS // rate_max if rate_max else 0
    return _again(job, now_ms + pause_ms)


async def _move(job: Job, cloud: Cloud, now_ms: int, limit: int) -> Batch:
    task_id = job.payload.decode()
    return await cloud.transact(
        lambda tx: moving.move_batch(tx, job.key, task_id, now_ms, cloud.entropy, limit)
    )


def _again(job: Job, due_ms: int) -> Finish:
    def finish(tx: Transaction) -> None:
        jobs.schedule(tx, kind=job.kind, key=job.key, due_ms=due_ms, payload=job.payload)

    return finish


SWEEP = JobKind(kind=SWEEP_KIND, handler=sweep, concurrency=4)
MOVE = JobKind(kind=MOVE_KIND, handler=move, concurrency=16)
