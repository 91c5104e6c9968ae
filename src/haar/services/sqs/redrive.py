"""Redrive policies: whose dead letters go where, and who may send them. Pure."""

from __future__ import annotations

import json
from typing import Any, cast

from haar.kernel import arn as arns
from haar.services.sqs.errors import InvalidAttributeValue, InvalidParameterValue
from haar.services.sqs.records import Queue

RECEIVES_MAX = 1000
SOURCES_MAX = 10
_DIGITS_MAX = 10

_PERMISSIONS = frozenset({"allowAll", "denyAll", "byQueue"})


def refused(text: str, reason: str) -> InvalidParameterValue:
    """Return the refusal of a redrive policy."""
    return InvalidParameterValue(value=text, name="RedrivePolicy", reason=reason)


def map_of(text: str) -> dict[str, Any] | None:
    """Return the JSON map of a text, or None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def checked_redrive(text: str, arn: str) -> tuple[str, int]:
    """Return the dead-letter queue's ARN and the greatest receive count; empty removes them.

    Args:
        text: JSON.
        arn: of the queue that has the policy.

    Raises:
        InvalidParameterValue: not a map, a part missing or wrong, another account or region.
    """
    if not text:
        return "", 0
    policy = map_of(text)
    if policy is None:
        raise refused(text, "Redrive policy is not a valid JSON map.")
    for name in ("maxReceiveCount", "deadLetterTargetArn"):
        if policy.get(name) in (None, ""):
            raise refused(text, f"Redrive policy does not contain mandatory attribute: {name}.")
    return _target(text, policy["deadLetterTargetArn"], arn), _receives(text, policy)


def _receives(text: str, policy: dict[str, Any]) -> int:
    value = policy["maxReceiveCount"]
    shown = value if isinstance(value, str) else json.dumps(value)
    is_number = not isinstance(value, bool) and shown.isascii() and shown.isdecimal()
    is_number = is_number and len(shown) <= _DIGITS_MAX
    if not is_number or not 1 <= int(shown) <= RECEIVES_MAX:
        reason = (
            f"Invalid value for maxReceiveCount: {shown}, valid values are from 1 to "
            f"{RECEIVES_MAX} both inclusive."
        )
        raise refused(text, reason)
    return int(shown)


def _target(text: str, target: Any, arn: str) -> str:
    try:
        parts, own = arns.parse(str(target)), arns.parse(arn)
    except arns.NotAnArn:
        raise refused(text, "Invalid value for deadLetterTargetArn.") from None
    if (parts.service, parts.region, parts.account) != ("sqs", own.region, own.account):
        raise refused(text, "Dead letter target does not exist.")
    return str(target)


def checked_allow(text: str) -> str:
    """Return a policy that says whose dead letters a queue takes; empty removes it.

    Raises:
        InvalidAttributeValue: not a map, an unknown permission, or source queues with or without
            ``byQueue`` where they must not be.
    """
    if not text:
        return ""
    policy = map_of(text)
    permission = policy.get("redrivePermission") if policy is not None else None
    if policy is None or str(permission) not in _PERMISSIONS:
        raise InvalidAttributeValue(name="RedriveAllowPolicy")
    sources: Any = policy.get("sourceQueueArns")
    is_list = sources.__class__ is list and 0 < len(sources) <= SOURCES_MAX
    if is_list != (permission == "byQueue") or (sources is not None and not is_list):
        raise InvalidAttributeValue(name="RedriveAllowPolicy")
    return text


def allows(target: Queue, source_arn: str) -> bool:
    """Tell whether a queue takes the dead letters of another."""
    if not target.redrive_allow:
        return True
    policy = json.loads(target.redrive_allow)
    if policy["redrivePermission"] == "byQueue":
        return source_arn in policy["sourceQueueArns"]
    return bool(policy["redrivePermission"] == "allowAll")


def told_redrive(queue: Queue) -> str:
    """Return a queue's redrive policy as JSON, or an empty text."""
    if not queue.dead_letter_arn:
        return ""
    policy = {"deadLetterTargetArn": queue.dead_letter_arn, "maxReceiveCount": queue.receives_max}
    return json.dumps(policy, separators=(",", ":"))
