"""Transactions: TransactWriteItems does all of its actions or none, TransactGetItems reads at once.

A client's token is kept for ten minutes after its transaction: the same request again does nothing
and succeeds, another one is refused. Tokens lie in buckets of ten minutes; a job clears a bucket
when its last token has ended.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from haar.fabric import jobs
from haar.kit.call import Call, Members
from haar.kit.jobs import Job, JobKind
from haar.kit.operation import operation
from haar.services.dynamodb import capacity, changes, keys, texts
from haar.services.dynamodb.capacity import Meter, read_units
from haar.services.dynamodb.changes import Change
from haar.services.dynamodb.errors import (
    ConditionalCheckFailed,
    IdempotentParameterMismatch,
    Invalid,
    ItemCollectionSizeLimitExceeded,
    TransactionCanceled,
)
from haar.services.dynamodb.expressions.binding import Bound, bind
from haar.services.dynamodb.lookup import action_arns, load_all
from haar.services.dynamodb.records import TOKEN, Table, Token
from haar.services.dynamodb.row_bytes import shown, size_or_0
from haar.services.dynamodb.schema import given_key
from haar.services.dynamodb.values import dumps, measure_item
from haar.store.api import Transaction

REQUEST_BYTES_MAX = ITEMS_BYTES_MAX = 4 * 1024 * 1024
TOKEN_MS = 10 * 60 * 1000
_NONE = "None"
_MAKERS = {
    "ConditionCheck": changes.check,
    "Put": changes.put,
    "Update": changes.update,
    "Delete": changes.delete,
}


class Action(NamedTuple):
    """One action of a transaction.

    Attributes:
        name: of its table, as the request has it.
        table: the table.
        key: of the item's row.
        change: what is done to it.
    """

    name: str
    table: Table
    key: bytes
    change: Change


@operation(
    "TransactWriteItems",
    members="TransactItems ClientRequestToken ReturnConsumedCapacity ReturnItemCollectionMetrics",
    resource=action_arns,
)
def transact_write_items(call: Call[Members], tx: Transaction) -> Members:
    """Do up to 100 actions on as many items, all or none.

    Keys: reads ``table``; reads and writes ``rows``, ``token``, ``bucket``; adds to ``count``,
    ``bytes``, ``collection``.

    Raises:
        Invalid: the request is wrong, whatever is stored.
        ResourceNotFound: a table is not there.
        TransactionCanceled: an item is not one that AWS takes, or a condition does not hold.
        IdempotentParameterMismatch: the token has been used for another request.

    Source: AWS docs, DynamoDB API reference, TransactWriteItems.
    """
    members = call.members
    pairs = [_only_action(item) for item in members["TransactItems"]]
    bounds = [_bound(kind, own) for kind, own in pairs]
    tables = load_all(tx, call.resources)
    actions = _actions(pairs, bounds, [tables[arn] for arn in call.resources])
    _check_together(actions)
    if _is_done(call, tx):
        return _repeated(members, tx, actions)
    meters = _apply(tx, actions, call.now_ms)
    result: Members = {}
    if capacity.wants_collections(members):
        _tell_collections(result, tx, actions)
    capacity.tell_all(result, members, meters.values())
    return result


def _only_action(item: Members) -> tuple[str, Members]:
    if len(item) != 1:
        raise Invalid(texts.TRANSACT_ONE_ACTION)
    ((kind, members),) = item.items()
    return kind, members


def _bound(kind: str, members: Members) -> Bound:
    """Return an action's expressions; what is wrong with them refuses the whole request."""
    if kind == "Update":
        return bind(members, "UpdateExpression", "ConditionExpression")
    return bind(members, "ConditionExpression")


def _actions(
    pairs: list[tuple[str, Members]], bounds: list[Bound], tables: list[Table]
) -> list[Action]:
    """Return the actions.

    Raises:
        TransactionCanceled: an item is not one that AWS takes; no other action has a reason then.
    """
    found: list[Action] = []
    for (kind, members), bound, table in zip(pairs, bounds, tables, strict=True):
        try:
            change = _MAKERS[kind](members, bound)
            found.append(Action(members["TableName"], table, change.key(table), change))
        except Invalid as fault:
            raise _invalid(len(found), len(pairs), fault) from None
    return found


def _invalid(number: int, total: int, fault: Invalid) -> TransactionCanceled:
    reasons: list[Members] = [{"Code": _NONE} for _ in range(total)]
    reasons[number] = {"Code": "ValidationError", "Message": fault.text}
    return TransactionCanceled(reasons)


def _check_together(actions: list[Action]) -> None:
    if len({action.key for action in actions}) != len(actions):
        raise Invalid(texts.TRANSACT_DUPLICATES)
    sizes = [action.change.size + action.change.bound.values_bytes for action in actions]
    if sum(sizes) > REQUEST_BYTES_MAX:
        raise Invalid(texts.TRANSACT_TOO_LARGE)


def _apply(tx: Transaction, actions: list[Action], now_ms: int) -> dict[str, Meter]:
    """Make all changes; each is of an item of its own, so that none sees another.

    Raises:
        TransactionCanceled: with the reason of every action.
    """
    meters: dict[str, Meter] = {}
    reasons: list[Members] = []
    for number, (name, table, key, change) in enumerate(actions):
        reason: Members = {"Code": _NONE}
        try:
            written = change.apply(tx, table, key, now_ms).written
            _meter(meters, name, table, "WriteCapacityUnits").write(written)
        except Invalid as fault:
            raise _invalid(number, len(actions), fault) from None
        except (ConditionalCheckFailed, ItemCollectionSizeLimitExceeded) as refusal:
            code = refusal.code.removesuffix("Exception")
            reason = {"Code": code, "Message": refusal.text, **refusal.members}
        reasons.append(reason)
    if any(reason["Code"] != _NONE for reason in reasons):
        raise TransactionCanceled(reasons)
    return meters


def _meter(meters: dict[str, Meter], name: str, table: Table, kind: str) -> Meter:
    return meters.setdefault(name, Meter(name, table, kind))


def _tell_collections(result: Members, tx: Transaction, actions: list[Action]) -> None:
    found: dict[str, list[Members]] = {}
    for name, table, _, change in actions:
        metrics = capacity.collection(tx, table, change.item)
        if metrics is not None and metrics not in found.setdefault(name, []):
            found[name].append(metrics)
    if any(found.values()):
        result["ItemCollectionMetrics"] = {name: every for name, every in found.items() if every}


def _is_done(call: Call[Members], tx: Transaction) -> bool:
    """Whether the request's token has done this transaction before; keeps it otherwise.

    Raises:
        IdempotentParameterMismatch: it has done another one.
    """
    token = call.members.get("ClientRequestToken")
    if token is None:
        return False
    fingerprint = _fingerprint(call.members)
    newest = call.now_ms // TOKEN_MS
    # The next one, too: the machine's clock may have been set back since.
    for bucket in (newest + 1, newest, newest - 1):
        raw = tx.get(keys.token(bucket, call.account, call.region, token))
        if raw is not None:
            known = TOKEN.decode(raw)
            if call.now_ms - known.done_ms < TOKEN_MS:
                if known.fingerprint != fingerprint:
                    raise IdempotentParameterMismatch
                return True
    record = TOKEN.encode(Token(fingerprint, call.now_ms))
    tx.put(keys.token(newest, call.account, call.region, token), record)
    if tx.get(keys.bucket(newest)) is None:
        tx.put(keys.bucket(newest), b"")
        due_ms = (newest + 2) * TOKEN_MS
        jobs.schedule(tx, kind=TOKENS.kind, key=str(newest), due_ms=due_ms)
    return False


def _fingerprint(members: Members) -> bytes:
    return blake2b(dumps(members["TransactItems"]), digest_size=16).digest()


def clear_bucket(job: Job, tx: Transaction) -> None:
    """Clear a bucket of tokens that have all ended."""
    number = int(job.key)
    tx.delete(keys.tokens(number))
    tx.clear(keys.bucket(number))


TOKENS = JobKind("dynamodb.tokens", apply=clear_bucket)


def _repeated(members: Members, tx: Transaction, actions: list[Action]) -> Members:
    """Return the answer to a transaction that was done before: what it costs to see that."""
    meters: dict[str, Meter] = {}
    for name, table, key, _ in actions:
        units = read_units(size_or_0(tx.get(key)), is_consistent=True)
        _meter(meters, name, table, "ReadCapacityUnits").read(units)
    result: Members = {}
    capacity.tell_all(result, members, meters.values())
    return result


@operation(
    "TransactGetItems",
    members="TransactItems ReturnConsumedCapacity",
    resource=action_arns,
    readonly=True,
)
def transact_get_items(call: Call[Members], tx: Transaction) -> Members:
    """Return up to 100 items as they are at one moment, in the request's order.

    Keys: reads ``table``, ``rows``.

    Raises:
        Invalid: the request is wrong, whatever is stored.
        ResourceNotFound: a table is not there.
        TransactionCanceled: a key is not one that AWS takes.

    Source: AWS docs, DynamoDB API reference, TransactGetItems.
    """
    gets: list[Members] = [item["Get"] for item in call.members["TransactItems"]]
    return get_all(call, tx, [bind(get, "ProjectionExpression") for get in gets])


def get_all(call: Call[Members], tx: Transaction, bounds: list[Bound]) -> Members:
    """Return the items of a call's Gets; ``bounds`` are what the answer has of each.

    Raises:
        ResourceNotFound: a table is not there.
        TransactionCanceled: a key is not one that AWS takes.
        Invalid: one item twice, or more than 4 MB of items.
    """
    members = call.members
    gets: list[Members] = [item["Get"] for item in members["TransactItems"]]
    tables = load_all(tx, call.resources)
    found = _keys(gets, [tables[arn] for arn in call.resources])
    meters: dict[str, Meter] = {}
    responses: list[Members] = []
    size = 0
    for get, bound, arn, key in zip(gets, bounds, call.resources, found, strict=True):
        row = tx.get(key)
        size += size_or_0(row)
        if size > ITEMS_BYTES_MAX:
            raise Invalid(texts.TRANSACT_TOO_LARGE)
        meter = _meter(meters, get["TableName"], tables[arn], "ReadCapacityUnits")
        meter.read(read_units(size_or_0(row), is_consistent=True))
        responses.append({} if row is None else {"Item": shown(row, bound)})
    result: Members = {"Responses": responses}
    capacity.tell_all(result, members, meters.values())
    return result


def _keys(gets: list[Members], tables: list[Table]) -> list[bytes]:
    found: list[bytes] = []
    for get, table in zip(gets, tables, strict=True):
        try:
            measure_item(get["Key"])
            found.append(given_key(table, get["Key"]))
        except Invalid as fault:
            raise _invalid(len(found), len(gets), fault) from None
    if len(set(found)) != len(found):
        raise Invalid(texts.TRANSACT_DUPLICATES)
    return found
