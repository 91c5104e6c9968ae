"""Retention: executions are forgotten 90 days after their end, with all that they left.

What is too old is told by the rows of ``started`` alone, which lie by machine and time: so the
sweep needs no job of each execution, and a crash loses nothing of it.
"""

from __future__ import annotations

from functools import partial

from haar.kit.cloud import Cloud
from haar.services.states import keys
from haar.services.states.records import LISTED, Path
from haar.store.api import Span, Transaction

RETENTION_MS = 90 * 24 * 3600 * 1000
"""Source: AWS docs, Step Functions quotas, execution history retention time."""

EVERY_MS = 3600 * 1000
BATCH = 100
ROWS_MAX = 25_000
"""Of an execution: it has no more events, and no more Map Runs than events."""


async def forget_old(cloud: Cloud) -> None:
    """Remove what is too old, once an hour, for ever."""
    while True:
        now_ms = cloud.clock.now_ms()
        start: bytes | None = keys.every_started().start
        while start is not None:
            start = await cloud.transact(partial(_sweep, start=start, now_ms=now_ms))
        await cloud.clock.sleep_until(now_ms + EVERY_MS)


def _sweep(tx: Transaction, start: bytes, now_ms: int) -> bytes | None:
    """Remove some of what is too old from ``start`` on; return where to go on, None at the end.

    Keys: scans ``started``; clears all of an execution.
    """
    rows = list(tx.scan(Span(start, keys.every_started().end), limit=BATCH))
    for key, value in rows:
        account, region, machine, start_ms, name = keys.name_of(key)
        assert isinstance(start_ms, int), "the key table says so"
        if start_ms + RETENTION_MS > now_ms:  # and so are the machine's others, behind it
            return keys.all_started(str(account), str(region), str(machine)).end
        stop_ms = LISTED.decode(value).stop_ms
        if stop_ms and stop_ms + RETENTION_MS <= now_ms:
            tx.clear(key)
            forget(tx, (account, region, machine, name))
    return rows[-1].key + b"\x00" if rows else None


def forget(tx: Transaction, path: Path) -> None:
    """Remove an execution that has ended, its history, and its Map Runs with their children.

    Keys: clears ``execution``, ``input``, ``history``, ``mapped``, and all of each ``run``.
    """
    tx.clear(keys.execution(path))
    tx.clear(keys.input_text(path))
    for row in list(tx.scan(keys.histories(path), limit=ROWS_MAX)):
        tx.clear(row.key)
    for row in list(tx.scan(keys.all_mapped(path), limit=ROWS_MAX)):
        tx.clear(row.key)
        _forget_run(tx, str(keys.name_of(row.key)[-1]))


def _forget_run(tx: Transaction, run: str) -> None:
    for row in list(tx.scan(keys.mapped_below(run), limit=ROWS_MAX)):
        _forget_run(tx, str(keys.name_of(row.key)[-1]))
    for span in keys.all_of_run(run):
        tx.delete(span)
    for key in (keys.map_run(run), keys.plan(run), keys.cursor(run)):
        tx.clear(key)
