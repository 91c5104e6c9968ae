"""Time to live: set, described, and the sweep that deletes items whose time has come.

A job a table wakes every minute and deletes what is due in small transactions. A deletion is like a
client's, in indexes and counts, too; in the stream it is the service's own.
"""

from __future__ import annotations

import msgspec

from haar.fabric import jobs
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job, JobKind
from haar.kit.operation import operation
from haar.services.dynamodb import backfills, keys, rows, texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.lookup import load_named, refuse_unready, table_arn
from haar.services.dynamodb.records import TABLE, Table, TimeToLive
from haar.store.api import Transaction

CHANGE_MS_MIN = 60 * 60 * 1000
SWEEP_MS = 60 * 1000
STEP_ROWS = 50
PAST_SECONDS_MAX = 5 * 365 * 24 * 60 * 60


@operation("UpdateTimeToLive", members="TableName TimeToLiveSpecification", resource=table_arn)
def update_time_to_live(call: Call[Members], tx: Transaction) -> Members:
    """Let items of a table end by themselves, or no longer.

    Keys: reads and writes ``table``; clears ``expiry``; schedules ``dynamodb.expiry``,
    ``dynamodb.backfill``.

    Raises:
        TableNotFound: no such table.
        NotReady: it is being made.
        Invalid: it is so already, of another attribute, or changed less than an hour ago.

    Source: AWS docs, DynamoDB API reference, UpdateTimeToLive.
    """
    asked = call.members["TimeToLiveSpecification"]
    table = load_named(tx, call.resource)
    refuse_unready(table)
    name, is_enabled = asked["AttributeName"], asked["Enabled"]
    _check(table.time_to_live, name, call.now_ms, is_enabled=is_enabled)
    setting = TimeToLive(name, is_enabled, call.now_ms, is_filling=is_enabled)
    new = msgspec.structs.replace(table, time_to_live=setting)
    tx.put(keys.table(table.arn), TABLE.encode(new))
    if is_enabled:
        backfills.begin(tx, new, backfills.EXPIRIES, call.now_ms)
        _schedule(tx, new.uid, keys.table(table.arn), call.now_ms)
    else:
        forget(tx, table)
    return {"TimeToLiveSpecification": {"Enabled": is_enabled, "AttributeName": name}}


def _check(now: TimeToLive | None, name: str, now_ms: int, *, is_enabled: bool) -> None:
    was_enabled = now is not None and now.is_enabled
    if now is not None and was_enabled and now.name != name:
        raise Invalid(texts.TTL_OTHER_NAME, name=now.name)
    if was_enabled is is_enabled:
        raise Invalid(texts.TTL_ENABLED if is_enabled else texts.TTL_DISABLED)
    if now is not None and now_ms - now.changed_ms < CHANGE_MS_MIN:
        raise Invalid(texts.TTL_TOO_SOON)


def forget(tx: Transaction, table: Table) -> None:
    """Forget when items of a table end.

    Keys: clears ``expiry``.
    """
    backfills.cancel(tx, table, backfills.EXPIRIES)
    jobs.cancel(tx, kind=SWEEP.kind, key=str(table.uid))
    tx.delete(keys.expiries(table.uid))


@operation("DescribeTimeToLive", members="TableName", resource=table_arn, readonly=True)
def describe_time_to_live(call: Call[Members], tx: Transaction) -> Members:
    """Tell whether items of a table end by themselves, and by which attribute.

    Keys: reads ``table``.

    Raises:
        TableNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, DescribeTimeToLive.
    """
    setting = load_named(tx, call.resource).time_to_live
    return {"TimeToLiveDescription": described(setting)}


def described(setting: TimeToLive | None) -> Members:
    """Return a TimeToLiveDescription."""
    if setting is None or not setting.is_enabled:
        return {"TimeToLiveStatus": "DISABLED"}
    status = "ENABLING" if setting.is_filling else "ENABLED"
    return {"TimeToLiveStatus": status, "AttributeName": setting.name}


def _schedule(tx: Transaction, uid: int, table_key: bytes, due_ms: int) -> None:
    jobs.schedule(tx, kind=SWEEP.kind, key=str(uid), due_ms=due_ms, payload=table_key)


async def sweep(job: Job, cloud: Cloud) -> Finish:
    """Delete some items whose time has come."""
    now_ms = cloud.clock.now_ms()
    return lambda tx: _sweep(tx, job, now_ms)


def _sweep(tx: Transaction, job: Job, now_ms: int) -> None:
    raw = tx.get(job.payload)
    if raw is None:
        return
    table = TABLE.decode(raw)
    if str(table.uid) != job.key:
        return
    count = _delete_due(tx, table, now_ms)
    due_ms = now_ms if count == STEP_ROWS else now_ms + SWEEP_MS
    _schedule(tx, table.uid, job.payload, due_ms)


def _delete_due(tx: Transaction, table: Table, now_ms: int) -> int:
    """Delete the items that ended first; return how many were looked at."""
    now_s = now_ms // 1000
    due = list(tx.scan(keys.expiries(table.uid, now_s), limit=STEP_ROWS))
    for row in due:
        seconds, key = keys.expiring(table.uid, row.key)
        if seconds < now_s - PAST_SECONDS_MAX:
            tx.clear(row.key)
            continue
        old = tx.get(key)
        assert old is not None, "an expiry has an item"
        rows.write(tx, table, key, old, None, now_ms=now_ms, is_expiry=True)
    return len(due)


SWEEP = JobKind("dynamodb.expiry", handler=sweep)
