"""Every story that is told of a simulated world: who does what in it, and what must hold.

``python tests/sim/stories.py <name> <seed>`` tells one, event by event.
"""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from typing import Any

from fate import Fate
from message_ledger import Facts, Ledger
from plays import Story, play
from queue_clients import QueueClients
from table_clients import Table
from world import World

LEAP_MS = 6 * 60 * 1000
"""Further than a FIFO queue remembers what was sent, and than a short queue keeps messages."""


async def befall(world: World, fate: Fate, *works: Coroutine[Any, Any, None]) -> None:
    """Let clients work while a fate befalls them, and everything be well in the end."""
    world.befall(fate)
    await world.together(*works, fate.run())
    await world.calm()


async def queues(world: World) -> None:
    """Both kinds of queues, with and without delay, one of them purged, one of short memory."""
    ledger = Ledger()
    clients = QueueClients(world, ledger)
    made = [
        Facts("standard"),
        Facts("q.fifo", is_fifo=True),
        Facts("slow.fifo", is_fifo=True, delay_s=2),
        Facts("short", retention_s=60),
    ]
    for queue in made:
        await clients.create(queue)
    await befall(
        world,
        Fate(world, leap_ms=(LEAP_MS, LEAP_MS // 2)),
        *[clients.send(queue, group, 8) for queue in made for group in "abc"],
        *[clients.receive(queue, 20, 0.6) for queue in made for _ in range(2)],
        clients.purge(made[world.below(2)]),
    )
    await clients.drain(*made)
    ledger.check()


async def dead_letters(world: World) -> None:
    """Queues of both kinds whose messages die, and are moved back."""
    ledger = Ledger()
    clients = QueueClients(world, ledger)
    pairs: list[tuple[Facts, Facts]] = []
    for end in ("", ".fifo"):
        dead = Facts(f"dead{end}", is_fifo=bool(end))
        live = Facts(f"live{end}", bool(end), 1, receives_max=2, dead_letters=dead.name)
        pairs.append((live, dead))
        for queue in (dead, live):
            await clients.create(queue)
    await befall(
        world,
        Fate(world, leap_ms=(10_000, 5_000)),
        *[clients.send(live, group, 8) for live, _ in pairs for group in "abc"],
        *[clients.receive(live, 25, 0.1) for live, _ in pairs for _ in range(2)],
        *[clients.receive(dead, 10, 0.1) for _, dead in pairs],
        *[clients.move_back(dead, 3) for _, dead in pairs],
    )
    await clients.drain(*[queue for pair in pairs for queue in pair])
    ledger.check()


async def tables(world: World) -> None:
    """Items, counters and transactions, under misfortunes."""
    table = Table(world)
    await table.create()
    fate = Fate(world, leap_ms=(LEAP_MS // 2, LEAP_MS // 2))
    world.befall(fate)
    await world.together(
        *[table.register(key, 12) for key in "xxxyyyz"],
        *[table.count(20) for _ in range(3)],
        table.twins(15),
        table.pay(8),
        fate.run(),
    )
    await world.calm()
    await table.check()


STORIES: dict[str, Story] = {"queues": queues, "dead letters": dead_letters, "tables": tables}


if __name__ == "__main__":
    print(play(int(sys.argv[2]), STORIES[sys.argv[1]]).told())
