"""Plays a story in the world of a seed."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import cache

from world import World

from haar.wire.models import ModelCatalog

Story = Callable[[World], Awaitable[None]]

SEEDS_IN_CI = 12
LINES_SHOWN = 60


def seeds() -> list[int]:
    """Return the seeds to play."""
    if chosen := os.environ.get("HAAR_SIM_SEED"):
        return [int(chosen)]
    return list(range(int(os.environ.get("HAAR_SIM_SEEDS", SEEDS_IN_CI))))


@cache
def _catalog() -> ModelCatalog:
    """Return the models, which no seed changes."""
    return ModelCatalog(None)


def play(seed: int, story: Story) -> World:
    """Play a story in a seed's world; where it fails, tell how to see it again."""
    world = World(seed, _catalog())
    try:
        world.run(lambda: story(world))
    except BaseException:
        print("\n".join(world.trace[-LINES_SHOWN:]))
        print(f"HAAR_SIM_SEED={seed} repeats this")
        raise
    return world
