"""The server's side of the Lambda Runtime API: one connection of one sandbox.

===================================================  ========================================
request (below ``/2018-06-01/runtime``)              answer
===================================================  ========================================
``GET  /invocation/next``                            200 and the event, once there is one
``POST /invocation/{id}/response``                   202; 400 another id; 413 too large
``POST /invocation/{id}/error``                      202; 400 another id
``POST /init/error``                                 202
anything else                                        404
===================================================  ========================================

Requests may be pipelined. The acknowledgement of a response that is followed by ``next`` in the
same packet waits for the next event and leaves with it: half of the system calls of an invocation.
Each sandbox is given a socket (or a port) of its own, and that is what tells who speaks.

Source: AWS docs, Lambda developer guide, "Using the Lambda runtime API".
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

from haar.fabric.sandbox.program import RESPONSE_BYTES_MAX, Invocation

_PREFIX = b"/2018-06-01/runtime/"
_INVOCATION = _PREFIX + b"invocation/"
_NEXT = _INVOCATION + b"next"
_INIT_ERROR = _PREFIX + b"init/error"

_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
    b'{"status":"OK"}\n'
)


class Runtime(Protocol):
    """Whom a connection speaks for."""

    def asked(self, connection: Connection) -> None:
        """Hear that the runtime is ready for the next event; answer by ``connection.give``."""
        ...

    def responded(self, request_id: str, body: bytes) -> bool:
        """Hear the function's result; return whether the id is the one at work."""
        ...

    def overflowed(self, request_id: str) -> bool:
        """Hear that a result was too large to be taken; return as ``responded``."""
        ...

    def failed(self, request_id: str, kind: str, body: bytes) -> bool:
        """Hear the function's error; return as ``responded``."""
        ...

    def init_failed(self, kind: str, body: bytes) -> None:
        """Hear that the runtime could not start."""
        ...

    def connected(self, connection: Connection) -> None:
        """Hear of a new connection."""
        ...

    def disconnected(self, connection: Connection) -> None:
        """Hear that a connection ended."""
        ...


class Connection(asyncio.Protocol):
    """Parses requests, tells the runtime's owner, writes answers in their order."""

    __slots__ = (
        "_body",
        "_kind",
        "_out",
        "_parser",
        "_runtime",
        "_size",
        "_transport",
        "_url",
        "_waits",
    )

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._waits = False
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._kind = ""
        self._body: list[bytes] = []
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by descent
        self._runtime.connected(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's
        """Tell the owner."""
        self._transport = None
        self._runtime.disconnected(self)

    def data_received(self, data: bytes) -> None:
        """Take what has come; write what can be answered."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._say(400, b"not HTTP")
            self.close()
            return
        if self._out and not self._waits:
            self._flush()

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; two matter."""
        if len(name) == 34 and name.lower() == b"lambda-runtime-function-error-type":
            self._kind = value.decode("latin-1")
        elif len(name) == 6 and name.lower() == b"expect" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, or count it where there is too much."""
        self._size += len(body)
        if self._size <= RESPONSE_BYTES_MAX:
            self._body.append(body)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        """Answer the request."""
        url, kind, size = self._url, self._kind, self._size
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._begin()
        if self._parser.get_method() == b"GET":
            self._ask(url)
        elif url == _INIT_ERROR:
            self._out.append(_ACCEPTED)
            self._runtime.init_failed(kind, body)
        elif url.startswith(_INVOCATION):
            self._told(url[len(_INVOCATION) :], kind, body, size)
        else:
            self._say(404, b"no such path")

    def _ask(self, url: bytes) -> None:
        if url != _NEXT:
            self._say(404, b"no such path")
            return
        self._waits = True
        self._runtime.asked(self)

    def _told(self, rest: bytes, kind: str, body: bytes, size: int) -> None:
        request_id, _, what = rest.decode("latin-1").partition("/")
        if what == "error":
            known = self._runtime.failed(request_id, kind, body)
        elif what != "response":
            self._say(404, b"no such path")
            return
        elif size > RESPONSE_BYTES_MAX:
            known = self._runtime.overflowed(request_id)
            self._say(413, b"Exceeded maximum allowed payload size")
            return
        else:
            known = self._runtime.responded(request_id, body)
        if known:
            self._out.append(_ACCEPTED)
        else:
            self._say(400, b"Invalid request ID")

    def _say(self, status: int, message: bytes) -> None:
        text = b'{"errorMessage":"%b","errorType":"InvalidRequest"}' % message
        head = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._out.append(head % (status, len(text)) + text)

    def give(self, invocation: Invocation, deadline_ms: int) -> None:
        """Answer ``next`` with an event."""
        optional = ""
        if invocation.trace_id:
            optional += f"Lambda-Runtime-Trace-Id: {invocation.trace_id}\r\n"
        if invocation.client_context:
            optional += f"Lambda-Runtime-Client-Context: {invocation.client_context}\r\n"
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {deadline_ms}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {invocation.arn}\r\n"
            f"{optional}Content-Length: {len(invocation.payload)}\r\n\r\n"
        )
        self._out += (head.encode("latin-1"), invocation.payload)
        self._waits = False
        self._flush()

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is not None:
            self._transport.write(b"".join(out))

    def close(self) -> None:
        """Write what is left and hang up."""
        self._flush()
        if self._transport is not None:
            self._transport.close()
