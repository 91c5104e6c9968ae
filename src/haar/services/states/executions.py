"""Executions: started, described, stopped."""

from __future__ import annotations

from haar.kernel.entropy import hex_id, uuid4
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.states import names, values
from haar.services.states.definition import parse
from haar.services.states.errors import ExecutionAlreadyExists, InvalidExecutionInput
from haar.services.states.ledger import apply, begin, facts_of, read_execution, read_input
from haar.services.states.lookup import need_execution, need_machine, need_revision, run_of
from haar.services.states.records import ExecutionRecord, Path
from haar.services.states.steps import Stopped
from haar.services.states.timestamps import moment
from haar.store.api import Transaction


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
    found = need_machine(tx, machine)
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
        secret=hex_id(call.entropy, 32),
    )
    definition = parse(need_revision(tx, machine, found.revision).definition)
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
    path, record = need_execution(tx, call.resource)
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
    run = run_of(tx, path)
    return {
        "stateMachineArn": names.child_machine_arn(run),
        "name": names.child_name(run, int(str(path[1]))),
        "mapRunArn": names.map_run_arn(run),
    }


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
    path, record = need_execution(tx, call.resource)
    if record.status != "RUNNING":
        return {"stopDate": moment(record.stop_ms)}
    event = Stopped(call.members.get("error"), call.members.get("cause"))
    apply(tx, path, event, call.now_ms)
    return {"stopDate": moment(call.now_ms)}
