"""Batches: many items read, or written without conditions, in one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.dynamodb import capacity, changes, texts
from haar.services.dynamodb.capacity import Meter, read_units
from haar.services.dynamodb.changes import Change
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.binding import NOTHING, Bound
from haar.services.dynamodb.legacy import bind_any
from haar.services.dynamodb.lookup import batch_arns, load_all
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.row_bytes import shown, size_or_0
from haar.services.dynamodb.schema import given_key
from haar.services.dynamodb.values import Item, dumps, measure_item
from haar.store.api import Transaction

WRITES_MAX = 25
KEYS_MAX = 100
ANSWER_BYTES_MAX = 16 * 1024 * 1024

Paid = Callable[[str, float], bool]
"""From a table, as the request names it, and read units to whether the units have been spent."""


@operation(
    "BatchWriteItem",
    members="RequestItems ReturnConsumedCapacity ReturnItemCollectionMetrics",
    resource=batch_arns,
)
def batch_write_item(call: Call[Members], tx: Transaction) -> Members:
    """Put and delete up to 25 items. haar does all of them, in one transaction.

    Keys: reads ``table``; reads and writes ``rows``; adds to ``count``, ``bytes``, ``collection``.

    Raises:
        Invalid: items that AWS does not take, one item twice, or too many.
        ResourceNotFound: a table is not there.

    Source: AWS docs, DynamoDB API reference, BatchWriteItem.
    """
    members = call.members
    meters: list[Meter] = []
    collections: dict[str, list[Members]] = {}
    for name, table, changed in ready(call, tx):
        meter = Meter(name, table)
        for key, change in changed:
            meter.write(change.apply(tx, table, key, call.now_ms).written)
        meters.append(meter)
        if capacity.wants_collections(members):
            _add_collections(collections, tx, table, name, [change for _, change in changed])
    result: Members = {"UnprocessedItems": {}}
    if collections:
        result["ItemCollectionMetrics"] = collections
    capacity.tell_all(result, members, meters)
    return result


def ready(
    call: Call[Members], tx: Transaction
) -> list[tuple[str, Table, list[tuple[bytes, Change]]]]:
    """Return what a batch writes: names of tables, the tables, and each change with its row's key.

    Raises:
        Invalid: items that AWS does not take, one item twice, or too many.
        ResourceNotFound: a table is not there.
    """
    requests: dict[str, list[Members]] = call.members["RequestItems"]
    if sum(map(len, requests.values())) > WRITES_MAX:
        raise Invalid(texts.BATCH_TOO_MANY_WRITES)
    changed = {name: [_change(one) for one in asked] for name, asked in requests.items()}
    tables = load_all(tx, call.resources)
    found = [
        (name, tables[arn], [(change.key(tables[arn]), change) for change in changed[name]])
        for name, arn in zip(requests, call.resources, strict=True)
    ]
    row_keys = [key for _, _, pairs in found for key, _ in pairs]
    _refuse_duplicates(len(set(row_keys)), len(row_keys))
    return found


def _change(request: Members) -> Change:
    if len(request) != 1:
        raise Invalid(texts.BATCH_NEITHER)
    ((kind, members),) = request.items()
    if kind == "PutRequest":
        return changes.put(members, NOTHING)
    return changes.delete(members, NOTHING)


def _refuse_duplicates(different: int, all_: int) -> None:
    if different != all_:
        raise Invalid(texts.BATCH_DUPLICATES)


def _add_collections(
    collections: dict[str, list[Members]],
    tx: Transaction,
    table: Table,
    name: str,
    changed: list[Change],
) -> None:
    """Add the sizes of the item collections that were changed, each once."""
    seen: list[Any] = []
    for change in changed:
        metrics = capacity.collection(tx, table, change.item)
        if metrics is not None and metrics["ItemCollectionKey"] not in seen:
            seen.append(metrics["ItemCollectionKey"])
            collections.setdefault(name, []).append(metrics)


@operation(
    "BatchGetItem",
    members="RequestItems ReturnConsumedCapacity",
    resource=batch_arns,
    readonly=True,
)
def batch_get_item(call: Call[Members], tx: Transaction) -> Members:
    """Return up to 100 items, those that are there; beyond 16 MB their keys come back unprocessed.

    Keys: reads ``table``, ``rows``.

    Raises:
        Invalid: keys that AWS does not take, one key twice, or too many.
        ResourceNotFound: a table is not there.

    Source: AWS docs, DynamoDB API reference, BatchGetItem.
    """
    return read_batch(call, tx, lambda _name, _units: True)


def read_batch(call: Call[Members], tx: Transaction, is_paid: Paid) -> Members:
    """Return the items of a batch for which there is room in the answer and that are paid for.

    Raises:
        Invalid: keys that AWS does not take, one key twice, or too many.
        ResourceNotFound: a table is not there.
    """
    members = call.members
    requests: dict[str, Members] = members["RequestItems"]
    if sum(len(asked["Keys"]) for asked in requests.values()) > KEYS_MAX:
        raise Invalid(texts.BATCH_TOO_MANY_KEYS)
    bound = {name: bind_any(asked, "ProjectionExpression") for name, asked in requests.items()}
    for asked in requests.values():
        # As they were sent: another spelling of a number is another key here, as for AWS.
        spelled = {dumps(key) for key in asked["Keys"]}
        for key in asked["Keys"]:
            measure_item(key)
        _refuse_duplicates(len(spelled), len(asked["Keys"]))
    tables = load_all(tx, call.resources)
    reader = _Reader(tx, is_paid)
    for name, arn in zip(requests, call.resources, strict=True):
        reader.read(name, tables[arn], requests[name], bound[name])
    result: Members = {"Responses": reader.found, "UnprocessedKeys": reader.unprocessed}
    capacity.tell_all(result, members, reader.meters)
    return result


class _Reader:
    """Reads items of tables until the answer is full."""

    def __init__(self, tx: Transaction, is_paid: Paid) -> None:
        self._tx = tx
        self._is_paid = is_paid
        self._room = ANSWER_BYTES_MAX
        self.found: dict[str, list[Any]] = {}
        self.unprocessed: dict[str, Members] = {}
        self.meters: list[Meter] = []

    def read(self, name: str, table: Table, asked: Members, bound: Bound) -> None:
        """Read what is asked of one table."""
        keyed = [(given_key(table, key), key) for key in asked["Keys"]]
        meter = Meter(name, table)
        is_consistent = bool(asked.get("ConsistentRead"))
        found, left = self.found.setdefault(name, []), list[Item]()
        for row_key, key in keyed:
            row = self._tx.get(row_key)
            size = size_or_0(row)
            units = read_units(size, is_consistent=is_consistent)
            if size > self._room or not self._is_paid(name, units):
                left.append(key)
                continue
            self._room -= size
            meter.read(units)
            if row is not None:
                found.append(shown(row, bound))
        if len(left) < len(keyed):
            self.meters.append(meter)
        if left:
            self.unprocessed[name] = {**asked, "Keys": left}
