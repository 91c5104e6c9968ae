"""Time that passes because it is said to: a loop that never waits, and a wall clock that is set.

The loop's own time only goes forward, as a machine's monotonic clock does. The wall clock goes with
it, but for the jumps of whoever sets it, as an NTP daemon does or an operator.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from dataclasses import dataclass, field
from typing import Any, Self

from haar.kernel.clock import SystemClock

START_MS = 1_800_000_000_000
NEVER = math.inf
TURN_S = 1e-6
"""A turn of the loop takes so long: else a wait that is too short for a float would never end."""
SPINS_MAX = 10_000
"""So many turns without a wait are no work any more."""


class _NoWaiting(selectors.BaseSelector):
    """Waits for no file: moves the loop's time to its next timer instead."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._turns = 0
        self._map: dict[Any, Any] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._map[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> Any:
        return self._map.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits, and nobody will come"
        self._turns = 0 if timeout > TURN_S else self._turns + 1
        assert self._turns < SPINS_MAX, "somebody spins instead of waiting"
        self.now_s += max(timeout, TURN_S)
        return []

    def get_map(self) -> Any:
        return self._map


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._virtual.now_s


class WallClock(SystemClock):
    """The clock of a simulated machine: the alarms of production, on another time.

    Args:
        loop: whose time it follows.
    """

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._ahead_ms = 0
        self._spells: dict[Spell, None] = {}

    def now_ms(self) -> int:
        return START_MS + round(self._loop.time() * 1000) + self._ahead_ms

    def monotonic_ms(self) -> float:
        return self._loop.time() * 1000

    def jump(self, by_ms: int) -> None:
        """Set the clock forward, or back: nobody who waits is told."""
        for spell in self._spells:
            spell.see(self.now_ms())
        self._ahead_ms += by_ms
        for spell in self._spells:
            spell.see(self.now_ms())

    def begin(self) -> Spell:
        """Return a spell that begins now."""
        spell = Spell(self, self._loop.time(), self.now_ms(), self.now_ms())
        self._spells[spell] = None
        return spell

    def end(self, spell: Spell) -> None:
        """End a spell now."""
        spell.see(self.now_ms())
        spell.ended_s = self._loop.time()
        self._spells.pop(spell, None)


@dataclass(eq=False, slots=True)
class Spell:
    """A stretch of time, and what the wall clock said meanwhile.

    Attributes:
        began_s: by the loop.
        low_ms: the least that the wall clock said.
        high_ms: the most that it said; of a spell that goes on, up to when it was last asked.
        ended_s: by the loop; NEVER while it goes on.
    """

    _clock: WallClock = field(repr=False)
    began_s: float
    low_ms: int
    high_ms: int
    ended_s: float = NEVER

    def see(self, now_ms: int) -> None:
        """Note what the wall clock says."""
        self.low_ms = min(self.low_ms, now_ms)
        self.high_ms = max(self.high_ms, now_ms)

    def so_far(self) -> Spell:
        """Return the spell, with what the clock says now."""
        if self.ended_s == NEVER:
            self.see(self._clock.now_ms())
        return self

    def is_before(self, other: Spell) -> bool:
        """Tell whether this had ended when another began."""
        return self.ended_s <= other.began_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clock.end(self)
