"""DynamoDB: putItem, getItem, updateItem and deleteItem."""

from __future__ import annotations

from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.cloud import Cloud
from haar.services.states.integrations.calls import (
    TARGETS,
    UNMODELED,
    TaskError,
    TaskOrder,
    call,
    cause_v1,
    with_metadata,
)


async def call_item(cloud: Cloud, order: TaskOrder) -> Any:
    """Do one operation on one item; binary values of the parameters are in Base64."""
    target = TARGETS["dynamodb"]
    try:
        answer = await call(cloud, order, target, order.resource.action, order.parameters)
    except ApiError as err:
        raise TaskError(_error_name(err), cause_v1(err, "AmazonDynamoDBv2")) from err
    return with_metadata(answer)


def _error_name(err: ApiError) -> str:
    if err.code in UNMODELED:
        return "DynamoDB.AmazonDynamoDBException"
    return f"DynamoDB.{err.code}"
