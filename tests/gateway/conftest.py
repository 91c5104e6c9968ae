"""A haar with keys of several kinds of callers, and members that each operation takes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from haar.kit import pages
from haar.testing import Running, running
from haar.wire.constraints import compile_pattern


@pytest.fixture(scope="module")
def cloud() -> Iterator[Running]:
    """One haar for all cases of a module, which takes the development keys."""
    with running(dev=True) as started:
        yield started


@pytest.fixture(scope="module")
def late_cloud() -> Iterator[Running]:
    """A haar whose clock is an hour ahead: whatever is signed now has expired there."""
    from haar.kernel.clock import SystemClock, VirtualClock  # noqa: PLC0415  # used once

    with running(dev=True, wall=VirtualClock(SystemClock().now_ms() + 3_600_000)) as started:
        yield started


@pytest.fixture(scope="session")
def examples() -> type[Examples]:
    return Examples


NAMED: dict[str, str] = {
    "Bucket": "photos",
    "QueueUrl": "{endpoint}/{account}/orders",
    "SourceArn": "arn:aws:sqs:us-east-1:{account}:orders",
    "DestinationArn": "arn:aws:sqs:us-east-1:{account}:orders",
    "FunctionName": "arn:aws:lambda:us-east-1:{account}:function:worker",
    "Resource": "arn:aws:lambda:us-east-1:{account}:function:worker",
    "TableName": "orders",
    "TableArn": "arn:aws:dynamodb:us-east-1:{account}:table/orders",
    "ResourceArn": "arn:aws:dynamodb:us-east-1:{account}:table/orders",
    "RoleArn": "arn:aws:iam::{account}:role/worker",
    "roleArn": "arn:aws:iam::{account}:role/worker",
    "Role": "arn:aws:iam::{account}:role/worker",
    "stateMachineArn": "arn:aws:states:us-east-1:{account}:stateMachine:orders",
    "executionArn": "arn:aws:states:us-east-1:{account}:execution:orders:e1",
    "definition": '{{"StartAt": "a", "States": {{"a": {{"Type": "Pass", "End": true}}}}}}',
    "mapRunArn": "arn:aws:states:us-east-1:{account}:mapRun:orders/m:e1",
    "resourceArn": "arn:aws:states:us-east-1:{account}:stateMachine:orders",
    "StreamArn": "arn:aws:dynamodb:us-east-1:{account}:table/orders/stream/2026-01-01T00:00:00.000",
    "Statement": 'SELECT * FROM "orders"',
    "CopySource": "photos/key",
    "pipes.resourceArn": "arn:aws:pipes:us-east-1:{account}:pipe/orders",
    "Source": "arn:aws:sqs:us-east-1:{account}:orders",
    "Target": "arn:aws:sqs:us-east-1:{account}:results",
}
"""Members that name something, by name, or by model and name; ``{account}`` is whose it is."""


def task_handle(account: str) -> str:
    said = {"taskId": "1", "sourceArn": f"arn:aws:sqs:us-east-1:{account}:orders"}
    return base64.b64encode(json.dumps(said).encode()).decode()


def shard_iterator(account: str) -> str:
    arn = NAMED["StreamArn"].format(account=account)
    return pages.seal("dynamodb shard iterator", msgspec.msgpack.encode([arn, b"", b"", 0]))


FURTHER = {"RestoreTableToPointInTime": {"SourceTableName": "orders"}}
"""Members that an operation needs although its model does not say so."""

MADE = {"TaskHandle": task_handle, "ShardIterator": shard_iterator}
"""Members that name something inside of a token."""

TEXTS = ("orders", "1", "0.0", "us-east-1", "arn:aws:sqs:us-east-1:111111111111:orders", "{}")
"""Tried in turn for a text with a pattern."""


class Examples:
    """Makes members that a model's constraints allow: those required, and those in NAMED."""

    def __init__(self, model: Any, account: str, endpoint: str) -> None:
        self._model = model
        self._values = {"account": account, "endpoint": endpoint}

    def of(self, operation: str) -> dict[str, Any]:
        shape = self._model.operation_model(operation).input_shape
        required = self._structure(shape) if shape is not None else {}
        return {**required, **FURTHER.get(operation, {})}

    def _structure(self, shape: Any) -> dict[str, Any]:
        names = list(shape.required_members)
        if getattr(shape, "is_tagged_union", False):
            names = list(shape.members)[:1]
        return {name: self._value(name, shape.members[name]) for name in names}

    def _value(self, name: str, shape: Any) -> Any:
        if name in MADE:
            return MADE[name](self._values["account"])
        named = NAMED.get(f"{self._model.service_name}.{name}") or NAMED.get(name)
        if named is not None and shape.type_name == "string":
            return named.format_map(self._values)
        make = getattr(self, f"_{shape.type_name}", None)
        assert make is not None, f"no example of a {shape.type_name}"
        return make(shape)

    def _list(self, shape: Any) -> list[Any]:
        return [self._value(shape.member.name, shape.member)]

    def _map(self, shape: Any) -> dict[str, Any]:
        return {self._value("", shape.key): self._value("", shape.value)}

    def _string(self, shape: Any) -> str:
        if shape.enum:
            return str(shape.enum[0])
        shortest = int(shape.metadata.get("min", 0))
        pattern = compile_pattern(shape.metadata.get("pattern", ".*")) or re.compile(".*")
        texts = [text for text in (*TEXTS, "a" * shortest) if len(text) >= shortest]
        return next((text for text in texts if pattern.fullmatch(text)), texts[0])

    def _integer(self, shape: Any) -> int:
        return int(shape.metadata.get("min", 1))

    _long = _integer

    def _boolean(self, shape: Any) -> bool:
        return True

    def _blob(self, shape: Any) -> bytes:
        return b"bytes"

    def _timestamp(self, shape: Any) -> int:
        return 1_700_000_000
