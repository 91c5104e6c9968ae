"""Where long polls wait: one of them watches the queue, the others wait for its place.

If every poll of a queue watched it, each message would wake all of them, for one to find it. Here
the first in line watches; when there is news it leaves the line before it looks, and the next takes
its place, looks once itself (so nothing is missed), and watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from haar.kit.cloud import Cloud


class _Line:
    """The polls that wait for one queue."""

    __slots__ = ("length", "turn")

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.length = 0


class Lobby:
    """The lines of all queues; made once, found by ``cloud.part(Lobby)``."""

    def __init__(self, cloud: Cloud) -> None:
        self._clock = cloud.clock
        self._lines: dict[bytes, _Line] = {}

    @asynccontextmanager
    async def first(self, queue_id: bytes, until_ms: int) -> AsyncGenerator[None]:
        """Come in when the first in line, or at ``until_ms`` at the latest."""
        line = self._lines.setdefault(queue_id, _Line())
        line.length += 1
        try:
            is_first = await self._come_first(line, until_ms)
            try:
                yield
            finally:
                if is_first:
                    line.turn.release()
        finally:
            line.length -= 1
            if not line.length:
                self._lines.pop(queue_id, None)

    async def _come_first(self, line: _Line, until_ms: int) -> bool:
        """Return whether the turn came in time; only then it is to be given back."""
        if not line.turn.locked():
            return await line.turn.acquire()
        turn = asyncio.get_running_loop().create_task(line.turn.acquire())
        has_come = False
        try:
            await self.either(turn, until_ms)
            has_come = turn.done()
        finally:
            if not has_come:
                _give_up(line, turn)
        return has_come

    async def either(self, task: asyncio.Task[Any], until_ms: int) -> None:
        """Return when the task has ended, or when ``until_ms`` has come."""
        clock = asyncio.get_running_loop().create_task(self._clock.sleep_until(until_ms))
        try:
            await asyncio.wait((task, clock), return_when=asyncio.FIRST_COMPLETED)
        finally:
            clock.cancel()

    async def news(self, changed: Coroutine[Any, Any, None], until_ms: int) -> None:
        """Return when a watch has fired, or when ``until_ms`` has come."""
        task = asyncio.get_running_loop().create_task(changed)
        try:
            await self.either(task, until_ms)
        finally:
            task.cancel()


def _give_up(line: _Line, turn: asyncio.Task[bool]) -> None:
    """Leave the line; a turn that has come at the same moment goes to the next."""
    if turn.done() and not turn.cancelled():
        line.turn.release()
    else:
        turn.cancel()
