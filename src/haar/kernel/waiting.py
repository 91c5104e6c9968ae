"""Waiting for something that has no coroutine of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, TypeVar

T = TypeVar("T")


def wake(waiter: asyncio.Future[None]) -> None:
    """Let whoever awaits ``waiter`` go on; it may have been woken, or have gone away."""
    if not waiter.done():
        waiter.set_result(None)


class Release:
    """Something that ends once, awaited by many coroutines that are driven by hand.

    They need no future each: whoever drives one is called back at once when it ends. A task needs
    a future of its own, so that it can be cancelled while it waits.

    Args:
        loop: the running loop; told of what a callback raises.
    """

    __slots__ = ("_asyncio_future_blocking", "_callbacks", "_error", "_is_over", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asyncio_future_blocking = False
        self._callbacks: list[Callable[[Any], object]] = []
        self._error: Exception | None = None
        self._is_over = False

    def __await__(self) -> Generator[Release, None, None]:
        if not self._is_over:
            yield self
        if self._error is not None:
            raise type(self._error)(*self._error.args) from self._error

    def end(self, error: Exception | None = None) -> None:
        """Let everybody go on, or raise an error like this one where they wait."""
        self._is_over, self._error = True, error
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback(self)
            except Exception as bug:  # noqa: BLE001  # one's bug must not keep the others waiting
                told = {"message": "a callback of a release failed", "exception": bug}
                self._loop.call_exception_handler(told)

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Have ``callback`` called at the end."""
        self._callbacks.append(callback)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Have ``callback`` not called."""
        self._callbacks = [one for one in self._callbacks if one != callback]


async def in_thread(
    work: Callable[..., T], *arguments: Any, undo: Callable[[T], object] | None = None
) -> T:
    """Run ``work`` in a thread, and wait for its end even if the caller is cancelled.

    Whoever goes away early would give back what the thread still works on (a descriptor, a lock).

    Args:
        work: a plain function.
        arguments: of it.
        undo: gives back what a caller that was cancelled never gets.
    """
    future = asyncio.get_running_loop().run_in_executor(None, work, *arguments)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        if undo is not None and not future.cancelled() and future.exception() is None:
            undo(future.result())
        raise
