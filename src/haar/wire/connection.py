"""One client's connection: requests in, answers out, in order, in bounded memory and time.

A connection is in one state; every time-out belongs to one.

=========  =====================================================  =====================
state      what happens                                           time-out
=========  =====================================================  =====================
idle       waiting for a request's first byte                     ``idle_s``
head       a request line and headers are arriving                ``head_s`` in all
body       a small body is gathered                               ``body_s`` for a step
busy       the handler works; a long body streams to it           ``body_s`` for a step,
                                                                  if it waits for bytes;
                                                                  ``linger_s`` once the
                                                                  client stopped sending
writing    the client does not read what it is sent               ``write_s``
closing    the answer is out; what still comes is thrown away     ``linger_s``
=========  =====================================================  =====================

Requests of one connection are worked on one after the other, so answers come in order; while one
is worked on, some more may be parsed ahead (``pipeline_max``), then reading pauses. Reading pauses
also while a body's reader is behind, and nothing new begins while the client does not read. So a
connection holds a bounded amount of memory whatever its client does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol, cast

import httptools

from haar.kernel.errors import RefusedAs
from haar.kernel.logs import Log
from haar.wire import answers
from haar.wire.drive import Drive
from haar.wire.exchange import Exchange
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.intake import Intake, Unacceptable, broken_off
from haar.wire.limits import Limits
from haar.wire.outlet import Outlet, Outlets
from haar.wire.room import NoRoom, Room
from haar.wire.timers import Wheel

Handler = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]

Refuse = Callable[[HttpRequest, Unacceptable | NoRoom], HttpResponse]
"""Makes the answer to what is no (whole) request, from as much as has come of it."""

TIMEOUT_TEXT = (
    "Your socket connection to the server was not read from or written to within the timeout "
    "period. Idle connections will be closed."
)

_SLICE_BYTES = 16 * 1024


class House(Protocol):
    """The server, as a connection sees it."""

    handler: Handler
    limits: Limits
    loop: asyncio.AbstractEventLoop
    wheel: Wheel
    outlets: Outlets
    room: Room
    date_line: answers.DateLine
    refuse: Refuse
    log: Log
    is_draining: bool

    def joined(self, connection: Connection) -> bool:
        """Count a connection; False where there is no room for it."""
        ...

    def left(self, connection: Connection) -> None:
        """Forget a connection."""
        ...


class Connection(asyncio.Protocol):
    """One client's connection; the module's table has its states."""

    __slots__ = (
        "_backlog",
        "_drive",
        "_exchange",
        "_intake",
        "_is_answering",
        "_is_closing",
        "_is_eof",
        "_is_gone",
        "_is_paused",
        "_is_tls",
        "_limits",
        "_out",
        "_pipeline",
        "_refusal",
        "_since_s",
        "_transport",
        "_writable",
        "server",
    )

    def __init__(self, server: House, *, is_tls: bool) -> None:
        self.server = server
        self._limits = server.limits
        self._is_tls = is_tls
        self._transport: asyncio.Transport
        self._out: Outlet
        self._intake: Intake
        self._pipeline: deque[Exchange] = deque()
        self._exchange: Exchange | None = None
        self._drive: Drive | None = None
        self._backlog = b""
        self._writable: asyncio.Future[None] | None = None
        self._is_paused: bool = False
        self._is_closing = self._is_answering = self._is_eof = self._is_gone = False
        self._refusal: HttpResponse | None = None
        self._since_s = 0.0

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._out = Outlet(self._transport, self.server.outlets)
        peer = cast("tuple[object, ...] | None", transport.get_extra_info("peername"))
        address = str(peer[0]) if peer else ""
        self._intake = Intake(self, self._limits, self.server.room, address, is_tls=self._is_tls)
        self._transport.set_write_buffer_limits(high=256 * 1024)
        self._since_s = self.server.wheel.now_s()
        if not self.server.joined(self):
            full = Unacceptable(503, "ServiceUnavailable", "Too many connections.")
            self._send(self.server.refuse(self._intake.so_far(), full), keeps_alive=False)
            self._close()
            return
        self.server.wheel.put(self, self._since_s + min(self._limits.head_s, self._limits.idle_s))

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless enough is waiting."""
        self._since_s = self.server.wheel.now_s()
        if self._is_closing:
            return
        if self._backlog:
            self._backlog += data
        elif len(data) <= _SLICE_BYTES or self._intake.is_deep_in_body(len(data)):
            self._parse(data)
        else:
            self._backlog = data
            self._work_off()

    def _work_off(self) -> None:
        """Parse the backlog slice by slice, while there is room for what comes out of it."""
        while self._backlog and len(self._pipeline) < self._limits.pipeline_max:
            if self._is_closing:
                self._backlog = b""
                return
            size = _SLICE_BYTES
            if self._intake.is_deep_in_body(len(self._backlog)):
                size = len(self._backlog)
            piece, self._backlog = self._backlog[:size], self._backlog[size:]
            self._parse(piece)
        self.hold(bool(self._backlog))

    def _parse(self, data: bytes) -> None:
        try:
            self._intake.feed(data, self._since_s)
        except httptools.HttpParserUpgrade:
            # Upgrades are not offered: the request is answered as it is, and is the last.
            self._last()
        except (Unacceptable, NoRoom) as error:
            self._refuse(error)
        except httptools.HttpParserCallbackError as error:
            self.server.log.exception("request could not be taken", exc_info=error.__context__)
            self._refuse(Unacceptable(500, "InternalFailure", "Internal error."))
        if len(self._pipeline) >= self._limits.pipeline_max:
            self.hold(True)  # noqa: FBT003  # one switch, two positions

    def _last(self) -> None:
        exchange = self._pipeline[-1] if self._pipeline else self._exchange
        if exchange is not None:
            exchange.keeps_alive = False

    def _refuse(self, error: Unacceptable | NoRoom) -> None:
        """Answer what is no request, after those before it, and close."""
        self._intake.is_in_head = False
        if self._intake.upload is not None:
            self._intake.upload.fail(error if isinstance(error, NoRoom) else broken_off())
            self._last()
            self._backlog = b""
            self._is_paused = True
            self._transport.pause_reading()
            return
        self._refusal = self.server.refuse(self._intake.so_far(), error)
        self._intake.drop()
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
        if self._intake.upload is not None and not self._intake.upload.is_complete:
            return False
        self._since_s = self.server.wheel.now_s()
        self.server.wheel.put(self, self._since_s + self._limits.linger_s)
        return bool(self._exchange is not None or self._pipeline)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what is being worked on."""
        del exc
        self._is_closing = self._is_gone = True
        self.server.left(self)
        self.server.wheel.drop(self)
        if self._intake.upload is not None:
            self._intake.upload.fail(broken_off())
        if self._writable is not None and not self._writable.done():
            self._writable.cancel()
        if self._drive is not None:
            self._drive.cancel()
        self._intake.drop()
        self._let_go()

    def pause_writing(self) -> None:
        """Note that the client is behind."""
        self._since_s = self.server.wheel.now_s()
        self._writable = self.server.loop.create_future()

    def resume_writing(self) -> None:
        """Go on writing."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)
        if self._exchange is None:
            self._next()

    def hold(self, is_held: bool) -> None:  # noqa: FBT001  # one switch, two positions
        """Pause or resume reading; not resumed while enough is parsed ahead."""
        if self._is_closing or is_held is self._is_paused:
            return
        if not is_held and len(self._pipeline) >= self._limits.pipeline_max:
            return
        self._is_paused = is_held
        if is_held:
            self._transport.pause_reading()
        else:
            self._since_s = self.server.wheel.now_s()
            self._intake.restart_step(self._since_s)
            self._transport.resume_reading()

    # --- one request after the other

    @property
    def is_free(self) -> bool:
        """Whether nothing is being worked on and nothing waits."""
        return self._exchange is None and not self._pipeline

    def say_continue(self) -> None:
        """Send ``100 Continue``."""
        if not self._is_closing:
            self._out.write(answers.CONTINUE)

    def take(self, exchange: Exchange) -> None:
        """Work on a request, now or after those before it."""
        if self._exchange is None and self._writable is None and not self._pipeline:
            self._begin(exchange)
            return
        size = exchange.head_bytes()  # a head that waits is held like a body
        if not self.server.room.take(size):
            exchange.let_go(self.server.room)
            raise NoRoom
        exchange.held_bytes += size
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
            if not is_little or self._intake.expects_continue:
                exchange.keeps_alive = False
            upload.discard()
            self._intake.forget(exchange)
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
        self._out.write_soon(head if is_head else head + body)

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
        self._out.write(answers.head(response.status, response.headers, line, framing))
        sent = 0
        try:
            async for piece in body:
                if piece:
                    sent += len(piece)
                    self._out.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
                if self._writable is not None:
                    await self._writable
        finally:
            await close_unread(body)
        if is_chunked:
            self._out.write(b"0\r\n\r\n")
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

    def _let_go(self) -> None:
        """Give back what is held of requests that will not be answered any more."""
        waiting = self._pipeline if self._exchange is None else (self._exchange, *self._pipeline)
        for exchange in waiting:
            exchange.let_go(self.server.room)
        self._pipeline.clear()
        self._backlog = b""

    def _finish(self, exchange: Exchange) -> None:
        exchange.let_go(self.server.room)
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
            if exchange is self._intake.exchange:
                self._intake.say_continue()
            self._begin(exchange)
        elif self._refusal is not None:
            self._end_refused()
        if self._backlog:
            self._work_off()
        else:
            self.hold(False)  # noqa: FBT003  # one switch, two positions

    # --- the end

    def _linger(self) -> None:
        """Close our side, and throw away what comes until the client closes its own."""
        self._is_closing = True
        self._let_go()
        self._since_s = self.server.wheel.now_s()
        if self._is_eof or not self._transport.can_write_eof():
            self._close()
            return
        self._out.flush()
        self._transport.write_eof()
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        self.server.wheel.put(self, self._since_s + self._limits.linger_s)

    def _close(self) -> None:
        self._is_closing = True
        self._out.flush()
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
        if self._is_gone:
            return None
        limit_s = self._limit_s()
        if limit_s is None:
            return now_s + min(self._limits.body_s, self._limits.idle_s)
        due_s = self._state_since_s() + limit_s
        if due_s > now_s:
            return due_s
        return self._time_out()

    def _state_since_s(self) -> float:
        if self._intake.is_in_head:
            return self._intake.head_since_s
        is_in_body = self._writable is None and self._is_waiting_for_body()
        return self._intake.body_since_s if is_in_body else self._since_s

    def _is_waiting_for_body(self) -> bool:
        upload = self._intake.upload
        return self._intake.is_gathering or (upload is not None and upload.is_waited_for)

    def _limit_s(self) -> float | None:
        limits = self._limits
        if self._writable is not None:
            return limits.write_s
        if self._is_closing and self._exchange is None:
            return limits.linger_s
        if self._intake.is_in_head and self._exchange is None:
            return limits.head_s
        if self._is_waiting_for_body():
            return limits.body_s
        if self._exchange is not None or self._pipeline:
            return limits.linger_s if self._is_eof and not self._is_answering else None
        return limits.idle_s

    def _time_out(self) -> float | None:
        if self._intake.upload is not None and self._intake.upload.is_waited_for:
            self._intake.upload.fail(RefusedAs("RequestTimeout", TIMEOUT_TEXT))
            self._last()
            return self._since_s + self._limits.body_s
        if (self._intake.is_in_head or self._intake.is_gathering) and not self._is_closing:
            self._intake.give_up()
            self._refuse(Unacceptable(408, "RequestTimeout", TIMEOUT_TEXT))
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
