"""Every key that Step Functions stores.

A *path* is (account, region, machine, name) for an execution that somebody started, and (run,
index) for a child of a Distributed Map; *run* is the first 23 characters of the Map Run's UUID.

======================================================  ======================================
key (below ``states``)                                  value
======================================================  ======================================
``machine``, account, region, name                      :class:`~.records.MachineRecord`
``revision``, account, region, name, revision           :class:`~.records.RevisionRecord`
``execution``, path…                                    :class:`~.records.ExecutionRecord`
``input``, path…                                        the input's text, while it is no record's
``progress``, path…                                     :class:`~.records.ProgressRecord`
``frame``, path…, id                                    :class:`~.frames.Frame`
``history``, path…, first id                            the events of one step
``started``, account, region, machine, start ms, name   :class:`~.records.ListedRecord`
``mapped``, path…, run                                  nothing: the Map Runs of an execution
``run``, run                                            :class:`~.records.MapRunRecord`
``plan``, run                                           :class:`~.records.PlanRecord`
``cursor``, run                                         :class:`~.records.CursorRecord`
``open``, run, index                                    nothing: the children that still run
``count``, run, what                                    counters: see :mod:`.counts`
======================================================  ======================================
"""

from __future__ import annotations

from haar.services.states.records import Path
from haar.store.api import Span
from haar.store.subspace import Subspace

_STATES = Subspace("states")


def machine(account: str, region: str, name: str) -> bytes:
    """Return the key of a state machine."""
    return _STATES.pack("machine", account, region, name)


def machines(account: str, region: str) -> Span:
    """Return the span of the state machines of an account and region."""
    return _STATES.span("machine", account, region)


def revision(account: str, region: str, name: str, revision_id: str) -> bytes:
    """Return the key of a definition."""
    return _STATES.pack("revision", account, region, name, revision_id)


def execution(path: Path) -> bytes:
    """Return the key of an execution."""
    return _STATES.pack("execution", *path)


def children(run: str) -> Span:
    """Return the span of the child executions of a Map Run, in item order."""
    return _STATES.span("execution", run)


def name_of(key: bytes) -> tuple[str | int | bytes | None, ...]:
    """Return the elements of a key after its first word."""
    return _STATES.unpack(key)[1:]


def input_text(path: Path) -> bytes:
    """Return the key of an execution's input."""
    return _STATES.pack("input", *path)


def progress(path: Path) -> bytes:
    """Return the key of a running execution's counters."""
    return _STATES.pack("progress", *path)


def frame(path: Path, id_: int) -> bytes:
    """Return the key of a frame."""
    return _STATES.pack("frame", *path, id_)


def frames(path: Path) -> Span:
    """Return the span of an execution's frames."""
    return _STATES.span("frame", *path)


def history(path: Path, first_id: int) -> bytes:
    """Return the key of the events of one step."""
    return _STATES.pack("history", *path, first_id)


def histories(path: Path) -> Span:
    """Return the span of an execution's events."""
    return _STATES.span("history", *path)


def started(account: str, region: str, machine_name: str, start_ms: int, name: str) -> bytes:
    """Return the key that lists an execution under its machine, by time."""
    return _STATES.pack("started", account, region, machine_name, start_ms, name)


def all_started(account: str, region: str, machine_name: str) -> Span:
    """Return the span of the executions of a machine, oldest first."""
    return _STATES.span("started", account, region, machine_name)


def every_started() -> Span:
    """Return the span of all executions that somebody started, by machine and time."""
    return _STATES.span("started")


def mapped(path: Path, run: str) -> bytes:
    """Return the key that lists a Map Run under its execution."""
    return _STATES.pack("mapped", *path, run)


def all_mapped(path: Path) -> Span:
    """Return the span of an execution's Map Runs."""
    return _STATES.span("mapped", *path)


def mapped_below(run: str) -> Span:
    """Return the span of the Map Runs of a Map Run's children."""
    return _STATES.span("mapped", run)


def all_of_run(run: str) -> tuple[Span, ...]:
    """Return the spans of all that lies below a Map Run: its children, and its counters."""
    words = ("execution", "input", "progress", "frame", "history", "mapped", "open", "count")
    return tuple(_STATES.span(word, run) for word in words)


def map_run(run: str) -> bytes:
    """Return the key of a Map Run."""
    return _STATES.pack("run", run)


def plan(run: str) -> bytes:
    """Return the key of a Map Run's plan."""
    return _STATES.pack("plan", run)


def cursor(run: str) -> bytes:
    """Return the key of a Map Run's place in its items."""
    return _STATES.pack("cursor", run)


def open_child(run: str, index: int) -> bytes:
    """Return the key that says a child still runs."""
    return _STATES.pack("open", run, index)


def open_children(run: str) -> Span:
    """Return the span of the children that still run."""
    return _STATES.span("open", run)


def count(run: str, what: str) -> bytes:
    """Return the key of a counter of a Map Run."""
    return _STATES.pack("count", run, what)
