"""The attributes of queues: AWS's texts to the fields of a record, and back. Pure.

Most are a line of :data:`NUMBERS` or :data:`FLAGS`; the JSON ones are in :mod:`~.redrive` and
:mod:`~.permissions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from haar.kernel.errors import NotImplementedByHaar
from haar.kernel.json_values import is_object
from haar.kit.call import Members
from haar.services.sqs.errors import InvalidAttributeName, InvalidAttributeValue
from haar.services.sqs.records import Queue
from haar.services.sqs.redrive import checked_allow, checked_redrive, map_of, told_redrive

Attributes = dict[str, str]
Fields = dict[str, Any]


class Number(NamedTuple):
    """An attribute that is a whole number, and its field."""

    field: str
    low: int
    high: int


NUMBERS = {
    "DelaySeconds": Number("delay_s", 0, 900),
    "MaximumMessageSize": Number("size_bytes_max", 1024, 1_048_576),
    "MessageRetentionPeriod": Number("retention_s", 60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": Number("wait_s", 0, 20),
    "VisibilityTimeout": Number("visibility_s", 0, 43_200),
}

FLAGS = {"SqsManagedSseEnabled": "has_sse", "ContentBasedDeduplication": "has_content_dedup"}

CHOICES = {
    "DeduplicationScope": ("dedup_scope", ("queue", "messageGroup")),
    "FifoThroughputLimit": ("throughput_limit", ("perQueue", "perMessageGroupId")),
}

FIFO_ONLY = frozenset(
    {"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}
)

_KMS = frozenset({"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"})
_TEXTS = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy"})
_SET = NUMBERS.keys() | FLAGS.keys() | CHOICES.keys() | _KMS | _TEXTS

COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_READ = frozenset({*COUNTS, "QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"})
_ALL = "All"

POLICY_BYTES_MAX = 8192
STATEMENTS_MAX = 20
PRINCIPALS_MAX = 50
CONDITIONS_MAX = 10
ACTIONS_MAX = 7
"""Bounds of a policy. Source: AWS docs, SQS developer guide, "Policy quotas"."""
_DIGITS_MAX = 10


def refuse_unknown(given: Iterable[str], *, is_fifo: bool, is_new: bool) -> None:
    """Refuse attributes that cannot be set on such a queue.

    Raises:
        InvalidAttributeName: names the first.
    """
    for name in given:
        is_creation_only = name == "FifoQueue" and is_new
        if not (name in _SET or is_creation_only) or (name in FIFO_ONLY and not is_fifo):
            raise InvalidAttributeName(name=name)


def checked(given: Attributes, arn: str) -> Fields:
    """Return the fields that attributes set. What depends on other queues is not checked here.

    Raises:
        InvalidAttributeValue: a value that the attribute cannot have.
        InvalidParameterValue: a redrive policy that is wrong.
        NotImplementedByHaar: a KMS key.
    """
    fields: Fields = {}
    for name, text in given.items():
        fields |= _checked_one(name, text, arn)
    return fields


def _checked_one(name: str, text: str, arn: str) -> Fields:
    if name in NUMBERS:
        number = NUMBERS[name]
        return {number.field: checked_number(name, text, number.low, number.high)}
    if name in FLAGS:
        return {FLAGS[name]: checked_flag(name, text)}
    if name in CHOICES:
        field, allowed = CHOICES[name]
        if text not in allowed:
            raise InvalidAttributeValue(name=name)
        return {field: text}
    return _checked_text(name, text, arn)


def _checked_text(name: str, text: str, arn: str) -> Fields:
    if name == "Policy":
        return {"policy": checked_policy(text)}
    if name == "RedrivePolicy":
        target, receives_max = checked_redrive(text, arn)
        return {"dead_letter_arn": target, "receives_max": receives_max}
    if name == "RedriveAllowPolicy":
        return {"redrive_allow": checked_allow(text)}
    if name in _KMS and text:
        raise NotImplementedByHaar(what=f"the attribute {name} of queues")
    return {}


def checked_number(name: str, text: str, low: int, high: int) -> int:
    """Return the number of an attribute.

    Raises:
        InvalidAttributeValue: not a number, or out of range.
    """
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    if not is_number or not low <= int(text) <= high:
        raise InvalidAttributeValue(name=name)
    return int(text)


def checked_flag(name: str, text: str) -> bool:
    """Return the truth of an attribute.

    Raises:
        InvalidAttributeValue: neither ``true`` nor ``false``.
    """
    if text.lower() not in {"true", "false"}:
        raise InvalidAttributeValue(name=name)
    return text.lower() == "true"


def checked_policy(text: str) -> str:
    """Return a policy; an empty text removes it.

    Raises:
        InvalidAttributeValue: not a JSON map with statements, or beyond a bound of policies.
    """
    if not text:
        return ""
    policy = map_of(text) if len(text) <= POLICY_BYTES_MAX else None
    if policy is None or not _has_statements(policy) or len(text.encode()) > POLICY_BYTES_MAX:
        raise InvalidAttributeValue(name="Policy")
    return text


def _has_statements(policy: dict[str, Any]) -> bool:
    statements = _all_of(policy.get("Statement"))
    if not all(one.__class__ is dict for one in statements):
        return False
    principals = sum(len(_principals_of(one.get("Principal"))) for one in statements)
    conditions = sum(_conditions_of(one.get("Condition")) for one in statements)
    return (
        len(statements) <= STATEMENTS_MAX
        and principals <= PRINCIPALS_MAX
        and conditions <= CONDITIONS_MAX
        and all(len(_all_of(one.get("Action", []))) <= ACTIONS_MAX for one in statements)
    )


def _all_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]


def _principals_of(given: Any) -> list[Any]:
    kinds = given.values() if is_object(given) else [] if given is None else [given]
    return [one for kind in kinds for one in _all_of(kind)]


def _conditions_of(given: Any) -> int:
    """Return how many keys are compared, by whatever operators."""
    operators = given.values() if is_object(given) else ()
    return sum(len(keys) for keys in operators if is_object(keys))


def refuse_combinations(queue: Queue) -> None:
    """Refuse a queue whose attributes contradict each other.

    Raises:
        InvalidAttributeValue: a throughput limit by group without deduplication by group.
    """
    if queue.throughput_limit == "perMessageGroupId" and queue.dedup_scope != "messageGroup":
        raise InvalidAttributeValue(name="FifoThroughputLimit")


def differing(given: Attributes, fields: Fields, queue: Queue) -> str | None:
    """Return the first attribute given whose value is not the queue's, or None."""
    for name in given:
        own = fields_of(name)
        if any(not _is_same(getattr(queue, f), fields[f]) for f in own if f in fields):
            return name
    return None


def fields_of(name: str) -> tuple[str, ...]:
    """Return the fields of an attribute."""
    if name in NUMBERS:
        return (NUMBERS[name].field,)
    if name in FLAGS:
        return (FLAGS[name],)
    if name in CHOICES:
        return (CHOICES[name][0],)
    texts = {
        "Policy": ("policy",),
        "RedrivePolicy": ("dead_letter_arn", "receives_max"),
        "RedriveAllowPolicy": ("redrive_allow",),
    }
    return texts.get(name, ())


def _is_same(left: Any, right: Any) -> bool:
    """Compare values; JSON by content."""
    if isinstance(left, str) and left.startswith("{") and right:
        return bool(json.loads(left) == json.loads(right))
    return bool(left == right)


def checked_names(names: Iterable[str]) -> frozenset[str]:
    """Return the names of attributes that a request asks for.

    Raises:
        InvalidAttributeName: one that there is not.
    """
    asked = frozenset(names)
    known = frozenset({*_SET, *_READ, "FifoQueue"})
    if _ALL in asked:
        return known
    unknown = asked - known
    if unknown:
        raise InvalidAttributeName(name=min(unknown))
    return asked


def told(queue: Queue) -> Attributes:
    """Return the attributes of a queue, but its counts; what is not set is not told."""
    told_as: Attributes = {name: str(getattr(queue, n.field)) for name, n in NUMBERS.items()}
    told_as |= {
        "QueueArn": queue.arn,
        "CreatedTimestamp": str(queue.created_s),
        "LastModifiedTimestamp": str(queue.modified_s),
        "SqsManagedSseEnabled": _flag(queue.has_sse),
        "Policy": queue.policy,
        "RedrivePolicy": told_redrive(queue),
        "RedriveAllowPolicy": queue.redrive_allow,
    }
    if queue.is_fifo:
        told_as |= {
            "FifoQueue": "true",
            "ContentBasedDeduplication": _flag(queue.has_content_dedup),
            "DeduplicationScope": queue.dedup_scope,
            "FifoThroughputLimit": queue.throughput_limit,
        }
    return {name: value for name, value in told_as.items() if value}


def _flag(truth: bool) -> str:  # noqa: FBT001  # a value, not a switch
    return "true" if truth else "false"


def given_to_create(members: Members) -> Attributes:
    """Return the attributes of a CreateQueue request."""
    given: Attributes = members.get("Attributes", {})
    return given
