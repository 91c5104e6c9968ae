"""SQS: ``arn:aws:states:::sqs:sendMessage``."""

from __future__ import annotations

from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.cloud import Cloud
from haar.services.states import values
from haar.services.states.integrations.calls import (
    TARGETS,
    TaskError,
    TaskOrder,
    call,
    cause_v1,
    with_metadata,
)


async def send_message(cloud: Cloud, order: TaskOrder) -> Any:
    """Send one message; a body that is no string is sent as JSON."""
    parameters = dict(order.parameters)
    body = parameters.get("MessageBody")
    parameters["MessageBody"] = body if isinstance(body, str) else values.write(body)
    try:
        answer = await call(cloud, order, TARGETS["sqs"], "sendMessage", parameters)
    except ApiError as err:
        raise TaskError("SQS.AmazonSQSException", cause_v1(err, "AmazonSQS")) from err
    return with_metadata(answer)
