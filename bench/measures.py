"""What is measured: for each figure, how a server is prepared and which requests are sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from load import drive
from servers import Server
from signing import Signer

CONNECTIONS = 32
SECONDS = 4.0
REQUESTS = 2000
ITEM_BYTES = 400


@dataclass(frozen=True)
class Load:
    """One figure of the table.

    Attributes:
        name: of the row.
        servers: which servers have it.
        prepare: makes what the requests need, by boto3.
        requests: the raw requests, signed.
        answer_bytes: size of the answer, for the ceiling.
    """

    name: str
    servers: tuple[str, ...]
    prepare: Callable[[Any], None]
    requests: Callable[[Signer], list[bytes]]
    answer_bytes: int


@dataclass(frozen=True)
class Figure:
    """What one server reached in one load."""

    per_second: float
    cpu_us: float
    p50_ms: float
    p99_ms: float


def client(server: Server, service: str) -> Any:
    """Return a boto3 client of a server under measurement."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name="us-east-1",
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret,
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 2}),
    )


def item(number: int) -> dict[str, Any]:
    """Return an item of about 500 bytes of JSON."""
    return {
        "pk": {"S": f"customer#{number:08d}"},
        "name": {"S": f"Customer number {number}"},
        "balance": {"N": str(number * 37 % 100_000)},
        "active": {"BOOL": number % 2 == 0},
        "tags": {"L": [{"S": "red"}, {"S": "green"}]},
        "address": {"M": {"city": {"S": "Edinburgh"}, "zip": {"S": "EH1 1AA"}}},
        "note": {"S": "x" * (ITEM_BYTES - 100)},
    }


def _table(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName="bench",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName="bench")


def prepare_items(server: Server) -> None:
    """Make the table and the items that are got."""
    dynamodb = client(server, "dynamodb")
    _table(dynamodb)
    for number in range(REQUESTS):
        dynamodb.put_item(TableName="bench", Item=item(number))


def prepare_queue(server: Server) -> None:
    """Make the queue that is sent to."""
    client(server, "sqs").create_queue(QueueName="bench")


def get_items(signer: Signer) -> list[bytes]:
    """Return GetItem requests, each of another item."""
    return [
        signer.target("dynamodb", "DynamoDB_20120810.GetItem", body)
        for number in range(REQUESTS)
        for body in [_json({"TableName": "bench", "Key": {"pk": item(number)["pk"]}})]
    ]


def put_items(signer: Signer) -> list[bytes]:
    """Return PutItem requests, each of another item."""
    return [
        signer.target(
            "dynamodb", "DynamoDB_20120810.PutItem", _json({"TableName": "bench", "Item": item(n)})
        )
        for n in range(REQUESTS)
    ]


def send_messages(signer: Signer) -> list[bytes]:
    """Return SendMessage requests."""
    url = f"http://127.0.0.1:{signer.port}/000000000000/bench"
    return [
        signer.target(
            "sqs", "AmazonSQS.SendMessage", _json({"QueueUrl": url, "MessageBody": f"{n:0200d}"})
        )
        for n in range(REQUESTS)
    ]


LOADS = (
    Load("GetItem", ("haar", "ministack", "moto", "dynalite"), prepare_items, get_items, 520),
    Load("PutItem", ("haar", "ministack", "moto", "dynalite"), prepare_items, put_items, 2),
    Load("SendMessage", ("haar", "ministack", "moto"), prepare_queue, send_messages, 120),
)


def measure(server: Server, requests: list[bytes], seconds: float = SECONDS) -> Figure:
    """Drive one load against one server, after a warm-up, and return what it reached.

    Raises:
        RuntimeError: the server answered wrongly.
    """
    drive(server.port, requests, connections=4, seconds=0.5)
    before = server.cpu_seconds()
    sample = drive(server.port, requests, connections=CONNECTIONS, seconds=seconds)
    used = server.cpu_seconds() - before
    if sample.wrong or not sample.answers:
        raise RuntimeError(f"{server.name}: {sample.wrong} wrong answers: {sample.errors}")
    return Figure(
        sample.per_second,
        used / sample.answers * 1e6,
        sample.quantile_ms(0.5),
        sample.quantile_ms(0.99),
    )


def ceiling_requests(requests: list[bytes], answer_bytes: int) -> list[bytes]:
    """Return the same requests, asking the echo for an answer of the same size."""
    asked = b"\r\nX-Answer-Bytes: %d\r\n" % answer_bytes
    return [request.replace(b"\r\n", asked, 1) for request in requests]


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
