"""One call of another service's API in the name of a machine's role, from document to document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from haar.kernel.errors import ApiError
from haar.kit.call import Members, Scope
from haar.kit.cloud import Cloud
from haar.kit.documents import Documents
from haar.kit.streams import ByteStream, gather
from haar.services.states import values
from haar.services.states.resources import Resource


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """A task to be done: what, with which parameters (a JSON value), in whose name, where."""

    resource: Resource
    parameters: Any
    role: str
    scope: Scope


class TaskError(Exception):
    """A task's failure, by its name in the States Language."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


class Target(NamedTuple):
    """A service that tasks call.

    Attributes:
        service: haar's name of it.
        model: botocore's name of it.
        prefix: of error names in ``aws-sdk`` integrations: the class name of the SDK for Java.
        title: what causes call it.
    """

    service: str
    model: str
    prefix: str
    title: str


TARGETS: dict[str, Target] = {
    "dynamodb": Target("dynamodb", "dynamodb", "DynamoDb", "DynamoDb"),
    "lambda": Target("lambda_", "lambda", "Lambda", "Lambda"),
    "pipes": Target("pipes", "pipes", "Pipes", "Pipes"),
    "s3": Target("s3", "s3", "S3", "S3"),
    "sfn": Target("states", "stepfunctions", "Sfn", "Sfn"),
    "sqs": Target("sqs", "sqs", "Sqs", "Sqs"),
    "sts": Target("sts", "sts", "Sts", "Sts"),
}
"""By the names of the SDK for Java, which are those of integrations."""


async def call(
    cloud: Cloud, order: TaskOrder, target: Target, action: str, parameters: Any
) -> dict[str, Any]:
    """Call ``action`` (``sendMessage``) with a document, and return the answer's document.

    Raises:
        ApiError: whatever the operation, or the check of its members, refuses with.
        TaskError: an answer larger than a payload may be.
    """
    operation = action[:1].upper() + action[1:]
    documents = cloud.part(Documents)  # type: ignore[type-abstract]  # found, not made
    try:
        members = documents.decode(target.model, operation, parameters)
    except KeyError:
        raise TaskError("States.Runtime", f"{target.title} has no operation {operation}.") from None
    answer = await cloud.invoke(
        target.service, operation, members, as_=order.role, scope=order.scope
    )
    return documents.encode(target.model, operation, await _gathered(answer, order))


async def _gathered(answer: Members, order: TaskOrder) -> Members:
    """Return an answer with its stream, if it has one, in one piece."""
    gathered: Members = {}
    for name, value in answer.items():
        if isinstance(value, ByteStream):
            if value.length is None or value.length > values.PAYLOAD_BYTES_MAX:
                raise too_large(order)
            gathered[name] = await gather(value)
        else:
            gathered[name] = value
    return gathered


def too_large(order: TaskOrder) -> TaskError:
    """Return the failure of a task whose answer no payload can hold."""
    return TaskError(
        "States.DataLimitExceeded",
        f"The state/task '{order.resource.arn}' returned a result with a size exceeding "
        "the maximum number of bytes service limit.",
    )


def with_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as the optimized integrations tell it, with the SDK's metadata."""
    return {
        **answer,
        "SdkHttpMetadata": {"AllHttpHeaders": {}, "HttpHeaders": {}, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": ""},
    }


UNMODELED = frozenset({"ValidationException", "SerializationException", "AccessDeniedException"})
"""Codes that the SDKs have no class for: told under the name of the service's base class."""


def cause_v1(err: ApiError, service: str) -> str:
    """Return the cause that optimized integrations (the SDK for Java 1) give for a refusal."""
    return (
        f"{err.text} (Service: {service}; Status Code: {err.status}; Error Code: {err.code}; "
        "Request ID: ; Proxy: null)"
    )
