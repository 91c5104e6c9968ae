"""What a million rows cost: PutItem and SendMessage beside a thousand, memory, a restart.

A million messages are also taken out again, and once more in and out: memory must not follow them.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import items
import queues
from load import Script, follow, in_turn
from measures import CONNECTIONS as MEASURED
from measures import drive_measured
from servers import Server, running
from signing import Signer
from start import ask

MANY = int(os.environ.get("HAAR_BENCH_ROWS", "1000000"))
CONNECTIONS = 8
_HANDLES = re.compile(rb'"ReceiptHandle": ?"([^"]+)"')


@dataclass(frozen=True)
class Growth:
    """Something that is measured small and again with a million rows more.

    Attributes:
        name: in the table.
        prepare: makes what the requests need.
        script: a connection's requests with few rows.
        among: the same with many, of which there are as many as it is told.
        batch: the request of that number that writes more rows.
        batch_rows: how many rows that is.
    """

    name: str
    prepare: Callable[[Server], None]
    script: Callable[[Signer], Script]
    among: Callable[[Signer, int], Script]
    batch: Callable[[Signer, int], bytes]
    batch_rows: int


def _sending(signer: Signer) -> Script:
    return in_turn(queues.sends(signer)[: queues.REQUESTS // MEASURED])


GROWTHS = (
    Growth(
        "PutItem",
        items.prepare,
        items.keep_putting,
        items.keep_putting_among,
        items.batch,
        items.BATCH,
    ),
    Growth(
        "SendMessage",
        queues.prepare,
        _sending,
        lambda signer, _rows: _sending(signer),
        queues.batch,
        queues.BATCH,
    ),
)


def figures(scratch: Path) -> list[str]:
    """Return the lines of the table about many rows."""
    lines = [line for growth in GROWTHS for line in _grow(growth, scratch / growth.name)]
    return [*lines, _through(scratch / "through")]


def _grow(growth: Growth, data: Path) -> list[str]:
    with running("haar", data) as server:
        assert server is not None
        signer = Signer(server.port, server.access_key_id, server.secret)
        growth.prepare(server)
        few = drive_measured(server, [growth.script(signer) for _ in range(MEASURED)])
        few_mb = server.rss_mb()
        fill(server, growth, signer, MANY)
        many = drive_measured(server, [growth.among(signer, MANY) for _ in range(MEASURED)])
        many_mb = server.rss_mb()
    start = time.perf_counter()
    with running("haar", data) as server:
        assert server is not None
        ask(server)
        seconds = time.perf_counter() - start
    name = growth.name
    return [
        f"| {name}: CPU µs with few rows, with {MANY:,} | {few.cpu_us:,.0f}, {many.cpu_us:,.0f} |",
        f"| {name}: memory with few rows, with {MANY:,} | {few_mb:,.0f}, {many_mb:,.0f} MB |",
        f"| {name}: start with {MANY:,} rows, after a kill | {seconds:.2f} s |",
    ]


def _through(data: Path) -> str:
    """Return the line about memory while messages go in and out."""
    megabytes: list[float] = []
    growth = GROWTHS[1]
    with running("haar", data) as server:
        assert server is not None
        signer = Signer(server.port, server.access_key_id, server.secret)
        growth.prepare(server)
        for _ in range(2):
            fill(server, growth, signer, MANY)
            _drain(server, signer)
            megabytes.append(server.rss_mb())
    told = ", ".join(f"{one:,.0f}" for one in megabytes)
    return f"| memory after {MANY:,} messages in and out, after as many again | {told} MB |"


def fill(server: Server, growth: Growth, signer: Signer, rows: int) -> None:
    """Write so many rows in batches."""
    each = rows // growth.batch_rows // CONNECTIONS
    scripts = [_batches(growth, signer, number * each, each) for number in range(CONNECTIONS)]
    sample = follow(server.port, scripts)
    if sample.wrong or sample.answers != each * CONNECTIONS:
        raise RuntimeError(f"{growth.name}: {sample.wrong} wrong answers: {sample.errors}")


def _batches(growth: Growth, signer: Signer, first: int, each: int) -> Script:
    numbers = iter(range(first, first + each))

    def script(answer: bytes) -> bytes | None:
        del answer
        number = next(numbers, None)
        return None if number is None else growth.batch(signer, number)

    return script


def _drain(server: Server, signer: Signer) -> None:
    """Receive and delete ten messages at a time until there are none."""
    sample = follow(server.port, [_taking(signer) for _ in range(CONNECTIONS)])
    if sample.wrong or sample.shed:
        raise RuntimeError(f"{sample.wrong} wrong answers: {sample.errors}")


def _taking(signer: Signer) -> Script:
    receive = queues.receives(signer, queues.BATCH)[0]
    is_asking = False

    def script(answer: bytes) -> bytes | None:
        nonlocal is_asking
        handles = [found.decode() for found in _HANDLES.findall(answer)]
        if handles:
            is_asking = False
            return queues.deletes(signer, handles)
        if is_asking:
            return None  # it received nothing
        is_asking = True
        return receive

    return script
