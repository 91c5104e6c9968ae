"""The legacy query protocol, by raw HTTP: forms in, XML out, codes as they always were."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from haar.testing import Running

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
