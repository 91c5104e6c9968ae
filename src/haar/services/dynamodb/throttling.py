"""Throttling of tables whose capacity is bounded, where a setting asks for it.

Under the setting, each operation on items is registered as a wrapper of itself. The wrapper lets
the operation tell what it consumes, spends that in the same transaction (:mod:`.throughput`), and
tells the client as much as it asked for. Where there is not enough, the transaction is abandoned:
what was written goes with it. Reads run in transactions then, since they spend.

=========================  ==================================================================
operation                  where the capacity is spent
=========================  ==================================================================
of one item, reads         ProvisionedThrottledException
BatchGetItem               the keys come back unprocessed; if all do, the exception
BatchWriteItem             the same for items: each is a transaction of its own
transactions               cancelled; the actions on the table have the reason
BatchExecuteStatement      the statement fails alone
=========================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from haar.config import Config
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import Operation
from haar.services.dynamodb.batches import read_batch, ready
from haar.services.dynamodb.errors import Throttled, TransactionCanceled
from haar.services.dynamodb.partiql.batches import run_each
from haar.services.dynamodb.partiql.statements import parsed
from haar.services.dynamodb.partiql.syntax import Select
from haar.services.dynamodb.throughput import READ, WRITE, spend
from haar.store.api import Transaction

Body = Callable[[Call[Members], Transaction], Members]
_ASKED, _TOLD = "ReturnConsumedCapacity", "ConsumedCapacity"
_COLLECTIONS = "ItemCollectionMetrics"
_CODES = {"ThrottlingException": "ThrottlingError"}
"""Codes of refusals that reasons of transactions have otherwise."""

_PARTS = ("Table", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")
_READERS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})


def adapt(config: Config, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Return the operations, those on items throttled if the settings ask for it."""
    if not config.dynamodb_throttling:
        return operations
    return tuple(_throttled(one) if one.name in _FORMS else one for one in operations)


def _throttled(declared: Operation) -> Operation:
    function = _FORMS[declared.name](declared.function)
    is_async = declared.is_async or declared.name == "BatchWriteItem"
    return replace(declared, function=function, is_readonly=False, is_async=is_async)


def _kind(call: Call[Members]) -> str:
    """Return whether a call of one item, or of one statement, reads or writes."""
    if "Statement" in call.members:
        return READ if isinstance(parsed(call.members), Select) else WRITE
    return READ if call.operation in _READERS else WRITE


def _metered(call: Call[Members]) -> Call[Members]:
    return replace(call, members={**call.members, _ASKED: "INDEXES"})


def _each(answer: Members) -> list[Members]:
    """Return what was consumed, a table each; transactions and batches tell it as a list."""
    told: Any = answer.get(_TOLD, [])
    return [told] if "TableName" in told else told


def _spend(tx: Transaction, call: Call[Members], answer: Members, kind: str) -> None:
    for told in _each(answer):
        spend(tx, told, call.scope, kind, call.now_ms)


def _shown(answer: Members, call: Call[Members]) -> Members:
    """Return an answer with as much of what was consumed as the client asked for."""
    form = call.members.get(_ASKED, "NONE")
    if form == "INDEXES" or _TOLD not in answer:
        return answer
    totals = [_total(one) for one in _each(answer)]
    is_one = "TableName" in answer.pop(_TOLD)
    if form == "TOTAL":
        answer[_TOLD] = totals[0] if is_one else totals
    return answer


def _total(told: Members) -> Members:
    return {name: value for name, value in told.items() if name not in _PARTS}


def _spending(function: Body) -> Body:
    """Let an operation spend what it consumes."""

    def body(call: Call[Members], tx: Transaction) -> Members:
        answer = function(_metered(call), tx)
        _spend(tx, call, answer, _kind(call))
        return _shown(answer, call)

    return body


def _cancelling(function: Body) -> Body:
    """Let a transaction spend what it consumes, and name the actions for which it cannot."""
    spending = _spending(function)

    def body(call: Call[Members], tx: Transaction) -> Members:
        try:
            return spending(call, tx)
        except Throttled as refusal:
            raise _cancelled(call, refusal) from refusal

    return body


def _cancelled(call: Call[Members], refusal: Throttled) -> TransactionCanceled:
    code = _CODES.get(refusal.code, refusal.code.removesuffix("Exception"))
    reason = {"Code": code, "Message": refusal.text}
    return TransactionCanceled(
        [
            reason if arn.partition("/index/")[0] == refusal.table else {"Code": "None"}
            for arn in call.resources
        ]
    )


class Piece(NamedTuple):
    """One item of BatchWriteItem.

    Attributes:
        name: of its table, as the request has it.
        asked: the request.
        call: a batch of that item alone.
    """

    name: str
    asked: Members
    call: Call[Members]


def _pieces(call: Call[Members]) -> Iterator[Piece]:
    """Yield the items of a batch, in its order."""
    requests: dict[str, list[Members]] = call.members["RequestItems"]
    for (name, asked), arn in zip(requests.items(), call.resources, strict=True):
        for one in asked:
            members = {**call.members, "RequestItems": {name: [one]}}
            yield Piece(name, one, replace(call, members=members, resources=(arn,)))


class _Batch:
    """Joins the answers of the pieces of BatchWriteItem."""

    def __init__(self) -> None:
        self.left: dict[str, list[Members]] = {}
        self._answers: list[tuple[str, Members]] = []
        self._refusal: Throttled | None = None

    def add(self, piece: Piece, answer: Members) -> None:
        """Add the answer of a piece."""
        self._answers.append((piece.name, answer))

    def leave(self, piece: Piece, refusal: Throttled) -> None:
        """Note that there was not enough for a piece."""
        self.left.setdefault(piece.name, []).append(piece.asked)
        self._refusal = refusal

    def refuse_empty(self) -> None:
        """Refuse a batch of which nothing was done.

        Raises:
            Throttled: it is the one of the last piece.
        """
        if self._refusal is not None and not self._answers:
            raise self._refusal

    def told(self) -> list[Members]:
        """Return what all pieces have consumed, a table each."""
        sums: dict[str, Members] = {}
        for name, answer in self._answers:
            for one in answer.get(_TOLD, ()):
                sums[name] = _sum(sums[name], one) if name in sums else one
        return list(sums.values())

    def collections(self) -> dict[str, list[Members]]:
        """Return the item collections that were changed, each once, by table."""
        found: dict[str, dict[str, Members]] = {}
        for name, answer in self._answers:
            for metrics in answer.get(_COLLECTIONS, {}).get(name, ()):
                found.setdefault(name, {})[str(metrics["ItemCollectionKey"])] = metrics
        return {name: list(every.values()) for name, every in found.items()}


def _sum(one: Any, other: Any) -> Any:
    """Return the sum of two ConsumedCapacity of one table."""
    if one is None or other is None or isinstance(one, str):
        return other if one is None else one
    if isinstance(one, dict):
        return {name: _sum(one.get(name), other.get(name)) for name in {**one, **other}}  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType,reportUnknownMemberType]  # JSON
    return one + other


def _reading_batch(function: Body) -> Body:
    """Let BatchGetItem read those items for which there is enough."""
    del function

    def body(call: Call[Members], tx: Transaction) -> Members:
        till = _Till(call, tx)
        answer = read_batch(call, tx, till.is_paid)
        if till.refusal is not None and not till.has_sold:
            raise till.refusal
        return answer

    return body


class _Till:
    """Spends what each read of a batch costs.

    Attributes:
        has_sold: there was enough for one read at least.
        refusal: of the last one for which there was not.
    """

    def __init__(self, call: Call[Members], tx: Transaction) -> None:
        self._call = call
        self._tx = tx
        self.has_sold = False
        self.refusal: Throttled | None = None

    def is_paid(self, table: str, units: float) -> bool:
        """Spend what a read costs; return whether there was enough."""
        told: Members = {"TableName": table, "Table": {"CapacityUnits": units}}
        try:
            spend(self._tx, told, self._call.scope, READ, self._call.now_ms)
        except Throttled as refusal:
            self.refusal = refusal
            return False
        self.has_sold = True
        return True


def _writing_batch(function: Body) -> Callable[[Call[Members], Cloud], Any]:
    """Let BatchWriteItem write those items for which there is enough.

    An index may lack what the table has, and that is known when the item has been written: so each
    item is a transaction of its own, to be abandoned alone.
    """
    spending = _spending(function)

    async def write(call: Call[Members], cloud: Cloud) -> Members:
        cloud.read(lambda tx: ready(call, tx))  # refuses what is wrong
        batch = _Batch()
        for piece in _pieces(call):
            try:
                own = replace(piece.call, now_ms=cloud.clock.now_ms())
                batch.add(piece, await cloud.transact(partial(spending, own)))
            except Throttled as refusal:
                batch.leave(piece, refusal)
        batch.refuse_empty()
        result: Members = {"UnprocessedItems": batch.left}
        for name, told in ((_TOLD, batch.told()), (_COLLECTIONS, batch.collections())):
            result |= {name: told} if told else {}
        return result

    return write


def _each_statement(function: Any) -> Callable[[Call[Members], Cloud], Any]:
    """Let each statement of a batch spend what it consumes."""
    del function

    async def run(call: Call[Members], cloud: Cloud) -> Members:
        first = replace(call, members=call.members["Statements"][0])

        def spent(body: Callable[[Transaction], Members], tx: Transaction) -> Members:
            answer = body(tx)
            _spend(tx, call, answer, _kind(first))
            return answer

        def transact(body: Callable[[Transaction], Members]) -> Any:
            return cloud.transact(partial(spent, body))

        return _shown(await run_each(_metered(call), cloud.clock, transact), call)

    return run


_FORMS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("GetItem", "PutItem", "UpdateItem", "DeleteItem"), _spending),
    **dict.fromkeys(("Query", "Scan", "ExecuteStatement"), _spending),
    **dict.fromkeys(("TransactWriteItems", "TransactGetItems", "ExecuteTransaction"), _cancelling),
    "BatchGetItem": _reading_batch,
    "BatchWriteItem": _writing_batch,
    "BatchExecuteStatement": _each_statement,
}
