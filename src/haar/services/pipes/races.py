"""Waiting for work, but not beyond something that makes it pointless."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def unless(over: Coroutine[Any, Any, object], work: Coroutine[Any, Any, T]) -> T | None:
    """Return what ``work`` returns, or None if ``over`` has ended first: work is cancelled then."""
    working, ending = asyncio.ensure_future(work), asyncio.ensure_future(over)
    try:
        await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        ending.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)
