"""Calls that services make of each other: the same decision and the same record as by wire."""

from __future__ import annotations

from typing import Any

import pytest

from haar.kernel.errors import ApiError
from haar.kit.call import Scope
from haar.testing import Running

ROLE = "arn:aws:iam::000000000000:role/worker"
HERE = Scope("000000000000", "us-east-1")


def invoke(
    haar: Running, operation: str, as_: str = ROLE, service: str = "dynamodb", **members: Any
) -> Any:
    cloud = haar.app.cloud
    return haar.run(cloud.invoke(service, operation, members, as_=as_, scope=HERE))


@pytest.mark.parametrize(
    ("operation", "as_", "members", "code"),
    [
        ("DescribeTable", ROLE, {"TableName": "orders"}, "ResourceNotFoundException"),
        ("DescribeTable", ROLE, {"TableName": "orders", "Other": 1}, "NotImplemented"),
        ("DescribeTable", ROLE.replace("0000", "2222"), {"TableName": "orders"}, "AccessDenied"),
        ("DescribeTable", "nobody", {"TableName": "orders"}, "AccessDenied"),
        ("DescribeStream", ROLE, {"StreamArn": "none"}, "ValidationException"),
    ],
)
def test_a_refusal_inside_is_decided_and_recorded_like_any(
    haar: Running, operation: str, as_: str, members: dict[str, Any], code: str
) -> None:
    """The record says who asked for what, from inside, and why not."""
    with pytest.raises(ApiError) as refused:
        invoke(haar, operation, as_, **members)
    assert refused.value.code.startswith(code)
    record = haar.app.audit.recent()[-1]
    assert (record.source, record.operation) == ("internal", operation)
    assert record.error == refused.value.code


def test_a_call_inside_is_recorded(haar: Running) -> None:
    """With the session of the role that it is made with."""
    assert invoke(haar, "ListTables") == {"TableNames": []}
    record = haar.app.audit.recent()[-1]
    assert record.principal == "arn:aws:sts::000000000000:assumed-role/worker/haar"
    assert (record.source, record.error, record.access_key_id) == ("internal", "", "")


@pytest.mark.parametrize(
    ("service", "operation", "members", "code", "text"),
    [
        (
            "dynamodb",
            "DescribeTable",
            {"TableName": "ab"},
            "ValidationException",
            (
                "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy "
                "constraint: Member must have length greater than or equal to "
            ),
        ),
        (
            "lambda_",
            "Invoke",
            {"FunctionName": "a b"},
            "ValidationException",
            (
                "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: "
            ),
        ),
        (
            "lambda_",
            "ListFunctions",
            {"MaxItems": 0},
            "ValidationException",
            (
                "1 validation error detected: Value '0' at 'maxItems' failed to satisfy "
                "constraint: Member must have value greater than or equal to 1"
            ),
        ),
        (
            "lambda_",
            "Invoke",
            {"FunctionName": "f", "InvocationType": "Never"},
            "ValidationException",
            (
                "1 validation error detected: Value 'Never' at 'invocationType' failed to satisfy "
                "constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
            ),
        ),
        (
            "sqs",
            "SendMessageBatch",
            {"QueueUrl": "u", "Entries": [{"Id": "1"}]},
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ),
        (
            "sqs",
            "SendMessage",
            {"QueueUrl": "u", "MessageBody": "x", "DelaySeconds": "1"},
            "SerializationException",
            "STRING_VALUE cannot be converted to Integer",
        ),
        ("s3", "GetObject", {"Bucket": "b"}, "MalformedXML", "The XML you provided"),
    ],
)
def test_members_from_inside_are_held_against_the_model(
    haar: Running, service: str, operation: str, members: dict[str, Any], code: str, text: str
) -> None:
    """Required members, lengths, ranges, patterns, value sets and types, in the wire's words."""
    with pytest.raises(ApiError) as refused:
        invoke(haar, operation, service=service, **members)
    assert refused.value.code == code
    assert refused.value.text.startswith(text)
