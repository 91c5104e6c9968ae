"""Client tokens of exports and imports: the same request under the same token starts one only.

A token is a row that names what was asked for with it, and goes by a job after eight hours. An
older haar wrote no such rows; those of its exports and imports are made up for once in an account.

Source: AWS docs, DynamoDB API reference, ExportTableToPointInTime and ImportTable, ClientToken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from haar.fabric import jobs
from haar.kit.call import Call, Members
from haar.kit.jobs import Job, JobKind
from haar.kit.records import Codec
from haar.services.dynamodb import keys
from haar.services.dynamodb.transfers.records import EXPORT, IMPORT, Export, Import
from haar.store.api import Transaction

T = TypeVar("T", Export, Import)

TOKEN_MS = 8 * 60 * 60 * 1000


def claimed(
    call: Call[Members], tx: Transaction, kind: str, key_of: Callable[[str], bytes], codec: Codec[T]
) -> T | None:
    """Return what was asked for with the request's token, lately; None for nothing.

    Keys: reads and writes ``claim``, ``claims``; reads ``export``, ``import``.

    Args:
        call: with the token, if any.
        tx: the transaction.
        kind: ``export`` or ``import``.
        key_of: from an ARN to the key of its record.
        codec: of the record.
    """
    token = call.members.get("ClientToken")
    if token is None:
        return None
    _make_up(call, tx)
    arn = tx.get(keys.claim(kind, call.account, call.region, token))
    raw = tx.get(key_of(arn.decode())) if arn is not None else None
    known = codec.decode(raw) if raw is not None else None
    return known if known is not None and call.now_ms - known.started_ms < TOKEN_MS else None


def claim(call: Call[Members], tx: Transaction, kind: str, arn: str) -> None:
    """Keep what the request's token, if it has one, was used for.

    Keys: writes ``claim``, jobs.
    """
    token = call.members.get("ClientToken")
    if token is not None:
        _keep(call, tx, kind, token, arn, call.now_ms)


def _keep(  # what names a token, and what it names
    call: Call[Members], tx: Transaction, kind: str, token: str, arn: str, at_ms: int
) -> None:
    key = keys.claim(kind, call.account, call.region, token)
    tx.put(key, arn.encode())
    name = f"{kind}/{call.account}/{call.region}/{token}"
    jobs.schedule(tx, kind=CLAIMS.kind, key=name, due_ms=at_ms + TOKEN_MS, payload=key)


def _make_up(call: Call[Members], tx: Transaction) -> None:
    """Write the rows of what an older haar was asked for, once in an account and region."""
    mark = keys.claims(call.account, call.region)
    if tx.get(mark) is not None:
        return
    tx.put(mark, b"")
    spans = (("export", keys.exports, EXPORT), ("import", keys.imports, IMPORT))
    for kind, span_of, codec in spans:
        for row in tx.scan(span_of(call.account, call.region)):
            known: Any = codec.decode(row.value)
            if known.token and call.now_ms - known.started_ms < TOKEN_MS:
                _keep(call, tx, kind, known.token, known.arn, known.started_ms)


def forget(job: Job, tx: Transaction) -> None:
    """Remove a token whose time is over; one that was used again since has another job."""
    tx.clear(job.payload)


CLAIMS = JobKind("dynamodb.claim", apply=forget)
