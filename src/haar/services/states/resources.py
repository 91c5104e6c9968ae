"""The Resource field of a Task: which integration it names, and which parameters that one takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

LAMBDA_FUNCTION = "lambda-function"
"""The ``type`` of a Task whose Resource is a function's ARN."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What a Task calls.

    Attributes:
        arn: as written.
        type: ``lambda``, ``sqs``, ``dynamodb``, as TaskScheduled tells it.
        action: ``invoke``, ``sendMessage``, …
        required: the parameters without which a definition is refused.
        allowed: every parameter that it takes.
    """

    arn: str
    type: str
    action: str
    required: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()

    @property
    def is_function(self) -> bool:
        """Whether the Resource is a function's ARN: its events are LambdaFunction*."""
        return self.type == LAMBDA_FUNCTION


class UnknownResource(ValueError):
    """A text that is no ARN."""


class UnsupportedResource(ValueError):
    """An integration or a pattern that haar does not have."""


_FUNCTION = re.compile(r"arn:[^:]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[^:]+)?")
_CONDITIONS = (
    "ConditionExpression ExpressionAttributeNames ExpressionAttributeValues "
    "ReturnConsumedCapacity ReturnItemCollectionMetrics ReturnValues"
)
_TABLE: tuple[tuple[str, str, str, str], ...] = (
    ("lambda", "invoke", "FunctionName", "Payload InvocationType Qualifier ClientContext LogType"),
    (
        "sqs",
        "sendMessage",
        "QueueUrl MessageBody",
        "DelaySeconds MessageAttributes MessageDeduplicationId MessageGroupId",
    ),
    ("dynamodb", "putItem", "TableName Item", _CONDITIONS),
    (
        "dynamodb",
        "getItem",
        "TableName Key",
        "ConsistentRead ExpressionAttributeNames ProjectionExpression ReturnConsumedCapacity",
    ),
    ("dynamodb", "updateItem", "TableName Key", f"{_CONDITIONS} UpdateExpression"),
    ("dynamodb", "deleteItem", "TableName Key", _CONDITIONS),
)
_RESOURCES = {
    f"{type_}:{action}": Resource(
        arn=f"arn:aws:states:::{type_}:{action}",
        type=type_,
        action=action,
        required=frozenset(required.split()),
        allowed=frozenset(f"{required} {others}".split()),
    )
    for type_, action, required, others in _TABLE
}


def find(arn: str) -> Resource:
    """Return the integration that a Resource names.

    Raises:
        UnknownResource: not an ARN.
        UnsupportedResource: one that haar does not have.
    """
    if _FUNCTION.fullmatch(arn):
        return Resource(arn=arn, type=LAMBDA_FUNCTION, action="invoke")
    _, found, name = arn.partition(":states:::")
    if not found or not arn.startswith("arn:"):
        if arn.startswith("arn:") and arn.count(":") >= 5:
            raise UnsupportedResource(arn)
        raise UnknownResource(arn)
    if name not in _RESOURCES:
        raise UnsupportedResource(arn)
    return _RESOURCES[name]
