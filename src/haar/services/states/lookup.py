"""From the ARN in a request to the stored record.

The policy decided on the ARN as it was given, so a record counts as found only where its own ARN is
that very text: a child's or a Map Run's key is its UUID alone.
"""

from __future__ import annotations

from haar.services.states import keys, names
from haar.services.states.errors import (
    ExecutionDoesNotExist,
    ResourceNotFound,
    StateMachineDoesNotExist,
)
from haar.services.states.ledger import read_execution, read_map_run
from haar.services.states.records import (
    MACHINES,
    REVISIONS,
    ExecutionRecord,
    MachineRecord,
    MapRunRecord,
    Path,
    RevisionRecord,
)
from haar.store.api import Transaction


def need_machine(tx: Transaction, machine: names.Machine) -> MachineRecord:
    """Return a state machine's record.

    Raises:
        StateMachineDoesNotExist: there is none.
    """
    raw = tx.get(keys.machine(*machine))
    if raw is None:
        raise StateMachineDoesNotExist(arn=machine.arn)
    return MACHINES.decode_hot(raw)


def need_revision(tx: Transaction, machine: names.Machine, revision: str) -> RevisionRecord:
    """Return a definition that a state machine or an execution refers to."""
    raw = tx.get(keys.revision(*machine, revision))
    assert raw is not None, "a definition stays as long as its executions"
    return REVISIONS.decode_hot(raw)


def need_execution(tx: Transaction, arn: str) -> tuple[Path, ExecutionRecord]:
    """Return the path and the record of an execution, a map's child or not.

    Raises:
        ExecutionDoesNotExist: there is none of that ARN.
        InvalidArn: not an execution's ARN.
    """
    path = names.execution_of(arn)
    record = read_execution(tx, path)
    if record is None or arn_of(tx, path) != arn:
        raise ExecutionDoesNotExist(arn=arn)
    return path, record


def need_map_run(tx: Transaction, arn: str) -> tuple[str, MapRunRecord]:
    """Return a Map Run's place in the keys, and its record.

    Raises:
        ResourceNotFound: there is none of that ARN.
        InvalidArn: not a Map Run's ARN.
    """
    id_ = names.map_run_of(arn)
    run = read_map_run(tx, id_)
    if run is None or names.map_run_arn(run) != arn:
        raise ResourceNotFound(arn=arn)
    return id_, run


def run_of(tx: Transaction, path: Path) -> MapRunRecord:
    """Return the Map Run of a child."""
    run = read_map_run(tx, str(path[0]))
    assert run is not None, "a child's Map Run is there"
    return run


def arn_of(tx: Transaction, path: Path) -> str:
    """Return the ARN of an execution, a map's child or not."""
    if names.is_child(path):
        return names.child_arn(run_of(tx, path), int(str(path[1])))
    return names.execution_arn(path)
