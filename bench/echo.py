"""The ceiling: haar's HTTP server answering a body of fixed size without doing anything.

``echo.py PORT`` answers ``GET /ceiling`` and any POST with as many bytes as the ``X-Answer-Bytes``
header asks for.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from haar.kernel.clock import SystemClock
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.server import HttpServer

HEADERS = [(b"content-type", b"application/x-amz-json-1.0")]
BODIES: dict[bytes, bytes] = {}


async def answer(request: HttpRequest) -> HttpResponse:
    """Return as many bytes as were asked for."""
    size = request.headers.get(b"x-answer-bytes", b"2")
    body = BODIES.get(size)
    if body is None:
        body = BODIES[size] = b"x" * int(size)
    return HttpResponse(200, HEADERS, body)


async def serve(port: int) -> None:
    """Listen until killed."""
    server = HttpServer(answer, clock=SystemClock())
    await server.start("127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
