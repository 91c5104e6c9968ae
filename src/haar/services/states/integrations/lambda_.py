"""Lambda: a function's ARN as the Resource, and ``arn:aws:states:::lambda:invoke``."""

from __future__ import annotations

import base64
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
from haar.services.states.values import is_object


async def call_function(cloud: Cloud, order: TaskOrder) -> Any:
    """Invoke the function that the Resource names; the input is its event."""
    parameters = {"FunctionName": order.resource.arn, "Payload": order.parameters}
    return (await _invoke(cloud, order, parameters))["Payload"]


async def call_invoke(cloud: Cloud, order: TaskOrder) -> Any:
    """Invoke a function as the parameters say; the answer tells status and version too."""
    parameters: dict[str, Any] = {"Payload": {}, **order.parameters}
    answer = await _invoke(cloud, order, parameters)
    return with_metadata({"ExecutedVersion": "$LATEST", **answer})


async def _invoke(cloud: Cloud, order: TaskOrder, parameters: dict[str, Any]) -> dict[str, Any]:
    # In base64, for a payload that is a string could be taken for just that.
    payload = base64.b64encode(values.write(parameters["Payload"]).encode()).decode()
    try:
        answer = await call(
            cloud, order, TARGETS["lambda"], "invoke", {**parameters, "Payload": payload}
        )
    except ApiError as err:
        raise TaskError(_error_name(err), cause_v1(err, "AWSLambda")) from err
    text = str(answer.get("Payload", ""))
    if "FunctionError" in answer:
        raise _function_error(text)
    try:
        return {**answer, "Payload": values.read(text) if text else None}
    except values.NotJson as err:
        raise TaskError("Lambda.Unknown", f"The function's answer is not JSON: {err}") from err


def _error_name(err: ApiError) -> str:
    suffix = "" if err.code.endswith("Exception") else "Exception"
    return f"Lambda.{err.code}{suffix}"


def _function_error(text: str) -> TaskError:
    try:
        answer = values.read(text)
    except values.NotJson:
        return TaskError("Lambda.Unknown", text)
    kind = answer.get("errorType") if is_object(answer) else None
    return TaskError(str(kind or "Lambda.Unknown"), text)
