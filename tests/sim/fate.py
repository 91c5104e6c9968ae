"""What befalls a world, and when: power cuts at any step of the disk, faults of it, jumps in time.

A life of haar ends by a *doom*: a step of the disk, how often it comes before the doom does, and a
fault; without one the power is cut right there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from haar.store.simulated import BROKEN, FULL, NO_HANDLE, Fault, Step

if TYPE_CHECKING:
    from world import World

PATIENCE_S = 3.0
"""A doom that does not come by itself comes then, wherever haar is."""


class Doom(NamedTuple):
    """How a life of haar ends.

    Attributes:
        step: of the disk.
        left: how often that step goes well before.
        fault: None where the power is cut.
    """

    step: Step
    left: int
    fault: Fault | None = None


class Fate:
    """The fate of a world: asked by its disk at each step.

    Args:
        world: whose seed decides.
        lives: how many of them end badly.
        leap_ms: how far the wall clock jumps at most, forward; and back.
    """

    def __init__(self, world: World, *, lives: int = 3, leap_ms: tuple[int, int] = (0, 0)) -> None:
        self._world = world
        self._lives = lives
        self._leap_ms = leap_ms
        self._doom: Doom | None = None

    def __call__(self, step: Step) -> Fault | None:
        doom = self._doom
        if doom is None or doom.step is not step:
            return None
        if doom.left:
            self._doom = doom._replace(left=doom.left - 1)
            return None
        self._doom = None
        if doom.fault is None:
            self._world.note("the power is cut", step)
            self._world.lose()
        else:
            self._world.note(doom.fault.reason, doom.fault.kept)
        return doom.fault

    async def run(self) -> None:
        """Let happen what will happen; then everything is well."""
        world = self._world
        world.drops = 0.05
        for _ in range(self._lives):
            await world.pause(1.5)
            self._leap()
            self._doom = self._draw()
            world.note("doom", self._doom)
            lost = world.crashes
            for _ in range(int(PATIENCE_S / 0.1)):
                await world.pause(0.2)
                if world.crashes != lost:
                    break
            else:
                world.lose()
            self._doom = None
            self._leap()
        world.drops = 0.0

    def _draw(self) -> Doom | None:
        """Draw a doom; None for one that comes at any time, between two steps of the disk."""
        world = self._world
        kept = world.chance.fraction()
        left = world.below(world.below(60) + 1)
        dooms: list[Doom | None] = [
            None,
            *[Doom(step, left) for step in Step],
            Doom(Step.WRITE, left, FULL),
            Doom(Step.WRITE, left, FULL._replace(kept=kept)),
            Doom(Step.WRITE, left, Fault("input/output error", kept)),
            Doom(Step.SYNC, left, BROKEN),
            Doom(Step.SYNC, left, BROKEN._replace(kept=kept)),
            Doom(Step.SNAPSHOT, left, NO_HANDLE),
        ]
        return dooms[world.below(len(dooms))]

    def _leap(self) -> None:
        forward_ms, back_ms = self._leap_ms
        if (forward_ms or back_ms) and self._world.chance.fraction() < 0.5:
            by_ms = self._world.below(forward_ms + back_ms + 1) - back_ms
            self._world.note("the clock jumps", by_ms)
            self._world.clock.jump(by_ms)
