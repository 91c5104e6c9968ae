"""The front of AWS's JSON services, by raw HTTP: what comes before anybody is asked who he is."""

from __future__ import annotations

import http.client
import json
from zlib import crc32

import pytest

from haar.testing import Running

CORAL = "com.amazon.coral.service"
JSON = "application/x-amz-json-1.0"
LIST = "DynamoDB_20120810.ListTables"
XML = b"<UnknownOperationException/>\n"


def ask(haar: Running, method: str, target: str, media: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(haar.endpoint.rpartition("/")[2], timeout=30)
    headers = {"X-Amz-Target": target, "Content-Type": media}
    connection.request(method, "/", body, headers)
    answer = connection.getresponse()
    told = answer.read()
    if target.startswith("DynamoDB"):
        assert int(answer.headers["x-amz-crc32"]) == crc32(told)
    assert answer.headers["x-amzn-requestid"]
    assert answer.headers["date"]
    connection.close()
    return answer.status, told


def kind(name: str) -> bytes:
    return json.dumps({"__type": f"{CORAL}#{name}"}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("method", "target", "media", "body", "status", "told"),
    [
        ("GET", LIST, JSON, b"", 404, XML),
        ("PUT", LIST, JSON, b"{}", 404, XML),
        ("POST", LIST, "text/plain", b"{}", 404, XML),
        ("POST", LIST, JSON, b"{", 400, kind("SerializationException")),
        ("POST", LIST, f"{JSON}; charset=utf-8", b"{", 400, kind("SerializationException")),
        ("POST", f"{LIST}s", JSON, b"{", 400, kind("SerializationException")),
        ("POST", f"{LIST}s", JSON, b"{}", 400, kind("UnknownOperationException")),
        ("POST", "Nobody.Nothing", JSON, b"{}", 400, kind("UnknownOperationException")),
    ],
)
def test_the_request_is_looked_at_before_its_signature(  # a table's columns
    haar: Running, method: str, target: str, media: str, body: bytes, status: int, told: bytes
) -> None:
    """None of these is signed: method and media first, then the document, then the operation."""
    assert ask(haar, method, target, media, body) == (status, told)


def test_what_could_be_a_call_is_asked_for_its_signature(haar: Running) -> None:
    """A document that is none of the operation's is not looked into before."""
    status, told = ask(haar, "POST", LIST, JSON, b'{"Limit": "x"}')
    assert (status, json.loads(told)["__type"]) == (
        400,
        f"{CORAL}#MissingAuthenticationTokenException",
    )
