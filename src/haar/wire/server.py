"""The HTTP/1.1 server: listens, counts its connections, and lets them finish at the end."""

from __future__ import annotations

import asyncio
import ssl

from haar.kernel.clock import Clock
from haar.kernel.logs import Log
from haar.wire import answers
from haar.wire.connection import Connection, Handler, Refuse
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.intake import Unacceptable
from haar.wire.limits import Limits
from haar.wire.outlet import Outlets
from haar.wire.room import NoRoom, Room
from haar.wire.timers import Timers, Wheel


def refuse_plainly(request: HttpRequest, error: Unacceptable | NoRoom) -> HttpResponse:
    """Return a refusal in plain text."""
    del request
    return answers.refuse(error.status, str(error))


class HttpServer:
    """Listens, and answers requests with a handler's answers.

    Args:
        handler: a coroutine function; driven without a task of its own.
        clock: for the ``Date`` header.
        limits: what a client may ask for.
        refuse: makes the answers to what is no request; plain text where there is nothing better.
        timers: measure the time-outs; the event loop where there are none.
        room: for the bodies of all connections.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        clock: Clock,
        limits: Limits | None = None,
        refuse: Refuse = refuse_plainly,
        timers: Timers | None = None,
        room: Room | None = None,
    ) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.refuse = refuse
        self.room = room or Room()
        self._timers = timers
        self.date_line = answers.DateLine(clock)
        self.connections: set[Connection] = set()
        self.is_draining = False
        self.log = Log("haar.wire.server")
        self._server: asyncio.Server | None = None
        self._gone: asyncio.Event | None = None
        self.loop: asyncio.AbstractEventLoop
        self.wheel: Wheel
        self.outlets: Outlets

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None, "the server has started"
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen; port 0 takes a free one.

        Raises:
            OSError: the address is not to be had.
        """
        self.loop = asyncio.get_running_loop()
        self.wheel = Wheel(self._timers or self.loop)
        self.outlets = Outlets(self.loop)
        self._server = await self.loop.create_server(
            lambda: Connection(self, is_tls=tls is not None), host, port, ssl=tls, backlog=1024
        )

    async def close(self, grace_s: float = 10.0) -> None:
        """Take no more connections, finish what is being worked on, then close."""
        self.is_draining = True
        if self._server is not None:
            self._server.close()
        self._gone = asyncio.Event()
        for connection in list(self.connections):
            connection.drain()
        if self.connections:
            try:
                await asyncio.wait_for(self._gone.wait(), grace_s)
            except TimeoutError:
                self._abort_all()
        self.wheel.close()

    def _abort_all(self) -> None:
        for connection in list(self.connections):
            connection.abort()

    def joined(self, connection: Connection) -> bool:
        """Count a connection; False where there is no room for it."""
        if len(self.connections) >= self.limits.connections_max:
            return False
        self.connections.add(connection)
        return True

    def left(self, connection: Connection) -> None:
        """Forget a connection."""
        self.connections.discard(connection)
        if not self.connections and self._gone is not None:
            self._gone.set()
