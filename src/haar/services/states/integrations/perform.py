"""From a Task's resource to the code that does the work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from haar.kit.cloud import Cloud
from haar.services.states.integrations.aws_sdk import call_sdk
from haar.services.states.integrations.calls import TaskError, TaskOrder
from haar.services.states.integrations.dynamodb import call_item
from haar.services.states.integrations.lambda_ import call_function, call_invoke
from haar.services.states.integrations.sqs import send_message
from haar.services.states.resources import LAMBDA_FUNCTION, SDK_PREFIX
from haar.services.states.values import is_object

_WORK: dict[str, Callable[[Cloud, TaskOrder], Awaitable[Any]]] = {
    "lambda": call_invoke,
    "sqs": send_message,
    "dynamodb": call_item,
}


async def perform(cloud: Cloud, order: TaskOrder) -> Any:
    """Do a task and return its answer as a JSON value.

    Raises:
        TaskError: the task's failure.
    """
    if order.resource.type == LAMBDA_FUNCTION:
        return await call_function(cloud, order)
    if not is_object(order.parameters):
        raise TaskError("States.Runtime", "The parameters of the task must be an object.")
    if order.resource.type.startswith(SDK_PREFIX):
        return await call_sdk(cloud, order)
    return await _WORK[order.resource.type](cloud, order)
