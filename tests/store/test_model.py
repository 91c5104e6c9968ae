"""RocksDB and the simulated disk against the memory engine, by whatever Hypothesis thinks of."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from haar.store.api import Row, Span, Store, Transaction
from haar.store.commits import GroupCommitStore
from haar.store.memory import MemoryStore
from haar.store.rocksdb import RocksStore
from haar.store.simulated import SimulatedDisk

keys = st.binary(min_size=1, max_size=3).map(
    lambda raw: bytes(b % 4 for b in raw)
) | st.sampled_from([b"a", b"aa", b"b", b"\xff\xff", b"a\x00"])
spans = st.tuples(keys, keys).map(lambda pair: Span(*pair))
Step = tuple[str, Any, Any]
steps = st.one_of(
    st.tuples(st.just("put"), keys, st.binary(max_size=4)),
    st.tuples(st.just("clear"), keys, st.none()),
    st.tuples(st.just("delete"), spans, st.none()),
    st.tuples(st.just("add"), keys.map(lambda key: b"n" + key), st.integers(-(2**40), 2**40)),
    st.tuples(st.just("get"), keys, st.none()),
    st.tuples(st.just("scan"), spans, st.tuples(st.none() | st.integers(0, 5), st.booleans())),
    st.tuples(st.just("put_versioned"), st.just(b"v"), st.binary(max_size=4)),
)


class Abandon(Exception):
    """Raised by a body that shall leave nothing."""


def play(tx: Transaction, script: list[Step], *, fails: bool) -> list[object]:
    """Run the steps of a body and return all that it saw."""
    seen: list[object] = []
    for kind, what, how in script:
        if kind == "scan":
            rows = tx.scan(what, limit=how[0], reverse=how[1])
            seen.append([without_version(row) for row in rows])
        elif kind == "get":
            seen.append(tx.get(what))
        elif kind in {"clear", "delete"}:
            getattr(tx, kind)(what)
        else:
            getattr(tx, kind)(what, how)
    if fails:
        raise Abandon
    return seen


def without_version(row: Row) -> Row:
    """Return a row as all engines have it: their commit versions differ, their order does not."""
    is_versioned = row.key.startswith(b"v") and len(row.key) > 9
    return Row(b"v", row.value) if is_versioned else row


class EnginesAgree(RuleBasedStateMachine):
    """Runs the same bodies on all engines, and compares all that can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.path = Path(tempfile.mkdtemp(prefix="haar-model"))
        self.oracle = MemoryStore()
        self.rocks = RocksStore(self.path / "store")
        self.disk = SimulatedDisk(self.loop.call_soon)
        self.simulated = GroupCommitStore(self.disk)

    @property
    def stores(self) -> list[Store]:
        return [self.oracle, self.rocks, self.simulated]

    def everywhere(self, work: Callable[[Store], Any]) -> Any:
        """Do the same with each store, and return what all of them return."""
        first, *others = [self.loop.run_until_complete(work(store)) for store in self.stores]
        for other in others:
            assert other == first
        return first

    @initialize(script=st.lists(steps, max_size=20))
    def begin(self, script: list[Step]) -> None:
        self.transact(script, fails=False)

    @rule(script=st.lists(steps, max_size=12), fails=st.booleans())
    def transact(self, script: list[Step], *, fails: bool) -> None:
        async def run(store: Store) -> object:
            try:
                return await store.transact(lambda tx: play(tx, script, fails=fails))
            except Abandon:
                return "abandoned"

        self.everywhere(run)

    @rule(scripts=st.lists(st.lists(steps, max_size=4), min_size=2, max_size=5))
    def transact_at_once(self, scripts: list[list[Step]]) -> None:
        async def run(store: Store) -> object:
            bodies = [lambda tx, s=script: play(tx, s, fails=False) for script in scripts]
            return await asyncio.gather(*[store.transact(body) for body in bodies])

        self.everywhere(run)

    @rule()
    def close_and_open(self) -> None:
        self.loop.run_until_complete(self.rocks.close())
        self.rocks = RocksStore(self.path / "store")
        self.disk = self.disk.crash()
        self.simulated = GroupCommitStore(self.disk)

    @invariant()
    def the_durable_states_are_equal(self) -> None:
        async def run(store: Store) -> list[Row]:
            whole = Span(b"\x00", b"\xff\xff\xff\xff")
            return store.read(lambda tx: [without_version(row) for row in tx.scan(whole)])

        self.everywhere(run)

    def teardown(self) -> None:
        self.loop.run_until_complete(self.rocks.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.path)


EnginesAgree.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
test_the_engines_agree = EnginesAgree.TestCase
