"""What many items cost: disk, and not memory. Run only where HAAR_BENCH_ROWS says how many.

The memory is looked at while the items are written, too: the most of it is told beside the ends.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Self

from scale import GROWTHS, fill
from servers import Server, running
from signing import Signer

SETTING = "HAAR_BENCH_ROWS"
EVERY_S = 0.25


class Watcher:
    """Looks at the memory of a server for the length of a ``with`` block.

    Attributes:
        most_mb: the most that was seen.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.most_mb = 0.0

    def _look(self) -> None:
        while not self._is_over.wait(EVERY_S):
            self.most_mb = max(self.most_mb, self._server.rss_mb())

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._is_over.set()
        self._thread.join()


def disk_mb(data: Path) -> float:
    """Return what a directory takes on the disk, in MB."""
    return sum(file.stat().st_blocks * 512 for file in data.rglob("*") if file.is_file()) / 1e6


def figures(scratch: Path) -> list[str]:
    """Return the lines of the table about many items; none without the setting."""
    if SETTING not in os.environ:
        return []
    rows, growth, data = int(os.environ[SETTING]), GROWTHS[0], scratch / "disk"
    with running("haar", data) as server:
        assert server is not None
        signer = Signer(server.port, server.access_key_id, server.secret)
        growth.prepare(server)
        before_mb = server.rss_mb()
        start = time.perf_counter()
        with Watcher(server) as watcher:
            fill(server, growth, signer, rows)
        seconds = time.perf_counter() - start
        after_mb = server.rss_mb()
        told = f"{before_mb:,.0f}, {watcher.most_mb:,.0f}, {after_mb:,.0f} MB"
    return [
        f"| memory before {rows:,} items, at most, after | {told} |",
        f"| disk with {rows:,} items | {disk_mb(data):,.0f} MB |",
        f"| items written in batches, a second | {rows / seconds:,.0f} |",
    ]
