"""Requests that are wrong in any way are refused, never a failure of haar's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DEEP = "[" * 100_000
NAMES = (
    "DelaySeconds",
    "MaximumMessageSize",
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.just("9" * 5000),
    st.just("arn:aws:sqs:us-east-1:000000000000:x"),
)
MAPS = st.dictionaries(
    st.sampled_from(
        [
            *("maxReceiveCount", "deadLetterTargetArn", "redrivePermission", "sourceQueueArns"),
            *("Statement", "Version"),
        ]
    ),
    st.one_of(VALUES, st.lists(VALUES, max_size=3), st.just("allowAll"), st.just("byQueue")),
)
TEXTS = st.one_of(
    MAPS.map(json.dumps),
    st.text(max_size=20),
    st.sampled_from([DEEP, "9" * 5000, "-1", "true", "null", '"x"', "{}", "[]"]),
)


def refused(call: Any, **members: Any) -> str:
    """Return the code of a refusal, empty where there was none."""
    try:
        call(**members)
    except ClientError as refusal:
        code = str(refusal.response["Error"]["Code"])
    else:
        return ""
    assert code != "InternalFailure", members
    return code


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(NAMES), text=TEXTS)
def test_no_attribute_breaks_haar(client: Any, queue: str, name: str, text: str) -> None:
    """Whatever an attribute's text is, it is taken or refused; the queue goes on."""
    set_to = {name: text}
    refused(client.set_queue_attributes, QueueUrl=queue, Attributes=set_to)
    account = ["111111111111"]
    refused(client.add_permission, QueueUrl=queue, Label="l", AWSAccountIds=account, Actions=["*"])
    refused(client.remove_permission, QueueUrl=queue, Label="l")
    assert client.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]


@pytest.mark.parametrize("number", ["1e99999999999999", "1" * 39, "1e127", ".", "1x"])
def test_no_number_breaks_haar(client: Any, queue: str, number: str) -> None:
    """A number of too many digits, in its exponent too, is no number."""
    attributes = {"n": {"DataType": "Number", "StringValue": number}}
    code = refused(
        client.send_message, QueueUrl=queue, MessageBody="x", MessageAttributes=attributes
    )
    assert code == "InvalidParameterValue"


def test_no_name_breaks_haar(client: Any, queue: str) -> None:
    """Names, URLs, handles and tokens of any length are refused."""
    long = "x" * 100_000
    url = f"http://host/000000000000/{long}"
    gone = "AWS.SimpleQueueService.NonExistentQueue"
    assert refused(client.send_message, QueueUrl=url, MessageBody="x") == "InvalidAddress"
    assert refused(client.send_message, QueueUrl=url[:1000], MessageBody="x") == gone
    assert refused(client.get_queue_url, QueueName=long) == gone
    assert refused(client.create_queue, QueueName=long) == "InvalidParameterValue"
    for handle in ("", "é", long, "AAAA"):
        code = refused(client.delete_message, QueueUrl=queue, ReceiptHandle=handle)
        assert code == "ReceiptHandleIsInvalid"
    for handle in ("", "é", DEEP, "W10=", "e30="):
        code = refused(client.cancel_message_move_task, TaskHandle=handle)
        assert code == "ResourceNotFoundException"
    for arn in ("", "x", f"arn:aws:sqs:us-east-1:000000000000:{long}"):
        assert refused(client.start_message_move_task, SourceArn=arn)
        assert refused(client.list_message_move_tasks, SourceArn=arn)
    assert refused(client.list_queues, NextToken=long, MaxResults=1) == "InvalidParameterValue"
