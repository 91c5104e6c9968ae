"""The loads on SQS."""

from __future__ import annotations

import re
from typing import Any

from clients import client, dumps
from load import Script
from servers import Server
from signing import Signer

REQUESTS = 2000
FILLED = 40_000
BODY_BYTES = 200
BATCH = 10
ACCOUNT = "000000000000"
_HANDLE = re.compile(rb'"ReceiptHandle": ?"([^"]+)"')


def _url(port: int, account: str = ACCOUNT) -> str:
    return f"http://127.0.0.1:{port}/{account}/bench"


def _entries() -> list[dict[str, str]]:
    return [{"Id": str(n), "MessageBody": f"{n:0{BODY_BYTES}d}"} for n in range(BATCH)]


def prepare(server: Server, account: str | None = None) -> None:
    """Make the queue that is sent to."""
    client(server, "sqs", account=account).create_queue(QueueName="bench")


def prepare_filled(server: Server) -> None:
    """Make a queue with more messages than the load takes."""
    sqs = client(server, "sqs")
    sqs.create_queue(QueueName="bench")
    for _ in range(FILLED // BATCH):
        sqs.send_message_batch(QueueUrl=_url(server.port), Entries=_entries())


def _request(signer: Signer, operation: str, account: str = ACCOUNT, **members: Any) -> bytes:
    body = dumps({"QueueUrl": _url(signer.port, account), **members})
    return signer.target("sqs", f"AmazonSQS.{operation}", body)


def sends(signer: Signer, account: str = ACCOUNT) -> list[bytes]:
    """Return SendMessage requests."""
    bodies = [f"{number:0{BODY_BYTES}d}" for number in range(REQUESTS)]
    return [_request(signer, "SendMessage", account, MessageBody=body) for body in bodies]


def batch(signer: Signer, number: int) -> bytes:
    """Return a SendMessageBatch request of ten."""
    del number
    return _request(signer, "SendMessageBatch", Entries=_entries())


def receives(signer: Signer, count: int = 1) -> list[bytes]:
    """Return one ReceiveMessage request, for some messages."""
    return [_request(signer, "ReceiveMessage", MaxNumberOfMessages=count)]


def deletes(signer: Signer, handles: list[str]) -> bytes:
    """Return a DeleteMessageBatch request."""
    entries = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(handles)]
    return _request(signer, "DeleteMessageBatch", Entries=entries)


def receive_and_delete(signer: Signer) -> Script:
    """Return a script that receives a message and deletes it, for ever."""
    receive = receives(signer)[0]

    def script(answer: bytes) -> bytes:
        found = _HANDLE.search(answer)
        if found is None:
            return receive
        return _request(signer, "DeleteMessage", ReceiptHandle=found[1].decode())

    return script
