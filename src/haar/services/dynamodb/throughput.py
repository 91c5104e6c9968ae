"""Provisioned throughput: what is unspent of it, and what a request may spend.

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
from haar.services.dynamodb.errors import ThroughputExceeded
from haar.services.dynamodb.lookup import arn_of, load
from haar.services.dynamodb.records import LEVEL, Level, Table
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
        ThroughputExceeded: there is not enough.
    """
    table = load(tx, arn_of(told["TableName"], scope))
    if table.billing != PROVISIONED:
        return
    kind = next((one for one in (READ, WRITE) if f"{one}CapacityUnits" in told), kind)
    local = told.get("LocalSecondaryIndexes", {}).values()
    units = told["Table"]["CapacityUnits"] + sum([one["CapacityUnits"] for one in local])
    rate = table.read_units if kind == READ else table.write_units
    if not _take(tx, table, _TABLE_ITSELF, kind, rate, units, now_ms):
        raise ThroughputExceeded(table.arn, "", kind)
    spent = told.get("GlobalSecondaryIndexes", {})
    for index in table.indexes:
        if index.name in spent and not index.is_local:
            rate = index.read_units if kind == READ else index.write_units
            units = spent[index.name]["CapacityUnits"]
            if not _take(tx, table, index.uid, kind, rate, units, now_ms):
                raise ThroughputExceeded(table.arn, index.name, kind)


def _take(  # what names a bucket, and what is taken from it
    tx: Transaction, table: Table, index: int, kind: str, rate: int, units: float, now_ms: int
) -> bool:
    if not units:
        return True
    place = keys.level(table.uid, index, kind)
    raw = tx.get(place)
    level = Level(rate * _THOUSANDTHS, table.created_ms) if raw is None else LEVEL.decode(raw)
    left = left_of(level, rate, now_ms, units)
    if left is not None:
        tx.put(place, LEVEL.encode(left))
    return left is not None
