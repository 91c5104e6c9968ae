"""Where long polls wait: one of them watches the queue, the others wait for its place.

If every poll of a queue watched it, each message would wake all of them, for one to find it. Here
the first in line watches; when there is news it leaves the line before it looks, and the next takes
its place, looks once itself (so nothing is missed), and watches.

Ends of polls (``end_ms``) are times of ``clock.monotonic_ms``, by which a client waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from haar.kernel.waiting import wake
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
    async def first(self, queue_id: bytes, end_ms: float) -> AsyncGenerator[None]:
        """Come in when the first in line, or at ``end_ms`` at the latest."""
        line = self._lines.setdefault(queue_id, _Line())
        line.length += 1
        try:
            is_first = await self._come_first(line, end_ms)
            try:
                yield
            finally:
                if is_first:
                    line.turn.release()
        finally:
            line.length -= 1
            if not line.length:
                self._lines.pop(queue_id, None)

    async def _come_first(self, line: _Line, end_ms: float) -> bool:
        """Return whether the turn came in time; only then it is to be given back."""
        if not line.turn.locked():
            return await line.turn.acquire()
        turn = asyncio.get_running_loop().create_task(line.turn.acquire())
        has_come = False
        try:
            await self.either(turn, end_ms)
            has_come = turn.done()
        finally:
            if not has_come:
                _give_up(line, turn)
        return has_come

    async def either(
        self, task: asyncio.Task[Any], end_ms: float, wake_ms: int | None = None
    ) -> None:
        """Return when the task has ended, at ``wake_ms`` of the services, or at ``end_ms``."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task.add_done_callback(lambda _: wake(woken))
        left_ms = max(end_ms - self._clock.monotonic_ms(), 0.0)
        alarms = [self._clock.call_later(left_ms, lambda: wake(woken))]
        if wake_ms is not None:
            alarms.append(self._clock.call_at(wake_ms, lambda: wake(woken)))
        try:
            await woken
        finally:
            for alarm in alarms:
                alarm.cancel()

    async def news(self, changed: Coroutine[Any, Any, None], wake_ms: int, end_ms: float) -> None:
        """Return when a watch has fired, at ``wake_ms`` of the services, or at ``end_ms``."""
        task = asyncio.get_running_loop().create_task(changed)
        try:
            await self.either(task, end_ms, wake_ms)
        finally:
            task.cancel()


def _give_up(line: _Line, turn: asyncio.Task[bool]) -> None:
    """Leave the line; a turn that has come at the same moment goes to the next."""
    if turn.done() and not turn.cancelled():
        line.turn.release()
    else:
        turn.cancel()
