"""A bounded load over keep-alive connections: raw requests in, counts and latencies out.

Each connection follows a script: it sends a request (a whole HTTP message), waits for its answer,
checks the status and asks the script for the next, until the time is over. A wrong answer is an
error, never a sample; one that sheds load (status 429 or 503, or a throttling error) is counted
apart.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import uvloop

Script = Callable[[bytes], bytes | None]
"""From the last answer (empty at first) to the next request; None at the end."""

_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Sample:
    """What a load found.

    Attributes:
        answers: how many right answers came.
        errors: the first wrong answers.
        wrong: how many wrong answers came.
        shed: how many answers said that the server is too busy.
        seconds: how long it ran.
        latencies: of each right answer, in seconds.
    """

    answers: int = 0
    wrong: int = 0
    shed: int = 0
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


def in_turn(requests: list[bytes], start: int = 0) -> Script:
    """Return a script that sends ready-made requests for ever, from one of them on."""
    endless = itertools.cycle(requests[start:] + requests[:start])
    return lambda _answer: next(endless)


class _Connection(asyncio.Protocol):
    def __init__(self, port: int, script: Script, sample: Sample) -> None:
        self._port = port
        self._again: asyncio.Task[None] | None = None
        self._script = script
        self._sample = sample
        self._buffer = b""
        self._answer = b""
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
        request = None if self.is_stopping else self._script(self._answer)
        if request is None:
            self.is_stopping = True
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        found = _LENGTH.search(self._buffer, 0, head_end + 2)
        end = head_end + 4 + (int(found[1]) if found else 0)
        if len(self._buffer) >= end:
            self._answer, self._buffer = self._buffer[:end], self._buffer[end:]
            self._count(self._answer)
            if not _CLOSES.search(self._answer, 0, head_end + 2):
                self._send()

    def _count(self, answer: bytes) -> None:
        status = answer[9:12]
        if status == b"200":
            self._sample.answers += 1
            self._sample.latencies.append(time.perf_counter() - self._sent_at)
        elif status in {b"429", b"503"} or b"Throttling" in answer:
            self._sample.shed += 1
        else:
            self._sample.wrong += 1
            if len(self._sample.errors) < 3:
                self._sample.errors.append(answer[:400].decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_stopping:
            self.closed.set_result(None)
        elif _CLOSES.search(self._answer):
            self._again = asyncio.get_running_loop().create_task(self._connect_again())
        else:
            self._sample.wrong += 1
            self._sample.errors.append(f"connection lost: {exc}")
            self.closed.set_result(None)

    async def _connect_again(self) -> None:
        """Go on with a new connection: some servers end theirs with each answer."""
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)


async def _drive(
    port: int, groups: list[tuple[Sample, list[Script]]], seconds: float | None
) -> None:
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    open_ones: list[_Connection] = []
    for sample, scripts in groups:
        for script in scripts:
            make = partial(_Connection, port, script, sample)
            open_ones.append((await loop.create_connection(make, "127.0.0.1", port))[1])
    ends = [connection.closed for connection in open_ones]
    await asyncio.wait(ends, timeout=seconds)
    for connection in open_ones:
        connection.is_stopping = True
    await asyncio.wait(ends, timeout=10)
    for sample, _ in groups:
        sample.seconds = time.perf_counter() - start


def drive(port: int, *groups: list[Script], seconds: float) -> list[Sample]:
    """Follow each script on a connection of its own for ``seconds``; return a sample a group."""
    samples = [Sample() for _ in groups]
    uvloop.run(_drive(port, list(zip(samples, groups, strict=True)), seconds))
    return samples


def follow(port: int, scripts: list[Script]) -> Sample:
    """Follow each script to its end."""
    sample = Sample()
    uvloop.run(_drive(port, [(sample, scripts)], None))
    return sample
