"""The room for bodies: what is held of all requests at once, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.limits import Limits
from haar.wire.room import NoRoom, Room
from haar.wire.server import HttpServer

LIMITS = Limits()
HOST = b"Host: here\r\n"

Connect = Callable[[], Awaitable[Any]]

POST = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n"


def test_half_sent_bodies_share_a_bounded_room(serve: Any, until: Any) -> None:
    """However many connections send half a body, what is held stays within the room."""
    room = Room(1024 * 1024)
    half = POST % 100_000 + bytes(50_000)

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peers = [await connect() for _ in range(60)]
        for peer in peers:
            await peer.send(half)
        refused = [asyncio.ensure_future(peer.answer()) for peer in peers]
        await until(lambda: sum(one.done() for one in refused) >= 40)
        assert {one.result()[0] for one in refused if one.done()} == {503}
        assert 1024 * 1024 - 50_000 < room.used <= 1024 * 1024
        served = next(i for i, one in enumerate(refused) if not one.done())
        for index, peer in enumerate(peers):
            if index != served:
                refused[index].cancel()
                peer.close()
        await until(lambda: room.used == 50_000)
        await peers[served].send(bytes(50_000))
        status, _, body = await refused[served]
        assert (status, len(body)) == (200, 100_000 + len(b"POST / ? \n"))
        assert room.used == 0

    serve(scenario, room=room)


def test_long_bodies_wait_outside_while_the_room_is_tight(
    echo: Any, serve: Any, until: Any
) -> None:
    """Streams that nobody reads stop their senders while room is short, and go on afterwards."""
    room = Room(4 * 1024 * 1024)
    gate = asyncio.Event()

    async def handler(request: HttpRequest) -> HttpResponse:
        await gate.wait()
        try:
            return await echo(request)
        except NoRoom:
            return HttpResponse(503, [], b"")

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peers = [await connect() for _ in range(9)]
        sending = [
            asyncio.ensure_future(peer.send(POST % 4_000_000 + bytes(4_000_000))) for peer in peers
        ]
        await until(lambda: room.is_tight)
        gate.set()
        answers = [await peer.answer() for peer in peers]
        told = {(status, len(body)) for status, _, body in answers}
        whole = (200, 4_000_000 + len(b"POST / ? \n"))
        assert whole in told
        assert told <= {whole, (503, 0)}  # who came last may have been one too many
        await asyncio.gather(*sending, return_exceptions=True)
        assert room.used == 0

    serve(scenario, handler, room=room)


def test_requests_that_wait_for_their_turn_are_held_within_the_room(
    echo: Any, serve: Any, until: Any
) -> None:
    """Pipelined requests count until they are answered; one too many ends the connection."""
    room = Room(10_000)
    gate = asyncio.Event()

    async def handler(request: HttpRequest) -> HttpResponse:
        await gate.wait()
        return await echo(request)

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peer = await connect()
        await peer.send((POST % 4000 + bytes(4000)) * 3)
        await until(lambda: room.used > 8000)
        gate.set()
        assert [(await peer.answer())[0] for _ in range(3)] == [200, 200, 503]
        assert await peer.rest() == b""
        assert room.used == 0

    serve(scenario, handler, room=room)


def dribble(head: bytes, piece: bytes, hands: Any) -> Callable[[HttpServer, Connect], Any]:
    """Return a client that sends a piece of its body every second."""

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        await peer.send(head)
        reading = asyncio.ensure_future(peer.rest())
        while not reading.done() and hands.time() < 600:
            await peer.send(piece)
            await asyncio.sleep(0.002)  # the sockets' turn: they are real
            hands.move(1.0)
        return bytes(await reading)

    return scenario


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (POST % 100_000, b"a"),
        (POST % 4_000_000, b"a"),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
    ids=["gathered", "streamed", "chunked"],
)
def test_who_dribbles_a_body_is_given_up(
    head: bytes, piece: bytes, serve: Any, echo: Any, hands: Any
) -> None:
    """A byte a second keeps no memory: what is held of the body is given back in time."""
    room = Room()

    async def handler(request: HttpRequest) -> HttpResponse:
        try:
            return HttpResponse(200, [], (await echo(request)).body)
        except ApiError as error:
            return HttpResponse(408, [], error.code.encode())

    received = serve(dribble(head, piece, hands), handler, hands=hands, room=room)
    assert received.split(b" ")[1] == b"408"
    assert LIMITS.body_s <= hands.time() < 2 * LIMITS.body_s + 2
    assert room.used == 0


def test_who_is_slow_but_steady_is_heard(serve: Any, hands: Any) -> None:
    """A step of the body in each span of time is enough, however long all of it takes."""
    length = LIMITS.body_step_bytes * 8
    piece = bytes(LIMITS.body_step_bytes // 16)

    async def scenario(server: HttpServer, connect: Connect) -> int:
        peer = await connect()
        await peer.send(POST % length)
        for _ in range(length // len(piece)):
            await peer.send(piece)
            await asyncio.sleep(0.002)  # the sockets' turn: they are real
            hands.move(1.5)
        status: int = (await peer.answer())[0]
        return status

    assert serve(scenario, hands=hands) == 200
    assert hands.time() > LIMITS.body_s * 6
