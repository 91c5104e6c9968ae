"""Executions: started, described, stopped, listed, and their history."""

from __future__ import annotations

from typing import Any

from haar.kernel import pages as tokens
from haar.kernel.entropy import uuid4
from haar.kernel.errors import NotImplementedByHaar
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.states import counts, keys, names, pages, values
from haar.services.states.definition import parse
from haar.services.states.errors import (
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    InvalidArn,
    InvalidExecutionInput,
    ResourceNotFound,
    ValidationException,
)
from haar.services.states.history import EVENTS, HistoryEvent, shown
from haar.services.states.ledger import (
    apply,
    begin,
    facts_of,
    read_execution,
    read_input,
    read_map_run,
)
from haar.services.states.machines import read_machine, read_revision
from haar.services.states.records import (
    EXECUTIONS,
    LISTED,
    ExecutionRecord,
    MapRunRecord,
    Path,
)
from haar.services.states.steps import Stopped
from haar.services.states.timestamps import moment
from haar.store.api import Row, Transaction


@operation(
    "StartExecution",
    members="stateMachineArn name input traceHeader",
    resource=names.named_machine,
)
def start_execution(call: Call[Members], tx: Transaction) -> Members:
    """Start an execution; the same name and input again answer the same while it runs.

    Keys: reads ``machine``, ``revision``; writes ``execution``, ``input``, ``progress``, ``frame``,
    ``history``, ``started``; schedules what its first step asks for.

    Raises:
        InvalidName: characters that a name may not have.
        InvalidExecutionInput: not JSON, or more than 256 KiB.
        StateMachineDoesNotExist: there is none.
        ExecutionAlreadyExists: the name is taken.

    Source: AWS docs, Step Functions API reference, StartExecution.
    """
    machine = names.machine_of(call.resource)
    name = call.members.get("name") or uuid4(call.entropy)
    names.check_name(name)
    text = call.members.get("input", "{}")
    _check_input(text)
    found = read_machine(tx, machine)
    path: Path = (*machine, name)
    old = read_execution(tx, path)
    if old is not None:
        if old.status != "RUNNING" or read_input(tx, path, old) != text:
            raise ExecutionAlreadyExists(arn=names.execution_arn(path))
        return _started(path, old.start_ms)
    record = ExecutionRecord(
        status="RUNNING",
        start_ms=call.now_ms,
        revision=found.revision,
        role=found.role,
        trace=call.members.get("traceHeader", ""),
    )
    definition = parse(read_revision(tx, machine, found.revision).definition)
    begin(tx, path, definition, facts_of(path, record, machine.name, text), record)
    return _started(path, call.now_ms)


def _started(path: Path, start_ms: int) -> Members:
    return {"executionArn": names.execution_arn(path), "startDate": moment(start_ms)}


def _check_input(text: str) -> None:
    if values.size(text) > values.PAYLOAD_BYTES_MAX:
        raise InvalidExecutionInput(reason="the input exceeds 262144 bytes")
    try:
        values.read(text)
    except values.NotJson as err:
        raise InvalidExecutionInput(reason=err) from None


def _need(tx: Transaction, arn: str) -> tuple[Path, ExecutionRecord]:
    path = names.execution_of(arn)
    record = read_execution(tx, path)
    if record is None:
        raise ExecutionDoesNotExist(arn=arn)
    return path, record


@operation(
    "DescribeExecution",
    members="executionArn includedData",
    resource=names.named_execution,
    readonly=True,
)
def describe_execution(call: Call[Members], tx: Transaction) -> Members:
    """Tell how an execution stands.

    Keys: reads ``execution``, ``input``, ``run``.

    Raises:
        ExecutionDoesNotExist: no such execution.

    Source: AWS docs, Step Functions API reference, DescribeExecution.
    """
    path, record = _need(tx, call.resource)
    answer: Members = {
        "executionArn": call.resource,
        **_parent(tx, path),
        "status": record.status,
        "startDate": moment(record.start_ms),
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": _why_not_redrivable(record.status),
    }
    if record.stop_ms:
        answer["stopDate"] = moment(record.stop_ms)
    if record.trace:
        answer["traceHeader"] = record.trace
    if call.members.get("includedData") != "METADATA_ONLY":
        answer |= _data(tx, path, record)
    return answer


def _why_not_redrivable(status: str) -> str:
    if status in {"RUNNING", "SUCCEEDED"}:
        return f"Execution is {status} and cannot be redriven"
    return "Redrive is not implemented by haar"


def _parent(tx: Transaction, path: Path) -> Members:
    if not names.is_child(path):
        account, region, machine, name = (str(element) for element in path)
        arn = names.Machine(account, region, machine).arn
        return {"stateMachineArn": arn, "name": name}
    run = _run_of(tx, path)
    return {
        "stateMachineArn": names.child_machine_arn(run),
        "name": names.child_name(run, int(str(path[1]))),
        "mapRunArn": names.map_run_arn(run),
    }


def _run_of(tx: Transaction, path: Path) -> MapRunRecord:
    run = read_map_run(tx, str(path[0]))
    assert run is not None, "a child's Map Run is there"
    return run


def _data(tx: Transaction, path: Path, record: ExecutionRecord) -> Members:
    data: Members = {
        "input": read_input(tx, path, record),
        "inputDetails": {"included": True},
    }
    if record.output is not None:
        data |= {"output": record.output, "outputDetails": {"included": True}}
    given = {"error": record.error, "cause": record.cause}
    return data | {name: text for name, text in given.items() if text is not None}


@operation("StopExecution", members="executionArn error cause", resource=names.named_execution)
def stop_execution(call: Call[Members], tx: Transaction) -> Members:
    """Stop an execution. One that has ended stays as it is.

    Keys: reads and writes ``execution``; writes ``history``, ``started``; clears ``progress`` and
    ``frame``; cancels its jobs and closes its Map Runs.

    Raises:
        ExecutionDoesNotExist: no such execution.

    Source: AWS docs, Step Functions API reference, StopExecution.
    """
    path, record = _need(tx, call.resource)
    if record.status != "RUNNING":
        return {"stopDate": moment(record.stop_ms)}
    event = Stopped(call.members.get("error"), call.members.get("cause"))
    apply(tx, path, event, call.now_ms)
    return {"stopDate": moment(call.now_ms)}


@operation(
    "ListExecutions",
    members="stateMachineArn statusFilter maxResults nextToken mapRunArn",
    resource=names.listed,
    readonly=True,
)
def list_executions(call: Call[Members], tx: Transaction) -> Members:
    """List executions of a state machine or of a Map Run, the newest first.

    With a statusFilter a page may be short though there is more: it has a nextToken then.

    Keys: scans ``started`` or ``execution``.

    Raises:
        StateMachineDoesNotExist: there is none.
        ResourceNotFound: no such Map Run.
        InvalidToken: a token that was not given out.

    Source: AWS docs, Step Functions API reference, ListExecutions.
    """
    members = call.members
    if ("stateMachineArn" in members) == ("mapRunArn" in members):
        raise ValidationException(
            reason="Exactly one of 'stateMachineArn' or 'mapRunArn' must be specified"
        )
    if "mapRunArn" in members:
        return _list_children(members, tx)
    machine = names.machine_of(call.resource)
    if "/" in machine.name:
        raise NotImplementedByHaar(what="ListExecutions of a Map state's own ARN; use mapRunArn")
    read_machine(tx, machine)
    span = keys.all_started(*machine)
    return _page(members, tx, span, lambda row: _entry(machine, row))


def _page(members: Members, tx: Transaction, span: Any, entry: Any) -> Members:
    size, wanted = pages.size(members), members.get("statusFilter")
    left = pages.after(span, pages.start(members), reverse=True)
    found: list[Members] = []
    last, seen = b"", 0
    for row in tx.scan(left, limit=pages.SCANNED_MAX + 1, reverse=True):
        if len(found) == size or seen == pages.SCANNED_MAX:
            return {"executions": found, "nextToken": tokens.make(last)}
        last, seen = row.key, seen + 1
        listed = entry(row)
        if wanted is None or listed["status"] == wanted:
            found.append(listed)
    return {"executions": found}


def _entry(machine: names.Machine, row: Row) -> Members:
    *_, start_ms, name = keys.name_of(row.key)
    listed = LISTED.decode(row.value)
    entry: Members = {
        "executionArn": names.execution_arn((*machine, str(name))),
        "stateMachineArn": machine.arn,
        "name": name,
        "status": listed.status,
        "startDate": moment(int(str(start_ms))),
        "redriveCount": 0,
    }
    if listed.stop_ms:
        entry["stopDate"] = moment(listed.stop_ms)
    return entry


def _list_children(members: Members, tx: Transaction) -> Members:
    id_ = names.map_run_of(members["mapRunArn"])
    run = read_map_run(tx, id_)
    if run is None:
        raise ResourceNotFound(arn=members["mapRunArn"])
    return _page(members, tx, keys.children(id_), lambda row: _child_entry(run, row))


def _child_entry(run: MapRunRecord, row: Row) -> Members:
    index = int(str(keys.name_of(row.key)[1]))
    record = EXECUTIONS.decode(row.value)
    entry: Members = {
        "executionArn": names.child_arn(run, index),
        "stateMachineArn": names.child_machine_arn(run),
        "name": names.child_name(run, index),
        "status": record.status,
        "startDate": moment(record.start_ms),
        "mapRunArn": names.map_run_arn(run),
        "itemCount": record.items,
        "redriveCount": 0,
    }
    if record.stop_ms:
        entry["stopDate"] = moment(record.stop_ms)
    return entry


@operation(
    "GetExecutionHistory",
    members="executionArn maxResults reverseOrder nextToken includeExecutionData",
    resource=names.named_execution,
    readonly=True,
)
def get_execution_history(call: Call[Members], tx: Transaction) -> Members:
    """List the events of an execution.

    Keys: reads ``execution``, ``input``; scans ``history``.

    Raises:
        ExecutionDoesNotExist: no such execution.
        InvalidArn: an Express execution, which has no history.

    Source: AWS docs, Step Functions API reference, GetExecutionHistory.
    """
    path, record = _need(tx, call.resource)
    if names.is_child(path) and _run_of(tx, path).is_express:
        raise InvalidArn(arn="Resource type not valid in this context: express")
    text = read_input(tx, path, record)
    size, reverse = pages.size(call.members), bool(call.members.get("reverseOrder"))
    with_data = call.members.get("includeExecutionData", True)
    token = pages.start(call.members)
    last = int.from_bytes(token or b"", "big")
    events = _events(tx, path, last, size + 1, reverse=reverse)
    answer: Members = {
        "events": [shown(event, text, with_data=with_data) for event in events[:size]]
    }
    if len(events) > size:
        answer["nextToken"] = tokens.make(events[size - 1].id.to_bytes(4, "big"))
    return answer


def _events(
    tx: Transaction, path: Path, last: int, count: int, *, reverse: bool
) -> list[HistoryEvent]:
    """Return ``count`` events at most after (before, where reversed) the one with id ``last``."""
    found: list[HistoryEvent] = []
    chunks = _chunks(tx, path, last, reverse=reverse)
    for row in tx.scan(chunks, limit=count + 1, reverse=reverse):
        chunk = EVENTS.decode(row.value)
        for event in reversed(chunk) if reverse else chunk:
            if not last or (event.id < last if reverse else event.id > last):
                found.append(event)
                if len(found) == count:
                    return found
    return found


def _chunks(tx: Transaction, path: Path, last: int, *, reverse: bool) -> Any:
    """Return the span of the chunks that may hold what is asked for."""
    span = keys.histories(path)
    if not last:
        return span
    if reverse:
        return span._replace(end=keys.history(path, last))
    for row in tx.scan(span._replace(end=keys.history(path, last + 1)), limit=1, reverse=True):
        return span._replace(start=row.key)
    return span


def event_at(tx: Transaction, path: Path, id_: int) -> HistoryEvent | None:
    """Return one event of an execution."""
    found = _events(tx, path, id_ - 1, 1, reverse=False)
    return found[0] if found and found[0].id == id_ else None


def tally_members(tally: counts.Tally, pending: int) -> Members:
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
