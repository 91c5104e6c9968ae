"""Waiting: a release lets many hand-driven coroutines go on at once."""

from __future__ import annotations

import asyncio
from typing import Any

from haar.kernel.waiting import Release
from haar.wire.drive import Drive


async def _wait(release: Release) -> str:
    await release
    return "went on"


def _driven(release: Release) -> list[Any]:
    """Drive a coroutine that waits; return the list that its end will be in."""
    ends: list[Any] = []
    drive = Drive(_wait(release), lambda *end: ends.append(end), asyncio.get_running_loop())
    drive.run()
    return ends


async def test_everybody_goes_on_at_once() -> None:
    """All who wait have gone on when the end returns, and who comes later does not wait."""
    release = Release(asyncio.get_running_loop())
    waiting = [_driven(release) for _ in range(3)]
    assert waiting == [[], [], []]
    release.end()
    late = _driven(release)
    assert [*waiting, late] == [[("went on", None)]] * 4


async def test_each_gets_an_error_of_its_own() -> None:
    """An end with an error raises one like it in each, so that no traceback is shared."""
    release = Release(asyncio.get_running_loop())
    waiting = [_driven(release) for _ in range(2)]
    release.end(OSError(5, "broken"))
    errors = [ends[0][1] for ends in waiting]
    assert [error.args for error in errors] == [(5, "broken"), (5, "broken")]
    assert errors[0] is not errors[1]


async def test_who_went_away_is_not_called() -> None:
    """A coroutine that was cancelled while it waited does not go on a second time."""
    release = Release(asyncio.get_running_loop())
    ends: list[Any] = []
    drive = Drive(_wait(release), lambda *end: ends.append(end), asyncio.get_running_loop())
    drive.run()
    drive.cancel()
    release.end()
    assert ends == []


async def test_a_bug_of_one_does_not_keep_the_others() -> None:
    """What one callback raises is told to the loop; the next is called all the same."""
    loop, told = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _loop, context: told.append(context))
    release = Release(loop)

    def fail(_ended: Release) -> None:
        raise ZeroDivisionError

    release.add_done_callback(fail)
    other = _driven(release)
    release.end()
    assert other == [("went on", None)]
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]
