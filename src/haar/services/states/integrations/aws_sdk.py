"""``arn:aws:states:::aws-sdk:SERVICE:ACTION``: any operation of a service that haar has."""

from __future__ import annotations

from typing import Any

from haar.kernel.errors import ApiError
from haar.kit.cloud import Cloud
from haar.services.states.integrations.calls import (
    TARGETS,
    UNMODELED,
    Target,
    TaskError,
    TaskOrder,
    call,
)
from haar.services.states.resources import SDK_PREFIX


async def call_sdk(cloud: Cloud, order: TaskOrder) -> Any:
    """Call the operation; parameters and answer are its members, with capital first letters."""
    target = TARGETS[order.resource.type.removeprefix(SDK_PREFIX)]
    try:
        return await call(cloud, order, target, order.resource.action, order.parameters)
    except ApiError as err:
        cause = f"{err.text} (Service: {target.title}, Status Code: {err.status}, Request ID: )"
        raise TaskError(_error_name(target, err), cause) from err


def _error_name(target: Target, err: ApiError) -> str:
    if err.code in UNMODELED:
        return f"{target.prefix}.{target.prefix}Exception"
    suffix = "" if err.code.endswith("Exception") else "Exception"
    return f"{target.prefix}.{err.code}{suffix}"
