"""Executions in the store: read a run, let it decide, write back what came of it.

One call of :func:`apply` is one step: the new progress, the history events and the jobs that carry
out its commands are in the caller's transaction, so that all of them happen or none. An execution
that ends in its very first step costs two rows: its record and its history.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import msgspec

from haar.fabric import jobs
from haar.services.states import counts, keys, names, values
from haar.services.states.definition import parse
from haar.services.states.frames import Frame, Frames
from haar.services.states.history import EVENTS
from haar.services.states.interpret import decide
from haar.services.states.records import (
    CURSORS,
    EXECUTIONS,
    FRAMES,
    LISTED,
    MAP_RUNS,
    PLANS,
    PROGRESS,
    REVISIONS,
    CursorRecord,
    ExecutionRecord,
    ListedRecord,
    MapRunRecord,
    Path,
    PlanRecord,
    ProgressRecord,
)
from haar.services.states.run import Facts, Run
from haar.services.states.shapes import Definition, MapState
from haar.services.states.steps import (
    ROOT,
    Continued,
    Event,
    Forget,
    GoOn,
    MapPlan,
    OpenMapRun,
    Outcome,
    Purpose,
    RunTask,
    SetTimer,
    Started,
)
from haar.store.api import Transaction

TASK = "states.task"
FUNCTION = "states.function"
"""Tasks that run functions: apart from the others, which must not wait for them."""

TIMER = "states.timer"
STEP = "states.step"
MAP = "states.map"
BEAT = "/beat"
"""Ends the key of a heartbeat's timer, which runs beside that of the whole task."""


class Order(msgspec.Struct, frozen=True, array_like=True):
    """The payload of a job: which wait of which execution it is for."""

    path: tuple[str | int, ...]
    frame: int = ROOT
    ticket: int = 0
    purpose: str = ""


_ORDERS = msgspec.msgpack.Decoder(Order)


def order_of(payload: bytes) -> Order:
    """Return a job's order."""
    return _ORDERS.decode(payload)


def read_execution(tx: Transaction, path: Path) -> ExecutionRecord | None:
    """Return an execution's record."""
    raw = tx.get(keys.execution(path))
    return EXECUTIONS.decode(raw) if raw else None


def read_input(tx: Transaction, path: Path, record: ExecutionRecord) -> str:
    """Return an execution's input text."""
    if record.input is not None:
        return record.input
    raw = tx.get(keys.input_text(path))
    assert raw is not None, "a running execution has its input"
    return raw.decode()


def read_map_run(tx: Transaction, run: str) -> MapRunRecord | None:
    """Return a Map Run's record."""
    raw = tx.get(keys.map_run(run))
    return MAP_RUNS.decode_hot(raw) if raw else None


def definition_text(tx: Transaction, account: str, region: str, name: str, revision: str) -> str:
    """Return the text of a definition that an execution runs."""
    raw = tx.get(keys.revision(account, region, name, revision))
    assert raw is not None, "a definition stays as long as its executions"
    return REVISIONS.decode_hot(raw).definition


@lru_cache(maxsize=256)
def child_definition(text: str, state: str) -> Definition:
    """Return the definition of a Distributed Map's children."""
    whole = parse(text)
    found = whole.states[state]
    assert isinstance(found, MapState)
    return replace(whole, start_at=found.start_at, timeout_seconds=None)


def facts_of(path: Path, record: ExecutionRecord, machine: str, input_text: str) -> Facts:
    """Return the facts of an execution that somebody started."""
    account, region, name, own = (str(element) for element in path)
    return Facts(
        arn=names.execution_arn(path),
        name=own,
        machine_arn=names.Machine(account, region, name).arn,
        machine_name=machine,
        role=record.role,
        start_ms=record.start_ms,
        input_text=input_text,
        input=values.read(input_text),
        secret=record.secret,
    )


def child_facts(run: MapRunRecord, index: int, start_ms: int, text: str, value: object) -> Facts:
    """Return the facts of a Distributed Map's child."""
    return Facts(
        arn=names.child_arn(run, index),
        name=names.child_name(run, index),
        machine_arn=names.child_machine_arn(run),
        machine_name=f"{run.machine}/{run.label}",
        role=run.role,
        start_ms=start_ms,
        input_text=text,
        input=value,
        secret=run.secret,
    )


def load(tx: Transaction, path: Path, record: ExecutionRecord, now_ms: int) -> Run:
    """Return a running execution as the interpreter wants it."""
    text = read_input(tx, path, record)
    if names.is_child(path):
        map_run = read_map_run(tx, str(path[0]))
        assert map_run is not None, "a child's Map Run is there"
        whole = definition_text(
            tx, map_run.account, map_run.region, map_run.machine, map_run.revision
        )
        definition = child_definition(whole, map_run.state)
        facts = child_facts(map_run, int(str(path[1])), record.start_ms, text, values.read(text))
    else:
        account, region, machine, _ = (str(element) for element in path)
        definition = parse(definition_text(tx, account, region, machine, record.revision))
        facts = facts_of(path, record, machine, text)
    run = Run(definition, facts, Frames(lambda id_: _read_frame(tx, path, id_, facts)), now_ms)
    raw = tx.get(keys.progress(path))
    assert raw is not None, "a running execution has its progress"
    progress = PROGRESS.decode(raw)
    run.next_event, run.next_frame = progress.next_event, progress.next_frame
    run.ready.extend(run.frames.need(id_) for id_ in progress.ready)
    return run


def _read_frame(tx: Transaction, path: Path, id_: int, facts: Facts) -> Frame | None:
    raw = tx.get(keys.frame(path, id_))
    if raw is None:
        return None
    frame = FRAMES.decode(raw)
    if frame.is_whole_input:
        frame.input = facts.input
    return frame


def apply(tx: Transaction, path: Path, event: Event, now_ms: int) -> None:
    """Let a running execution take an event. One that has ended is left alone."""
    record = read_execution(tx, path)
    if record is None or record.status != "RUNNING":
        return
    run = load(tx, path, record, now_ms)
    decide(run, event)
    _save(tx, path, record, run, is_new=False)


def begin(
    tx: Transaction, path: Path, definition: Definition, facts: Facts, record: ExecutionRecord
) -> Outcome | None:
    """Begin an execution, and return its outcome if its first step was its last.

    The record holds no input yet. The caller keeps the books of a map's child that ends here
    (:func:`counts.add`), for it begins many in one transaction.
    """
    run = Run(definition, facts, Frames(lambda _: None), record.start_ms)
    decide(run, Started())
    _save(tx, path, record, run, is_new=True)
    return run.outcome


def _save(tx: Transaction, path: Path, record: ExecutionRecord, run: Run, *, is_new: bool) -> None:
    if run.events:
        tx.put(keys.history(path, run.events[0].id), EVENTS.encode(run.events))
    if run.outcome is not None:
        _end(tx, path, record, run, is_new=is_new)
        return
    if is_new:
        tx.put(keys.input_text(path), run.facts.input_text.encode())
        tx.put(keys.execution(path), EXECUTIONS.encode(record))
        if not names.is_child(path):
            _list(tx, path, record)
    _save_frames(tx, path, run)
    for command in run.commands:
        _carry_out(tx, path, record, run, command)


def _save_frames(tx: Transaction, path: Path, run: Run) -> None:
    ready = tuple(frame.id for frame in run.ready)
    progress = ProgressRecord(run.next_event, run.next_frame, ready)
    tx.put(keys.progress(path), PROGRESS.encode(progress))
    for frame in run.frames.touched.values():
        frame.is_whole_input = frame.input is run.facts.input
        stored = msgspec.structs.replace(frame, input=None) if frame.is_whole_input else frame
        tx.put(keys.frame(path, frame.id), FRAMES.encode(stored))
    for id_ in run.frames.dropped:
        tx.clear(keys.frame(path, id_))


def _end(tx: Transaction, path: Path, record: ExecutionRecord, run: Run, *, is_new: bool) -> None:
    outcome = run.outcome
    assert outcome is not None
    closed = msgspec.structs.replace(
        record,
        status=outcome.status,
        stop_ms=run.now_ms,
        input=run.facts.input_text,
        output=outcome.output,
        error=outcome.error,
        cause=outcome.cause,
    )
    if not is_new:
        # The input keeps its own row: it may be large, and this row is written again.
        closed = msgspec.structs.replace(closed, input=None)
        tx.delete(keys.frames(path))
        tx.clear(keys.progress(path))
        for command in run.commands:
            if isinstance(command, Forget):
                _forget(tx, path, command, run.now_ms)
        if run.definition.timeout_seconds is not None:
            jobs.cancel(tx, kind=TIMER, key=job_key(path, ROOT, 0))
    put_ended(tx, path, closed, is_new=is_new)


def put_ended(tx: Transaction, path: Path, closed: ExecutionRecord, *, is_new: bool) -> None:
    """Put the record of an execution that has ended, and keep the books of it."""
    tx.put(keys.execution(path), EXECUTIONS.encode(closed))
    if not names.is_child(path):
        _list(tx, path, closed)
    elif not is_new:
        _count_end(tx, path, closed)


def _count_end(tx: Transaction, path: Path, closed: ExecutionRecord) -> None:
    run, index = str(path[0]), int(str(path[1]))
    tx.clear(keys.open_child(run, index))
    counts.add(tx, run, closed.status, executions=1, items=closed.items)


def _list(tx: Transaction, path: Path, record: ExecutionRecord) -> None:
    account, region, machine, name = (str(element) for element in path)
    key = keys.started(account, region, machine, record.start_ms, name)
    tx.put(key, LISTED.encode(ListedRecord(record.status, record.stop_ms)))


# Commands


def job_key(path: Path, frame: int, ticket: int) -> str:
    """Return the key of the job of one wait."""
    return "/".join([*(str(element) for element in path), str(frame), str(ticket)])


def _order(path: Path, frame: int, ticket: int, purpose: str = "") -> bytes:
    return msgspec.msgpack.encode(Order(plain(path), frame, ticket, purpose))


def plain(path: Path) -> tuple[str | int, ...]:
    """Return a path as records store it."""
    return tuple(element if isinstance(element, int) else str(element) for element in path)


def _carry_out(
    tx: Transaction, path: Path, record: ExecutionRecord, run: Run, command: object
) -> None:
    match command:
        case RunTask():
            key = job_key(path, command.frame, command.ticket)
            payload = _order(path, command.frame, command.ticket)
            kind = FUNCTION if command.resource.runs_function else TASK
            jobs.schedule(tx, kind=kind, key=key, due_ms=run.now_ms, payload=payload)
        case SetTimer():
            _set_timer(tx, path, command)
        case Forget():
            _forget(tx, path, command, run.now_ms)
        case GoOn():
            go_on(tx, path, run.now_ms)
        case OpenMapRun():
            _open_map_run(tx, path, record, run, command.plan)
        case _:
            raise AssertionError(f"no such command: {command}")


def go_on(tx: Transaction, path: Path, now_ms: int) -> None:
    """Let an execution's ready frames go on in another transaction."""
    key = job_key(path, ROOT, 0)
    jobs.schedule(tx, kind=STEP, key=key, due_ms=now_ms, payload=_order(path, ROOT, 0))


def _set_timer(tx: Transaction, path: Path, timer: SetTimer) -> None:
    key = job_key(path, timer.frame, timer.ticket)
    if timer.purpose == Purpose.HEARTBEAT:
        key += BEAT
    payload = _order(path, timer.frame, timer.ticket, timer.purpose)
    jobs.schedule(tx, kind=TIMER, key=key, due_ms=timer.due_ms, payload=payload)


def beat(tx: Transaction, path: Path, frame: Frame, now_ms: int) -> None:
    """Let a task that gives a sign of life be silent again as long as it may."""
    due_ms = now_ms + frame.heartbeat_seconds * 1000
    _set_timer(tx, path, SetTimer(frame.id, frame.ticket, due_ms, Purpose.HEARTBEAT))


def _forget(tx: Transaction, path: Path, command: Forget, now_ms: int) -> None:
    key = job_key(path, command.frame, command.ticket)
    for kind in (TASK, FUNCTION, TIMER):
        jobs.cancel(tx, kind=kind, key=key)
    jobs.cancel(tx, kind=TIMER, key=key + BEAT)
    if command.map_run:
        close_map_run(tx, command.map_run[: names.RUN_CHARACTERS], now_ms)


def close_map_run(tx: Transaction, run: str, now_ms: int) -> None:
    """Abort a Map Run; its worker stops the children that still run."""
    record = read_map_run(tx, run)
    if record is None or record.status != "RUNNING":
        return
    closed = msgspec.structs.replace(record, status="ABORTED", stop_ms=now_ms, is_closing=True)
    tx.put(keys.map_run(run), MAP_RUNS.encode(closed))
    tx.add(keys.count(run, counts.ENDED), 1)


class Origin(NamedTuple):
    """Where an execution comes from: its state machine, the definition that it runs, its role."""

    account: str
    region: str
    machine: str
    revision_id: str
    role: str

    @property
    def revision(self) -> tuple[str, str, str, str]:
        """What names the definition's row."""
        return self.account, self.region, self.machine, self.revision_id


def origin_of(tx: Transaction, path: Path, record: ExecutionRecord) -> Origin:
    """Return the origin of an execution, a map's child or not."""
    if names.is_child(path):
        run = read_map_run(tx, str(path[0]))
        assert run is not None, "a child's Map Run is there"
        return Origin(run.account, run.region, run.machine, run.revision, run.role)
    account, region, machine, _ = (str(element) for element in path)
    return Origin(account, region, machine, record.revision, record.role)


def _open_map_run(
    tx: Transaction, path: Path, record: ExecutionRecord, run: Run, plan: MapPlan
) -> None:
    state = run.definition.states[plan.state]
    assert isinstance(state, MapState)
    assert state.distribution is not None
    origin = origin_of(tx, path, record)
    opened = MapRunRecord(
        uuid=plan.run_uuid,
        account=origin.account,
        region=origin.region,
        machine=origin.machine,
        label=state.distribution.label,
        state=plan.state,
        parent=plain(path),
        frame=plan.frame,
        ticket=plan.ticket,
        revision=origin.revision_id,
        role=origin.role,
        start_ms=run.now_ms,
        numbers=plan.numbers | ({} if plan.items is None else {"items_known": len(plan.items)}),
        is_express=state.distribution.is_express,
        secret=run.facts.secret,
    )
    data = PlanRecord(
        input=plan.input,
        items=plan.items,
        reader=plan.reader,
        batch_input=plan.batch_input,
        has_batch_input=plan.has_batch_input,
        writer=plan.writer,
        execution_input=run.facts.input,
    )
    id_ = plan.run_uuid[: names.RUN_CHARACTERS]
    tx.put(keys.map_run(id_), MAP_RUNS.encode(opened))
    tx.put(keys.plan(id_), PLANS.encode(data))
    tx.put(keys.cursor(id_), CURSORS.encode(CursorRecord()))
    tx.put(keys.mapped(path, id_), b"")
    jobs.schedule(tx, kind=MAP, key=id_, due_ms=run.now_ms, payload=id_.encode())


def continue_(tx: Transaction, path: Path, now_ms: int) -> None:
    """Let frames that were left ready go on."""
    apply(tx, path, Continued(), now_ms)
