"""SQS: ``arn:aws:states:::sqs:sendMessage``."""

from __future__ import annotations

import base64
from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.call import Members
from haar.kit.cloud import Cloud
from haar.services.states import values
from haar.services.states.integrations.answers import (
    TaskError,
    TaskOrder,
    cause_of,
    invoke,
    sdk_members,
)
from haar.services.states.values import is_object


async def send_message(cloud: Cloud, order: TaskOrder) -> Any:
    """Send one message; a body that is no string is sent as JSON."""
    members: Members = dict(order.parameters)
    body = members.get("MessageBody")
    members["MessageBody"] = body if isinstance(body, str) else values.write(body)
    attributes = members.get("MessageAttributes")
    if is_object(attributes):
        members["MessageAttributes"] = {
            name: _attribute(value) for name, value in attributes.items()
        }
    try:
        return sdk_members(await invoke(cloud, order, "sqs", "SendMessage", members))
    except ApiError as err:
        raise TaskError("SQS.AmazonSQSException", cause_of(err, "AmazonSQS")) from err


def _attribute(value: Any) -> Any:
    if is_object(value) and isinstance(value.get("BinaryValue"), str):
        return {**value, "BinaryValue": base64.b64decode(value["BinaryValue"])}
    return value
