"""Coroutines driven by hand: what a cancelled one may still wait for."""

from __future__ import annotations

import asyncio

from haar.wire.drive import Drive


def test_what_a_cancelled_coroutine_waits_for_is_there_when_it_goes_on() -> None:
    """Cancelled in a bare turn of the loop, it cleans up in its own time and not in that turn."""
    seen: list[str] = []

    async def work(cleaned: asyncio.Future[str]) -> None:
        try:
            await asyncio.sleep(0)
            seen.append("went on")
        finally:
            seen.append(await cleaned)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        cleaned: asyncio.Future[str] = loop.create_future()
        drive = Drive(work(cleaned), lambda result, error: seen.append("told"), loop)
        drive.run()
        drive.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert seen == []
        cleaned.set_result("cleaned")
        await asyncio.sleep(0)

    asyncio.run(story())
    assert seen == ["cleaned"]
