"""Refusals over AWS JSON, by raw HTTP: type, text, and the code of the older protocol."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from haar.testing import Running

Ask = Callable[..., tuple[int, str, str, str]]
FRAME = "com.amazon.coral.service#"
OWN = "com.amazonaws.sqs#"
LEGACY = "AWS.SimpleQueueService."
MISSING = "http://host/000000000000/no-such-queue"


@pytest.fixture
def ask(cloud: Running) -> Ask:
    """Send a signed document; return status, type, text and ``x-amzn-query-error``."""

    def send(operation: str, body: bytes, secret: str = "") -> tuple[int, str, str, str]:
        key = cloud.credentials
        headers = {
            "X-Amz-Target": f"AmazonSQS.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        signed = AWSRequest("POST", cloud.endpoint, data=body, headers=headers)
        given = Credentials(key["aws_access_key_id"], secret or key["aws_secret_access_key"])
        SigV4Auth(given, "sqs", "us-east-1").add_auth(signed)
        request = urllib.request.Request(cloud.endpoint, body, dict(signed.headers))
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request)
        with caught.value as refused:
            told: dict[str, Any] = json.loads(refused.read())
            code = refused.headers["x-amzn-query-error"]
            return refused.code, told["__type"], told.get("message", ""), code

    return send


@pytest.mark.parametrize(
    ("operation", "members", "kind", "text", "code"),
    [
        (
            "SendMessage",
            {"QueueUrl": MISSING, "MessageBody": "x"},
            f"{OWN}QueueDoesNotExist",
            "The specified queue does not exist.",
            f"{LEGACY}NonExistentQueue",
        ),
        (
            "GetQueueUrl",
            {"QueueName": "orders", "QueueOwnerAWSAccountId": "111111111111"},
            f"{OWN}QueueDoesNotExist",
            "The specified queue does not exist.",
            f"{LEGACY}NonExistentQueue",
        ),
        (
            "GetQueueAttributes",
            {"QueueUrl": "orders"},
            f"{OWN}InvalidAddress",
            "The address orders is not valid for this endpoint.",
            "InvalidAddress",
        ),
        (
            "CreateQueue",
            {"QueueName": "orders", "Attributes": {"Colour": "grey"}},
            f"{OWN}InvalidAttributeName",
            "Unknown Attribute Colour.",
            "InvalidAttributeName",
        ),
        (
            "CreateQueue",
            {"QueueName": "orders", "Attributes": {"DelaySeconds": "901"}},
            f"{OWN}InvalidAttributeValue",
            "Invalid value for the parameter DelaySeconds.",
            "InvalidAttributeValue",
        ),
        (
            "ListQueues",
            {"MaxResults": "one"},
            f"{FRAME}SerializationException",
            "STRING_VALUE cannot be converted to Integer",
            "MalformedInput",
        ),
        (
            "PeekMessage",
            {},
            f"{FRAME}UnknownOperationException",
            "",
            "InvalidAction",
        ),
        (
            "SendMessage",
            {"MessageBody": "x"},
            f"{OWN}MissingParameter",
            "The request must contain the parameter QueueUrl.",
            "MissingParameter",
        ),
    ],
)
def test_a_refusal_has_its_type_and_its_old_code(  # the columns of a table
    ask: Ask, operation: str, members: dict[str, Any], kind: str, text: str, code: str
) -> None:
    """Whatever refuses: the service, the model or the front."""
    told = ask(operation, json.dumps(members).encode())
    assert told == (400, kind, text, f"{code};Sender")


def test_a_wrong_signature_has_the_old_code_too(ask: Ask) -> None:
    """Clients of the query protocol know it by that."""
    status, kind, _, code = ask("ListQueues", b"{}", secret="wrong")
    assert (status, kind, code) == (
        400,
        f"{FRAME}InvalidSignatureException",
        "SignatureDoesNotMatch;Sender",
    )


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        (
            {"StringValue": "x"},
            "The message attribute 'n' must contain non-empty message attribute type.",
        ),
        (
            {"DataType": "", "StringValue": "x"},
            "The message attribute 'n' must contain non-empty message attribute type.",
        ),
    ],
    ids=["absent", "empty"],
)
def test_an_attribute_without_a_type_is_refused_by_its_name(
    ask: Ask, queue: str, attribute: dict[str, str], text: str
) -> None:
    """It is the service's own refusal, not the model's; of a batch, the entry fails alone."""
    members = {"QueueUrl": queue, "MessageBody": "x", "MessageAttributes": {"n": attribute}}
    told = ask("SendMessage", json.dumps(members).encode())
    assert told == (400, f"{OWN}InvalidParameterValue", text, "InvalidParameterValue;Sender")


@pytest.mark.parametrize("operation", ["SendMessage", "DeleteMessage", "ChangeMessageVisibility"])
@pytest.mark.parametrize("members", [{}, {"Entries": []}], ids=["absent", "empty"])
def test_a_batch_without_entries_is_empty(
    ask: Ask, queue: str, operation: str, members: dict[str, Any]
) -> None:
    """Also where the list itself is missing."""
    body = json.dumps({"QueueUrl": queue, **members}).encode()
    _, kind, text, _ = ask(f"{operation}Batch", body)
    assert kind == f"{OWN}EmptyBatchRequest"
    assert text == f"There should be at least one {operation}BatchRequestEntry in the request."
