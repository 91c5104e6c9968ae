"""The head of an answer as bytes, and the answers that need no handler."""

from __future__ import annotations

from http import HTTPStatus

from haar.kernel.clock import Clock
from haar.wire import timestamps
from haar.wire.http import HeaderList, HttpResponse

STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODILESS = frozenset({204, 304})


class DateLine:
    """The ``Date`` and ``Server`` lines, made once a second."""

    __slots__ = ("_clock", "_line", "_second")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._line = b""

    def get(self) -> bytes:
        """Return both lines for the present second."""
        second = self._clock.now_ms() // 1000
        if second != self._second:
            self._second = second
            text = timestamps.to_rfc822(timestamps.from_unix(second))
            self._line = f"date: {text}\r\nserver: haar\r\n".encode()
        return self._line


def head(status: int, headers: HeaderList, date_line: bytes, framing: bytes) -> bytes:
    """Return status line and headers.

    Args:
        status: of HTTP.
        headers: of the handler.
        date_line: of :class:`DateLine`.
        framing: the lines that say how long the body is and whether the connection stays.
    """
    lines = [STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    lines += (date_line, framing, b"\r\n")
    return b"".join(lines)


def refuse(status: int, text: str) -> HttpResponse:
    """Return an answer to what is not (yet) a request of any protocol."""
    return HttpResponse(status, [(b"content-type", b"text/plain")], f"{text}\n".encode())
