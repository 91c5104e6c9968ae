"""Time, handed in: nothing in haar asks the operating system what time it is but this module."""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import Protocol


class Clock(Protocol):
    """A source of time and of waiting."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch (UTC)."""
        ...

    def monotonic_ms(self) -> float:
        """Return milliseconds from an arbitrary start, never going back: for time-outs."""
        ...

    async def sleep_until(self, due_ms: int) -> None:
        """Return once ``now_ms() >= due_ms``."""
        ...


async def a_turn() -> None:
    """Let everybody else who is ready have a turn, in a loop that may never wait by itself."""
    await asyncio.sleep(0)


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch (UTC)."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        """Return milliseconds of the machine's monotonic clock."""
        return time.monotonic() * 1000

    async def sleep_until(self, due_ms: int) -> None:
        """Return once the wall clock has reached ``due_ms``."""
        # A minute at most at a time: a wall clock that is set forward is noticed within it.
        while (left := due_ms - self.now_ms()) > 0:  # noqa: ASYNC110  # no event tells the time
            await asyncio.sleep(min(left / 1000, 60.0))


class VirtualClock:
    """A clock that moves only when told to; sleepers wake in the order of their due times."""

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = self._now_ms = start_ms
        self._order = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        """Return the virtual time in milliseconds since the Unix epoch."""
        return self._now_ms

    def monotonic_ms(self) -> float:
        """Return virtual milliseconds since this clock was made."""
        return float(self._now_ms - self._start_ms)

    async def sleep_until(self, due_ms: int) -> None:
        """Return once :meth:`advance` has moved the time to ``due_ms``."""
        if due_ms <= self._now_ms:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (due_ms, self._order, woken))
        await woken

    def advance(self, by_ms: int) -> None:
        """Move the time forward and wake whoever is due."""
        self._now_ms += by_ms
        while self._sleepers and self._sleepers[0][0] <= self._now_ms:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
