"""What is measured: for each figure, how a server is prepared and which requests are sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import items
import queues
from load import Script, drive, in_turn
from servers import Server
from signing import Signer

CONNECTIONS = 32
SECONDS = 4.0
WITH_TABLES = ("haar", "ministack", "moto", "dynalite")
OTHERS = ("haar", "ministack", "moto")


@dataclass(frozen=True)
class Load:
    """One figure of the table.

    Attributes:
        name: of the row.
        servers: which servers have it.
        prepare: makes what the requests need.
        requests: the raw requests, signed; for the ceiling and, without ``scripts``, for all.
        answer_bytes: size of the answer, for the ceiling.
        scripts: makes a connection's script where a request depends on the answer before it.
    """

    name: str
    servers: tuple[str, ...]
    prepare: Callable[[Server], None]
    requests: Callable[[Signer], list[bytes]]
    answer_bytes: int
    scripts: Callable[[Signer], Script] | None = None


@dataclass(frozen=True)
class Figure:
    """What one server reached in one load."""

    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


LOADS = (
    Load("GetItem", WITH_TABLES, items.prepare, items.gets, 520),
    Load("PutItem", WITH_TABLES, items.prepare, items.puts, 2, items.keep_putting),
    Load(
        "PutItem, one index",
        WITH_TABLES,
        items.prepare_indexed,
        items.puts,
        2,
        items.keep_putting,
    ),
    Load("UpdateItem", WITH_TABLES, items.prepare, items.updates, 2),
    Load("Query of 10 items", WITH_TABLES, items.prepare_customers, items.queries, 5000),
    Load(
        "TransactWriteItems of 2",
        OTHERS,
        items.prepare,
        items.transactions,
        2,
        items.keep_transacting,
    ),
    Load("SendMessage", OTHERS, queues.prepare, queues.sends, 120),
    Load(
        "ReceiveMessage + DeleteMessage",
        # moto's time to take a message grows with its queue: it takes an hour to be filled.
        ("haar", "ministack"),
        queues.prepare_filled,
        queues.receives,
        500,
        queues.receive_and_delete,
    ),
)


def measure(server: Server, load: Load) -> Figure:
    """Drive one load against one server and return what it reached."""
    signer = Signer(server.port, server.access_key_id, server.secret)
    load.prepare(server)
    if load.scripts is None:
        return drive_measured(server, scripts_of(load.requests(signer)))
    return drive_measured(server, [load.scripts(signer) for _ in range(CONNECTIONS)])


def measure_ceiling(server: Server, load: Load) -> Figure:
    """Send the same requests to the echo, asking for answers of the same size."""
    signer = Signer(server.port, server.access_key_id, server.secret)
    asked = b"\r\nX-Answer-Bytes: %d\r\n" % load.answer_bytes
    requests = [request.replace(b"\r\n", asked, 1) for request in load.requests(signer)]
    return drive_measured(server, scripts_of(requests))


def scripts_of(requests: list[bytes]) -> list[Script]:
    """Return a script a connection, each beginning elsewhere."""
    share = max(1, len(requests) // CONNECTIONS)
    return [in_turn(requests, number * share) for number in range(CONNECTIONS)]


def drive_measured(server: Server, scripts: list[Script]) -> Figure:
    """Follow the scripts after a warm-up.

    Raises:
        RuntimeError: the server answered wrongly.
    """
    drive(server.port, scripts[:4], seconds=0.5)
    before = server.cpu_seconds()
    (sample,) = drive(server.port, scripts, seconds=SECONDS)
    used = server.cpu_seconds() - before
    if sample.wrong or sample.shed or not sample.answers:
        raise RuntimeError(f"{server.name}: {sample.wrong} wrong answers: {sample.errors}")
    return Figure(
        sample.per_second,
        used / sample.answers * 1e6,
        sample.quantile_ms(0.5),
        sample.quantile_ms(0.99),
    )
