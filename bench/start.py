"""How long a start takes, from nothing to the first answer."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from load import follow
from servers import Server, running
from signing import Signer


def ask(server: Server) -> None:
    """Ask who is asking: the first answer, without the start of a client."""
    signer = Signer(server.port, server.access_key_id, server.secret)
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    requests = iter([signer.raw("sts", "POST", "/", body, headers)])
    sample = follow(server.port, [lambda _answer: next(requests, None)])
    if sample.answers != 1:
        raise RuntimeError(f"no answer: {sample.errors}")


def figures(rounds: int, scratch: Path) -> list[str]:
    """Return the lines about start and idle memory."""
    seconds, memory = [], []
    for number in range(rounds):
        start = time.perf_counter()
        with running("haar", scratch / f"start-{number}") as server:
            assert server is not None
            ask(server)
            seconds.append(time.perf_counter() - start)
            memory.append(server.rss_mb())
    return [
        f"| `haar up` to its first answer | {statistics.median(seconds) * 1000:,.0f} ms |",
        f"| memory then (RSS) | {statistics.median(memory):,.0f} MB |",
    ]
