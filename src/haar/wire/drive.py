"""Coroutines driven by hand: no task is made, and one that never waits ends at once.

A task costs several microseconds and a turn of the loop; most requests wait once, for the store's
next sync, or not at all. What a driven coroutine may await is a plain future (or a task, which is
one); :func:`asyncio.current_task` is not there for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Done = Callable[[Any, BaseException | None], None]
"""Gets the coroutine's result, or what it raised."""


class Drive:
    """Runs one coroutine.

    Args:
        coroutine: what to run.
        done: called once, at its end; not after :meth:`cancel`.
        loop: the running loop.
    """

    __slots__ = ("_coroutine", "_done", "_is_cancelled", "_loop", "_soon", "_waited")

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], done: Done, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._coroutine: Coroutine[Any, Any, Any] | None = coroutine
        self._done = done
        self._loop = loop
        self._waited: asyncio.Future[Any] | None = None
        self._soon: asyncio.Handle | None = None
        self._is_cancelled = False

    def run(self) -> None:
        """Run until the coroutine waits or ends."""
        coroutine = self._coroutine
        if coroutine is None:
            return
        try:
            waited = coroutine.send(None)
        except BaseException as end:  # noqa: BLE001  # handed on to whoever started this
            self._end(end)
        else:
            self._wait(waited)

    def cancel(self) -> None:
        """Raise CancelledError where the coroutine waits; it may still wait to clean up."""
        coroutine = self._coroutine
        if coroutine is None or self._is_cancelled:
            return
        self._is_cancelled = True
        if self._waited is not None:
            self._waited.remove_done_callback(self._wake)
        if self._soon is not None:  # else it would go on before what it waits for then has come
            self._soon.cancel()
        try:
            waited = coroutine.throw(asyncio.CancelledError())
        except BaseException as end:  # noqa: BLE001  # the same
            self._end(end)
        else:
            self._wait(waited)

    def _wait(self, waited: Any) -> None:
        if waited is None:
            self._soon = self._loop.call_soon(self.run)
            return
        # What a task does with the future that its coroutine yields.
        waited._asyncio_future_blocking = False  # noqa: SLF001
        self._waited = waited
        waited.add_done_callback(self._wake)

    def _wake(self, waited: asyncio.Future[Any]) -> None:
        del waited
        self._waited = None
        self.run()

    def _end(self, end: BaseException) -> None:
        self._coroutine = None
        if isinstance(end, (SystemExit, KeyboardInterrupt)):
            raise end
        if not self._is_cancelled:
            if isinstance(end, StopIteration):
                self._done(end.value, None)
            else:
                self._done(None, end)
