"""Stored values of Step Functions. See :mod:`.keys` for where each lives."""

from __future__ import annotations

from typing import Any

import msgspec

from haar.kit.records import Codec
from haar.services.states.frames import Frame
from haar.store.tuples import Element

Path = tuple[Element, ...]
"""Names an execution: (account, region, machine, name), or (run, index) of a map's child."""


class MachineRecord(msgspec.Struct, frozen=True, array_like=True):
    """A state machine. ``revision`` names the row with its newest definition."""

    role: str
    revision: str
    created_ms: int
    updated_ms: int
    first_revision: str
    tags: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class RevisionRecord(msgspec.Struct, frozen=True, array_like=True):
    """A definition, as long as executions may refer to it."""

    definition: str
    role: str
    updated_ms: int


class ExecutionRecord(msgspec.Struct, frozen=True, array_like=True):
    """An execution's state as its users see it.

    Attributes:
        status: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        input: its text; None where it has a row of its own.
        revision: the definition it runs; empty for a map's child, whose Map Run knows.
        items: how many items of the map it handles.
        secret: of its randomness and its task tokens; empty for a map's child.
    """

    status: str
    start_ms: int
    stop_ms: int = 0
    input: str | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    revision: str = ""
    role: str = ""
    trace: str = ""
    items: int = 0
    secret: str = ""


class ListedRecord(msgspec.Struct, frozen=True, array_like=True):
    """What ListExecutions tells of an execution."""

    status: str
    stop_ms: int = 0


class ProgressRecord(msgspec.Struct, frozen=True, array_like=True):
    """The counters of a running execution, and the frames that a next step goes on with."""

    next_event: int
    next_frame: int
    ready: tuple[int, ...] = ()


class MapRunRecord(msgspec.Struct, frozen=True, array_like=True):
    """A Map Run.

    Attributes:
        uuid: the last part of its ARN.
        parent: the path of the execution that opened it.
        frame: the waiting frame there, and the ticket that its end must carry.
        state: the Map state's name.
        machine: the state machine's name; revision and role as the parent's.
        numbers: see :class:`~.steps.MapPlan`.
        status: RUNNING, SUCCEEDED, FAILED or ABORTED.
        error: why it fails, as soon as that is known; ``cause`` with it.
        is_closing: no more children start; those that run are stopped.
        secret: the outermost execution's, for its children.
    """

    uuid: str
    account: str
    region: str
    machine: str
    label: str
    state: str
    parent: tuple[str | int, ...]
    frame: int
    ticket: int
    revision: str
    role: str
    start_ms: int
    numbers: dict[str, float]
    is_express: bool = False
    status: str = "RUNNING"
    stop_ms: int = 0
    error: str = ""
    cause: str = ""
    is_closing: bool = False
    secret: str = ""


class PlanRecord(msgspec.Struct, frozen=True, array_like=True):
    """The data of a Map Run's plan: see :class:`~.steps.MapPlan`."""

    input: Any
    items: Any
    reader: dict[str, Any] | None
    batch_input: Any
    has_batch_input: bool
    writer: dict[str, Any] | None
    execution_input: Any = None


class CursorRecord(msgspec.Struct, frozen=True, array_like=True):
    """How far a Map Run has read.

    Attributes:
        position: the reader's own place after the last item that a child was started with.
        items: how many items were given to children.
        children: how many children were started: the index of the next one.
        is_exhausted: there are no more items.
    """

    position: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    items: int = 0
    children: int = 0
    is_exhausted: bool = False


MACHINES = Codec(MachineRecord)
REVISIONS = Codec(RevisionRecord)
EXECUTIONS = Codec(ExecutionRecord)
LISTED = Codec(ListedRecord)
PROGRESS = Codec(ProgressRecord)
FRAMES = Codec(Frame)
MAP_RUNS = Codec(MapRunRecord)
PLANS = Codec(PlanRecord)
CURSORS = Codec(CursorRecord)
