"""Definitions that are no longer in force, and go when no execution refers to them any more.

A definition is retired when its state machine gets another one or is deleted. Executions that run
it were started before that; so it is needed as long as the oldest execution that is known of the
machine began before, too. A job looks once a day.
"""

from __future__ import annotations

import msgspec

from haar.fabric import jobs
from haar.kit.jobs import Job, JobKind
from haar.services.states import keys, names
from haar.store.api import Transaction

EVERY_MS = 24 * 3600 * 1000
LEEWAY_MS = 15 * 60 * 1000
"""A call's time is when it was accepted: so much later it may have found the definition."""


class Retired(msgspec.Struct, frozen=True, array_like=True):
    """The payload of a job: a definition, and when it was retired."""

    account: str
    region: str
    name: str
    revision: str
    at_ms: int


_decode = msgspec.msgpack.Decoder(Retired).decode


def retire(tx: Transaction, machine: names.Machine, revision: str, now_ms: int) -> None:
    """Let a definition go once no execution needs it.

    Keys: writes jobs.
    """
    payload = msgspec.msgpack.encode(Retired(*machine, revision, now_ms))
    jobs.schedule(tx, kind=RETIRED.kind, key=revision, due_ms=now_ms, payload=payload)


def forget(job: Job, tx: Transaction) -> None:
    """Remove a retired definition, or look again later.

    Keys: reads ``started``; clears ``revision``.
    """
    retired = _decode(job.payload)
    machine = (retired.account, retired.region, retired.name)
    for row in tx.scan(keys.all_started(*machine), limit=1):
        start_ms = keys.name_of(row.key)[3]
        assert isinstance(start_ms, int), "the key table says so"
        if start_ms <= retired.at_ms + LEEWAY_MS:
            due_ms = job.due_ms + EVERY_MS
            jobs.schedule(tx, kind=RETIRED.kind, key=job.key, due_ms=due_ms, payload=job.payload)
            return
    tx.clear(keys.revision(*machine, retired.revision))


RETIRED = JobKind("states.revision", apply=forget)
