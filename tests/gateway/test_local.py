"""Calls that services make of each other: the same decision and the same record as by wire."""

from __future__ import annotations

from typing import Any

import pytest

from haar.kernel.errors import ApiError
from haar.kit.call import Scope
from haar.testing import Running

ROLE = "arn:aws:iam::000000000000:role/worker"
HERE = Scope("000000000000", "us-east-1")


def invoke(haar: Running, operation: str, as_: str = ROLE, **members: Any) -> Any:
    cloud = haar.app.cloud
    return haar.run(cloud.invoke("dynamodb", operation, members, as_=as_, scope=HERE))


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
