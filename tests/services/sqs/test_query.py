"""The legacy query protocol, by raw HTTP: forms in, XML out, codes as they always were."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from haar.testing import Running

LEGACY = "AWS.SimpleQueueService."
SPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"
Ask = Callable[..., tuple[int, dict[str, str], ET.Element]]


@pytest.fixture
def ask(cloud: Running) -> Ask:
    """Send a signed form and return status, headers and document."""
    key = cloud.credentials
    signer = SigV4Auth(
        Credentials(key["aws_access_key_id"], key["aws_secret_access_key"]), "sqs", "us-east-1"
    )

    def send(
        path: str, method: str = "POST", **fields: str
    ) -> tuple[int, dict[str, str], ET.Element]:
        form = urlencode({**fields, "Version": "2012-11-05"})
        url, body = f"{cloud.endpoint}{path}", form.encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if method == "GET":
            url, body, headers = f"{url}?{form}", b"", {}
        signed = AWSRequest(method, url, data=body, headers=headers)
        signer.add_auth(signed)
        request = urllib.request.Request(
            url, data=body or None, headers=dict(signed.headers), method=method
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, dict(answer.headers), ET.fromstring(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                document = ET.fromstring(refused.read())
            return refused.code, dict(refused.headers), document

    return send


def text(document: ET.Element, *names: str) -> str | None:
    return document.findtext("/".join(f"{SPACE}{name}" for name in names))


def test_a_message_travels_by_forms(ask: Ask, queue: str, client: Any) -> None:
    """The queue is the path; lists and maps are numbered; the other protocol sees the same."""
    path = queue[queue.index("/", 8) :]
    attribute = {
        "MessageAttribute.1.Name": "colour",
        "MessageAttribute.1.Value.DataType": "String",
        "MessageAttribute.1.Value.StringValue": "grey",
    }
    status, headers, sent = ask(path, Action="SendMessage", MessageBody="a<b", **attribute)
    assert (status, sent.tag) == (200, f"{SPACE}SendMessageResponse")
    assert text(sent, "ResponseMetadata", "RequestId") == headers["x-amzn-requestid"]
    names = {"AttributeName.1": "All", "MessageAttributeName.1": "All"}
    _, _, got = ask(f"{path}/", "GET", Action="ReceiveMessage", **names)
    message = got.find(f"{SPACE}ReceiveMessageResult/{SPACE}Message")
    assert message is not None
    assert text(message, "Body") == "a<b"
    assert text(message, "MessageId") == text(sent, "SendMessageResult", "MessageId")
    assert text(message, "MessageAttribute", "Name") == "colour"
    assert text(message, "MessageAttribute", "Value", "StringValue") == "grey"
    told = {text(one, "Name"): text(one, "Value") for one in message.findall(f"{SPACE}Attribute")}
    assert told["ApproximateReceiveCount"] == "1"
    handle = text(message, "ReceiptHandle")
    assert handle
    status, _, _ = ask("/", Action="DeleteMessage", QueueUrl=queue, ReceiptHandle=handle)
    assert status == 200
    answer = client.get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )
    assert answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_queues_are_made_by_forms(ask: Ask, name: str) -> None:
    """Attributes, tags and batches have their old names."""
    _, _, made = ask(
        "/",
        Action="CreateQueue",
        QueueName=name,
        **{
            "Attribute.1.Name": "VisibilityTimeout",
            "Attribute.1.Value": "40",
            "Tag.1.Key": "team",
            "Tag.1.Value": "fog",
        },
    )
    url = text(made, "CreateQueueResult", "QueueUrl")
    assert url
    assert url.endswith(f"/000000000000/{name}")
    path = f"/000000000000/{name}"
    _, _, told = ask(path, Action="GetQueueAttributes", **{"AttributeName.1": "VisibilityTimeout"})
    assert text(told, "GetQueueAttributesResult", "Attribute", "Value") == "40"
    _, _, tags = ask(path, "GET", Action="ListQueueTags")
    assert text(tags, "ListQueueTagsResult", "Tag", "Key") == "team"
    entry = "SendMessageBatchRequestEntry"
    _, _, batch = ask(
        path,
        Action="SendMessageBatch",
        **{
            f"{entry}.1.Id": "a",
            f"{entry}.1.MessageBody": "x",
            f"{entry}.2.Id": "b",
            f"{entry}.2.MessageBody": "",
        },
    )
    result = "SendMessageBatchResult"
    assert text(batch, result, "SendMessageBatchResultEntry", "Id") == "a"
    assert text(batch, result, "BatchResultErrorEntry", "Code") == "MissingParameter"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        (
            {"Action": "GetQueueUrl", "QueueName": "nope"},
            400,
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        ({"Action": "SendMessage", "QueueUrl": "nope", "MessageBody": "x"}, 404, "InvalidAddress"),
        ({"Action": "CreateQueue"}, 400, "MissingParameter"),
        ({"Action": "CreateQueue", "QueueName": "a b"}, 400, "InvalidParameterValue"),
        ({"Action": "Nothing"}, 400, "InvalidAction"),
        (
            {
                "Action": "CreateQueue",
                "QueueName": "x",
                "Attribute.1.Name": "Nope",
                "Attribute.1.Value": "1",
            },
            400,
            "InvalidAttributeName",
        ),
    ],
)
def test_refusals_have_their_old_codes(
    ask: Ask, fields: dict[str, str], status: int, code: str
) -> None:
    """An old SDK finds the code that it has always looked for."""
    got, _, document = ask("/", **fields)
    assert (got, text(document, "Error", "Code")) == (status, code)
    assert text(document, "Error", "Type") == "Sender"
    assert text(document, "RequestId")


@pytest.mark.parametrize("size", [1_048_576, 400_000], ids=["ascii", "escaped"])
def test_a_form_may_be_longer_than_what_is_gathered(ask: Ask, queue: str, size: int) -> None:
    """A message of the greatest size, and one whose form is three times as long."""
    path = queue[queue.index("/", 8) :]
    body = "x" * size if size > 1_000_000 else "é" * size
    status, _, sent = ask(path, Action="SendMessage", MessageBody=body)
    assert status == 200
    digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    assert text(sent, "SendMessageResult", "MD5OfMessageBody") == digest


def test_a_batch_that_is_too_long_is_refused_as_such(ask: Ask, queue: str) -> None:
    """Its form is longer than what is gathered, too."""
    path = queue[queue.index("/", 8) :]
    entries = {
        f"SendMessageBatchRequestEntry.{n}.{member}": value
        for n in (1, 2)
        for member, value in (("Id", str(n)), ("MessageBody", "x" * 600_000))
    }
    status, _, refused = ask(path, Action="SendMessageBatch", **entries)
    assert (status, text(refused, "Error", "Code")) == (400, f"{LEGACY}BatchRequestTooLong")


def test_a_form_in_chunks_is_a_form(cloud: Running, queue: str) -> None:
    """Its action is inside, so nothing is known of it until it is here."""
    form = urlencode({"Action": "GetQueueUrl", "QueueName": queue.rpartition("/")[2]})
    key = cloud.credentials
    signed = AWSRequest("POST", f"{cloud.endpoint}/", data=form.encode())
    signed.headers["Content-Type"] = "application/x-www-form-urlencoded"
    given = Credentials(key["aws_access_key_id"], key["aws_secret_access_key"])
    SigV4Auth(given, "sqs", "us-east-1").add_auth(signed)
    connection = HTTPConnection(cloud.endpoint.rpartition("/")[2], timeout=30)
    pieces = iter([form[:10].encode(), form[10:].encode()])
    connection.request("POST", "/", pieces, dict(signed.headers), encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, queue.encode() in answer.read()) == (200, True)
    connection.close()


def test_lists_of_values_are_refused_and_not_passed_over(ask: Ask, queue: str) -> None:
    """They are reserved for future use."""
    attribute = {
        "MessageAttribute.1.Name": "colour",
        "MessageAttribute.1.Value.DataType": "String",
        "MessageAttribute.1.Value.StringValue": "grey",
        "MessageAttribute.1.Value.StringListValue.1": "blue",
    }
    path = queue[queue.index("/", 8) :]
    _, _, refused = ask(path, Action="SendMessage", MessageBody="x", **attribute)
    assert text(refused, "Error", "Code") == f"{LEGACY}UnsupportedOperation"


def test_a_missing_queue_is_told_as_it_always_was(ask: Ask) -> None:
    """The text of this protocol is not that of the other."""
    _, _, refused = ask("/000000000000/nowhere", Action="PurgeQueue")
    told = text(refused, "Error", "Message")
    assert told == "The specified queue does not exist for this wsdl version."
