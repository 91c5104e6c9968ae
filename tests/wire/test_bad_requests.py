"""Requests that no client library makes, over real sockets, against a whole haar.

Every registered operation gets bodies that are broken after they were made and before they are
signed, so that they pass authentication and reach the decoder and the operation itself. Below that,
raw bytes: heads, framings and lengths that lie. The answer is a refusal that botocore understands,
never a 5xx, never silence; and what was taken to give it is given back.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import re
import socket
from collections.abc import Iterator
from typing import Any

import botocore.client
import botocore.config
import botocore.exceptions
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haar.app import services
from haar.kernel.entropy import SeededEntropy
from haar.testing import Running, running

ROUNDS = int(os.environ.get("HAAR_FUZZ_ROUNDS", "6"))
FIRST = int(os.environ.get("HAAR_FUZZ_SEED", "0"))
OPERATIONS = [
    pytest.param(operation.model or service.models[0], operation.name, id=operation.name)
    for service in services()
    for operation in service.operations
]
JUNK = (
    *rb"\0 < > & &#0; { } [ ] \" \u0000 = % %zz %00 + . .. 1e999 - null ]]> \ud800 NaN {}".split(),
    *(b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"9" * 400, b"<!DOCTYPE a>", b"{" * 99),
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**31, 2**63 - 1, -(2**63), 1e308, "", "\0", "x" * 3000, "9" * 400),
    *("AAAA====", "NaN", "arn:aws:sqs:us-east-1:1:q", "2026-13-01T00:00:00Z", "{", "\u2028"),
    *([], [None], [[]], {}, {"": None}, {"S": 1}, {"M": {"M": {"M": {}}}}, [{"a": [1]}] * 30),
)

MACHINE = '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}}'
ROLE = "arn:aws:iam::{account}:role/text"
ARN = "arn:aws:{}:us-east-1:{{account}}:{}"
NAMED = {
    "QueueUrl": "{endpoint}/{account}/text",
    "Role": ROLE,
    "RoleArn": ROLE,
    "roleArn": ROLE,
    "Source": ARN.format("sqs", "text"),
    "Target": ARN.format("lambda", "function:text"),
    "ResourceArn": ARN.format("dynamodb", "table/text"),
    "SourceArn": ARN.format("sqs", "text"),
    "stateMachineArn": ARN.format("states", "stateMachine:text"),
    "resourceArn": ARN.format("states", "stateMachine:text"),
    "executionArn": ARN.format("states", "execution:text:text"),
}
"""Members that name something, where any text would not get far; ``{account}`` is filled in."""

CLIENT_NEEDS = {"RequestItems", "TransactItems"}
"""Members without which botocore finds no endpoint."""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Running]:
    """One haar for all broken requests of the module."""
    with running() as started:
        started.client("s3").create_bucket(Bucket="text")
        started.client("sqs").create_queue(QueueName="text")
        started.client("dynamodb").create_table(
            TableName="text",
            KeySchema=[{"AttributeName": "text", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "text", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        started.client("stepfunctions").create_state_machine(
            name="text", definition=MACHINE, roleArn=ROLE.format(account=started.app.config.account)
        )
        yield started


class Breaker:
    """Breaks bodies, the same way for the same seed."""

    def __init__(self, seed: int) -> None:
        self._entropy = SeededEntropy(seed)

    def below(self, count: int) -> int:
        return int(self._entropy.fraction() * count)

    def pick(self, choices: Any) -> Any:
        return choices[self.below(len(choices))]

    def body(self, raw: bytes) -> bytes:
        if raw[:1] == b"{" and self.below(4):
            return orjson.dumps(self.swap(orjson.loads(raw)))
        for _ in range(1 + self.below(3)):
            raw = self.bytes(raw)
        return raw

    def bytes(self, raw: bytes) -> bytes:
        """Return bytes with one place cut out, replaced, doubled, turned round or cut off."""
        start = self.below(len(raw) + 1)
        end = min(len(raw), start + self.below(20))
        before, inside, after = raw[:start], raw[start:end], raw[end:]
        return (
            before + after,
            before + self.pick(JUNK) + after,
            before + inside + inside + after,
            before + inside[::-1] + after,
            before,
        )[self.below(5)]

    def swap(self, tree: Any) -> Any:
        """Return a tree with one value replaced, somewhere."""
        match tree:
            case dict() if tree and self.below(6):
                key = self.pick(list(tree))
                return {**tree, key: self.swap(tree[key])}
            case list() if tree and self.below(4):
                return [self.swap(tree[0]), *tree[1:]]
            case _:
                return self.pick(VALUES)


def sample(shape: Any, depth: int = 0, *, is_least: bool = False) -> Any:
    """Return a value that fills a shape some levels deep, at the top with required members only."""
    match shape.type_name:
        case "structure":
            names = shape.required_members if is_least else shape.members
            return {k: sample(shape.members[k], depth + 1) for k in names if depth < 4}
        case "list":
            return [sample(shape.member, depth + 1)] if depth < 4 else []
        case "map":
            return {"k": sample(shape.value, depth + 1)} if depth < 4 else {}
        case "string" if shape.enum:
            return shape.enum[0]
        case kind:
            return SCALARS.get(kind, "text")


SCALARS: dict[str, Any] = {
    "integer": 1,
    "long": 1,
    "float": 1.5,
    "double": 1.5,
    "boolean": True,
    "timestamp": 0,
    "blob": b"blob",
}


def unvalidated(cloud: Running, model: str) -> Any:
    """Return a client that sends whatever it is given, once."""
    config = botocore.config.Config(
        parameter_validation=False,
        retries={"total_max_attempts": 1},
        read_timeout=30,
        request_checksum_calculation="when_required",
        s3={"addressing_style": "path"},
    )
    return cloud.client(model, config=config)


def members_of(cloud: Running, shape: Any, *, is_least: bool) -> dict[str, Any]:
    """Return members of an operation that names what is there."""
    members = sample(shape, is_least=is_least)
    names = {"account": cloud.app.config.account, "endpoint": cloud.endpoint}
    members |= {k: v.format_map(names) for k, v in NAMED.items() if k in members}
    members |= dict.fromkeys(members.keys() & {"WaitTimeSeconds", "maxSeconds"}, 0)
    members.pop("ContentLength", None)  # what lies about its length ends the connection
    return dict(members)


@contextlib.contextmanager
def breaking(client: Any, breaker: Breaker) -> Iterator[None]:
    """Break the bodies of what is sent meanwhile, before they are signed."""

    def break_body(request: Any, **_: Any) -> None:
        if isinstance(request.data, dict):
            pairs = "&".join(f"{k}={v}" for k, v in request.data.items())
            request.data = breaker.body(pairs.encode())
        elif isinstance(request.data, str | bytes):
            raw = request.data.encode() if isinstance(request.data, str) else request.data
            request.data = breaker.body(raw)

    client.meta.events.register("before-sign", break_body, unique_id="break")
    try:
        yield
    finally:
        client.meta.events.unregister("before-sign", unique_id="break")


def status_of(client: Any, operation: str, members: dict[str, Any]) -> int:
    """Call; return the status of the answer, which botocore must understand."""
    method = botocore.client.xform_name(operation)  # type: ignore[attr-defined]
    try:
        return int(getattr(client, method)(**members)["ResponseMetadata"]["HTTPStatusCode"])
    except botocore.exceptions.ClientError as error:
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.mark.parametrize(("model", "operation"), OPERATIONS)
def test_no_broken_body_makes_an_operation_fail(cloud: Running, model: str, operation: str) -> None:
    """Whatever stands in a signed body, the answer is a result or a refusal of the client."""
    client = unvalidated(cloud, model)
    shape = client.meta.service_model.operation_model(operation).input_shape
    for seed in range(FIRST, FIRST + ROUNDS) if shape is not None else ():
        members = members_of(cloud, shape, is_least=bool(seed % 2))
        with breaking(client, Breaker(seed)):
            status = status_of(client, operation, members)
        assert status < 500 or status == 501, (operation, seed, status)
    members = members_of(cloud, shape, is_least=True) if shape is not None else {}
    with breaking(client, Breaker(0)):
        for required in shape.required_members if shape is not None else ():
            location = shape.members[required].serialization.get("location")
            if location != "uri" and required not in CLIENT_NEEDS:
                others = {k: v for k, v in members.items() if k != required}
                status = status_of(client, operation, others)
                assert status < 500 or status == 501, (operation, required, status)


# --- raw bytes


def talk(cloud: Running, data: bytes) -> bytes:
    """Send bytes, close the sending side, and return all that comes back."""
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionError):
            while piece := client.recv(65536):
                received += piece
        return received


def statuses(received: bytes) -> list[int]:
    """Return the status of each answer, whatever its body tells of what was sent."""
    found: list[int] = []
    while received.startswith(b"HTTP/1.1 "):
        head, _, received = received.partition(b"\r\n\r\n")
        found.append(int(head[9:12]))
        length = re.search(rb"\r\ncontent-length: (\d+)", head)
        if length is not None and not received.startswith(b"HTTP/1.1 "):  # as after HEAD
            received = received[int(length[1]) :]
    assert received == b"", "nothing stands between answers"
    return found


def is_well(cloud: Running) -> bool:
    """Whether an ordinary request is answered."""
    return talk(cloud, b"GET /_haar/health HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(
        b"HTTP/1.1 200 "
    )


HEAD = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n"
)
PIECES = st.sampled_from(
    [
        *(
            b"\r\n",
            b"\n",
            b"\r",
            b" ",
            b"\t",
            b":",
            b"\0",
            b"\xff",
            b"\x80",
            b"HTTP/1.1",
            b"HTTP/0.9",
        ),
        *(b"Content-Length: 9\r\n", b"Content-Length: -1\r\n", b"Content-Length: 1e3\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b" folded\r\n"),
        *(b"Host: x\r\n", b"Expect: 100-continue\r\n", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
        *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n", b"\x16\x03\x01", b"%"),
    ]
)


@given(places=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 12), PIECES), max_size=5))
@settings(max_examples=int(os.environ.get("HAAR_FUZZ_EXAMPLES", "150")), deadline=None)
def test_no_broken_head_makes_the_server_fail(
    cloud: Running, places: list[tuple[int, int, bytes]]
) -> None:
    """Bytes in the wrong place of a head end in answers below 500, and the server goes on."""
    data = HEAD + b"{}"
    for start, length, piece in places:
        data = data[:start] + piece + data[start + length :]
    for status in statuses(talk(cloud, data)):
        assert status < 500 or status in (501, 505), data


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n", 400, b"BadRequest"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400, b"BadRequest"),
        (HEAD.replace(b": 2", b": 2\r\nTransfer-Encoding: chunked"), 400, b"BadRequest"),
        (HEAD.replace(b": 2", b": 2\r\nContent-Length: 3"), 400, b"BadRequest"),
        (HEAD.replace(b": 2", b": " + b"9" * 15), 413, b"EntityTooLarge"),
        (HEAD.replace(b": 2", b": 2\r\nX: " + b"x" * 80_000), 431, b"RequestHeaderSection"),
        (HEAD.replace(b": 2", b": 2" + b"\r\nX: y" * 300), 431, b"RequestHeaderSection"),
        (HEAD.replace(b"POST /", b"POST /?" + b"x" * 20_000), 414, b"RequestHeaderSection"),
        (HEAD.replace(b": 2", b": 2\r\nExpect: cake"), 417, b"ExpectationFailed"),
    ],
)
def test_what_is_no_request_is_refused_as_aws_refuses(
    cloud: Running, data: bytes, status: int, code: bytes
) -> None:
    """A refusal below HTTP has a code and a request id, in the protocol as far as it is known."""
    received = talk(cloud, data + b"{}GET /_haar/health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses(received) == [status]
    head, _, body = received.partition(b"\r\n\r\n")
    assert code in body
    assert b"request" in head.lower()
    is_json = b"X-Amz-Target" in data[:90] and status != 414
    assert (body[:1] == b"{") is is_json


@pytest.mark.parametrize(
    "data",
    [
        HEAD,
        HEAD + b"{",
        HEAD[:-4],
        HEAD[:20],
        b"",
        b"\r\n\r\n",
        HEAD.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"5\r\nab",
        HEAD.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n",
    ],
)
def test_half_a_request_is_not_a_request(cloud: Running, data: bytes) -> None:
    """A client that stops in the middle is not answered with a success, and leaves nothing."""
    assert all(400 <= status < 500 for status in statuses(talk(cloud, data)))
    assert is_well(cloud)


def test_a_long_pipeline_is_answered_in_order(cloud: Running) -> None:
    """Hundreds of requests in one packet get as many answers, broken ones among them."""
    broken = HEAD + b"{]"
    received = talk(cloud, (HEAD + b"{}" + broken) * 200)
    assert len(statuses(received)) == 400
    assert set(statuses(received)) == {400}  # unsigned


def test_bad_requests_leave_nothing_behind(cloud: Running) -> None:
    """The heap after thousands of bad requests is the heap after some."""
    client = unvalidated(cloud, "dynamodb")
    seeds = itertools.count()

    def spoil(count: int) -> int:
        for _, seed in zip(range(count), seeds, strict=False):
            with breaking(client, Breaker(seed)):
                status_of(client, "PutItem", {"TableName": "text", "Item": {"k": {"S": "v" * 99}}})
            talk(cloud, Breaker(seed).body(HEAD + b"{}") + b"\r\n\r\n")
        cloud.app.audit._take()  # it keeps the newest calls, up to a bound
        gc.collect()
        return len(gc.get_objects())

    before = spoil(150)
    assert spoil(300) < before + 300
    assert not cloud.run(connections_of(cloud)) - {None}


async def connections_of(cloud: Running) -> set[Any]:
    """Return the connections that are still open but for the keep-alive ones of clients."""
    opened = cloud.app._parts.server.connections
    return {c for c in opened if c._exchange is not None or c._pipeline or c._backlog}
