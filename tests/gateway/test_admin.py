"""``/_haar/admin/…``: for the root alone, bounded and recorded like any call."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from haar.testing import Running, running


@pytest.fixture(scope="module")
def cloud() -> Iterator[Running]:
    """A haar of this module's own."""
    with running() as cloud:
        yield cloud


def post(cloud: Running, head: bytes, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Return status and content of the answer to a request whose body may lack."""
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(b"POST /_haar/admin/" + head + body)
        received = b""
        while piece := client.recv(65_536):
            received += piece
    top, _, content = received.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(content)


def ask(cloud: Running, action: str, body: bytes, **keys: str) -> tuple[int, dict[str, Any]]:
    """Return status and content of the answer to a signed request."""
    known = {**cloud.credentials, **keys}
    signer = Credentials(known["aws_access_key_id"], known["aws_secret_access_key"])
    request = AWSRequest("POST", f"{cloud.endpoint}/_haar/admin/{action}", data=body)
    SigV4Auth(signer, "haar", "us-east-1").add_auth(request)
    host = cloud.endpoint.removeprefix("http://")
    told = {**dict(request.headers), "Host": host, "Content-Length": len(body)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    head = f"{action} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n"
    return post(cloud, head.encode(), body)


def test_a_long_body_of_a_stranger_is_not_waited_for(cloud: Running) -> None:
    """Who did not sign is refused by the head alone: bodies take room that others need."""
    head = b"DescribeClock HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n"
    status, answer = post(cloud, head)
    assert (status, answer["code"]) == (400, "MissingAuthenticationTokenException")


def test_refused_administration_is_recorded_by_its_name(cloud: Running) -> None:
    """A stranger's attempt leaves a record, and names that strangers invent leave no figures."""
    for action in ("DescribeClock", 'Invented",code="OK'):
        head = f"{action} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert post(cloud, head.encode())[0] == 400
    records = [(one.service, one.operation) for one in cloud.app.audit.recent()]
    assert ("haar", "DescribeClock") in records
    assert not any("Invented" in operation for _, operation in records)


@pytest.mark.parametrize("body", [b'{"by_ms": 1e999}', b'{"by_ms": {}}', b"[]", b"{", b"{}"])
def test_members_that_are_not_right_are_refused(cloud: Running, body: bytes) -> None:
    """Whatever the members are, the answer says so."""
    status, answer = ask(cloud, "AdvanceClock", body)
    assert (status, answer["code"]) == (400, "SerializationException")


def test_the_clock_does_not_leave_the_calendar() -> None:
    """However often it is moved, what is due later has a date."""
    with running(dev=True) as cloud:
        century = json.dumps({"by_ms": 100 * 366 * 86_400_000}).encode()
        statuses = [ask(cloud, "AdvanceClock", century)[0] for _ in range(80)]
        assert statuses[0] == 200
        assert statuses[-1] == 400
        assert cloud.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
