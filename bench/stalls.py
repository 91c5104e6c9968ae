"""What a request notices of flushes and compactions: the slowest of many puts among many rows."""

from __future__ import annotations

from pathlib import Path

import items
from load import drive
from measures import CONNECTIONS
from scale import GROWTHS, MANY, fill
from servers import running
from signing import Signer

SECONDS = 30.0


def figures(scratch: Path) -> list[str]:
    """Return the line of the table about stalls.

    The table is filled at once before, so that levels are behind when the puts begin; these go to
    random rows, each with new bytes, so that whatever is compacted overlaps.
    """
    data = scratch / "stalls"
    with running("haar", data) as server:
        assert server is not None
        signer = Signer(server.port, server.access_key_id, server.secret)
        items.prepare(server)
        fill(server, GROWTHS[0], signer, MANY)
        scripts = [items.keep_putting_among(signer, MANY) for _ in range(CONNECTIONS)]
        (sample,) = drive(server.port, scripts, seconds=SECONDS)
        written_mb = sum(one.stat().st_size for one in data.rglob("*") if one.is_file()) / 1e6
    if sample.wrong or sample.shed:
        raise RuntimeError(f"{sample.wrong} wrong answers: {sample.errors}")
    quantiles = ", ".join(f"{sample.quantile_ms(share):.0f}" for share in (0.5, 0.99, 0.999, 1.0))
    what = f"PutItem among {MANY:,} rows for {SECONDS:.0f} s, {written_mb:,.0f} MB on disk"
    return [f"| {what}: p50, p99, p99.9, slowest | {quantiles} ms |"]
