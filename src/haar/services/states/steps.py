"""What goes into the interpreter and what comes out: events that happened, commands to carry out.

A *ticket* tells one wait of a frame from all others: it is the id of the history event after which
the frame began to wait. An event whose ticket is not the frame's any more comes too late, and
changes nothing: that is what makes answers that arrive twice, or after a time-out, harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from haar.services.states.resources import Resource

ROOT = 0
"""The frame of an execution itself."""


class Purpose(StrEnum):
    """Why a timer runs."""

    WAIT = "wait"
    RETRY = "retry"
    TASK_TIMEOUT = "task"
    HEARTBEAT = "heartbeat"
    EXECUTION_TIMEOUT = "execution"


@dataclass(frozen=True, slots=True)
class Started:
    """The execution begins."""


@dataclass(frozen=True, slots=True)
class Continued:
    """Frames that were left ready go on."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer's time has come."""

    frame: int
    ticket: int
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class TaskSucceeded:
    """A task's answer, as a JSON value."""

    frame: int
    ticket: int
    output: Any


@dataclass(frozen=True, slots=True)
class TaskSubmitted:
    """A callback task's request was made; its answer is waited for."""

    frame: int
    ticket: int
    output: Any


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task's error."""

    frame: int
    ticket: int
    error: str
    cause: str


@dataclass(frozen=True, slots=True)
class MapRunEnded:
    """A Map Run's end: its output, or its error where ``error`` is not empty."""

    frame: int
    ticket: int
    output: Any = None
    error: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody stopped the execution."""

    error: str | None = None
    cause: str | None = None


Answer = TimerFired | TaskSubmitted | TaskSucceeded | TaskFailed | MapRunEnded
"""What a waiting frame waits for."""

Event = Started | Continued | Stopped | Answer


@dataclass(frozen=True, slots=True)
class RunTask:
    """Call the integration with the parameters (a JSON value), and report its answer."""

    frame: int
    ticket: int
    resource: Resource
    parameters: Any


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Report :class:`TimerFired` once ``due_ms`` has come."""

    frame: int
    ticket: int
    due_ms: int
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Forget:
    """What a wait of a frame asked for (its task, timers, Map Run) is not needed any more."""

    frame: int
    ticket: int
    map_run: str = ""


@dataclass(frozen=True, slots=True)
class GoOn:
    """Report :class:`Continued` soon: this step has taken enough of one transaction."""


@dataclass(frozen=True, slots=True)
class MapPlan:
    """What a Map Run is to do, with every expression of its Map state evaluated.

    Attributes:
        frame: the Map state's frame.
        ticket: of its wait.
        state: the Map state's name.
        run_uuid: the last part of the Map Run's ARN.
        input: the effective input, for ItemSelector.
        items: the array or object to iterate, where no reader is given.
        reader: the reader's parameters (Bucket, Key, …), where one is given.
        numbers: ``concurrency``, ``items_max``, ``batch_items_max``, ``batch_bytes_max``,
            ``tolerated_count``, ``tolerated_percentage``, those that are in force.
        batch_input: the batcher's, where ``has_batch_input``.
        writer: the result writer's parameters, where results are exported.
    """

    frame: int
    ticket: int
    state: str
    run_uuid: str
    input: Any
    items: Any
    reader: dict[str, Any] | None
    numbers: dict[str, float]
    batch_input: Any = None
    has_batch_input: bool = False
    writer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class OpenMapRun:
    """Begin a Map Run, and report its end."""

    plan: MapPlan


Command = RunTask | SetTimer | Forget | GoOn | OpenMapRun


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended."""

    status: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None
