"""Waiting for something that has no coroutine of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def wake(waiter: asyncio.Future[None]) -> None:
    """Let whoever awaits ``waiter`` go on; it may have been woken, or have gone away."""
    if not waiter.done():
        waiter.set_result(None)


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
