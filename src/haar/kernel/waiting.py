"""Waiting for something that has no coroutine of its own."""

from __future__ import annotations

import asyncio


def wake(waiter: asyncio.Future[None]) -> None:
    """Let whoever awaits ``waiter`` go on; it may have been woken, or have gone away."""
    if not waiter.done():
        waiter.set_result(None)
