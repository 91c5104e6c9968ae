"""ExecuteTransaction: up to 100 statements, all or none."""

from __future__ import annotations

from dataclasses import replace

from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.services.dynamodb import transactions
from haar.services.dynamodb.errors import Invalid, TransactionCanceled
from haar.services.dynamodb.expressions.binding import bind
from haar.services.dynamodb.lookup import load
from haar.services.dynamodb.partiql import faults
from haar.services.dynamodb.partiql.changes import native, split_key
from haar.services.dynamodb.partiql.render import Placeholders
from haar.services.dynamodb.partiql.selects import flattened
from haar.services.dynamodb.partiql.statements import action_of, arn_of_statement, parsed
from haar.services.dynamodb.partiql.syntax import Insert, Select, Statement
from haar.services.dynamodb.records import Table
from haar.store.api import Transaction

_ON_FAILURE = "ReturnValuesOnConditionCheckFailure"
_CAPACITY = "ReturnConsumedCapacity"
_DUPLICATE = {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}


def arns_of_statements(members: Members, scope: Scope) -> list[str]:
    """Name the table of each statement of a transaction."""
    return [arn_of_statement(one, scope) for one in members["TransactStatements"]]


def actions_of_statements(members: Members) -> list[str]:
    """Name the IAM action of each statement of a transaction."""
    return [action_of(one) for one in members["TransactStatements"]]


@operation(
    "ExecuteTransaction",
    members="TransactStatements ClientRequestToken ReturnConsumedCapacity",
    resource=arns_of_statements,
    action=actions_of_statements,
)
def execute_transaction(call: Call[Members], tx: Transaction) -> Members:
    """Run up to 100 statements on as many items, all reads or all writes, all or none.

    Keys: reads ``table``; reads and writes ``rows``, ``token``, ``bucket``; adds to ``count``,
    ``bytes``, ``collection``.

    Raises:
        Invalid: no statements, or reads and writes together.
        ResourceNotFound: a table is not there.
        TransactionCanceled: a condition does not hold, or there is an item that INSERT brings.
        IdempotentParameterMismatch: the token has been used for another request.

    Source: AWS docs, DynamoDB API reference, ExecuteTransaction.
    """
    requests: list[Members] = call.members["TransactStatements"]
    statements = [parsed(one) for one in requests]
    selects = [one for one in statements if isinstance(one, Select)]
    if selects and len(selects) != len(statements):
        raise Invalid(faults.TRANSACTION_MIXED)
    tables = [load(tx, arn) for arn in call.resources]
    if selects:
        gets = [_get(one, table) for one, table in zip(selects, tables, strict=True)]
        reads = _natively(call, [{"Get": get} for get in gets], _CAPACITY)
        bounds = [flattened(bind(get, "ProjectionExpression")) for get in gets]
        return transactions.get_all(reads, tx, bounds)
    actions = [_action(*one) for one in zip(requests, statements, tables, strict=True)]
    writes = _natively(call, actions, _CAPACITY, "ClientRequestToken")
    try:
        return transactions.transact_write_items(writes, tx)
    except TransactionCanceled as refusal:
        raise _with_duplicates(refusal, statements) from refusal


def _natively(call: Call[Members], actions: list[Members], *passed_on: str) -> Call[Members]:
    members: Members = {"TransactItems": actions}
    members |= {name: call.members[name] for name in passed_on if name in call.members}
    return replace(call, members=members)


def _get(statement: Select, table: Table) -> Members:
    key, others = split_key(statement.where, table)
    if others or statement.index:
        raise Invalid(faults.KEY_MISSING)
    get: Members = {"TableName": statement.table, "Key": key}
    if statement.paths:
        names = Placeholders()
        get["ProjectionExpression"] = ", ".join(map(names.path, statement.paths))
        names.add_to(get)
    return get


def _action(request: Members, statement: Statement, table: Table) -> Members:
    assert not isinstance(statement, Select), "checked by the caller"
    action, members = native(statement, table)
    if members.pop("ReturnValues", None) is not None:
        raise Invalid(faults.RETURNING)
    if _ON_FAILURE in request:
        members[_ON_FAILURE] = request[_ON_FAILURE]
    return {action: members}


def _with_duplicates(
    refusal: TransactionCanceled, statements: list[Statement]
) -> TransactionCanceled:
    """Return the refusal with the reason that an INSERT has for its condition."""
    reasons = [
        {**reason, **_DUPLICATE}
        if isinstance(statement, Insert) and reason["Code"] == "ConditionalCheckFailed"
        else reason
        for reason, statement in zip(
            refusal.members["CancellationReasons"], statements, strict=True
        )
    ]
    return TransactionCanceled(reasons)
