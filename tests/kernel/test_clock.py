"""Clocks: what they say, and whom they wake when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from haar.kernel.clock import REAL, Clock, Course, SystemClock, TravelClock, VirtualClock

DAY_MS = 86_400_000


async def settle() -> None:
    """Let everything run that needs no time."""
    for _ in range(10):
        await asyncio.sleep(0)


def on_loop(work: Callable[[], Any]) -> None:
    asyncio.run(work())


def sleeping(clock: Clock, woken: list[str], name: str, due_ms: int) -> asyncio.Task[None]:
    async def sleep() -> None:
        await clock.sleep_until(due_ms)
        woken.append(name)

    return asyncio.get_running_loop().create_task(sleep())


def test_virtual_sleepers_wake_in_the_order_of_their_times() -> None:
    """The time moves only when told to, and wakes whoever is due by then."""

    async def work() -> None:
        clock, woken = VirtualClock(1000), list[str]()
        tasks = [
            sleeping(clock, woken, name, due_ms)
            for name, due_ms in (("late", 5000), ("soon", 2000), ("past", 10), ("soon too", 2000))
        ]
        await settle()
        assert woken == ["past"]
        clock.advance(999)
        await settle()
        assert woken == ["past"]
        clock.advance(1)
        await settle()
        assert woken == ["past", "soon", "soon too"]
        clock.advance(DAY_MS)
        await asyncio.gather(*tasks)
        assert woken[-1] == "late"
        assert clock.monotonic_ms() == 1000 + DAY_MS

    on_loop(work)


def test_an_alarm_that_was_cancelled_does_not_ring() -> None:
    """On every clock."""

    async def work() -> None:
        virtual, rung = VirtualClock(), list[str]()
        for clock in (virtual, SystemClock(), TravelClock(virtual)):
            clock.call_at(clock.now_ms() + 1, lambda: rung.append("rung")).cancel()
            clock.call_at(clock.now_ms() - 1, lambda: rung.append("rung")).cancel()
        virtual.advance(DAY_MS)
        await settle()
        assert rung == []

    on_loop(work)


def test_the_system_clock_wakes_by_the_wall() -> None:
    """A sleep ends when the wall clock has reached its time, not before."""

    async def work() -> None:
        clock = SystemClock()
        due_ms = clock.now_ms() + 20
        await clock.sleep_until(due_ms)
        assert clock.now_ms() >= due_ms

    on_loop(work)


@pytest.mark.parametrize(
    ("course", "after_ms", "now_ms"),
    [
        (REAL, 500, 10_500),
        (Course(10_000, 77_000, 0.0), 500, 77_000),
        (Course(10_000, 77_000, 1.0), 500, 77_500),
        (Course(10_000, 77_000, 60.0), 500, 107_000),
    ],
)
def test_a_bent_clock_follows_its_course(course: Course, after_ms: int, now_ms: int) -> None:
    """Frozen it stands, moved it goes on, scaled it runs; a time-out is the machine's."""
    wall = VirtualClock(10_000)
    clock = TravelClock(wall)
    clock.follow(course)
    wall.advance(after_ms)
    assert clock.now_ms() == now_ms
    assert clock.monotonic_ms() == after_ms


def test_sleepers_follow_each_change_of_a_bent_clock() -> None:
    """Advancing wakes whoever is passed by; freezing lets nobody wake; scaling wakes sooner."""

    async def work() -> None:
        wall = SystemClock()
        clock, woken = TravelClock(wall), list[str]()
        start_ms = clock.now_ms()
        for name, days in (("one", 1), ("two", 2), ("three", 3)):
            sleeping(clock, woken, name, start_ms + days * DAY_MS)
        await settle()
        clock.follow(Course(wall.now_ms(), start_ms + DAY_MS, 0.0))
        await asyncio.wait_for(clock.sleep_until(start_ms + DAY_MS), 60)
        await settle()
        assert woken == ["one"]
        clock.follow(Course(wall.now_ms(), start_ms + DAY_MS, DAY_MS / 10))
        await asyncio.wait_for(clock.sleep_until(start_ms + 4 * DAY_MS), 60)
        assert woken == ["one", "two", "three"]
        clock.follow(REAL)
        before_ms, now_ms, after_ms = wall.now_ms(), clock.now_ms(), wall.now_ms()
        assert before_ms - 1 <= now_ms <= after_ms

    on_loop(work)


def test_a_clients_wait_is_the_machines() -> None:
    """However a bent clock goes, whoever waits for a while waits that long."""

    async def work() -> None:
        wall, rung = VirtualClock(), list[str]()
        clock = TravelClock(wall)
        clock.follow(Course(wall.now_ms(), 0, 0.0))
        clock.call_later(500, lambda: rung.append("rung"))
        wall.advance(499)
        await settle()
        assert rung == []
        wall.advance(1)
        await settle()
        assert rung == ["rung"]

    on_loop(work)
