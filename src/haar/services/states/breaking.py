"""The end of an execution that cannot go on: the job of one of its waits fails for certain.

It may be that the execution cannot even be loaded: a frame does not fit its definition, or the
definition is not one that this haar takes. So it is ended by its record and its history alone.
What it waits for is left behind, and changes nothing when it comes.

Source: AWS docs, Step Functions, error names: States.Runtime is retried by nobody.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import msgspec

from haar.kernel.logs import Log
from haar.kit.jobs import Job
from haar.services.states import keys
from haar.services.states.history import EVENTS, HistoryEvent
from haar.services.states.ledger import (
    close_map_run,
    order_of,
    put_ended,
    read_execution,
    read_map_run,
)
from haar.services.states.records import PROGRESS, Path
from haar.store.api import Transaction

ERROR = "States.Runtime"
CAUSE = "An internal error keeps the execution from going on."

log = Log()


def give_up(job: Job, tx: Transaction) -> None:
    """End the execution whose job fails for certain: it would not end otherwise."""
    with _passing_over(job):
        break_off(tx, order_of(job.payload).path, job)


def give_up_run(job: Job, tx: Transaction) -> None:
    """End the execution that waits for a Map Run whose worker fails for certain."""
    with _passing_over(job):
        run = read_map_run(tx, job.payload.decode())
        if run is not None:
            break_off(tx, run.parent, job)


@contextmanager
def _passing_over(job: Job) -> Generator[None, None, None]:
    """Pass over what nobody can read, so that nobody can end it: its job would fail for ever."""
    try:
        yield
    except msgspec.DecodeError:
        log.exception("execution lost", kind=job.kind, key=job.key)


def break_off(tx: Transaction, path: Path, job: Job) -> None:
    """End a running execution as FAILED; one that has ended is left alone.

    Keys: reads and writes ``execution``, ``history``, ``run``; clears ``frame``, ``progress``;
    writes ``started``, or adds to ``count`` and clears ``open`` for a child of a map.

    Raises:
        msgspec.DecodeError: its record or its history cannot be read.
    """
    record = read_execution(tx, path)
    if record is None or record.status != "RUNNING":
        return
    now_ms = job.due_ms
    id_ = _next_event(tx, path)
    told = {"error": ERROR, "cause": CAUSE}
    event = HistoryEvent(id_, "ExecutionFailed", now_ms, id_ - 1, told)
    tx.put(keys.history(path, id_), EVENTS.encode([event]))
    for row in list(tx.scan(keys.all_mapped(path))):
        with _passing_over(job):
            close_map_run(tx, str(keys.name_of(row.key)[-1]), now_ms)
    tx.delete(keys.frames(path))
    tx.clear(keys.progress(path))
    failed = msgspec.structs.replace(
        record, status="FAILED", stop_ms=now_ms, error=ERROR, cause=CAUSE
    )
    put_ended(tx, path, failed, is_new=False)


def _next_event(tx: Transaction, path: Path) -> int:
    raw = tx.get(keys.progress(path))
    if raw is not None:
        return PROGRESS.decode(raw).next_event
    for row in tx.scan(keys.histories(path), limit=1, reverse=True):
        return EVENTS.decode(row.value)[-1].id + 1
    return 1
