"""What requests consume, as ReturnConsumedCapacity and ReturnItemCollectionMetrics tell it.

A read unit is 4 KB read consistently or 8 KB not; a write unit is 1 KB. Sizes are rounded up, once
for an item or once for a page. Transactions cost the double.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from haar.kit.call import Members
from haar.services.dynamodb import keys, rows
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.rows import Written
from haar.services.dynamodb.schema import packed_partition
from haar.services.dynamodb.values import Item
from haar.store.api import Transaction

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024
_COLLECTION_GB = 1024**3


def read_units(size: int, *, is_consistent: bool) -> float:
    """Return what it costs to read some bytes; reading nothing costs as much as a byte."""
    whole = max(1, -(-size // READ_UNIT_BYTES))
    return float(whole) if is_consistent else whole / 2


def write_units(size: int) -> float:
    """Return what it costs to write an item."""
    return float(max(1, -(-size // WRITE_UNIT_BYTES)))


class Meter:
    """Adds up what a request consumes of one table.

    Args:
        shown: the table's name or ARN, as the request had it.
        table: the table.
        kind: ``ReadCapacityUnits`` or ``WriteCapacityUnits`` for transactions, which tell it.
    """

    __slots__ = ("_indexes", "_kind", "_shown", "_table", "_units")

    def __init__(self, shown: str, table: Table, kind: str = "") -> None:
        self._shown = shown
        self._table = table
        self._kind = kind
        self._units = 0.0
        self._indexes: dict[str, float] = {}

    @property
    def _factor(self) -> int:
        return 2 if self._kind else 1

    def read(self, units: float, index: str = "") -> None:
        """Count read units of the table, or of an index."""
        if index:
            self._indexes[index] = self._indexes.get(index, 0.0) + units
        else:
            self._units += units * self._factor

    def write(self, written: Written) -> None:
        """Count what a write has changed."""
        self._units += write_units(written.size) * self._factor
        for name, sizes in written.indexes.items():
            units = sum([write_units(size) for size in sizes]) * self._factor
            self._indexes[name] = self._indexes.get(name, 0.0) + units

    def told(self, form: str) -> Members:
        """Return the ConsumedCapacity; ``form`` is ``TOTAL`` or ``INDEXES``."""
        total = self._units + sum(self._indexes.values())
        result: Members = {"TableName": self._shown, **self._counted(total)}
        if form == "INDEXES":
            result["Table"] = self._counted(self._units)
            for member, is_local in (
                ("LocalSecondaryIndexes", True),
                ("GlobalSecondaryIndexes", False),
            ):
                names = [i.name for i in self._table.indexes if i.is_local is is_local]
                counted = {n: self._counted(self._indexes[n]) for n in names if n in self._indexes}
                if counted:
                    result[member] = counted
        return result

    def _counted(self, units: float) -> dict[str, Any]:
        return (
            {"CapacityUnits": units, self._kind: units} if self._kind else {"CapacityUnits": units}
        )


def tell(result: Members, members: Members, meter: Meter) -> None:
    """Add the consumed capacity to a result, if the request asked for it."""
    form = members.get("ReturnConsumedCapacity", "NONE")
    if form != "NONE":
        result["ConsumedCapacity"] = meter.told(form)


def tell_all(result: Members, members: Members, meters: Iterable[Meter]) -> None:
    """Add the consumed capacity of several tables to a result, if the request asked for it."""
    form = members.get("ReturnConsumedCapacity", "NONE")
    if form != "NONE":
        result["ConsumedCapacity"] = [meter.told(form) for meter in meters]


def wants_collections(members: Members) -> bool:
    """Whether the request asked for the sizes of item collections."""
    return bool(members.get("ReturnItemCollectionMetrics") == "SIZE")


def collection(tx: Transaction, table: Table, item: Item) -> Members | None:
    """Return the ItemCollectionMetrics of an item; None where it is in no collection."""
    if not table.has_local_indexes:
        return None
    size = rows.counter(tx, keys.collection(table.uid, packed_partition(table.schema, item)))
    whole = float(size // _COLLECTION_GB)
    part = table.schema.hash[0].name
    return {
        "ItemCollectionKey": {part: item[part]},
        "SizeEstimateRangeGB": [whole, whole + 1.0],
    }


def tell_collection(
    result: Members, members: Members, tx: Transaction, table: Table, item: Item
) -> None:
    """Add the size of an item's collection to a result, if the request asked for it."""
    if wants_collections(members):
        metrics = collection(tx, table, item)
        if metrics is not None:
            result["ItemCollectionMetrics"] = metrics
