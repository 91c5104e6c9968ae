"""Answers of tasks: what the integrations have in common."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.call import Members, Scope
from haar.kit.cloud import Cloud
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


async def invoke(
    cloud: Cloud, order: TaskOrder, service: str, operation: str, members: Members
) -> Members:
    """Call an API in the name of the machine's role."""
    return await cloud.invoke(service, operation, members, as_=order.role, scope=order.scope)


def sdk_members(members: Members) -> dict[str, Any]:
    """Return an answer as the optimized integrations tell it, with the SDK's metadata."""
    plain: dict[str, Any] = jsonable(members)
    return {
        **plain,
        "SdkHttpMetadata": {"AllHttpHeaders": {}, "HttpHeaders": {}, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": ""},
    }


def jsonable(value: Any) -> Any:
    """Return members as a JSON value: bytes in Base64, times in seconds."""
    if isinstance(value, dict):
        return {str(key): jsonable(below) for key, below in value.items()}  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    if isinstance(value, list):
        return [jsonable(below) for below in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if isinstance(value, datetime) else value


def cause_of(err: ApiError, service: str) -> str:
    """Return the cause that SDK-v1-style integrations give for a refusal."""
    return (
        f"{err.text} (Service: {service}; Status Code: {err.status}; Error Code: {err.code}; "
        "Request ID: ; Proxy: null)"
    )
