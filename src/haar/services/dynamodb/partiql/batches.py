"""BatchExecuteStatement: up to 25 statements, each by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from haar.kernel.clock import Clock
from haar.kernel.errors import ApiError
from haar.kit.call import Call, Members, Scope
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.lookup import load
from haar.services.dynamodb.partiql import faults
from haar.services.dynamodb.partiql.changes import split_key
from haar.services.dynamodb.partiql.statements import (
    action_of,
    arn_of_statement,
    execute_statement,
    parsed,
)
from haar.services.dynamodb.partiql.syntax import Select
from haar.store.api import Transaction

Transact = Callable[[Callable[[Transaction], Members]], Awaitable[Members]]
"""Runs a body in a transaction and returns its result once that is durable."""

_CODES = {"ValidationException": "ValidationError", "ThrottlingException": "ThrottlingError"}


def arns_of_statements(members: Members, scope: Scope) -> list[str]:
    """Name the table of each statement of a batch."""
    return [arn_of_statement(one, scope) for one in members["Statements"]]


def actions_of_statements(members: Members) -> list[str]:
    """Name the IAM action of each statement of a batch."""
    return [action_of(one) for one in members["Statements"]]


@operation(
    "BatchExecuteStatement",
    members="Statements ReturnConsumedCapacity",
    resource=arns_of_statements,
    action=actions_of_statements,
)
async def batch_execute_statement(call: Call[Members], cloud: Cloud) -> Members:
    """Run up to 25 statements, all reads or all writes of one item each; one may fail alone.

    Raises:
        Invalid: reads and writes in one batch, or something that is no statement.

    Source: AWS docs, DynamoDB API reference, BatchExecuteStatement.
    """
    return await run_each(call, cloud.clock, cloud.transact)


async def run_each(call: Call[Members], clock: Clock, transact: Transact) -> Members:
    """Run the statements of a batch one after the other, each in a transaction of its own time.

    Raises:
        Invalid: reads and writes in one batch, or something that is no statement.
    """
    requests: list[Members] = call.members["Statements"]
    statements = [parsed(one) for one in requests]
    if len({isinstance(one, Select) for one in statements}) > 1:
        raise Invalid(faults.MIXED)
    result: Members = {"Responses": []}
    consumed: list[Members] = []
    for request, statement, arn in zip(requests, statements, call.resources, strict=True):
        members = {**request, **_told(call.members)}
        own = replace(call, members=members, resources=(arn,), now_ms=clock.now_ms())
        response: Members = {"TableName": statement.table}
        try:
            answer = await transact(partial(_execute, own))
        except ApiError as refusal:
            code = _CODES.get(refusal.code, refusal.code.removesuffix("Exception"))
            response["Error"] = {"Code": code, "Message": refusal.text}
            if "Item" in refusal.members:
                response["Error"]["Item"] = refusal.members["Item"]
        else:
            consumed += [answer["ConsumedCapacity"]] if "ConsumedCapacity" in answer else []
            if answer["Items"]:
                response["Item"] = answer["Items"][0]
        result["Responses"].append(response)
    if consumed:
        result["ConsumedCapacity"] = consumed
    return result


def _told(members: Members) -> Members:
    name = "ReturnConsumedCapacity"
    return {name: members[name]} if name in members else {}


def _execute(call: Call[Members], tx: Transaction) -> Members:
    statement = parsed(call.members)
    if isinstance(statement, Select):
        try:
            split_key(statement.where, load(tx, call.resource))
        except Invalid:
            raise Invalid(faults.BATCH_KEY) from None
    answer: Members = execute_statement(call, tx)
    return answer
