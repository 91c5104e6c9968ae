"""DynamoDB: putItem, getItem, updateItem and deleteItem."""

from __future__ import annotations

import base64
from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.call import Members
from haar.kit.cloud import Cloud
from haar.services.states.integrations.answers import (
    TaskError,
    TaskOrder,
    cause_of,
    invoke,
    sdk_members,
)
from haar.services.states.values import is_array, is_object

_ATTRIBUTES = ("Item", "Key", "ExpressionAttributeValues")


async def call_item(cloud: Cloud, order: TaskOrder) -> Any:
    """Do one operation on one item; binary values of the parameters are in Base64."""
    members: Members = dict(order.parameters)
    for name in _ATTRIBUTES:
        if is_object(members.get(name)):
            members[name] = {key: _value(below) for key, below in members[name].items()}
    operation = order.resource.action[0].upper() + order.resource.action[1:]
    try:
        return sdk_members(await invoke(cloud, order, "dynamodb", operation, members))
    except ApiError as err:
        raise TaskError(_error_name(err), cause_of(err, "AmazonDynamoDBv2")) from err


def _error_name(err: ApiError) -> str:
    # AWS tells refusals that the SDK models by their name, all others by the SDK's base class.
    if err.code in {"ValidationException", "SerializationException", "AccessDeniedException"}:
        return "DynamoDB.AmazonDynamoDBException"
    return f"DynamoDB.{err.code}"


def _value(value: Any) -> Any:
    """Return an attribute value with its binaries decoded and its numbers as text."""
    if not is_object(value):
        return value
    return {kind: _typed(kind, below) for kind, below in value.items()}


def _typed(kind: str, below: Any) -> Any:
    match kind:
        case "B" if isinstance(below, str):
            return base64.b64decode(below)
        case "BS" if is_array(below):
            return [base64.b64decode(one) for one in below]
        case "M" if is_object(below):
            return {key: _value(one) for key, one in below.items()}
        case "L" if is_array(below):
            return [_value(one) for one in below]
        case _:
            return below
