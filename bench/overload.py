"""Ten times more load than capacity: what is still answered, and what a quiet account notices."""

from __future__ import annotations

from pathlib import Path

import queues
from load import Script, drive, in_turn
from servers import Server, running
from signing import Signer

PEAK, OVERLOAD = 32, 320
LOUD, QUIET = "111111111111", "222222222222"
SECONDS = 5.0


def figures(scratch: Path) -> list[str]:
    """Return the lines of the table about overload."""
    with running("haar", scratch / "overload", "--dev") as server:
        assert server is not None
        for account in (LOUD, QUIET):
            queues.prepare(server, account)
        (peak,) = drive(server.port, _senders(server, LOUD, PEAK), seconds=SECONDS)
        (over,) = drive(server.port, _senders(server, LOUD, OVERLOAD), seconds=SECONDS)
        fair, _ = drive(
            server.port,
            _senders(server, QUIET, PEAK),
            _senders(server, LOUD, PEAK),
            seconds=SECONDS,
        )
        quiet, _ = drive(
            server.port,
            _senders(server, QUIET, PEAK),
            _senders(server, LOUD, OVERLOAD),
            seconds=SECONDS,
        )
    wrong = peak.wrong + over.wrong + fair.wrong + quiet.wrong
    if wrong:
        raise RuntimeError(f"{wrong} wrong answers: {peak.errors + over.errors + quiet.errors}")
    goodput = over.per_second / peak.per_second * 100
    quiet_p99 = f"{fair.quantile_ms(0.99):.1f}, {quiet.quantile_ms(0.99):.1f} ms"
    return [
        f"| SendMessage, {OVERLOAD} connections: goodput of that with {PEAK} | {goodput:.0f} % |",
        f"| an account's p99 beside another at its share, at ten times it | {quiet_p99} |",
    ]


def _senders(server: Server, account: str, connections: int) -> list[Script]:
    requests = queues.sends(Signer(server.port, account, "test"), account)
    return [in_turn(requests, number) for number in range(connections)]
