"""Durable jobs, as a service declares them; :mod:`haar.fabric.jobs` schedules and runs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from haar.kit.cloud import Cloud
from haar.store.api import Transaction


class Job(NamedTuple):
    """One piece of work that is due at a time.

    Attributes:
        kind: which handler runs it, e.g. ``lambda.async``.
        key: unique within its kind; scheduling the same key again replaces the job.
        due_ms: not before this time.
        payload: the handler's own bytes.
        attempt: 1 at the first run, one more after each failure.
    """

    kind: str
    key: str
    due_ms: int
    payload: bytes
    attempt: int


Finish = Callable[[Transaction], None]
"""Effects of a job: run in the transaction that removes it, so that both happen or neither."""

Handler = Callable[[Job, Cloud], Awaitable[Finish | None]]
"""Does the work; may run again after a crash, so what it does outside must be idempotent."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """How jobs of one kind run.

    Attributes:
        kind: the name, ``<service>.<what>``.
        handler: asynchronous work; or None with ``apply``.
        apply: work that is only a transaction: ``(job, tx)``, run in the finishing transaction.
        concurrency: how many run at once.
        attempts_max: after so many failures ``on_dead`` runs and the job is removed. By default
            it is tried for ever, as sweeps must be, which nobody else does; it is told as stuck.
        backoff_ms: of the first retry; doubles each time with full jitter, up to 15 minutes.
        on_dead: the owner's dead-letter rule, in the transaction that removes the job.
    """

    kind: str
    handler: Handler | None = None
    apply: Callable[[Job, Transaction], None] | None = None
    concurrency: int = 16
    attempts_max: int = 1_000_000
    backoff_ms: int = 200
    on_dead: Callable[[Job, Transaction], None] | None = None
