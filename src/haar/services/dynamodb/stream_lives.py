"""Lives of streams: begun and ended with a table's settings, kept for a day, swept by a job.

A job a stream wakes every hour. It removes changes that are older than a day, lets a new shard
begin where the open one has had changes for four hours, forgets shards that have nothing left, and
forgets the stream itself a day after it ended.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from haar.fabric import jobs
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.services.dynamodb import keys, rows, texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.records import CHANGE, STREAM, Stream, StreamState, Table
from haar.services.dynamodb.stream_log import VERSION_BYTES, mark, next_version, shards_of
from haar.store.api import Span, Transaction

HOUR_MS = 60 * 60 * 1000
RETENTION_MS = 24 * HOUR_MS
SHARD_MS = 4 * HOUR_MS
STEP_ROWS = 500


def begin(tx: Transaction, table: Table, view: str, now_ms: int) -> Table:
    """Return the table with a new stream.

    Keys: adds to ``streams``; writes ``stream``, ``shards``; schedules ``dynamodb.stream``.

    Raises:
        Invalid: it has one.
    """
    if table.stream is not None and table.stream.is_enabled:
        raise Invalid(texts.STREAM_ENABLED, table=table.name)
    tx.add(keys.NEWEST_STREAM, 1)
    uid = rows.counter(tx, keys.NEWEST_STREAM)
    label = _free_label(tx, table.arn, now_ms)
    key = keys.stream(f"{table.arn}/stream/{label}")
    state = StreamState(
        uid=uid,
        table_arn=table.arn,
        label=label,
        view=view,
        schema=table.schema,
        created_ms=now_ms,
    )
    tx.put(key, STREAM.encode(state))
    mark(tx, uid, now_ms)
    _schedule(tx, uid, key, now_ms + HOUR_MS)
    return msgspec.structs.replace(table, stream=Stream(uid, label, view))


def _free_label(tx: Transaction, table_arn: str, now_ms: int) -> str:
    """Return the time as AWS labels streams, or the next one that no stream of the table has."""
    while True:
        at = datetime.fromtimestamp(now_ms / 1000, UTC)
        label = f"{at:%Y-%m-%dT%H:%M:%S}.{now_ms % 1000:03d}"
        if tx.get(keys.stream(f"{table_arn}/stream/{label}")) is None:
            return label
        now_ms += 1


def end(tx: Transaction, table: Table, now_ms: int) -> Table:
    """Return the table without its stream, which can be read for another day.

    Keys: reads and writes ``stream``; writes ``shards``.

    Raises:
        Invalid: it has none.
    """
    stream = table.stream
    if stream is None or not stream.is_enabled:
        raise Invalid(texts.STREAM_DISABLED, table=table.name)
    key = keys.stream(f"{table.arn}/stream/{stream.label}")
    raw = tx.get(key)
    assert raw is not None, "a table's stream has its row"
    tx.put(key, STREAM.encode(msgspec.structs.replace(STREAM.decode(raw), ended_ms=now_ms)))
    mark(tx, stream.uid, now_ms, is_end=True)
    disabled = msgspec.structs.replace(stream, is_enabled=False)
    return msgspec.structs.replace(table, stream=disabled)


def _schedule(tx: Transaction, uid: int, key: bytes, due_ms: int) -> None:
    jobs.schedule(tx, kind=KEEP.kind, key=str(uid), due_ms=due_ms, payload=key)


async def keep(job: Job, cloud: Cloud) -> Finish:
    """Do what is due for a stream."""
    now_ms = cloud.clock.now_ms()
    return lambda tx: _keep(tx, job.payload, now_ms)


def _keep(tx: Transaction, key: bytes, now_ms: int) -> None:
    raw = tx.get(key)
    if raw is None:
        return
    state = STREAM.decode(raw)
    if state.ended_ms and state.ended_ms <= now_ms - RETENTION_MS:
        tx.clear(key)
        tx.delete(keys.changes_span(state.uid))
        tx.delete(keys.shards_span(state.uid))
        return
    trimmed, is_done = _trim(tx, state, now_ms)
    if trimmed != state.trimmed:
        tx.put(key, STREAM.encode(msgspec.structs.replace(state, trimmed=trimmed)))
    _forget_shards(tx, state, now_ms)
    if not state.ended_ms:
        _roll(tx, state, now_ms)
    _schedule(tx, state.uid, key, now_ms + HOUR_MS if is_done else now_ms)


def _trim(tx: Transaction, state: StreamState, now_ms: int) -> tuple[bytes, bool]:
    """Remove some changes that are too old; return the last one removed, and whether all are."""
    span, trimmed, count = keys.changes_span(state.uid), state.trimmed, 0
    for row in tx.scan(span, limit=STEP_ROWS):
        if CHANGE.decode(row.value).at_ms > now_ms - RETENTION_MS:
            break
        trimmed, count = row.key[-VERSION_BYTES:], count + 1
    if count:
        tx.delete(Span(span.start, keys.changes(state.uid) + next_version(trimmed)))
    return trimmed, count < STEP_ROWS


def _forget_shards(tx: Transaction, state: StreamState, now_ms: int) -> None:
    for shard in shards_of(tx, state.uid):
        if shard.closed_ms and shard.closed_ms <= now_ms - RETENTION_MS:
            tx.clear(keys.shards(state.uid) + shard.start)


def _roll(tx: Transaction, state: StreamState, now_ms: int) -> None:
    last = shards_of(tx, state.uid)[-1]
    span = Span(keys.changes(state.uid) + last.start, keys.changes_span(state.uid).end)
    has_changes = any(True for _ in tx.scan(span, limit=1))
    if has_changes and last.opened_ms <= now_ms - SHARD_MS:
        mark(tx, state.uid, now_ms)


KEEP = JobKind("dynamodb.stream", handler=keep)
