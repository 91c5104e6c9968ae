"""A real server on a real socket for each scenario, and peers that speak to it byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from haar.kernel.clock import SystemClock
from haar.wire.connection import Handler
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.limits import Limits
from haar.wire.room import Room
from haar.wire.server import HttpServer

LIMITS = Limits()


async def answer_back(request: HttpRequest) -> HttpResponse:
    """Answer with method, path, query and body."""
    body = request.body
    if not isinstance(body, bytes):
        body = b"".join([piece async for piece in body])
    line = b"%s %s ? %s\n" % (request.method.encode(), request.path, request.query)
    return HttpResponse(200, [(b"x-by", b"echo")], line + body)


class Hands:
    """Time that a test moves by hand: nothing waits for a time-out."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self._now_s

    def call_later(self, delay: float, callback: Callable[[], None]) -> Planned:
        planned = (self._now_s + delay, callback)
        self._calls.append(planned)
        return Planned(lambda: self._calls.remove(planned))

    def move(self, seconds: float) -> None:
        self._now_s += seconds
        due = [call for call in self._calls if call[0] <= self._now_s]
        self._calls = [call for call in self._calls if call not in due]
        for _, callback in due:
            callback()


class Planned:
    """A call that can be cancelled."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.cancel = cancel


class Peer:
    """A client's side of one connection, byte for byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, is_head: bool = False) -> tuple[int, dict[bytes, bytes], bytes]:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        lines = head[:-4].split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines[1:])
        status = int(lines[0].split()[1])
        body = b""
        if is_head or status in (100, 204, 304):
            return status, headers, body
        if b"content-length" in headers:
            body = await self.reader.readexactly(int(headers[b"content-length"]))
        elif headers.get(b"transfer-encoding") == b"chunked":
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        return status, headers, body

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), 10)

    async def rest_in_time(self, hands: Hands) -> bytes:
        """Read to the end while time flies."""
        reading = asyncio.ensure_future(self.rest())
        while not reading.done():
            hands.move(0.5)
            await asyncio.sleep(0.001)  # the sockets' turn: they are real
        return await reading

    def close(self) -> None:
        self.writer.close()


Scenario = Callable[[HttpServer, Callable[[], Awaitable[Peer]]], Awaitable[Any]]


def run_scenario(
    scenario: Scenario,
    handler: Handler = answer_back,
    limits: Limits = LIMITS,
    hands: Hands | None = None,
    room: Room | None = None,
) -> Any:
    """Run a scenario against a server of its own."""

    async def run() -> Any:
        server = HttpServer(handler, clock=SystemClock(), limits=limits, timers=hands, room=room)
        await server.start("127.0.0.1", 0)
        peers: list[Peer] = []

        async def connect() -> Peer:
            peers.append(Peer(*await asyncio.open_connection("127.0.0.1", server.port)))
            return peers[-1]

        try:
            return await scenario(server, connect)
        finally:
            for peer in peers:
                peer.close()
            await server.close(1.0)

    return asyncio.run(run())


def send_all(data: bytes, handler: Handler = answer_back, limits: Limits = LIMITS) -> bytes:
    """Send bytes, close the sending side, and return all that comes back."""

    async def scenario(server: HttpServer, connect: Callable[[], Awaitable[Peer]]) -> bytes:
        peer = await connect()
        await peer.send(data)
        peer.writer.write_eof()
        return await peer.rest()

    result = run_scenario(scenario, handler, limits)
    assert isinstance(result, bytes)
    return result


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what the server does with what was sent."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.001)  # the sockets' turn: they are real
    raise AssertionError("it never came to be")


@pytest.fixture(name="echo")
def _echo() -> Any:
    """A handler that answers with what it got."""
    return answer_back


@pytest.fixture(name="serve")
def _serve() -> Any:
    """Runs a scenario against a server of its own."""
    return run_scenario


@pytest.fixture(name="exchange")
def _exchange() -> Any:
    """Sends bytes to a server and returns all that comes back."""
    return send_all


@pytest.fixture(name="until")
def _until() -> Any:
    """Waits for a condition."""
    return wait_until


@pytest.fixture
def hands() -> Hands:
    """Time that the test moves."""
    return Hands()
