"""The worker of a Map Run: reads items, starts children, judges, ends the run.

One job per open Map Run. It holds nothing that the store cannot give back: the cursor moves in the
transaction that starts the children, so after a crash the next run of the job goes on exactly
there, without reading the source again from its start and without starting an item twice.

Children are started a hundred to a transaction, synchronously: one that needs nobody (Pass, Choice)
has ended in the very transaction that started it. Children that wait for a task count against
MaxConcurrency; the pump sleeps on the counter of ended children while there is no room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from haar.kernel.clock import a_turn
from haar.kit.call import Scope
from haar.kit.cloud import Cloud
from haar.kit.jobs import Finish, Job
from haar.services.states import counts, keys
from haar.services.states.batches import BadItem, ChildInput, Maker
from haar.services.states.definition import parse
from haar.services.states.ledger import (
    apply,
    begin,
    child_definition,
    child_facts,
    definition_text,
    read_execution,
    read_map_run,
)
from haar.services.states.lookup import arn_of
from haar.services.states.map_definition import CONCURRENCY_MAX
from haar.services.states.readers.items import ReaderFailed
from haar.services.states.readers.open_reader import Source, open_source
from haar.services.states.readers.s3_object import Caller
from haar.services.states.records import (
    CURSORS,
    MAP_RUNS,
    PLANS,
    CursorRecord,
    ExecutionRecord,
    MapRunRecord,
    PlanRecord,
)
from haar.services.states.results import Exporter, ResultsFailed, gather_results
from haar.services.states.shapes import MapState
from haar.services.states.steps import MapRunEnded, Stopped
from haar.store.api import Transaction

CHILDREN_A_COMMIT = 100
BYTES_A_COMMIT = 4 * 1024 * 1024
OPEN_CHILDREN_MAX = 1_000
"""Children that wait at once, whatever MaxConcurrency says: their rows and tasks are bounded."""

THRESHOLD = "States.ExceedToleratedFailureThreshold"
_THRESHOLD_CAUSE = "The specified tolerated failure threshold was exceeded"


@dataclass(frozen=True, slots=True)
class View:
    """How a Map Run stands."""

    run: MapRunRecord
    cursor: CursorRecord
    executions: counts.Tally
    items: counts.Tally


def view(tx: Transaction, id_: str) -> View:
    """Read how a Map Run stands."""
    run, cursor = read_map_run(tx, id_), tx.get(keys.cursor(id_))
    assert run is not None, "a Map Run with a job is there"
    assert cursor is not None, "a Map Run has its cursor"
    return View(
        run,
        CURSORS.decode(cursor),
        counts.read(tx, id_, "executions"),
        counts.read(tx, id_, "items"),
    )


def verdict(run: MapRunRecord, items: counts.Tally, total: int | None) -> bool:
    """Tell whether more items failed than the Map Run tolerates.

    Args:
        run: the Map Run: its thresholds.
        items: of its items.
        total: all items, where they are known; percentages are judged only then.
    """
    numbers = run.numbers
    most, share = numbers.get("tolerated_count"), numbers.get("tolerated_percentage")
    if most is None and share is None:
        return items.failures > 0
    if most is not None and items.failures > most:
        return True
    return share is not None and bool(total) and items.failures * 100 > share * (total or 0)


async def pump(job: Job, cloud: Cloud) -> Finish | None:
    """Drive a Map Run to its end."""
    return await Pump(job.payload.decode(), cloud).drive()


class Pump:
    """One Map Run being driven.

    Args:
        id_: the run, as in the keys.
        cloud: the cloud.
    """

    def __init__(self, id_: str, cloud: Cloud) -> None:
        self._id = id_
        self._cloud = cloud
        self._source: Source | None = None
        self._maker: Maker | None = None

    async def drive(self) -> Finish | None:
        """Start children and wait for them, until the run has ended."""
        while True:
            watch = self._cloud.store.watch(keys.count(self._id, counts.ENDED))
            try:
                seen = self._cloud.read(lambda tx: view(tx, self._id))
                if await self._go_on(seen):
                    continue
                if seen.executions.running <= 0 and self._has_all(seen):
                    return await self._finish(seen)
                await watch.changed()
            finally:
                watch.cancel()

    @staticmethod
    def _has_all(seen: View) -> bool:
        return seen.cursor.is_exhausted or seen.run.is_closing

    async def _go_on(self, seen: View) -> bool:
        """Do the next piece of work; tell whether there was any."""
        if seen.run.is_closing:
            return await self._abort_some()
        total = seen.cursor.items if seen.cursor.is_exhausted else None
        known = int(seen.run.numbers.get("items_known", 0)) or total
        if verdict(seen.run, seen.items, known):
            return await self._fail(THRESHOLD, _THRESHOLD_CAUSE)
        room = self._window(seen.run) - seen.executions.running
        if seen.cursor.is_exhausted or room <= 0:
            return False
        await a_turn()  # on the memory engine nothing below waits
        return await self._start_some(seen, room)

    @staticmethod
    def _window(run: MapRunRecord) -> int:
        asked = int(run.numbers.get("concurrency", 0)) or CONCURRENCY_MAX
        return min(asked, OPEN_CHILDREN_MAX)

    async def _start_some(self, seen: View, room: int) -> bool:
        try:
            source, maker = await self._open(seen)
            made = await maker.take(
                source, seen.cursor.items, min(room, CHILDREN_A_COMMIT), BYTES_A_COMMIT
            )
        except ReaderFailed as err:
            return await self._fail("States.ItemReaderFailed", str(err))
        except BadItem as err:
            return await self._fail(err.error, err.cause)
        position = {**source.fixed, "at": made[-1].place if made else None}
        now_ms = self._cloud.clock.now_ms()
        await self._transact(
            partial(start_children, seen=seen, id_=self._id, made=made, position=position),
            now_ms,
        )
        return True

    async def _transact(self, body: Callable[..., None], now_ms: int) -> None:
        await self._cloud.transact(lambda tx: body(tx, now_ms=now_ms))

    async def _open(self, seen: View) -> tuple[Source, Maker]:
        if self._source is None or self._maker is None:
            run = seen.run
            plan, maker = self._cloud.read(lambda tx: _prepare(tx, self._id, run))
            caller = Caller(self._cloud, run.role, Scope(run.account, run.region))
            shape = maker.state.distribution
            reader = shape.reader if shape else None
            most = int(run.numbers.get("items_max", 0))
            if run.numbers.get("items_max", 0) < 0:
                raise ReaderFailed("field MaxItems must be positive")
            self._source = await open_source(caller, reader, plan, seen.cursor, most)
            self._maker = maker
        return self._source, self._maker

    async def _fail(self, error: str, cause: str) -> bool:
        """Let the run fail: no more children, those that run are stopped."""

        def body(tx: Transaction) -> None:
            run = read_map_run(tx, self._id)
            if run is not None and not run.is_closing:
                failing = msgspec.structs.replace(run, error=error, cause=cause, is_closing=True)
                tx.put(keys.map_run(self._id), MAP_RUNS.encode(failing))

        await self._cloud.transact(body)
        return True

    async def _abort_some(self) -> bool:
        """Stop some of the children that still run; tell whether there were any."""
        now_ms = self._cloud.clock.now_ms()

        def body(tx: Transaction) -> bool:
            rows = list(tx.scan(keys.open_children(self._id), limit=CHILDREN_A_COMMIT))
            for row in rows:
                path = (self._id, int(str(keys.name_of(row.key)[1])))
                apply(tx, path, Stopped(), now_ms)
            return bool(rows)

        return await self._cloud.transact(body)

    async def _finish(self, seen: View) -> Finish:
        run = seen.run
        if run.status == "ABORTED":
            return lambda _tx: None
        ended = MapRunEnded(run.frame, run.ticket, error=run.error, cause=run.cause)
        try:
            output = await self._results(seen)
            if not run.error:
                ended = MapRunEnded(run.frame, run.ticket, output=output)
        except ResultsFailed as err:
            if not run.error:
                ended = MapRunEnded(run.frame, run.ticket, error=err.error, cause=err.cause)
        return partial(end_run, id_=self._id, ended=ended, now_ms=self._cloud.clock.now_ms())

    async def _results(self, seen: View) -> object:
        plan, maker = self._cloud.read(lambda tx: _prepare(tx, self._id, seen.run))
        shape = maker.state.distribution
        writer = shape.writer if shape else None
        if writer is not None and plan.writer is not None:
            return await Exporter(self._cloud, seen.run, plan, writer).write()
        if seen.run.error:
            return None
        return await gather_results(self._cloud, seen.run, writer)


def _prepare(tx: Transaction, id_: str, run: MapRunRecord) -> tuple[PlanRecord, Maker]:
    raw = tx.get(keys.plan(id_))
    assert raw is not None, "a Map Run has its plan"
    plan = PLANS.decode(raw)
    text = definition_text(tx, run.account, run.region, run.machine, run.revision)
    state = parse(text).states[run.state]
    assert isinstance(state, MapState)
    parent = read_execution(tx, run.parent)
    assert parent is not None, "a Map Run has its execution"
    return plan, Maker(run, plan, state, arn_of(tx, run.parent), parent.start_ms)


def start_children(
    tx: Transaction,
    seen: View,
    id_: str,
    made: list[ChildInput],
    position: dict[str, Any],
    now_ms: int,
) -> None:
    """Start children and move the cursor past their items; nothing if somebody else did.

    Keys: writes ``execution``, ``history``, ``cursor``; for children that wait, ``input``,
    ``progress``, ``frame``, ``open``; adds to ``count``.
    """
    now = view(tx, id_)
    run = now.run
    if now.cursor != seen.cursor or run.is_closing:
        return
    if not made:
        exhausted = msgspec.structs.replace(now.cursor, is_exhausted=True)
        tx.put(keys.cursor(id_), CURSORS.encode(exhausted))
        return
    text = definition_text(tx, run.account, run.region, run.machine, run.revision)
    definition = child_definition(text, run.state)
    ended: Counter[str] = Counter()
    ended_items: Counter[str] = Counter()
    index = now.cursor.children
    for child in made:
        facts = child_facts(run, index, now_ms, child.text, child.value)
        record = ExecutionRecord("RUNNING", now_ms, items=child.items)
        outcome = begin(tx, (id_, index), definition, facts, record)
        if outcome is None:
            tx.put(keys.open_child(id_, index), b"")
        else:
            ended[outcome.status] += 1
            ended_items[outcome.status] += child.items
        index += 1
    items = sum(child.items for child in made)
    counts.add(tx, id_, "started", executions=len(made), items=items)
    for status, number in ended.items():
        counts.add(tx, id_, status, executions=number, items=ended_items[status])
    cursor = CursorRecord(position, now.cursor.items + items, index)
    tx.put(keys.cursor(id_), CURSORS.encode(cursor))


def end_run(tx: Transaction, id_: str, ended: MapRunEnded, now_ms: int) -> None:
    """Close a Map Run, and tell the execution that waits for it."""
    run = read_map_run(tx, id_)
    if run is None or run.status != "RUNNING":
        return
    closed = msgspec.structs.replace(
        run,
        status="FAILED" if ended.error else "SUCCEEDED",
        stop_ms=now_ms,
        error=ended.error,
        cause=ended.cause,
        is_closing=True,
    )
    tx.put(keys.map_run(id_), MAP_RUNS.encode(closed))
    apply(tx, run.parent, ended, now_ms)
