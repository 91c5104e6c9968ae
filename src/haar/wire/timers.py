"""Time-outs of connections by one timer, not by one each.

A wheel holds a place per second. A connection is put where its time-out falls due, at most once;
when the place comes round it is asked, and either closes or goes to a later place. So a request
costs nothing but a store of the present time, and a connection that is gone is held by nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

TICK_S = 1.0


class Timed(Protocol):
    """Something that may be overdue."""

    def overdue(self, now_s: float) -> float | None:
        """Return when to ask again, or None where that is never needed."""
        ...


class Handle(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Let it not come."""
        ...


class Timers(Protocol):
    """Where a wheel has its time from: an event loop, or a test's own."""

    def time(self) -> float:
        """Return seconds from an arbitrary start, never going back."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Handle:
        """Call back in ``delay`` seconds."""
        ...


class Wheel:
    """Asks connections whether their time is over, once a second.

    Args:
        timers: the only source of time of the server and its connections.

    Attributes:
        now_s: returns the present time in seconds.
    """

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self.now_s = timers.time
        self._places: dict[int, set[Timed]] = {}
        self._where: dict[Timed, int] = {}
        self._next = int(timers.time()) + 1
        self._handle: Handle | None = None

    def put(self, timed: Timed, due_s: float) -> None:
        """Ask ``timed`` at the first tick after ``due_s``, in the timers' time, if not before."""
        place = max(int(due_s) + 1, self._next)
        before = self._where.get(timed)
        if before is not None:
            if before <= place:
                return
            self._places[before].discard(timed)
        self._place(timed, place)
        if self._handle is None:
            self._next = int(self._timers.time()) + 1
            self._handle = self._timers.call_later(TICK_S, self._tick)

    def drop(self, timed: Timed) -> None:
        """Ask ``timed`` no more: it is gone."""
        place = self._where.pop(timed, None)
        if place is not None:
            self._places[place].discard(timed)

    def _place(self, timed: Timed, place: int) -> None:
        self._where[timed] = place
        self._places.setdefault(place, set()).add(timed)

    def _tick(self) -> None:
        now_s = self._timers.time()
        self._handle = None
        while self._next <= now_s:
            for timed in self._places.pop(self._next, ()):
                self._where.pop(timed, None)
                due_s = timed.overdue(now_s)
                if due_s is not None:
                    self._place(timed, max(int(due_s) + 1, int(now_s) + 1))
            self._next += 1
        if self._places:
            self._handle = self._timers.call_later(TICK_S, self._tick)

    def close(self) -> None:
        """Stop ticking."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._places.clear()
        self._where.clear()
