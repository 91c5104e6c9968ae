"""ARNs and names: from text to what the keys need, and back."""

from __future__ import annotations

import re
from typing import NamedTuple

from haar.kernel import arn
from haar.kit.call import Members, Scope
from haar.services.states.errors import InvalidArn, InvalidName
from haar.services.states.records import MapRunRecord, Path

RUN_CHARACTERS = 23
"""Of a Map Run's UUID, in the keys and at the head of its children's names."""

_NAME = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff]{1,80}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Machine(NamedTuple):
    """A state machine's place."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn.make("states", self.region, self.account, f"stateMachine:{self.name}")


def check_name(name: str) -> None:
    """Refuse a name with characters that AWS does not allow.

    Raises:
        InvalidName: it has some.
    """
    if not _NAME.fullmatch(name):
        raise InvalidName(name=name)


def _resource(text: str, kind: str) -> tuple[arn.Arn, str]:
    try:
        found = arn.parse(text)
    except arn.NotAnArn:
        raise InvalidArn(arn=text) from None
    type_, _, name = found.resource.partition(":")
    if (found.partition, found.service) != ("aws", "states"):
        raise InvalidArn(arn=text)
    if type_ not in kind.split() or not name:
        raise InvalidArn(arn=f"Resource type not valid in this context: {type_}")
    return found, name


def machine_of(text: str) -> Machine:
    """Return the state machine that an ARN names (a version or label is refused as unknown).

    Raises:
        InvalidArn: another kind of ARN.
    """
    found, name = _resource(text, "stateMachine")
    return Machine(found.account, found.region, name)


def execution_of(text: str) -> Path:
    """Return the path of the execution that an ARN names.

    Raises:
        InvalidArn: another kind of ARN.
    """
    found, rest = _resource(text, "execution express")
    machine, _, name = rest.partition(":")
    if "/" not in machine:
        return (found.account, found.region, machine, name)
    if not _UUID.fullmatch(name):
        raise InvalidArn(arn=text)
    return (name[:RUN_CHARACTERS], int(name[24:], 16))


def map_run_of(text: str) -> str:
    """Return the run that a Map Run's ARN names.

    Raises:
        InvalidArn: another kind of ARN.
    """
    _, rest = _resource(text, "mapRun")
    uuid = rest.rpartition(":")[2]
    if not _UUID.fullmatch(uuid):
        raise InvalidArn(arn=text)
    return uuid[:RUN_CHARACTERS]


def is_child(path: Path) -> bool:
    """Tell whether a path is that of a map's child."""
    return len(path) == 2


def execution_arn(path: Path) -> str:
    """Return the ARN of an execution that somebody started."""
    account, region, machine, name = (str(element) for element in path)
    return arn.make("states", region, account, f"execution:{machine}:{name}")


def child_name(run: MapRunRecord, index: int) -> str:
    """Return the name of a child: a UUID that begins as its run's and ends in its index.

    So a child's ARN leads to its row, and the rows of a run lie in item order.
    """
    return f"{run.uuid[:RUN_CHARACTERS]}-{index:012x}"


def child_arn(run: MapRunRecord, index: int) -> str:
    """Return the ARN of a child execution."""
    kind = "express" if run.is_express else "execution"
    resource = f"{kind}:{run.machine}/{run.label}:{child_name(run, index)}"
    return arn.make("states", run.region, run.account, resource)


def child_machine_arn(run: MapRunRecord) -> str:
    """Return the ARN of the state machine that children belong to."""
    resource = f"stateMachine:{run.machine}/{run.label}"
    return arn.make("states", run.region, run.account, resource)


def map_run_arn(run: MapRunRecord) -> str:
    """Return the ARN of a Map Run."""
    resource = f"mapRun:{run.machine}/{run.label}:{run.uuid}"
    return arn.make("states", run.region, run.account, resource)


# What the policy decides on.


def new_machine(members: Members, scope: Scope) -> str:
    """Name the state machine that is made."""
    return scope.arn("states", f"stateMachine:{members['name']}")


def named_machine(members: Members, scope: Scope) -> str:
    """Name the state machine of the request."""
    return str(members["stateMachineArn"])


def named_execution(members: Members, scope: Scope) -> str:
    """Name the execution of the request."""
    return str(members["executionArn"])


def named_map_run(members: Members, scope: Scope) -> str:
    """Name the Map Run of the request."""
    return str(members["mapRunArn"])


def named_resource(members: Members, scope: Scope) -> str:
    """Name the resource whose tags are meant."""
    return str(members["resourceArn"])


def listed(members: Members, scope: Scope) -> str:
    """Name what executions are listed of: a state machine or a Map Run."""
    return str(members.get("stateMachineArn") or members.get("mapRunArn") or "*")
