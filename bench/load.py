"""A bounded load over keep-alive connections: raw requests in, counts and latencies out.

Requests are whole HTTP messages, signed before the clock starts. Each connection sends one, waits
for its answer, checks the status and sends the next, until the time is over. A wrong answer is an
error, never a sample.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Sample:
    """What a load found.

    Attributes:
        answers: how many right answers came.
        errors: the first wrong answers.
        wrong: how many wrong answers came.
        seconds: how long it ran.
        latencies: of each right answer, in seconds.
    """

    answers: int = 0
    wrong: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Right answers per second."""
        return self.answers / self.seconds if self.seconds else 0.0

    def quantile_ms(self, share: float) -> float:
        """Return the latency that ``share`` of the answers did not exceed, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class _Connection(asyncio.Protocol):
    def __init__(self, requests: list[bytes], start: int, step: int, sample: Sample) -> None:
        self._requests = requests
        self._next = start
        self._step = step
        self._sample = sample
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.is_stopping = False
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not checked: uvloop's transports are of no class of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        if self.is_stopping:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += self._step

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        found = _LENGTH.search(self._buffer, 0, head_end + 2)
        end = head_end + 4 + (int(found[1]) if found else 0)
        if len(self._buffer) >= end:
            self._take(self._buffer[:end])
            self._buffer = self._buffer[end:]
            self._send()

    def _take(self, answer: bytes) -> None:
        if answer[9:12] == b"200":
            self._sample.answers += 1
            self._sample.latencies.append(time.perf_counter() - self._sent_at)
            return
        self._sample.wrong += 1
        if len(self._sample.errors) < 3:
            self._sample.errors.append(answer[:400].decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_stopping:
            self._sample.wrong += 1
            self._sample.errors.append(f"connection lost: {exc}")
        self.closed.set_result(None)


async def _drive(
    port: int, requests: list[bytes], connections: int, seconds: float, sample: Sample
) -> None:
    loop = asyncio.get_running_loop()
    share = max(1, len(requests) // connections)
    start = time.perf_counter()
    open_ones: list[_Connection] = []
    for number in range(connections):
        _, connection = await loop.create_connection(
            lambda number=number: _Connection(requests, number * share, 1, sample),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        open_ones.append(connection)
    await asyncio.sleep(seconds)
    for connection in open_ones:
        connection.is_stopping = True
    await asyncio.wait([connection.closed for connection in open_ones], timeout=10)
    sample.seconds = time.perf_counter() - start


def drive(port: int, requests: list[bytes], *, connections: int, seconds: float) -> Sample:
    """Send ``requests`` in turn over ``connections`` for ``seconds`` and return what came."""
    sample = Sample()
    uvloop.run(_drive(port, requests, connections, seconds, sample))
    return sample
