"""The timeline against a dictionary that is sorted when asked."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from haar.store.api import Transaction
from haar.store.layers.timeline import Entry, Timeline
from haar.store.memory import MemoryStore

names = st.sampled_from(["a", "b", "c", "a\x00", "ä"])
times = st.integers(0, 20) | st.integers(0, 2**60)
puts = st.tuples(st.just("put"), names, times, st.binary(max_size=3))
removes = st.tuples(st.just("remove"), names)


@given(st.lists(puts | removes, max_size=30), times, times, st.integers(1, 6))
def test_the_head_is_what_is_due_earliest(
    steps: list[tuple[object, ...]], from_ms: int, until_ms: int, limit: int
) -> None:
    """A name is there once, where it was put last; the head comes in order of time, then name."""
    line, expected = Timeline("test", "line"), dict[str, tuple[int, bytes]]()

    def play(tx: Transaction) -> None:
        for kind, name, *rest in steps:
            assert isinstance(name, str)
            if kind == "put":
                due_ms, value = rest
                assert isinstance(due_ms, int)
                assert isinstance(value, bytes)
                line.put(tx, name, due_ms, value)
                expected[name] = (due_ms, value)
            else:
                assert line.remove(tx, name) == (expected.pop(name, None) is not None)

    def check(tx: Transaction) -> None:
        due = sorted(
            (Entry(due_ms, name, value) for name, (due_ms, value) in expected.items()),
            key=lambda entry: (entry.due_ms, entry.name.encode()),
        )
        assert list(line.head(tx, limit=limit)) == due[:limit]
        within = [entry for entry in due if from_ms <= entry.due_ms <= until_ms]
        found = list(line.head(tx, limit=limit, from_ms=from_ms, until_ms=until_ms))
        assert found == within[:limit]
        for name in ("a", "b", "c", "a\x00", "ä"):
            entry = line.find(tx, name)
            assert (entry and (entry.due_ms, entry.value)) == expected.get(name)

    store = MemoryStore()
    asyncio.run(store.transact(play))
    store.read(check)
