"""The HTTP server over real sockets: framing, order, limits, time-outs, disconnects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from haar.kernel.errors import ApiError
from haar.kit.streams import ByteStream
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.limits import Limits
from haar.wire.server import HttpServer

LIMITS = Limits()
HOST = b"Host: here\r\n"
SMUGGLED = b"POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n0\r\n\r\n"

Connect = Callable[[], Awaitable[Any]]


def test_a_request_is_answered_with_length_date_and_server(serve: Any) -> None:
    """An answer carries Content-Length, Date and Server, and the handler's headers."""

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peer = await connect()
        await peer.send(b"POST /a%20b?c=d HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nxyz")
        status, headers, body = await peer.answer()
        assert (status, body) == (200, b"POST /a%20b ? c=d\nxyz")
        assert headers[b"server"] == b"haar"
        assert headers[b"date"].endswith(b"GMT")
        assert headers[b"x-by"] == b"echo"

    serve(scenario)


def test_pipelined_requests_are_answered_in_order_whatever_each_takes(serve: Any) -> None:
    """Answers come in the order of the requests, even if a later one is ready first."""

    async def slow_first(request: HttpRequest) -> HttpResponse:
        if request.path == b"/0":
            for _ in range(5):
                await asyncio.sleep(0)
        return HttpResponse(200, [], request.path)

    count = 100
    data = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(count))

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peer = await connect()
        await peer.send(data)
        bodies = [(await peer.answer())[2] for _ in range(count)]
        assert bodies == [b"/%d" % n for n in range(count)]

    serve(scenario, slow_first)


def test_a_request_in_single_bytes_is_the_same_request(serve: Any) -> None:
    """How the bytes are cut into packets changes nothing."""
    data = b"POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok"

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        for at in range(len(data)):
            await peer.send(data[at : at + 1])
            await asyncio.sleep(0)
        return (await peer.answer())[2]

    assert serve(scenario) == b"POST /x ? y\nok"


def test_head_has_the_length_and_no_body(serve: Any) -> None:
    """HEAD answers with the headers of GET and no byte of its body."""

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peer = await connect()
        await peer.send(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = await peer.answer(is_head=True)
        assert (status, headers[b"content-length"]) == (200, b"11")
        assert (await peer.answer())[2] == b"GET /b ? \n"

    serve(scenario)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999\r\n\r\n", 413),
        (
            SMUGGLED % b"Content-Length: 3\r\nTransfer-Encoding: chunked",
            400,
        ),
        (
            SMUGGLED % b"Transfer-Encoding: chunked\r\nContent-Length: 3",
            400,
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 417),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 300 + b"\r\n", 431),
    ],
)
def test_what_is_not_sound_http_is_refused_and_the_connection_closed(
    data: bytes, status: int, exchange: Any
) -> None:
    """Malformed, ambiguous and oversized requests get one refusal, and nothing after it runs."""
    received = exchange(data + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    assert received.split(b" ")[1] == b"%d" % status
    assert received.count(b"HTTP/1.1 ") == 1
    assert b"smuggled" not in received
    assert b"connection: close" in received


def test_what_came_before_a_malformed_request_is_answered_first(exchange: Any) -> None:
    """A bad request does not take back the answers of those before it."""
    received = exchange(
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n???\r\n\r\n"
    )
    assert received.index(b"/a") < received.index(b"/b") < received.index(b" 400 ")


def test_a_client_that_shut_its_sending_side_still_gets_its_answer(exchange: Any) -> None:
    """Half-closing after the request is not a disconnect."""

    async def late(request: HttpRequest) -> HttpResponse:
        for _ in range(5):
            await asyncio.sleep(0)
        return HttpResponse(200, [], b"late")

    assert exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", late).endswith(b"late")


def test_100_continue_is_said_when_the_body_is_wanted_and_not_before(echo: Any, serve: Any) -> None:
    """A handler that refuses early never asks for the body; one that reads it does."""

    async def picky(request: HttpRequest) -> HttpResponse:
        if request.path == b"/no":
            return HttpResponse(403, [], b"no")
        return await echo(request)

    head = b"Host: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peer = await connect()
        await peer.send(b"PUT /yes HTTP/1.1\r\n" + head)
        assert (await peer.answer())[0] == 100
        await peer.send(b"hello")
        assert (await peer.answer())[2] == b"PUT /yes ? \nhello"
        await peer.send(b"PUT /no HTTP/1.1\r\n" + head)
        status, headers, _ = await peer.answer()
        assert (status, headers[b"connection"]) == (403, b"close")

    serve(scenario, picky, replace(LIMITS, gather_bytes_max=1))


def test_a_small_body_with_100_continue_is_asked_for_at_once(serve: Any) -> None:
    """A body that is gathered is wanted as soon as its head is here."""

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        head = b"Host: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        await peer.send(b"PUT / HTTP/1.1\r\n" + head)
        assert (await peer.answer())[0] == 100
        await peer.send(b"hello")
        return (await peer.answer())[2]

    assert serve(scenario) == b"PUT / ? \nhello"


def test_a_chunked_body_streams_to_the_handler(exchange: Any) -> None:
    """Chunks arrive as pieces; the trailer counts for nothing."""
    data = (
        b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    received = exchange(data)
    assert b"PUT / ? \nabcde" in received
    assert received.endswith(b"GET /b ? \n")


def test_a_long_upload_is_held_back_while_nobody_reads_it(serve: Any) -> None:
    """The server takes no more of a body than it may hold until the handler reads on."""
    total = 64 * 1024 * 1024
    read_on = asyncio.Event()
    held: list[int] = []

    async def reluctant(request: HttpRequest) -> HttpResponse:
        assert isinstance(request.body, ByteStream)
        await read_on.wait()
        size = 0
        async for piece in request.body:
            size += len(piece)
        return HttpResponse(200, [], b"%d" % size)

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        sent = 0
        await peer.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % total)
        block = bytes(1024 * 1024)
        while sent < total:
            peer.writer.write(block)
            sent += len(block)
            try:
                await asyncio.wait_for(peer.writer.drain(), None if read_on.is_set() else 0.3)
            except TimeoutError:
                held.append(sent)
                read_on.set()
        return (await peer.answer())[2]

    assert serve(scenario, reluctant) == b"%d" % total
    assert held
    assert held[0] < total // 2


async def numbers(count: int) -> AsyncIterator[bytes]:
    for n in range(count):
        yield b"%d," % n


def test_an_answer_of_unknown_length_is_chunked_and_one_of_known_length_is_not(serve: Any) -> None:
    """A streamed body goes out whole in either framing, and the connection stays."""

    async def streams(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, [], numbers(3), length=6 if request.path == b"/known" else None)

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peer = await connect()
        for path, name in ((b"/known", b"content-length"), (b"/open", b"transfer-encoding")):
            await peer.send(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            _, headers, body = await peer.answer()
            assert body == b"0,1,2,"
            assert name in headers

    serve(scenario, streams)


def test_a_client_that_does_not_read_is_not_written_to_for_ever(hands: Any, serve: Any) -> None:
    """A streamed answer stops being made while the client is behind, and is given up in the end."""
    made = 0
    is_closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        nonlocal made
        try:
            while True:
                made += 65536
                yield bytes(65536)
        finally:
            is_closed.set()

    async def handler(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, [], endless())

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peer = await connect()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not is_closed.is_set():
            hands.move(0.5)
            await asyncio.sleep(0.001)  # the sockets' turn

    serve(scenario, handler, hands=hands)
    assert made < 64 * 1024 * 1024


def test_an_answer_that_breaks_off_breaks_the_connection(serve: Any) -> None:
    """A client must see that a streamed answer is not whole."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise OSError("disk")

    async def handler(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, [], broken())

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        await peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            return await peer.rest()
        except ConnectionError:
            return b""

    assert not serve(scenario, handler).endswith(b"0\r\n\r\n")


def test_a_handler_whose_client_went_away_is_cancelled(hands: Any, serve: Any) -> None:
    """Nobody works for a client that is gone, and clean-up code runs."""
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def patient(request: HttpRequest) -> HttpResponse:
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return HttpResponse(200, [])

    async def scenario(server: HttpServer, connect: Connect) -> None:
        peer = await connect()
        await peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await started.wait()
        peer.writer.transport.abort()
        while not cancelled.is_set():
            hands.move(0.5)
            await asyncio.sleep(0.001)  # the sockets' turn

    serve(scenario, patient, hands=hands)


def test_a_handler_that_fails_is_a_500_and_closes(exchange: Any) -> None:
    """Whatever escapes a handler becomes a plain 500."""

    async def failing(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    assert b" 500 " in exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", failing)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HT", b"408"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", b"408"),
    ],
)
def test_a_request_that_does_not_come_in_time_is_given_up(
    data: bytes, status: bytes, hands: Any, serve: Any
) -> None:
    """Slow heads and slow bodies are refused with 408."""

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        await peer.send(data)
        return await peer.rest_in_time(hands)

    assert serve(scenario, hands=hands).split(b" ")[1] == status
    assert hands.time() >= min(LIMITS.head_s, LIMITS.body_s)


def test_a_reader_of_a_stalled_upload_gets_an_error_of_the_client(
    echo: Any, hands: Any, serve: Any
) -> None:
    """The handler sees RequestTimeout, a client's fault, and can say so."""

    async def handler(request: HttpRequest) -> HttpResponse:
        try:
            return await echo(request)
        except ApiError as error:
            return HttpResponse(error.status, [], error.code.encode())

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        await peer.send(
            b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
        )
        return await peer.rest_in_time(hands)

    received = serve(scenario, handler, hands=hands)
    assert received.split(b" ")[1] == b"400"
    assert received.endswith(b"RequestTimeout")


def test_a_malformed_chunk_fails_the_reader_of_the_body(echo: Any, exchange: Any) -> None:
    """The handler sees IncompleteBody; the connection closes after its answer."""

    async def handler(request: HttpRequest) -> HttpResponse:
        try:
            return await echo(request)
        except ApiError as error:
            return HttpResponse(error.status, [], error.code.encode())

    data = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n"
    assert exchange(data, handler).endswith(b"IncompleteBody")


@pytest.mark.parametrize("endless", [b"X: ", b"0\r\nX: ", b"1;x="])
def test_what_the_parser_gathers_is_bounded(endless: bytes, echo: Any, serve: Any) -> None:
    """A header, a trailer or a chunk's extension that never ends does not fill the memory."""
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    data = head + (b"" if endless == b"X: " else b"\r\n") + endless

    async def handler(request: HttpRequest) -> HttpResponse:
        try:
            return await echo(request)
        except ApiError as error:
            return HttpResponse(error.status, [], error.code.encode())

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        sent = 0
        await peer.send(data)
        answer = asyncio.ensure_future(peer.rest())
        while not answer.done() and sent < 64 * 1024 * 1024:
            peer.writer.write(bytes(b"x" * 65536))
            sent += 65536
            await asyncio.wait({answer}, timeout=0.001)
        assert sent < 16 * 1024 * 1024
        return await answer

    assert serve(scenario, handler).split(b" ")[1] in (b"400", b"431")


def test_an_idle_connection_is_closed(hands: Any, serve: Any) -> None:
    """A connection without requests does not stay for ever."""

    async def scenario(server: HttpServer, connect: Connect) -> bytes:
        peer = await connect()
        await peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await peer.answer()
        return await peer.rest_in_time(hands)

    assert serve(scenario, hands=hands) == b""
    assert hands.time() >= LIMITS.idle_s


def test_connections_beyond_the_bound_are_refused(serve: Any) -> None:
    """One connection too many gets 503."""

    async def scenario(server: HttpServer, connect: Connect) -> None:
        first, second = await connect(), await connect()
        assert b" 503 " in await second.rest()
        await first.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await first.answer())[0] == 200

    serve(scenario, limits=replace(LIMITS, connections_max=1))


def test_draining_finishes_what_is_being_worked_on(serve: Any) -> None:
    """Closing the server lets a request finish, and closes idle connections at once."""
    started, may_end = asyncio.Event(), asyncio.Event()

    async def slow(request: HttpRequest) -> HttpResponse:
        started.set()
        await may_end.wait()
        return HttpResponse(200, [], b"done")

    async def scenario(server: HttpServer, connect: Connect) -> None:
        busy, idle = await connect(), await connect()
        await busy.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await started.wait()
        closing = asyncio.ensure_future(server.close(10.0))
        assert await idle.rest() == b""
        may_end.set()
        assert (await busy.rest()).endswith(b"done")
        busy.close()
        await asyncio.wait_for(closing, 10)

    serve(scenario, slow)


def test_http_1_0_closes_unless_asked_to_stay(exchange: Any) -> None:
    """HTTP/1.0 clients are answered in their own way."""
    assert b"connection: close" in exchange(b"GET / HTTP/1.0\r\n\r\n")
    kept = exchange(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n")
    assert kept.count(b" 200 ") == 2
