"""The HTTP/1.1 server: a protocol on httptools that drives its handler by hand.

A connection is in one state; every time-out belongs to one.

=========  =====================================================  =====================
state      what happens                                           time-out
=========  =====================================================  =====================
idle       waiting for a request's first byte                     ``idle_s``
head       a request line and headers are arriving                ``head_s`` in all
body       a small body is gathered                               ``body_s`` of silence
busy       the handler works; a long body streams to it           ``body_s`` of silence,
                                                                  if it waits for bytes;
                                                                  ``linger_s`` once the
                                                                  client stopped sending
writing    the client does not read what it is sent               ``write_s``
closing    the answer is out; what still comes is thrown away     ``linger_s``
=========  =====================================================  =====================

Requests of one connection are worked on one after the other, so answers come in order; while one is
worked on, some more may be parsed ahead (``pipeline_max``), then reading pauses. Reading pauses also
while a body's reader is behind, and nothing new begins while the client does not read. So a
connection holds a bounded amount of memory whatever its client does.

The parser (llhttp) refuses what request smuggling needs: both Content-Length and Transfer-Encoding,
two Content-Lengths, blanks before the colon, bare line feeds, unknown codings.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import httptools
import structlog

from haar.kernel.clock import Clock
from haar.kernel.errors import RefusedAs
from haar.wire import answers
from haar.wire.drive import Drive
from haar.wire.http import HeaderList, HttpRequest, HttpResponse
from haar.wire.timers import Wheel
from haar.wire.upload import Upload

Handler = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]

_SLICE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of the server; beyond it is a clear refusal.

    Attributes:
        target_bytes_max: of the request line's target.
        header_bytes_max: of all headers, names and values.
        headers_max: how many.
        gather_bytes_max: bodies up to it are bytes; longer ones, and chunked ones, are streams.
        body_bytes_max: of a body.
        discard_bytes_max: of a body that nobody wants, to keep the connection.
        connections_max: open at once.
        pipeline_max: requests parsed ahead.
        head_s: from a request's first byte to the end of its headers.
        body_s: between two pieces of a body.
        idle_s: between two requests.
        write_s: without the client reading.
        linger_s: for the client to read the last answer.
    """

    target_bytes_max: int = 16 * 1024
    header_bytes_max: int = 64 * 1024
    headers_max: int = 200
    gather_bytes_max: int = 1024 * 1024
    body_bytes_max: int = 5 * 1024**3 + 64 * 1024**2
    discard_bytes_max: int = 64 * 1024
    connections_max: int = 4096
    pipeline_max: int = 16
    head_s: float = 20.0
    body_s: float = 30.0
    idle_s: float = 75.0
    write_s: float = 60.0
    linger_s: float = 3.0


class HttpServer:
    """Listens, and answers requests with a handler's answers.

    Args:
        handler: a coroutine function; driven without a task of its own.
        clock: for the ``Date`` header.
        limits: what a client may ask for.
    """

    def __init__(self, handler: Handler, *, clock: Clock, limits: Limits | None = None) -> None:
        self.handler = handler
        self.limits = limits or Limits()
        self.date_line = answers.DateLine(clock)
        self.connections: set[Connection] = set()
        self.is_draining = False
        self.log = structlog.get_logger("haar.wire.server")
        self._server: asyncio.Server | None = None
        self._gone: asyncio.Event | None = None
        self.loop: asyncio.AbstractEventLoop
        self.wheel: Wheel

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
        self.wheel = Wheel(self.loop)
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


class Exchange:
    """One request and its answer."""

    __slots__ = ("is_http10", "keeps_alive", "request", "upload")

    def __init__(
        self,
        request: HttpRequest,
        upload: Upload | None,
        *,
        keeps_alive: bool,
        is_http10: bool,
    ) -> None:
        self.request = request
        self.upload = upload
        self.keeps_alive = keeps_alive
        self.is_http10 = is_http10


class Connection(asyncio.Protocol):
    """One client's connection; the module's table has its states."""

    __slots__ = (
        "_backlog",
        "_body",
        "_drive",
        "_exchange",
        "_expects",
        "_head_bytes",
        "_head_since_s",
        "_header_list",
        "_headers",
        "_is_answering",
        "_is_closing",
        "_is_eof",
        "_is_in_head",
        "_is_paused",
        "_is_tls",
        "_limits",
        "_parser",
        "_peer",
        "_pipeline",
        "_refusal",
        "_request",
        "_since_s",
        "_target",
        "_transport",
        "_upload",
        "_writable",
        "server",
    )

    def __init__(self, server: HttpServer, *, is_tls: bool) -> None:
        self.server = server
        self._limits = server.limits
        self._is_tls = is_tls
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._peer = ""
        self._pipeline: deque[Exchange] = deque()
        self._exchange: Exchange | None = None
        self._drive: Drive | None = None
        self._backlog = b""
        self._writable: asyncio.Future[None] | None = None
        self._is_paused: bool = False
        self._is_closing = self._is_answering = self._is_eof = self._is_in_head = False
        self._refusal: HttpResponse | None = None
        self._since_s = self._head_since_s = 0.0
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_list: HeaderList = []
        self._head_bytes = 0
        self._expects = False
        self._body: list[bytes] | None = None
        self._upload: Upload | None = None
        self._request: Exchange | None = None

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        peer = cast("tuple[object, ...] | None", transport.get_extra_info("peername"))
        self._peer = str(peer[0]) if peer else ""
        self._transport.set_write_buffer_limits(high=256 * 1024)
        self._since_s = self.server.loop.time()
        if not self.server.joined(self):
            self._send(answers.refuse(503, "Too many connections."), keeps_alive=False)
            self._close()
            return
        self.server.wheel.put(self, self._since_s + min(self._limits.head_s, self._limits.idle_s))

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless enough is waiting."""
        self._since_s = self.server.loop.time()
        if self._is_closing:
            return
        if self._backlog:
            self._backlog += data
        elif len(data) <= _SLICE_BYTES or self._is_deep_in_body(len(data)):
            self._parse(data)
        else:
            self._backlog = data
            self._work_off()

    def _is_deep_in_body(self, count: int) -> bool:
        upload = self._upload
        return upload is not None and upload.left is not None and upload.left >= count

    def _work_off(self) -> None:
        """Parse the backlog slice by slice, while there is room for what comes out of it."""
        while self._backlog and len(self._pipeline) < self._limits.pipeline_max:
            if self._is_closing:
                self._backlog = b""
                return
            size = _SLICE_BYTES
            if self._is_deep_in_body(len(self._backlog)):
                size = len(self._backlog)
            piece, self._backlog = self._backlog[:size], self._backlog[size:]
            self._parse(piece)
        self._hold(bool(self._backlog))

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Upgrades are not offered: the request is answered as it is, and is the last.
            self._last()
        except httptools.HttpParserCallbackError as error:
            self._refuse(self._refusal or self._bug(error))
        except httptools.HttpParserError as error:
            self._refuse(answers.refuse(400, f"Bad request: {error}."))
        else:
            if self._is_in_head:
                self._head_bytes += len(data)
                if self._head_bytes > self._limits.header_bytes_max + self._limits.target_bytes_max:
                    self._refuse(answers.refuse(431, "The request's headers are too long."))
        if len(self._pipeline) >= self._limits.pipeline_max:
            self._hold(True)  # noqa: FBT003  # one switch, two positions

    def _bug(self, error: Exception) -> HttpResponse:
        self.server.log.error("request could not be taken", exc_info=error.__context__ or error)
        return answers.refuse(500, "Internal error.")

    def _last(self) -> None:
        exchange = self._pipeline[-1] if self._pipeline else self._exchange
        if exchange is not None:
            exchange.keeps_alive = False

    def _refuse(self, response: HttpResponse) -> None:
        """Answer what is no request, after those before it, and close."""
        self._is_in_head = False
        if self._upload is not None:
            error = RefusedAs("IncompleteBody", "The request body terminated unexpectedly.")
            self._upload.fail(error)
            self._last()
            self._backlog = b""
            self._is_paused = True
            self._transport.pause_reading()
            return
        self._refusal = response
        self._is_closing = True
        self._backlog = b""
        if self._exchange is None and not self._pipeline:
            self._end_refused()

    def _end_refused(self) -> None:
        if self._refusal is not None:
            self._send(self._refusal, keeps_alive=False)
            self._refusal = None
        self._linger()

    def eof_received(self) -> bool:
        """Stay open a moment for the answers that are still to come.

        A client that is gone looks like one that has only finished sending. So what is being
        worked on gets a short while (``linger_s``), and a long poll of a dead client ends.
        """
        self._is_eof = True
        if self._upload is not None and not self._upload.is_complete:
            return False
        self._since_s = self.server.loop.time()
        self.server.wheel.put(self, self._since_s + self._limits.linger_s)
        return bool(self._exchange is not None or self._pipeline)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what is being worked on."""
        del exc
        self._is_closing = True
        self.server.left(self)
        if self._upload is not None:
            self._upload.fail(RefusedAs("IncompleteBody", "The client closed the connection."))
        if self._writable is not None and not self._writable.done():
            self._writable.cancel()
        if self._drive is not None:
            self._drive.cancel()
        self._pipeline.clear()
        self._backlog = b""

    def pause_writing(self) -> None:
        """Note that the client is behind."""
        self._since_s = self.server.loop.time()
        self._writable = self.server.loop.create_future()

    def resume_writing(self) -> None:
        """Go on writing."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)
        if self._exchange is None:
            self._next()

    def _hold(self, is_held: bool) -> None:  # noqa: FBT001  # one switch, two positions
        if self._is_closing or is_held is self._is_paused:
            return
        if not is_held and len(self._pipeline) >= self._limits.pipeline_max:
            return
        self._is_paused = is_held
        if is_held:
            self._transport.pause_reading()
        else:
            self._since_s = self.server.loop.time()
            self._transport.resume_reading()

    # --- the parser's side

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target = b""
        self._headers = {}
        self._header_list = []
        self._head_bytes = 0
        self._expects = False
        self._is_in_head = True
        self._head_since_s = self._since_s

    def on_url(self, piece: bytes) -> None:
        """Take a piece of the target."""
        self._target += piece
        if len(self._target) > self._limits.target_bytes_max:
            self._fail(414, "The request's target is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header (or a trailer, which only counts)."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > self._limits.header_bytes_max:
            self._fail(431, "The request's headers are too long.")
        if not self._is_in_head:
            return
        if len(self._header_list) >= self._limits.headers_max:
            self._fail(431, "The request has too many headers.")
        name = name.lower()
        self._header_list.append((name, value))
        headers = self._headers
        headers[name] = headers[name] + b"," + value if name in headers else value

    def _fail(self, status: int, text: str) -> None:
        self._refusal = answers.refuse(status, text)
        raise ValueError(text)

    def on_headers_complete(self) -> None:
        """Make the request; begin to work on it if its body streams."""
        self._is_in_head = False
        self._head_bytes = 0
        headers = self._headers
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self._fail(505, "This version of HTTP is not spoken here.")
        host = headers.get(b"host")
        if (host is None and version == "1.1") or (host is not None and b"," in host):
            self._fail(400, "A request needs one Host header.")
        length = self._length(headers)
        self._expects = self._wants_continue(headers)
        is_small = length is not None and length <= self._limits.gather_bytes_max
        if not is_small:
            self._upload = Upload(length, self._hold, self._say_continue)
        path, _, query = self._path().partition(b"?")
        request = HttpRequest(
            method=self._parser.get_method().decode("ascii"),
            path=path,
            query=query,
            headers=headers,
            header_list=self._header_list,
            body=b"" if self._upload is None else self._upload,
            peer=self._peer,
            is_tls=self._is_tls,
        )
        self._request = Exchange(
            request,
            self._upload,
            keeps_alive=self._parser.should_keep_alive(),
            is_http10=version == "1.0",
        )
        if self._upload is not None:
            self._enqueue()
        elif length:
            self._body = []
            if self._expects and self._exchange is None and not self._pipeline:
                self._say_continue()

    def _path(self) -> bytes:
        target = self._target
        if target.startswith(b"/"):
            return target.partition(b"#")[0]
        scheme, separator, rest = target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            self._fail(400, "The request's target is no path.")
        return b"/" + rest.partition(b"/")[2]

    def _length(self, headers: dict[bytes, bytes]) -> int | None:
        """Return the body's length; None where it comes in chunks."""
        if b"transfer-encoding" in headers:
            if headers[b"transfer-encoding"].lower() != b"chunked":
                self._fail(501, "The only transfer coding is chunked.")
            return None
        length = int(headers.get(b"content-length", b"0"))
        if length > self._limits.body_bytes_max:
            self._fail(413, "The request's body is too long.")
        return length

    def _wants_continue(self, headers: dict[bytes, bytes]) -> bool:
        expected = headers.get(b"expect")
        if expected is None:
            return False
        if expected.lower() != b"100-continue":
            self._fail(417, "The only expectation is 100-continue.")
        return True

    def _say_continue(self) -> None:
        if self._expects and not self._is_closing:
            self._expects = False
            self._transport.write(answers.CONTINUE)

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._expects = False
        if self._upload is not None:
            self._take(self._upload, piece)
        elif self._body is not None:
            self._body.append(piece)

    def _take(self, upload: Upload, piece: bytes) -> None:
        upload.feed(piece)
        if self._request is None:
            upload.discard()

    def on_message_complete(self) -> None:
        """Finish the body; begin to work on the request if that has not happened."""
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.finish()
            return
        exchange = self._request
        assert exchange is not None, "a message has a head"
        if self._body is not None:
            pieces, self._body = self._body, None
            exchange.request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._enqueue()

    # --- one request after the other

    def _enqueue(self) -> None:
        exchange = self._request
        assert exchange is not None, "a message has a head"
        if self._exchange is None and self._writable is None and not self._pipeline:
            self._begin(exchange)
        else:
            self._pipeline.append(exchange)

    def _begin(self, exchange: Exchange) -> None:
        self._exchange = exchange
        coroutine = self.server.handler(exchange.request)
        self._drive = drive = Drive(coroutine, self._answered, self.server.loop)
        drive.run()

    def _answered(self, response: HttpResponse | None, error: BaseException | None) -> None:
        exchange = self._exchange
        assert exchange is not None, "an answer has its request"
        if error is not None or response is None:
            self.server.log.error("handler failed", exc_info=error)
            response = answers.refuse(500, "Internal error.")
            exchange.keeps_alive = False
        self._is_answering = True
        keeps_alive = self._settle(exchange)
        if isinstance(response.body, bytes):
            self._send(response, keeps_alive=keeps_alive)
            self._finish(exchange)
            return
        body = response.body
        if exchange.request.method == "HEAD" or response.status in answers.BODILESS:
            response.body = b""
            self._send(response, keeps_alive=keeps_alive)
            pump: Coroutine[Any, Any, bool | None] = close_unread(body)
        else:
            pump = self._pump(response, body, exchange, keeps_alive=keeps_alive)
        self._drive = Drive(pump, self._pumped, self.server.loop)
        self._drive.run()

    def _settle(self, exchange: Exchange) -> bool:
        """Decide whether the connection stays, also by what is left of the request's body."""
        upload = exchange.upload
        if upload is not None and not upload.is_complete:
            left = upload.left
            is_little = left is not None and left <= self._limits.discard_bytes_max
            if not is_little or self._expects:
                exchange.keeps_alive = False
            upload.discard()
            if self._request is exchange:
                self._request = None
        if self.server.is_draining or (self._is_eof and not self._pipeline):
            exchange.keeps_alive = False
        return exchange.keeps_alive

    def _send(self, response: HttpResponse, *, keeps_alive: bool) -> None:
        """Write an answer whose body is bytes."""
        body = response.body
        assert isinstance(body, bytes), "streams are pumped"
        exchange = self._exchange
        is_head = exchange is not None and exchange.request.method == "HEAD"
        framing = b""
        if response.status not in answers.BODILESS:
            length = len(body) if response.length is None or not is_head else response.length
            framing = b"content-length: %d\r\n" % length
        framing += connection_line(exchange, keeps_alive=keeps_alive)
        head = answers.head(response.status, response.headers, self.server.date_line.get(), framing)
        self._transport.write(head if is_head else head + body)

    async def _pump(
        self,
        response: HttpResponse,
        body: AsyncIterator[bytes],
        exchange: Exchange,
        *,
        keeps_alive: bool,
    ) -> bool:
        """Write an answer whose body streams; return whether all of it went out."""
        length = response.length
        is_chunked = length is None and not exchange.is_http10
        exchange.keeps_alive = keeps_alive = keeps_alive and (is_chunked or length is not None)
        framing = b"transfer-encoding: chunked\r\n" if is_chunked else b""
        if length is not None:
            framing = b"content-length: %d\r\n" % length
        framing += connection_line(exchange, keeps_alive=keeps_alive)
        line = self.server.date_line.get()
        self._transport.write(answers.head(response.status, response.headers, line, framing))
        sent = 0
        try:
            async for piece in body:
                if piece:
                    sent += len(piece)
                    self._transport.write(
                        b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
                    )
                if self._writable is not None:
                    await self._writable
        finally:
            await close_unread(body)
        if is_chunked:
            self._transport.write(b"0\r\n\r\n")
        return length is None or sent == length

    def _pumped(self, is_whole: bool | None, error: BaseException | None) -> None:  # noqa: FBT001
        exchange = self._exchange
        assert exchange is not None, "an answer has its request"
        if error is not None or is_whole is False:
            # The head promised more: only a broken connection can tell the client now.
            self.server.log.error("answer broke off", exc_info=error)
            self.abort()
            return
        self._finish(exchange)

    def _finish(self, exchange: Exchange) -> None:
        self._exchange = self._drive = None
        self._is_answering = False
        if not exchange.keeps_alive:
            self._linger()
        elif self._is_closing:
            self._end_refused() if not self._pipeline else self._next()
        elif self._pipeline or self._backlog:
            # By the loop: a long pipeline must neither recurse nor keep others waiting.
            self.server.loop.call_soon(self._next)

    def _next(self) -> None:
        if self._exchange is not None or self._writable is not None:
            return
        if self._pipeline:
            exchange = self._pipeline.popleft()
            if self._expects and exchange is self._request:
                self._say_continue()
            self._begin(exchange)
        elif self._refusal is not None:
            self._end_refused()
        if self._backlog:
            self._work_off()
        else:
            self._hold(False)  # noqa: FBT003  # one switch, two positions

    # --- the end

    def _linger(self) -> None:
        """Close our side, and throw away what comes until the client closes its own."""
        self._is_closing = True
        self._pipeline.clear()
        self._backlog = b""
        self._since_s = self.server.loop.time()
        if self._is_eof or not self._transport.can_write_eof():
            self._close()
            return
        self._transport.write_eof()
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        self.server.wheel.put(self, self._since_s + self._limits.linger_s)

    def _close(self) -> None:
        self._is_closing = True
        self._transport.close()

    def abort(self) -> None:
        """Break the connection."""
        self._is_closing = True
        self._transport.abort()

    def drain(self) -> None:
        """Close as soon as nothing is being worked on."""
        if self._exchange is None and not self._pipeline:
            self._close()
        elif self._pipeline:
            self._pipeline[-1].keeps_alive = False

    def overdue(self, now_s: float) -> float | None:
        """Close if the state's time is over; return when to ask again."""
        if self._transport.is_closing() and self not in self.server.connections:
            return None
        limit_s = self._limit_s()
        if limit_s is None:
            return now_s + min(self._limits.body_s, self._limits.idle_s)
        since_s = self._head_since_s if self._is_in_head else self._since_s
        due_s = since_s + limit_s
        if due_s > now_s:
            return due_s
        return self._time_out()

    def _limit_s(self) -> float | None:
        limits = self._limits
        if self._writable is not None:
            return limits.write_s
        if self._is_closing and self._exchange is None:
            return limits.linger_s
        if self._is_in_head and self._exchange is None:
            return limits.head_s
        if self._body is not None:
            return limits.body_s
        if self._upload is not None and self._upload.is_waited_for:
            return limits.body_s
        if self._exchange is not None or self._pipeline:
            return limits.linger_s if self._is_eof and not self._is_answering else None
        return limits.idle_s

    def _time_out(self) -> float | None:
        if self._upload is not None and self._upload.is_waited_for:
            text = "Your socket connection to the server was not read from or written to in time."
            self._upload.fail(RefusedAs("RequestTimeout", text))
            self._last()
            return self._since_s + self._limits.body_s
        if (self._is_in_head or self._body is not None) and not self._is_closing:
            self._body = None
            self._refuse(answers.refuse(408, "The request did not come in time."))
            return None
        if self._writable is not None or self._is_closing or self._exchange is not None:
            self.abort()
        else:
            self._close()
        return None


def connection_line(exchange: Exchange | None, *, keeps_alive: bool) -> bytes:
    """Return the header that says whether the connection stays, where that is not the default."""
    if not keeps_alive:
        return b"connection: close\r\n"
    if exchange is not None and exchange.is_http10:
        return b"connection: keep-alive\r\n"
    return b""


async def close_unread(body: AsyncIterator[bytes]) -> None:
    """Let a body's generator clean up, however far it was read."""
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()
