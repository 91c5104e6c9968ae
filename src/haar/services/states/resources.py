"""The Resource field of a Task: which integration it names, and which parameters that one takes.

=============================================  =====================================================
form                                           calls
=============================================  =====================================================
``arn:aws:lambda:…:function:NAME``             the function, with the state's input
``arn:aws:states:::lambda:invoke``             an optimized integration: a row of the table below
``arn:aws:states:::aws-sdk:SERVICE:ACTION``    any operation of a service that haar has
``….waitForTaskToken``                         and waits for SendTaskSuccess or SendTaskFailure
=============================================  =====================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LAMBDA_FUNCTION = "lambda-function"
"""The ``type`` of a Task whose Resource is a function's ARN."""

SDK_PREFIX = "aws-sdk:"
TOKEN_SUFFIX = ".waitForTaskToken"  # noqa: S105  # a pattern's name, no secret


@dataclass(frozen=True, slots=True)
class Resource:
    """What a Task calls.

    Attributes:
        arn: as written.
        type: ``lambda``, ``sqs``, ``aws-sdk:s3``, as TaskScheduled tells it.
        action: ``invoke``, ``sendMessage``, …, without the pattern.
        required: the parameters without which a definition is refused.
        allowed: every parameter that it takes; None where its model knows.
        is_callback: waits for a task token to come back.
    """

    arn: str
    type: str
    action: str
    required: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None
    is_callback: bool = False

    @property
    def is_function(self) -> bool:
        """Whether the Resource is a function's ARN: its events are LambdaFunction*."""
        return self.type == LAMBDA_FUNCTION

    @property
    def runs_function(self) -> bool:
        """Whether the task runs a function: it may take minutes, and a process."""
        return self.type in {LAMBDA_FUNCTION, "lambda", f"{SDK_PREFIX}lambda"}

    @property
    def pattern(self) -> str:
        """The action as events tell it, with its pattern."""
        return f"{self.action}{TOKEN_SUFFIX}" if self.is_callback else self.action


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
_OPTIMIZED = {
    f"{type_}:{action}": (frozenset(required.split()), frozenset(f"{required} {others}".split()))
    for type_, action, required, others in _TABLE
}
_WITH_TOKENS = frozenset({"lambda:invoke", "sqs:sendMessage"})
SDK_SERVICES = frozenset({"dynamodb", "lambda", "pipes", "s3", "sfn", "sqs", "sts"})
"""The services that haar has, as the SDK for Java names them."""

_ACTION = re.compile(r"[a-z][A-Za-z0-9]*")


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
    plain = name.removesuffix(TOKEN_SUFFIX)
    is_callback = plain != name
    if plain.startswith(SDK_PREFIX):
        return _of_sdk(arn, plain, is_callback=is_callback)
    if plain not in _OPTIMIZED or (is_callback and plain not in _WITH_TOKENS):
        raise UnsupportedResource(arn)
    required, allowed = _OPTIMIZED[plain]
    type_, _, action = plain.partition(":")
    return Resource(arn, type_, action, required, allowed, is_callback)


def _of_sdk(arn: str, name: str, *, is_callback: bool) -> Resource:
    service, _, action = name.removeprefix(SDK_PREFIX).partition(":")
    if service not in SDK_SERVICES:
        raise UnsupportedResource(arn)
    if not _ACTION.fullmatch(action):
        raise UnknownResource(arn)
    return Resource(arn, f"{SDK_PREFIX}{service}", action, is_callback=is_callback)
