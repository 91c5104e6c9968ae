"""Time travel: moves the clock of a development haar, and remembers how it goes.

=======================  ==================================================
key                      value
=======================  ==================================================
``clock``                :class:`haar.kernel.clock.Course` as MessagePack
=======================  ==================================================

A clock that goes as the machine's has no row.
"""

from __future__ import annotations

import msgspec

from haar.kernel.clock import REAL, Clock, Course, TravelClock
from haar.kernel.errors import RefusedAs
from haar.store import tuples
from haar.store.api import Store, Transaction

RATE_MAX = 100_000.0
ADVANCE_MS_MAX = 100 * 366 * 86_400_000
NOW_MS_MAX = 221_845_392_000_000  # the year 9000: what is due later must have a date, too
_KEY = tuples.pack("clock")


class Travel:
    """What ``haar clock`` does.

    Args:
        store: remembers.
        wall: the machine's clock.
        clock: the one that is moved; any other than a :class:`TravelClock` refuses.
    """

    def __init__(self, store: Store, wall: Clock, clock: Clock) -> None:
        self._store = store
        self._wall = wall
        self._clock = clock

    def resume(self) -> None:
        """Go on as before the last stop.

        Raises:
            ClockMoved: the store's time was bent, and this haar does not bend it.
        """
        course = self._store.read(_load)
        if course == REAL:
            return
        if not isinstance(self._clock, TravelClock):
            raise ClockMoved
        self._clock.follow(course)

    def describe(self) -> dict[str, object]:
        """Return the time, the machine's time and how fast the clock goes."""
        course = self._clock.course if isinstance(self._clock, TravelClock) else REAL
        return {
            "now_ms": self._clock.now_ms(),
            "wall_ms": self._wall.now_ms(),
            "rate": course.rate,
            "is_real": course == REAL,
        }

    async def advance(self, by_ms: int) -> None:
        """Move the clock forward; it goes on as fast as before.

        Raises:
            ValueError: not forward, or beyond what dates can say.
        """
        if not 0 < by_ms <= ADVANCE_MS_MAX:
            raise ValueError("the clock is advanced by a millisecond to a hundred years")
        clock = self._movable()
        moved_ms = clock.now_ms() + by_ms
        if moved_ms > NOW_MS_MAX:
            raise ValueError("the clock goes up to the year 9000")
        await self._follow(Course(self._wall.now_ms(), moved_ms, clock.course.rate))

    async def scale(self, rate: float) -> None:
        """Let the clock go ``rate`` times as fast as the machine's; 0 freezes it.

        Raises:
            ValueError: not a rate.
        """
        if not 0 <= rate <= RATE_MAX:
            raise ValueError("the clock goes 0 to 100000 times as fast")
        clock = self._movable()
        await self._follow(Course(self._wall.now_ms(), clock.now_ms(), rate))

    async def real(self) -> None:
        """Let the clock be the machine's again; it may go back by that."""
        self._movable()
        await self._follow(REAL)

    def _movable(self) -> TravelClock:
        if not isinstance(self._clock, TravelClock):
            raise RefusedAs("NotDevelopment", "Only a haar that runs with --dev moves its clock.")
        return self._clock

    async def _follow(self, course: Course) -> None:
        clock = self._movable()
        # Durable first: after a crash no timer is found to have fired in a time that never was.
        await self._store.transact(lambda tx: _save(tx, course))
        clock.follow(course)


class ClockMoved(Exception):
    """The time of this data was moved, and only a development haar goes on from there."""


def _load(tx: Transaction) -> Course:
    raw = tx.get(_KEY)
    return REAL if raw is None else msgspec.msgpack.decode(raw, type=Course)


def _save(tx: Transaction, course: Course) -> None:
    if course == REAL:
        tx.clear(_KEY)
    else:
        tx.put(_KEY, msgspec.msgpack.encode(course))
