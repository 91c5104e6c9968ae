"""Every story that is told of a simulated world: who does what in it, and what must hold.

``python tests/sim/stories.py <name> <seed>`` tells one, event by event.
"""

from __future__ import annotations

import sys

from fate import Fate
from plays import Story, play
from queue_clients import Queue
from table_clients import Table
from world import World


async def queues(world: World) -> None:
    """Both kinds of queues, under misfortunes."""
    kinds = [Queue(world, "standard", is_fifo=False), Queue(world, "q.fifo", is_fifo=True)]
    for queue in kinds:
        await queue.create()
    fate = Fate(world)
    world.befall(fate)
    await world.together(
        *[queue.send(group, 12) for queue in kinds for group in "abc"],
        *[queue.receive(25, 0.2) for queue in kinds for _ in range(2)],
        fate.run(),
    )
    await world.calm()
    for queue in kinds:
        await queue.drain()
        queue.check()


async def tables(world: World) -> None:
    """Items, counters and transactions, under misfortunes."""
    table = Table(world)
    await table.create()
    fate = Fate(world)
    world.befall(fate)
    await world.together(
        *[table.register(key, 12) for key in "xxxyyyz"],
        *[table.count(20) for _ in range(3)],
        table.twins(15),
        fate.run(),
    )
    await world.calm()
    await table.check()


STORIES: dict[str, Story] = {"queues": queues, "tables": tables}


if __name__ == "__main__":
    print(play(int(sys.argv[2]), STORIES[sys.argv[1]]).told())
