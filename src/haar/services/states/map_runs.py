"""Map Runs: described, changed and listed."""

from __future__ import annotations

import msgspec

from haar.kit import pages as tokens
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.states import counts, keys, names, pages
from haar.services.states.errors import ValidationException
from haar.services.states.ledger import read_map_run
from haar.services.states.lookup import arn_of, need_execution, need_map_run
from haar.services.states.map_definition import CONCURRENCY_MAX
from haar.services.states.records import CURSORS, MAP_RUNS, MapRunRecord
from haar.services.states.timestamps import moment
from haar.store.api import Transaction

_BOUNDS = {
    "maxConcurrency": "concurrency",
    "toleratedFailureCount": "tolerated_count",
    "toleratedFailurePercentage": "tolerated_percentage",
}
"""The members that change a Map Run, and the names of its numbers."""


@operation("DescribeMapRun", members="mapRunArn", resource=names.named_map_run, readonly=True)
def describe_map_run(call: Call[Members], tx: Transaction) -> Members:
    """Tell how a Map Run stands, in executions and in items.

    Keys: reads ``run``, ``cursor``, ``count``.

    Raises:
        ResourceNotFound: no such Map Run.

    Source: AWS docs, Step Functions API reference, DescribeMapRun.
    """
    id_, run = need_map_run(tx, call.resource)
    answer: Members = {
        "mapRunArn": names.map_run_arn(run),
        "executionArn": arn_of(tx, run.parent),
        "status": run.status,
        "startDate": moment(run.start_ms),
        "maxConcurrency": int(run.numbers.get("concurrency", 0)) or CONCURRENCY_MAX,
        "toleratedFailurePercentage": float(run.numbers.get("tolerated_percentage", 0.0)),
        "toleratedFailureCount": int(run.numbers.get("tolerated_count", 0)),
        "itemCounts": _tally(counts.read(tx, id_, "items"), _pending(tx, id_, run)),
        "executionCounts": _tally(counts.read(tx, id_, "executions"), 0),
        "redriveCount": 0,
    }
    if run.stop_ms:
        answer["stopDate"] = moment(run.stop_ms)
    return answer


def _pending(tx: Transaction, id_: str, run: MapRunRecord) -> int:
    """Return how many items wait, where all are known: those that came in the state's input."""
    raw = tx.get(keys.cursor(id_))
    known = int(run.numbers.get("items_known", 0))
    return max(0, known - CURSORS.decode(raw).items) if raw and known else 0


@operation(
    "UpdateMapRun",
    members="mapRunArn maxConcurrency toleratedFailurePercentage toleratedFailureCount",
    resource=names.named_map_run,
)
def update_map_run(call: Call[Members], tx: Transaction) -> Members:
    """Change the bounds of a Map Run that runs; they are in force for what it starts next.

    Keys: reads and writes ``run``; adds to ``count``, which wakes the Map Run's worker.

    Raises:
        ResourceNotFound: no such Map Run.
        ValidationException: it has ended.

    Source: AWS docs, Step Functions API reference, UpdateMapRun.
    """
    id_, run = need_map_run(tx, call.resource)
    if run.status != "RUNNING":
        raise ValidationException(reason="Only Map Runs that are RUNNING can be updated")  # [nv]
    numbers = run.numbers | {
        ours: call.members[theirs] for theirs, ours in _BOUNDS.items() if theirs in call.members
    }
    changed = msgspec.structs.replace(run, numbers=numbers)
    tx.put(keys.map_run(id_), MAP_RUNS.encode(changed))
    tx.add(keys.count(id_, counts.ENDED), 1)
    return {}


@operation(
    "ListMapRuns",
    members="executionArn maxResults nextToken",
    resource=names.named_execution,
    readonly=True,
)
def list_map_runs(call: Call[Members], tx: Transaction) -> Members:
    """List the Map Runs of an execution.

    Keys: reads ``execution``, ``run``; scans ``mapped``.

    Raises:
        ExecutionDoesNotExist: no such execution.

    Source: AWS docs, Step Functions API reference, ListMapRuns.
    """
    path, _ = need_execution(tx, call.resource)
    size = pages.size(call.members)
    span = pages.after(call, keys.all_mapped(path))
    rows = list(tx.scan(span, limit=size + 1))
    runs = [read_map_run(tx, str(keys.name_of(row.key)[-1])) for row in rows[:size]]
    answer: Members = {"mapRuns": [_listed(run, tx) for run in runs if run is not None]}
    if len(rows) > size:
        answer["nextToken"] = tokens.make(call, rows[size - 1].key)
    return answer


def _listed(run: MapRunRecord, tx: Transaction) -> Members:
    entry: Members = {
        "executionArn": arn_of(tx, run.parent),
        "mapRunArn": names.map_run_arn(run),
        "stateMachineArn": names.Machine(run.account, run.region, run.machine).arn,
        "startDate": moment(run.start_ms),
    }
    if run.stop_ms:
        entry["stopDate"] = moment(run.stop_ms)
    return entry


def _tally(tally: counts.Tally, pending: int) -> Members:
    """Return a tally as DescribeMapRun tells it."""
    return {
        "pending": pending,
        "running": tally.running,
        "succeeded": tally.succeeded,
        "failed": tally.failed,
        "timedOut": tally.timed_out,
        "aborted": tally.aborted,
        "total": tally.started + pending,
        "resultsWritten": tally.started - tally.running,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }
