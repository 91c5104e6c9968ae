"""Invocations: Invoke, in its three types."""

from __future__ import annotations

import base64
import binascii

import msgspec

from haar.fabric import jobs
from haar.fabric.sandbox.program import Invocation
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import operation
from haar.services.lambda_ import rules
from haar.services.lambda_.errors import (
    InvalidParameterValue,
    InvalidRequestContent,
    RequestTooLarge,
)
from haar.services.lambda_.lookup import load, own, qualified_arn
from haar.services.lambda_.records import EVENT, Event, Function
from haar.services.lambda_.running import Runner
from haar.store.api import Transaction

ASYNC_KIND = "lambda.async"

_json = msgspec.json.Decoder(msgspec.Raw)


@operation(
    "Invoke",
    members="FunctionName InvocationType LogType ClientContext Payload Qualifier",
    resource=qualified_arn,
    action="InvokeFunction",
)
async def invoke(call: Call[Members], cloud: Cloud) -> Members:
    """Run a function and return its answer, or take an event and run it later, or only look.

    Keys: reads ``function``; ``Event`` writes a job.

    Raises:
        ResourceNotFound: no such function.
        InvalidRequestContent: the payload is no JSON.
        RequestTooLarge: the payload is larger than allowed.
        TooManyRequests: as many events as allowed are at work.

    Source: AWS docs, Lambda API reference, Invoke.
    """
    members, arn = call.members, own(call)
    how = members.get("InvocationType", "RequestResponse")
    payload = checked_payload(members.get("Payload") or b"{}", is_async=how == "Event")
    context = checked_context(members.get("ClientContext", ""))
    function = cloud.read(lambda tx: load(tx, arn))
    if how == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    if how == "Event":
        event = Event(arn, call.resource, call.request_id, payload, context, call.now_ms)
        await cloud.transact(lambda tx: accept(tx, event))
        return {"StatusCode": 202, "Payload": b""}
    return await run(call, cloud, function, payload, context)


async def run(
    call: Call[Members], cloud: Cloud, function: Function, payload: bytes, context: str
) -> Members:
    """Run one event now and return Invoke's result."""
    invocation = Invocation(
        request_id=call.request_id,
        payload=payload,
        arn=call.resource,
        wants_log=call.members.get("LogType") == "Tail",
        client_context=context,
    )
    outcome = await cloud.part(Runner).invoke(function, invocation)
    result: Members = {
        "StatusCode": 200,
        "ExecutedVersion": rules.LATEST,
        "Payload": outcome.payload,
    }
    if outcome.error:
        result["FunctionError"] = outcome.error
    if invocation.wants_log:
        result["LogResult"] = base64.b64encode(outcome.log).decode()
    return result


def accept(tx: Transaction, event: Event) -> None:
    """Store an event, to be run at once.

    Raises:
        ResourceNotFound: the function has gone meanwhile.
    """
    load(tx, event.arn)
    jobs.schedule(
        tx,
        kind=ASYNC_KIND,
        key=event.request_id,
        due_ms=event.accepted_ms,
        payload=EVENT.encode(event),
    )


def checked_payload(payload: bytes, *, is_async: bool) -> bytes:
    """Return an event that is JSON and not too large.

    Raises:
        InvalidRequestContent: it is no JSON.
        RequestTooLarge: it is too large.
    """
    size_max = rules.ASYNC_BYTES_MAX if is_async else rules.SYNC_BYTES_MAX
    if len(payload) > size_max:
        operation_name = "InvokeAsync" if is_async else "InvokeFunction"
        raise RequestTooLarge(size_max=size_max, operation=operation_name)
    try:
        _json.decode(payload)
    except msgspec.DecodeError as err:
        raise InvalidRequestContent(reason=str(err)) from None
    return payload


def checked_context(encoded: str) -> str:
    """Return the JSON of a ``ClientContext`` in one line, fit for a header.

    Raises:
        InvalidParameterValue: not base64 of JSON.
    """
    if not encoded:
        return ""
    try:
        context = msgspec.json.decode(base64.b64decode(encoded, validate=True))
    except (binascii.Error, msgspec.DecodeError):
        reason = "Client context must be a valid Base64-encoded JSON object."
        raise InvalidParameterValue(reason=reason) from None
    return ascii_json(context)


def ascii_json(value: object) -> str:
    """Return a value as JSON in ASCII."""
    text = msgspec.json.encode(value).decode()
    return "".join(c if c < "\x7f" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
