"""A lane's view of the store: writes count while they wait for their sync."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from haar.gateway.admission import Admission, Lane
from haar.gateway.counted import CountedStore
from haar.kernel.clock import VirtualClock
from haar.store.commits import GroupCommitStore
from haar.store.simulated import SimulatedDisk


async def counts(*, is_cancelled: bool) -> list[int]:
    """Return how many writes a lane has before, during and after one that waits for its sync."""
    ends: list[Any] = []
    store, lane = GroupCommitStore(SimulatedDisk(ends.append)), Lane("111111111111")
    counted = CountedStore(store, Admission(16, VirtualClock()), lane)
    found = [lane.writes]
    writing = asyncio.ensure_future(counted.transact(lambda tx: tx.put(b"k", b"v")))
    for _ in range(5):  # turns: its body, the gathering, the sync
        await asyncio.sleep(0)
    found.append(lane.writes)
    if is_cancelled:
        writing.cancel()
    else:
        ends.pop()()
    await asyncio.wait([writing])
    found.append(lane.writes)
    return found


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_write_counts_until_it_is_durable(is_cancelled: bool) -> None:
    """It counts from its body to the end of its sync, or until its client has gone."""
    assert asyncio.run(counts(is_cancelled=is_cancelled)) == [0, 1, 0]


def test_a_refusal_does_not_count_for_ever() -> None:
    """A body that raises leaves the lane as it was."""

    def refuse(_tx: Any) -> None:
        raise ZeroDivisionError

    async def story() -> int:
        store, lane = GroupCommitStore(SimulatedDisk(lambda end: end())), Lane("111111111111")
        with pytest.raises(ZeroDivisionError):
            await CountedStore(store, Admission(16, VirtualClock()), lane).transact(refuse)
        return lane.writes

    assert asyncio.run(story()) == 0
