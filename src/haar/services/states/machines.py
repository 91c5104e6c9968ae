"""State machines: made, changed, described, listed, deleted, validated."""

from __future__ import annotations

from typing import Any

import msgspec

from haar.kernel.entropy import uuid4
from haar.kernel.errors import NotImplementedByHaar
from haar.kit import pages as tokens
from haar.kit.call import Call, Members
from haar.kit.operation import anything, operation
from haar.kit.tags import without
from haar.services.states import keys, names, pages
from haar.services.states.definition import examine, parse
from haar.services.states.errors import MissingRequiredParameter, StateMachineAlreadyExists
from haar.services.states.fields import Problem
from haar.services.states.lookup import need_execution, need_machine, need_revision, run_of
from haar.services.states.records import MACHINES, REVISIONS, MachineRecord, RevisionRecord
from haar.services.states.revisions import retire
from haar.services.states.tags import merged, tags_of
from haar.services.states.timestamps import moment
from haar.store.api import Transaction


def _refuse_what_is_off(members: Members) -> None:
    """Refuse logging and tracing by name; what turns them off is honoured."""
    logging: dict[str, Any] = members.get("loggingConfiguration") or {}
    is_on = logging.get("level", "OFF") != "OFF" or logging.get("includeExecutionData")
    if is_on or logging.get("destinations"):
        raise NotImplementedByHaar(what="loggingConfiguration of state machines")
    tracing: dict[str, Any] = members.get("tracingConfiguration") or {}
    if tracing.get("enabled"):
        raise NotImplementedByHaar(what="tracingConfiguration of state machines")
    if members.get("publish"):
        raise NotImplementedByHaar(what="publish (versions of state machines)")


@operation(
    "CreateStateMachine",
    members="name definition roleArn type loggingConfiguration tracingConfiguration publish tags",
    resource=names.new_machine,
)
def create_state_machine(call: Call[Members], tx: Transaction) -> Members:
    """Make a state machine; the same request again answers the same.

    Keys: reads and writes ``machine``; writes ``revision``.

    Raises:
        InvalidName: characters that a name may not have.
        InvalidDefinition: a definition with problems.
        StateMachineAlreadyExists: the name is taken by one with another definition.

    Source: AWS docs, Step Functions API reference, CreateStateMachine.
    """
    members = call.members
    names.check_name(members["name"])
    if members.get("type", "STANDARD") != "STANDARD":
        raise NotImplementedByHaar(what="state machines of type EXPRESS")
    _refuse_what_is_off(members)
    machine = names.Machine(call.account, call.region, members["name"])
    definition = members["definition"]
    parse(definition)
    raw = tx.get(keys.machine(*machine))
    if raw is not None:
        record = MACHINES.decode_hot(raw)
        # A different role or other tags do not conflict, and are not updated.
        if need_revision(tx, machine, record.revision).definition != definition:
            raise StateMachineAlreadyExists(arn=machine.arn)
        return _made(machine, record.created_ms)
    revision = uuid4(call.entropy)
    record = MachineRecord(
        role=members["roleArn"],
        revision=revision,
        created_ms=call.now_ms,
        updated_ms=call.now_ms,
        first_revision=revision,
        tags=merged({}, members.get("tags") or [], machine.arn),
    )
    _put(tx, machine, record, definition)
    return _made(machine, call.now_ms)


def _made(machine: names.Machine, created_ms: int) -> Members:
    return {"stateMachineArn": machine.arn, "creationDate": moment(created_ms)}


def _put(tx: Transaction, machine: names.Machine, record: MachineRecord, definition: str) -> None:
    tx.put(keys.machine(*machine), MACHINES.encode(record))
    revision = RevisionRecord(definition, record.role, record.updated_ms)
    tx.put(keys.revision(*machine, record.revision), REVISIONS.encode(revision))


@operation(
    "UpdateStateMachine",
    members="stateMachineArn definition roleArn loggingConfiguration tracingConfiguration publish",
    resource=names.named_machine,
)
def update_state_machine(call: Call[Members], tx: Transaction) -> Members:
    """Give a state machine a new definition or role, in force for later executions.

    Keys: reads and writes ``machine``; writes ``revision``, jobs.

    Raises:
        StateMachineDoesNotExist: there is none.
        InvalidDefinition: a definition with problems.
        MissingRequiredParameter: nothing to change.

    Source: AWS docs, Step Functions API reference, UpdateStateMachine.
    """
    members = call.members
    machine = names.machine_of(call.resource)
    record = need_machine(tx, machine)
    _refuse_what_is_off(members)
    changes = {"definition", "roleArn", "loggingConfiguration", "tracingConfiguration"}
    if not changes & members.keys():
        raise MissingRequiredParameter
    definition = members.get("definition")
    if definition is None:
        definition = need_revision(tx, machine, record.revision).definition
    parse(definition)
    changed = msgspec.structs.replace(
        record,
        role=members.get("roleArn", record.role),
        revision=uuid4(call.entropy),
        updated_ms=call.now_ms,
    )
    _put(tx, machine, changed, definition)
    retire(tx, machine, record.revision, call.now_ms)
    return {"updateDate": moment(call.now_ms), "revisionId": changed.revision}


@operation(
    "DescribeStateMachine",
    members="stateMachineArn includedData",
    resource=names.named_machine,
    readonly=True,
)
def describe_state_machine(call: Call[Members], tx: Transaction) -> Members:
    """Tell what a state machine is.

    Keys: reads ``machine``, ``revision``.

    Raises:
        StateMachineDoesNotExist: there is none.

    Source: AWS docs, Step Functions API reference, DescribeStateMachine.
    """
    machine = names.machine_of(call.resource)
    record = need_machine(tx, machine)
    answer: Members = {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "status": "ACTIVE",
        "definition": _definition(call, need_revision(tx, machine, record.revision)),
        "roleArn": record.role,
        "type": "STANDARD",
        "creationDate": moment(record.created_ms),
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
    }
    # AWS tells no revision of a state machine that was never updated.
    if record.revision != record.first_revision:
        answer["revisionId"] = record.revision
    return answer


def _definition(call: Call[Members], revision: RevisionRecord) -> str:
    return "{}" if call.members.get("includedData") == "METADATA_ONLY" else revision.definition


@operation(
    "DescribeStateMachineForExecution",
    members="executionArn includedData",
    resource=names.named_execution,
    readonly=True,
)
def describe_for_execution(call: Call[Members], tx: Transaction) -> Members:
    """Tell what the state machine was when an execution began.

    Keys: reads ``execution``, ``run``, ``revision``.

    Raises:
        ExecutionDoesNotExist: no such execution.

    Source: AWS docs, Step Functions API reference, DescribeStateMachineForExecution.
    """
    path, record = need_execution(tx, call.resource)
    answer: Members = {}
    if names.is_child(path):
        run = run_of(tx, path)
        machine, revision_id = names.Machine(run.account, run.region, run.machine), run.revision
        answer = {"mapRunArn": names.map_run_arn(run), "label": run.label}
    else:
        account, region, name, _ = (str(element) for element in path)
        machine, revision_id = names.Machine(account, region, name), record.revision
    revision = need_revision(tx, machine, revision_id)
    return {
        **answer,
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "definition": _definition(call, revision),
        "roleArn": revision.role,
        "updateDate": moment(revision.updated_ms),
        "revisionId": revision_id,
    }


@operation("DeleteStateMachine", members="stateMachineArn", resource=names.named_machine)
def delete_state_machine(call: Call[Members], tx: Transaction) -> Members:
    """Remove a state machine; executions that run go on to their end.

    Keys: reads and clears ``machine``; writes jobs, which clear ``revision``.

    Source: AWS docs, Step Functions API reference, DeleteStateMachine.
    """
    machine = names.machine_of(call.resource)
    raw = tx.get(keys.machine(*machine))
    if raw is not None:
        tx.clear(keys.machine(*machine))
        retire(tx, machine, MACHINES.decode_hot(raw).revision, call.now_ms)
    return {}


@operation("ListStateMachines", members="maxResults nextToken", resource=anything, readonly=True)
def list_state_machines(call: Call[Members], tx: Transaction) -> Members:
    """List the state machines of the account and region.

    Keys: scans ``machine``.

    Raises:
        InvalidToken: a token that was not given out.

    Source: AWS docs, Step Functions API reference, ListStateMachines.
    """
    span = pages.after(call, keys.machines(call.account, call.region))
    size = pages.size(call.members)
    rows = list(tx.scan(span, limit=size + 1))
    answer: Members = {"stateMachines": [_listed(row.key, row.value) for row in rows[:size]]}
    if len(rows) > size:
        answer["nextToken"] = tokens.make(call, rows[size - 1].key)
    return answer


def _listed(key: bytes, value: bytes) -> dict[str, Any]:
    machine = names.Machine(*(str(element) for element in keys.name_of(key)))
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": moment(MACHINES.decode(value).created_ms),
    }


@operation(
    "ValidateStateMachineDefinition",
    members="definition type severity maxResults",
    resource=anything,
    readonly=True,
)
def validate_definition(call: Call[Members], tx: Transaction) -> Members:
    """Tell what is wrong with a definition.

    Keys: none.

    Source: AWS docs, Step Functions API reference, ValidateStateMachineDefinition.
    """
    if call.members.get("type", "STANDARD") != "STANDARD":
        raise NotImplementedByHaar(what="state machines of type EXPRESS")
    _, problems = examine(call.members["definition"])
    size = call.members.get("maxResults") or 100
    return {
        "result": "FAIL" if problems else "OK",
        "diagnostics": [_diagnostic(problem) for problem in problems[:size]],
        "truncated": len(problems) > size,
    }


def _diagnostic(problem: Problem) -> Members:
    told = {"severity": "ERROR", "code": problem.code, "message": problem.message}
    return told if problem.place is None else {**told, "location": problem.place}


@operation(
    "ListTagsForResource", members="resourceArn", resource=names.named_resource, readonly=True
)
def list_tags(call: Call[Members], tx: Transaction) -> Members:
    """List a state machine's tags.

    Keys: reads ``machine``.

    Raises:
        StateMachineDoesNotExist: there is none.

    Source: AWS docs, Step Functions API reference, ListTagsForResource.
    """
    return {"tags": tags_of(need_machine(tx, names.machine_of(call.resource)).tags)}


@operation("TagResource", members="resourceArn tags", resource=names.named_resource)
def tag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Add tags to a state machine, or give them other values.

    Keys: reads and writes ``machine``.

    Raises:
        TooManyTags: more than 50 in all.

    Source: AWS docs, Step Functions API reference, TagResource.
    """
    machine = names.machine_of(call.resource)
    record = need_machine(tx, machine)
    tags = merged(record.tags, call.members["tags"], machine.arn)
    tx.put(keys.machine(*machine), MACHINES.encode(msgspec.structs.replace(record, tags=tags)))
    return {}


@operation("UntagResource", members="resourceArn tagKeys", resource=names.named_resource)
def untag_resource(call: Call[Members], tx: Transaction) -> Members:
    """Remove tags from a state machine.

    Keys: reads and writes ``machine``.

    Source: AWS docs, Step Functions API reference, UntagResource.
    """
    machine = names.machine_of(call.resource)
    record = need_machine(tx, machine)
    tags = without(record.tags, call.members["tagKeys"])
    tx.put(keys.machine(*machine), MACHINES.encode(msgspec.structs.replace(record, tags=tags)))
    return {}
