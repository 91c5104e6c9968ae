"""Time, handed in: nothing in haar asks the operating system what time it is but this module.

=====================  =========================  ==============================================
clock                  its time                   for
=====================  =========================  ==============================================
:class:`SystemClock`   the machine's              production; signatures and sessions always
:class:`TravelClock`   the machine's, bent        ``haar up --dev``, moved by ``haar clock``
:class:`VirtualClock`  moves when told            tests and simulation
=====================  =========================  ==============================================
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from haar.kernel.waiting import wake

_LOOK_AGAIN_S = 60.0
"""A wall clock that is set forward is noticed within this."""


class Alarm(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Do not call any more."""
        ...


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

    def call_at(self, due_ms: int, then: Callable[[], object]) -> Alarm:
        """Call ``then`` from the loop once ``now_ms() >= due_ms``; costs no task."""
        ...

    def call_later(self, wait_ms: float, then: Callable[[], object]) -> Alarm:
        """Call ``then`` once ``monotonic_ms`` has gone on by ``wait_ms``: as a client waits."""
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
        await _slept(self, due_ms)

    def call_at(self, due_ms: int, then: Callable[[], object]) -> Alarm:
        """Call ``then`` once the wall clock has reached ``due_ms``."""
        return _Alarm(self, due_ms, then, lambda: (due_ms - self.now_ms()) / 1000)

    def call_later(self, wait_ms: float, then: Callable[[], object]) -> Alarm:
        """Call ``then`` after so many milliseconds."""
        return asyncio.get_running_loop().call_later(wait_ms / 1000, then)


class Course(NamedTuple):
    """How a bent clock goes: ``at_ms`` when the wall's was ``wall_ms``, and ``rate`` times as fast.

    The rate 0 is a frozen clock. Kept in the store, so that it outlives the process.
    """

    wall_ms: int
    at_ms: int
    rate: float

    def now_ms(self, wall_ms: int) -> int:
        """Return the time when the wall clock's is ``wall_ms``."""
        return self.at_ms + int((wall_ms - self.wall_ms) * self.rate)


REAL = Course(0, 0, 1.0)


class TravelClock:
    """The machine's clock, bent: frozen, advanced or scaled. Sleepers follow each change.

    Args:
        wall: the clock that is bent.
    """

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._course = REAL
        self._alarms: set[_Alarm] = set()

    @property
    def course(self) -> Course:
        """How it goes."""
        return self._course

    def follow(self, course: Course) -> None:
        """Go another way from now on."""
        self._course = course
        for alarm in list(self._alarms):
            alarm.look()

    def now_ms(self) -> int:
        """Return the bent time in milliseconds since the Unix epoch."""
        return self._course.now_ms(self._wall.now_ms())

    def monotonic_ms(self) -> float:
        """Return milliseconds of the machine: a time-out is never bent."""
        return self._wall.monotonic_ms()

    async def sleep_until(self, due_ms: int) -> None:
        """Return once the bent time has reached ``due_ms``."""
        await _slept(self, due_ms)

    def call_at(self, due_ms: int, then: Callable[[], object]) -> Alarm:
        """Call ``then`` once the bent time has reached ``due_ms``."""
        return _Alarm(self, due_ms, then, lambda: self._left_s(due_ms), self._alarms)

    def call_later(self, wait_ms: float, then: Callable[[], object]) -> Alarm:
        """Call ``then`` after so many milliseconds of the machine."""
        return self._wall.call_later(wait_ms, then)

    def _left_s(self, due_ms: int) -> float:
        left_s = (due_ms - self.now_ms()) / 1000
        if left_s <= 0:
            return 0.0
        return left_s / self._course.rate if self._course.rate else _LOOK_AGAIN_S


class _Alarm:
    """Wakes somebody when a time has come, however often the clock must be looked at again."""

    __slots__ = ("_alarms", "_clock", "_due_ms", "_handle", "_left_s", "_then")

    def __init__(
        self,
        clock: Clock,
        due_ms: int,
        then: Callable[[], object],
        left_s: Callable[[], float],
        alarms: set[_Alarm] | None = None,
    ) -> None:
        self._clock = clock
        self._due_ms = due_ms
        self._then = then
        self._left_s = left_s
        self._alarms = alarms
        self._handle: asyncio.Handle | None = None
        if alarms is not None:
            alarms.add(self)
        self._wait()

    def _wait(self) -> None:
        left_s = min(max(self._left_s(), 0.0), _LOOK_AGAIN_S)
        self._handle = asyncio.get_running_loop().call_later(left_s, self._ring)

    def _ring(self) -> None:
        if self._clock.now_ms() < self._due_ms:
            self._wait()
            return
        self.cancel()
        self._then()

    def look(self) -> None:
        """Look at the clock anew: it was moved."""
        if self._handle is not None:
            self._handle.cancel()
            self._wait()

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._alarms is not None:
            self._alarms.discard(self)


async def _slept(clock: Clock, due_ms: int) -> None:
    """Sleep on a clock that has alarms."""
    if due_ms <= clock.now_ms():
        await asyncio.sleep(0)
        return
    woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    alarm = clock.call_at(due_ms, lambda: wake(woken))
    try:
        await woken
    finally:
        alarm.cancel()


class VirtualClock:
    """A clock that moves only when told to; sleepers wake in the order of their due times."""

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = self._now_ms = start_ms
        self._order = 0
        self._alarms: list[tuple[int, int, _Ring]] = []

    def now_ms(self) -> int:
        """Return the virtual time in milliseconds since the Unix epoch."""
        return self._now_ms

    def monotonic_ms(self) -> float:
        """Return virtual milliseconds since this clock was made."""
        return float(self._now_ms - self._start_ms)

    async def sleep_until(self, due_ms: int) -> None:
        """Return once :meth:`advance` has moved the time to ``due_ms``."""
        await _slept(self, due_ms)

    def call_at(self, due_ms: int, then: Callable[[], object]) -> Alarm:
        """Call ``then`` once :meth:`advance` has moved the time to ``due_ms``."""
        ring = _Ring(asyncio.get_running_loop(), then)
        if due_ms <= self._now_ms:
            ring.ring()
        else:
            self._order += 1
            heapq.heappush(self._alarms, (due_ms, self._order, ring))
        return ring

    def call_later(self, wait_ms: float, then: Callable[[], object]) -> Alarm:
        """Call ``then`` once :meth:`advance` has moved the time so far."""
        return self.call_at(self._now_ms + math.ceil(wait_ms), then)

    def advance(self, by_ms: int) -> None:
        """Move the time forward and wake whoever is due."""
        self._now_ms += by_ms
        while self._alarms and self._alarms[0][0] <= self._now_ms:
            heapq.heappop(self._alarms)[2].ring()


class _Ring:
    """An alarm of a virtual clock; rings on the loop that set it, whoever moves the clock."""

    __slots__ = ("_loop", "_then")

    def __init__(self, loop: asyncio.AbstractEventLoop, then: Callable[[], object]) -> None:
        self._loop = loop
        self._then: Callable[[], object] | None = then

    def ring(self) -> None:
        """Wake whoever waits."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        then, self._then = self._then, None
        if then is not None:
            then()

    def cancel(self) -> None:
        self._then = None
