"""Listings of executions: of a state machine, of a Map Run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from haar.kernel.errors import NotImplementedByHaar
from haar.kit import pages as tokens
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.states import keys, names, pages
from haar.services.states.errors import ValidationException
from haar.services.states.lookup import need_machine, need_map_run
from haar.services.states.records import EXECUTIONS, LISTED, MapRunRecord
from haar.services.states.timestamps import moment
from haar.store.api import Row, Span, Transaction


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
        return _list_children(call, tx)
    machine = names.machine_of(call.resource)
    if "/" in machine.name:
        raise NotImplementedByHaar(what="ListExecutions of a Map state's own ARN; use mapRunArn")
    need_machine(tx, machine)
    span = keys.all_started(*machine)
    return _page(call, tx, span, partial(_entry, machine))


def _page(
    call: Call[Members], tx: Transaction, span: Span, entry: Callable[[Row], Members]
) -> Members:
    size, wanted = pages.size(call.members), call.members.get("statusFilter")
    left = pages.after(call, span, reverse=True)
    found: list[Members] = []
    last, seen = b"", 0
    for row in tx.scan(left, limit=pages.SCANNED_MAX + 1, reverse=True):
        if len(found) == size or seen == pages.SCANNED_MAX:
            return {"executions": found, "nextToken": tokens.make(call, last)}
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


def _list_children(call: Call[Members], tx: Transaction) -> Members:
    id_, run = need_map_run(tx, call.members["mapRunArn"])
    return _page(call, tx, keys.children(id_), partial(_child_entry, run))


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
