"""Lambda: a function's ARN as the Resource, and ``arn:aws:states:::lambda:invoke``."""

from __future__ import annotations

from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.call import Members
from haar.kit.cloud import Cloud
from haar.kit.streams import ByteStream, gather
from haar.services.states import values
from haar.services.states.integrations.answers import TaskError, TaskOrder, cause_of, invoke
from haar.services.states.values import is_object


async def call_function(cloud: Cloud, order: TaskOrder) -> Any:
    """Invoke the function that the Resource names; the input is its event."""
    members: Members = {
        "FunctionName": order.resource.arn,
        "Payload": values.write(order.parameters).encode(),
    }
    return (await _invoke(cloud, order, members))["Payload"]


async def call_invoke(cloud: Cloud, order: TaskOrder) -> Any:
    """Invoke a function as the parameters say; the answer tells status and version too."""
    members: Members = dict(order.parameters)
    members["Payload"] = values.write(members.get("Payload", {})).encode()
    answer = await _invoke(cloud, order, members)
    return {
        "ExecutedVersion": answer.get("ExecutedVersion", "$LATEST"),
        "Payload": answer["Payload"],
        "SdkHttpMetadata": {"AllHttpHeaders": {}, "HttpHeaders": {}, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": ""},
        "StatusCode": answer.get("StatusCode", 200),
    }


async def _invoke(cloud: Cloud, order: TaskOrder, members: Members) -> Members:
    try:
        answer = await invoke(cloud, order, "lambda_", "Invoke", members)
    except ApiError as err:
        raise TaskError(_error_name(err), cause_of(err, "AWSLambda")) from err
    payload: ByteStream | bytes = answer.get("Payload") or b""
    text = (await gather(payload)).decode("utf-8", "replace")
    if answer.get("FunctionError"):
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
