"""What a million rows cost: PutItem and SendMessage beside a thousand, memory, a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import items
import queues
from clients import client
from load import Script, follow
from measures import drive_measured, scripts_of
from servers import Server, running
from signing import Signer

MANY = 1_000_000
CONNECTIONS = 8


@dataclass(frozen=True)
class Growth:
    """Something that is measured small and again with a million rows more."""

    name: str
    prepare: Callable[[Server], None]
    requests: Callable[[Signer], list[bytes]]
    batch: Callable[[Signer, int], bytes]
    batch_rows: int


GROWTHS = (
    Growth("PutItem", items.prepare, items.puts, items.batch, items.BATCH),
    Growth("SendMessage", queues.prepare, queues.sends, queues.batch, queues.BATCH),
)


def figures(scratch: Path) -> list[str]:
    """Return the lines of the table about many rows."""
    return [line for growth in GROWTHS for line in _grow(growth, scratch / growth.name)]


def _grow(growth: Growth, data: Path) -> list[str]:
    with running("haar", data) as server:
        assert server is not None
        signer = Signer(server.port, server.access_key_id, server.secret)
        growth.prepare(server)
        few = drive_measured(server, scripts_of(growth.requests(signer)))
        few_mb = server.rss_mb()
        _fill(server, growth, signer)
        many = drive_measured(server, scripts_of(growth.requests(signer)))
        many_mb = server.rss_mb()
    start = time.perf_counter()
    with running("haar", data) as server:
        assert server is not None
        client(server, "sts").get_caller_identity()
        seconds = time.perf_counter() - start
    name = growth.name
    return [
        f"| {name}: CPU µs with few rows, with {MANY:,} | {few.cpu_us:,.0f}, {many.cpu_us:,.0f} |",
        f"| {name}: memory with few rows, with {MANY:,} | {few_mb:,.0f}, {many_mb:,.0f} MB |",
        f"| {name}: start with {MANY:,} rows | {seconds:.2f} s |",
    ]


def _fill(server: Server, growth: Growth, signer: Signer) -> None:
    """Write a million rows in batches."""
    each = MANY // growth.batch_rows // CONNECTIONS
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
