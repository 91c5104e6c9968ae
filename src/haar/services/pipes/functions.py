"""A Lambda function inside of a pipe."""

from __future__ import annotations

from typing import Any

import orjson

from haar.services.pipes.callers import Caller

REASON_LENGTH_MAX = 400


class PassFailed(Exception):
    """A stage did not do its work: every message of the pass goes back to the queue."""


async def run(caller: Caller, arn: str, payload: str) -> bytes:
    """Run a function on a payload and return its answer.

    Raises:
        PassFailed: the function failed.
        ApiError: it could not be invoked.
    """
    answer = await caller.call("lambda_", "Invoke", _invocation(arn, payload), on=arn)
    said: bytes = answer["Payload"]
    if answer.get("FunctionError"):
        raise PassFailed(f"{arn}: {said.decode(errors='replace')[:REASON_LENGTH_MAX]}")
    return said


async def leave(caller: Caller, arn: str, payload: str) -> None:
    """Hand a payload to a function that runs later.

    Raises:
        ApiError: it was not taken.
    """
    members = {**_invocation(arn, payload), "InvocationType": "Event"}
    await caller.call("lambda_", "Invoke", members, on=arn)


def _invocation(arn: str, payload: str) -> dict[str, Any]:
    return {"FunctionName": arn, "Payload": payload.encode()}


def answered(said: bytes) -> Any:
    """Return the value of a function's answer; None where there is none.

    Raises:
        PassFailed: it is no JSON.
    """
    if not said:
        return None
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError as err:
        raise PassFailed(f"the answer is no JSON: {err}") from None
