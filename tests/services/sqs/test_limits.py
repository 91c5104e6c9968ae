"""What a message, a batch and a receive may not be: codes and texts of AWS."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from haar.services.sqs import contents, standard
from haar.testing import Running

TEXT = {"DataType": "String", "StringValue": "x"}


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        (
            {"MessageBody": ""},
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ),
        ({"MessageBody": "\x00"}, "InvalidMessageContents", "Invalid characters found."),
        ({"MessageBody": "a\ufffe"}, "InvalidMessageContents", "Invalid characters found."),
        (
            {"DelaySeconds": 901},
            "InvalidParameterValue",
            (
                "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be "
                ">= 0 and <= 900."
            ),
        ),
        (
            {"MessageAttributes": {f"a{n}": TEXT for n in range(11)}},
            "InvalidParameterValue",
            "Number of message attributes [11] exceeds the allowed maximum [10].",
        ),
        (
            {"MessageAttributes": {"a..b": TEXT}},
            "InvalidParameterValue",
            "The message attribute name 'a..b' is invalid.",
        ),
        (
            {"MessageAttributes": {"aws.x": TEXT}},
            "InvalidParameterValue",
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'.",
        ),
        (
            {"MessageAttributes": {"n": {"DataType": "Nope", "StringValue": "x"}}},
            "InvalidParameterValue",
            "The message attribute 'n' has an invalid message attribute type,",
        ),
        (
            {"MessageAttributes": {"n": {"DataType": "String", "StringValue": ""}}},
            "InvalidParameterValue",
            "The message attribute 'n' must contain non-empty message attribute value",
        ),
        (
            {"MessageAttributes": {"n": {"DataType": "Number", "StringValue": "1x"}}},
            "InvalidParameterValue",
            "Can't cast the value of message (user) attribute 'n' to a number.",
        ),
        (
            {"MessageAttributes": {"n": {**TEXT, "StringListValues": ["x"]}}},
            "AWS.SimpleQueueService.UnsupportedOperation",
            "Message attribute list values in SendMessage operation are not supported.",
        ),
        (
            {"MessageSystemAttributes": {"AWSTraceHeader": TEXT}},
            "InvalidParameterValue",
            "Message system attribute name 'AWSTraceHeader' is invalid.",
        ),
    ],
)
def test_wrong_messages_are_refused(
    client: Any, queue: str, refusal: Any, members: dict[str, Any], code: str, text: str
) -> None:
    """Whatever is wrong with a message is said, and nothing is stored."""
    told = refusal(client.send_message, **{"QueueUrl": queue, "MessageBody": "x", **members})
    assert told[0] == code
    assert told[1].startswith(text)
    assert "Messages" not in client.receive_message(QueueUrl=queue)


def test_a_message_is_as_long_as_its_queue_takes(client: Any, create: Any, refusal: Any) -> None:
    """Names, types and values of attributes count; the limit itself is fine."""
    url = create(MaximumMessageSize="1024")
    attribute = {"n": {"DataType": "Binary", "BinaryValue": b"123"}}
    members = {"QueueUrl": url, "MessageAttributes": attribute}
    client.send_message(**members, MessageBody="x" * 1014)
    code, text = refusal(client.send_message, **members, MessageBody="x" * 1015)
    assert code == "InvalidParameterValue"
    reason = "Message must be shorter than 1024 bytes."
    assert text == f"One or more parameters are invalid. Reason: {reason}"


def test_entries_fail_with_the_codes_of_the_older_protocol(client: Any, queue: str) -> None:
    """As clients of either protocol know them."""
    handle = {"Id": "a", "ReceiptHandle": receipt_of_a_visible_message(client, queue)}
    failed = client.change_message_visibility_batch(
        QueueUrl=queue, Entries=[{**handle, "VisibilityTimeout": 5}]
    )["Failed"]
    listed = {"n": {"DataType": "String", "StringValue": "x", "StringListValues": ["y"]}}
    failed += client.send_message_batch(
        QueueUrl=queue, Entries=[{"Id": "b", "MessageBody": "x", "MessageAttributes": listed}]
    )["Failed"]
    assert [one["Code"] for one in failed] == [
        "AWS.SimpleQueueService.MessageNotInflight",
        "AWS.SimpleQueueService.UnsupportedOperation",
    ]


def receipt_of_a_visible_message(client: Any, queue: str) -> str:
    client.send_message(QueueUrl=queue, MessageBody="x")
    found = client.receive_message(QueueUrl=queue)["Messages"][0]
    handle: str = found["ReceiptHandle"]
    client.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    return handle


def test_a_batch_is_bounded_as_a_whole(client: Any, queue: str, refusal: Any) -> None:
    """Entries, ids and the sum of sizes are checked before any message is sent."""

    def send(*entries: tuple[str, str]) -> Any:
        made = [{"Id": i, "MessageBody": body} for i, body in entries]
        return client.send_message_batch(QueueUrl=queue, Entries=made)

    def told(*entries: tuple[str, str]) -> tuple[str, str]:
        code, text = refusal(lambda: send(*entries))
        return code.rpartition(".")[2], text

    assert told() == (
        "EmptyBatchRequest",
        "There should be at least one SendMessageBatchRequestEntry in the request.",
    )
    assert told(*((str(n), "x") for n in range(11))) == (
        "TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 11.",
    )
    assert told(("a", "x"), ("a", "y")) == ("BatchEntryIdsNotDistinct", "Id a repeated.")
    assert told(("a b", "x"))[0] == "InvalidBatchEntryId"
    half = "x" * (contents.BATCH_BYTES_MAX // 2)
    assert told(("a", half), ("b", half + "x")) == (
        "BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    )
    assert len(send(("a", half), ("b", half))["Successful"]) == 2


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        (
            {"MaxNumberOfMessages": 11},
            "InvalidParameterValue",
            (
                "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between "
                "1 and 10, if provided."
            ),
        ),
        (
            {"WaitTimeSeconds": 21},
            "InvalidParameterValue",
            (
                "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and "
                "<= 20, if provided."
            ),
        ),
        (
            {"VisibilityTimeout": 43_201},
            "InvalidParameterValue",
            (
                "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and "
                "<= 43200, if provided."
            ),
        ),
        (
            {"MessageSystemAttributeNames": ["Nope"]},
            "InvalidAttributeName",
            "Unknown Attribute Nope.",
        ),
    ],
)
def test_wrong_receives_are_refused(
    client: Any, queue: str, refusal: Any, members: dict[str, Any], code: str, text: str
) -> None:
    """A number out of range is said with its range."""
    assert refusal(client.receive_message, QueueUrl=queue, **members) == (code, text)


def test_flights_are_bounded(
    client: Any, queue: str, refusal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short poll beyond the bound is OverLimit, a long one is empty."""
    monkeypatch.setattr(standard, "FLYING_MAX", 2)
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(3)]
    client.send_message_batch(QueueUrl=queue, Entries=entries)
    got = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=2)["Messages"]
    assert refusal(client.receive_message, QueueUrl=queue)[0] == "OverLimit"
    assert "Messages" not in client.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    client.delete_message(QueueUrl=queue, ReceiptHandle=got[0]["ReceiptHandle"])
    assert len(client.receive_message(QueueUrl=queue)["Messages"]) == 1


def test_a_client_that_goes_away_takes_nothing(
    cloud: Running, client: Any, queue: str, bodies: Any
) -> None:
    """A long poll whose connection breaks ends; the message is for the next."""
    key = cloud.credentials
    signed = AWSRequest(
        "POST",
        cloud.endpoint,
        data=f'{{"QueueUrl":"{queue}","WaitTimeSeconds":20}}'.encode(),
        headers={
            "X-Amz-Target": "AmazonSQS.ReceiveMessage",
            "Content-Type": "application/x-amz-json-1.0",
        },
    )
    SigV4Auth(
        Credentials(key["aws_access_key_id"], key["aws_secret_access_key"]), "sqs", "us-east-1"
    ).add_auth(signed)
    host, _, port = cloud.endpoint.removeprefix("http://").partition(":")
    lines = [f"{name}: {value}" for name, value in signed.headers.items()]
    head = "\r\n".join(
        ["POST / HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(signed.data)}", *lines]
    )
    poll = socket.create_connection((host, int(port)))
    poll.sendall(head.encode() + b"\r\n\r\n" + signed.data)
    client.list_queue_tags(QueueUrl=queue)
    poll.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    poll.close()
    client.list_queue_tags(QueueUrl=queue)
    client.send_message(QueueUrl=queue, MessageBody="x")
    assert bodies(client.receive_message(QueueUrl=queue)) == ["x"]
