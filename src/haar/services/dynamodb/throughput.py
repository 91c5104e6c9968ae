"""Throughput that is bounded: what is unspent of it, and what a request may spend.

A table of provisioned capacity has that, a table on demand what its OnDemandThroughput says, if
anything; so has each global index.

A capacity of R units a second fills a bucket with R units a second, and the bucket holds what was
unused for 300 seconds. A request spends what it consumes. It is let in where the bucket holds that
much, or, for a request that costs more than a second's capacity, where it holds a second's: the
bucket then owes the rest. So no item is too large for a small table, and the rate is kept.

A bucket that nobody has spent from has been filling since its table was made.
"""

from __future__ import annotations

from haar.kit.call import Members, Scope
from haar.services.dynamodb import keys
from haar.services.dynamodb.definitions import PROVISIONED
from haar.services.dynamodb.errors import DemandExceeded, ThroughputExceeded
from haar.services.dynamodb.lookup import arn_of, load
from haar.services.dynamodb.records import LEVEL, Index, Level, Table
from haar.store.api import Transaction

BURST_S = 300
_THOUSANDTHS = 1000
READ, WRITE = "Read", "Write"
_TABLE_ITSELF = 0


def left_of(level: Level, rate: int, now_ms: int, units: float) -> Level | None:
    """Return what is left of a level after a request; None where the request must wait.

    Args:
        level: as it was last.
        rate: units a second: also thousandths a millisecond.
        now_ms: when.
        units: what the request costs.
    """
    filled = level.held + rate * max(0, now_ms - level.at_ms)
    held = min(filled, rate * BURST_S * _THOUSANDTHS)
    cost = int(units * _THOUSANDTHS)
    if held < min(cost, rate * _THOUSANDTHS):
        return None
    return Level(held - cost, max(now_ms, level.at_ms))


def spend(tx: Transaction, told: Members, scope: Scope, kind: str, now_ms: int) -> None:
    """Spend what a request has consumed of a table and of its indexes.

    Args:
        tx: the transaction of the request.
        told: its ConsumedCapacity of one table, in the form ``INDEXES``.
        scope: of the request.
        kind: ``Read`` or ``Write``; what ``told`` says itself is believed first.
        now_ms: when.

    Raises:
        Throttled: there is not enough.
    """
    table = load(tx, arn_of(told["TableName"], scope))
    kind = next((one for one in (READ, WRITE) if f"{one}CapacityUnits" in told), kind)
    local = told.get("LocalSecondaryIndexes", {}).values()
    units = told["Table"]["CapacityUnits"] + sum([one["CapacityUnits"] for one in local])
    refusal = ThroughputExceeded if table.billing == PROVISIONED else DemandExceeded
    if not _take(tx, table, table, kind, units, now_ms):
        raise refusal(table.arn, "", kind)
    spent = told.get("GlobalSecondaryIndexes", {})
    for index in table.indexes:
        if index.name in spent and not index.is_local:
            units = spent[index.name]["CapacityUnits"]
            if not _take(tx, table, index, kind, units, now_ms):
                raise refusal(table.arn, index.name, kind)


def _rate(table: Table, of: Table | Index, kind: str) -> int:
    """Return the units a second of a table or of its index; 0 for any number."""
    if table.billing == PROVISIONED:
        return of.read_units if kind == READ else of.write_units
    return of.max_read_units if kind == READ else of.max_write_units


def _take(  # what names a bucket, and what is taken from it
    tx: Transaction, table: Table, of: Table | Index, kind: str, units: float, now_ms: int
) -> bool:
    rate = _rate(table, of, kind)
    if not units or not rate:
        return True
    index = of.uid if isinstance(of, Index) else _TABLE_ITSELF
    place = keys.level(table.uid, index, kind)
    raw = tx.get(place)
    level = Level(rate * _THOUSANDTHS, table.created_ms) if raw is None else LEVEL.decode(raw)
    left = left_of(level, rate, now_ms, units)
    if left is not None:
        tx.put(place, LEVEL.encode(left))
    return left is not None
