"""ExecuteStatement, and what batches and transactions of statements have in common with it."""

from __future__ import annotations

from dataclasses import replace

from haar.kit.call import Call, Members, Scope
from haar.kit.operation import operation
from haar.services.dynamodb import capacity, items
from haar.services.dynamodb.errors import ConditionalCheckFailed, DuplicateItem, Invalid
from haar.services.dynamodb.lookup import arn_of, load
from haar.services.dynamodb.partiql import faults
from haar.services.dynamodb.partiql.changes import Writing, native
from haar.services.dynamodb.partiql.grammar import parse
from haar.services.dynamodb.partiql.selects import plan_of, position_of, read, token_of
from haar.services.dynamodb.partiql.syntax import (
    Delete,
    Exists,
    Insert,
    Select,
    Statement,
    Update,
)
from haar.services.dynamodb.reads import metered
from haar.store.api import Transaction

_WRITERS = {"Put": items.put_item, "Update": items.update_item, "Delete": items.delete_item}
_PASSED_ON = ("ReturnConsumedCapacity", "ReturnValuesOnConditionCheckFailure")


def parsed(members: Members) -> Statement:
    """Return the statement of a request, or of one of its parts.

    Raises:
        Invalid: it is none.
    """
    return parse(members["Statement"], members.get("Parameters", []))


def arn_of_statement(members: Members, scope: Scope) -> str:
    """Name the table of a statement, or the index that it reads."""
    statement = parsed(members)
    arn = arn_of(statement.table, scope)
    if isinstance(statement, Select) and statement.index:
        return f"{arn}/index/{statement.index}"
    return arn


def action_of(members: Members) -> str:
    """Name the IAM action of a statement; EXISTS reads.

    Source: AWS docs, DynamoDB developer guide, "IAM security policies with PartiQL for DynamoDB".
    """
    match parsed(members):
        case Insert():
            return "PartiQLInsert"
        case Update():
            return "PartiQLUpdate"
        case Delete():
            return "PartiQLDelete"
        case Select() | Exists():
            return "PartiQLSelect"


def only_action(members: Members) -> list[str]:
    """Name the IAM action of a request with one statement."""
    return [action_of(members)]


@operation(
    "ExecuteStatement",
    members=(
        "Statement Parameters ConsistentRead NextToken Limit ReturnConsumedCapacity "
        "ReturnValuesOnConditionCheckFailure"
    ),
    resource=arn_of_statement,
    action=only_action,
)
def execute_statement(call: Call[Members], tx: Transaction) -> Members:
    """Run one PartiQL statement: SELECT (a page at a time), INSERT, UPDATE or DELETE.

    Keys: reads ``table``; reads and writes ``rows``; adds to ``count``, ``bytes``, ``collection``.

    Raises:
        Invalid: no statement, or one that does not fit its table.
        ResourceNotFound: no such table.
        ConditionalCheckFailed: UPDATE or DELETE, and the conditions do not hold.
        DuplicateItem: INSERT, and there is such an item.

    Source: AWS docs, DynamoDB API reference, ExecuteStatement.
    """
    statement = parsed(call.members)
    if isinstance(statement, Exists):
        raise Invalid(faults.EXISTS_ALONE)
    if isinstance(statement, Select):
        return _select(call, tx, statement)
    return write(call, tx, statement)


def _select(call: Call[Members], tx: Transaction, statement: Select) -> Members:
    members = call.members
    plan = plan_of(statement, load(tx, call.resource), members)
    page, end = read(tx, statement, plan, position_of(call), members.get("Limit"))
    result: Members = {"Items": page.items}
    if end is not None:
        result["NextToken"] = token_of(call, end)
        if end.after is not None:
            result["LastEvaluatedKey"] = end.after
    if "ReturnConsumedCapacity" in members:
        named = {**members, "TableName": statement.table}
        capacity.tell(result, members, metered(named, plan.source, page))
    return result


def write(call: Call[Members], tx: Transaction, statement: Writing) -> Members:
    """Do what a statement says by the native operation; ``Items`` has what it returns."""
    action, members = native(statement, load(tx, call.resource))
    members |= {name: call.members[name] for name in _PASSED_ON if name in call.members}
    try:
        answer = _WRITERS[action](replace(call, members=members), tx)
    except ConditionalCheckFailed as refusal:
        if isinstance(statement, Insert):
            raise DuplicateItem from refusal
        raise
    result: Members = {"Items": [answer["Attributes"]] if "Attributes" in answer else []}
    if "ConsumedCapacity" in answer:
        result["ConsumedCapacity"] = answer["ConsumedCapacity"]
    return result
