"""Small answers leave together, at the end of the loop's turn.

A send to a client that sleeps wakes it, and the wake-up costs several times what the send does. Of
answers that follow each other at once only the first wakes a client that has several connections,
as clients under load have. A turn of the loop ends before it waits for anything, so that no answer
waits for the next request.
"""

from __future__ import annotations

import asyncio

TOGETHER_BYTES_MAX = 64 * 1024
"""Larger answers leave at once: joining them with others would only copy them."""


class Outlets:
    """The outlets of a server that have something to send.

    Args:
        loop: whose turns count.
    """

    __slots__ = ("_filled", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._filled: list[Outlet] = []

    def add(self, outlet: Outlet) -> None:
        """Let an outlet flush at the end of this turn."""
        if not self._filled:
            self._loop.call_soon(self._flush)
        self._filled.append(outlet)

    def _flush(self) -> None:
        filled, self._filled = self._filled, []
        for outlet in filled:
            outlet.flush()


class Outlet:
    """What one connection sends, in order.

    Args:
        transport: of the connection.
        outlets: of its server.
    """

    __slots__ = ("_outlets", "_pending", "_transport")

    def __init__(self, transport: asyncio.Transport, outlets: Outlets) -> None:
        self._transport = transport
        self._outlets = outlets
        self._pending = b""

    def write(self, data: bytes) -> None:
        """Send bytes now, after those that wait."""
        self.flush()
        self._transport.write(data)

    def write_soon(self, data: bytes) -> None:
        """Send bytes at the end of this turn, at the latest."""
        if len(self._pending) + len(data) > TOGETHER_BYTES_MAX:
            self.write(data)
            return
        if not self._pending:
            self._outlets.add(self)
        self._pending += data

    def flush(self) -> None:
        """Send what waits."""
        if self._pending:
            data, self._pending = self._pending, b""
            self._transport.write(data)
