"""The events of a pipe: what a message of its queue looks like to filters, functions and targets.

A pipe's event is flat: no ``Records`` around it. The body stays the text that was sent; filters and
paths look into it where it is a JSON object or array (implicit body parsing).

Source: AWS docs, EventBridge user guide, "Amazon SQS queue as a source" and "Implicit body data
parsing".
"""

from __future__ import annotations

import base64
from typing import Any

import orjson

from haar.kernel.json_values import is_object
from haar.kit.call import Members

Event = dict[str, Any]


def from_message(message: Members, arn: str, region: str) -> Event:
    """Return the event of a message that ReceiveMessage answered with."""
    attributes: Members = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    }


def _attribute(value: Members) -> Event:
    told: Event = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        told["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        told["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return told


def decoded(event: Any) -> Any:
    """Return an event as filters and paths see it: its body decoded, where it is JSON."""
    if not is_object(event) or not isinstance(event.get("body"), str):
        return event
    body = decoded_body(event["body"])
    return event if body is None else {**event, "body": body}


def decoded_body(text: str) -> Any:
    """Return the object or array of a text; None where it is plain.

    A number or a quoted string is JSON, too, but a body like that is told as plain text.
    """
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
