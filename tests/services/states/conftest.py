"""A cloud of Step Functions alone, on the memory store and a virtual clock, that can be crashed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from haar.fabric.workers import Workers
from haar.gateway.audit import Audit
from haar.gateway.dispatch import Registry
from haar.gateway.local import LocalCloud
from haar.kernel.clock import VirtualClock
from haar.kernel.entropy import SeededEntropy
from haar.kernel.errors import RefusedAs
from haar.kit.call import Scope
from haar.kit.operation import anything, collect, operation
from haar.kit.service import Service
from haar.services.states.service import SERVICE
from haar.store.memory import MemoryBlobs, MemoryStore

SCOPE = Scope("000000000000", "us-east-1")
ROLE = "arn:aws:iam::000000000000:role/machine"


class PowerCut(BaseException):
    """The process is gone: nothing that it would have done happens."""


class FailingStore:
    """A store whose process dies after a number of commits; the rows stay."""

    def __init__(self, rows: MemoryStore, commits: int | None) -> None:
        self._rows = rows
        self._left = commits
        self.commits = 0

    @property
    def is_dead(self) -> bool:
        """Whether the process is gone."""
        return self._left is not None and self.commits >= self._left

    def read(self, body: Callable[[Any], Any]) -> Any:
        if self.is_dead:
            raise PowerCut
        return self._rows.read(body)

    async def transact(self, body: Callable[[Any], Any]) -> Any:
        if self.is_dead:
            await asyncio.get_running_loop().create_future()  # its caller is never answered
        result = await self._rows.transact(body)
        self.commits += 1
        return result

    def watch(self, key: bytes) -> Any:
        return self._rows.watch(key)

    async def close(self) -> None:
        pass


def functions_service(functions: dict[str, Callable[[Any], Any]]) -> Service:
    """Return a service that answers Lambda's Invoke by calling Python."""

    @operation("Invoke", members="FunctionName Payload InvocationType", resource=anything)
    async def invoke(call: Any, cloud: Any) -> dict[str, Any]:
        name = call.members["FunctionName"].rpartition(":")[2]
        if name not in functions:
            raise RefusedAs("ResourceNotFoundException", f"Function not found: {name}", status=404)
        await asyncio.sleep(0)
        try:
            answer = functions[name](json.loads(call.members["Payload"]))
        except ValueError as err:
            payload = {"errorType": "ValueError", "errorMessage": str(err)}
            return {
                "StatusCode": 200,
                "FunctionError": "Unhandled",
                "Payload": json.dumps(payload).encode(),
            }
        if isinstance(answer, Awaitable):
            answer = await answer
        return {
            "StatusCode": 200,
            "ExecutedVersion": "$LATEST",
            "Payload": json.dumps(answer).encode(),
        }

    return Service("lambda_", ("lambda",), collect(invoke))


def objects_service(objects: dict[str, bytes], reads: list[str]) -> Service:
    """Return a service that answers a few of S3's calls from a dict."""

    def need(call: Any) -> bytes:
        if call.members["Key"] not in objects:
            raise RefusedAs("NoSuchKey", "The specified key does not exist.", status=404)
        return objects[call.members["Key"]]

    @operation("HeadObject", members="Bucket Key", resource=anything)
    async def head_object(call: Any, cloud: Any) -> dict[str, Any]:
        body = need(call)
        return {"ContentLength": len(body), "ETag": f'"{hash(body)}"'}

    @operation("GetObject", members="Bucket Key Range", resource=anything)
    async def get_object(call: Any, cloud: Any) -> dict[str, Any]:
        body = need(call)
        reads.append(call.members["Range"])
        start, _, end = call.members["Range"].removeprefix("bytes=").partition("-")
        return {"Body": body[int(start) : int(end) + 1], "ETag": f'"{hash(body)}"'}

    @operation("PutObject", members="Bucket Key Body", resource=anything)
    async def put_object(call: Any, cloud: Any) -> dict[str, Any]:
        objects[call.members["Key"]] = call.members["Body"]
        return {}

    @operation("ListObjectsV2", members="Bucket Prefix StartAfter", resource=anything)
    async def list_objects(call: Any, cloud: Any) -> dict[str, Any]:
        after = call.members.get("StartAfter", "")
        prefix = call.members.get("Prefix", "")
        keys = [key for key in sorted(objects) if key > after and key.startswith(prefix)]
        found = [
            {
                "Key": key,
                "Size": len(objects[key]),
                "ETag": '"e"',
                "LastModified": datetime.fromtimestamp(1_700_000_000, UTC),
            }
            for key in keys[:2]
        ]
        return {"Contents": found, "IsTruncated": len(keys) > 2}

    return Service("s3", ("s3",), collect(head_object, get_object, put_object, list_objects))


class World:
    """A cloud with Step Functions, functions in Python, and objects in a dict."""

    def __init__(self, rows: MemoryStore | None = None, commits: int | None = None) -> None:
        self.rows = rows or MemoryStore()
        self.store = FailingStore(self.rows, commits)
        self.clock = VirtualClock()
        self.functions: dict[str, Callable[[Any], Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.reads: list[str] = []
        services = (
            SERVICE,
            functions_service(self.functions),
            objects_service(self.objects, self.reads),
        )
        self.cloud = LocalCloud(
            registry=Registry(services),
            store=self.store,  # type: ignore[arg-type]
            blobs=MemoryBlobs(),
            clock=self.clock,
            entropy=SeededEntropy(7),
            audit=Audit(None),
        )
        self.workers = Workers(self.cloud, services)

    async def call(self, operation: str, **members: Any) -> Any:
        return await self.cloud.invoke("states", operation, members, as_=ROLE, scope=SCOPE)

    async def start(self) -> None:
        await self.workers.start()

    async def stop(self) -> None:
        await self.workers.stop()

    async def until(self, is_so: Callable[[], Awaitable[bool]], turns: int = 20_000) -> None:
        """Let the cloud work until a condition holds; time moves on while nothing else does."""
        for turn in range(turns):
            await asyncio.sleep(0)
            if turn % 10 == 9:
                if await is_so():
                    return
                self.clock.advance(100)
        raise AssertionError("it never came to be")

    async def machine(self, definition: dict[str, Any], name: str = "m") -> str:
        answer = await self.call(
            "CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=ROLE
        )
        return str(answer["stateMachineArn"])

    async def run(self, definition: dict[str, Any], given: Any = None, name: str = "m") -> Any:
        """Run a definition to its end and return DescribeExecution's answer."""
        arn = await self.machine(definition, name)
        started = await self.call(
            "StartExecution", stateMachineArn=arn, input=json.dumps(given or {}), name="x"
        )
        return await self.ended(started["executionArn"])

    async def ended(self, arn: str) -> Any:
        """Wait until an execution has ended, and return DescribeExecution's answer."""
        answer: dict[str, Any] = {}

        async def has_ended() -> bool:
            nonlocal answer
            answer = await self.call("DescribeExecution", executionArn=arn)
            return bool(answer["status"] != "RUNNING")

        await self.until(has_ended)
        return answer

    async def history(self, arn: str) -> list[dict[str, Any]]:
        answer = await self.call("GetExecutionHistory", executionArn=arn, maxResults=1000)
        return list(answer["events"])


@pytest.fixture
def in_world() -> Callable[[Callable[[World], Awaitable[Any]]], Any]:
    """Return a function that runs a coroutine function in a fresh, working world."""

    def run(story: Callable[[World], Awaitable[Any]], **options: Any) -> Any:
        async def whole() -> Any:
            world = World(**options)
            await world.start()
            try:
                return await story(world)
            finally:
                await world.stop()

        return asyncio.run(whole())

    return run


@pytest.fixture
def world_class() -> type[World]:
    """Return the class of worlds, for tests that rebuild one over the same rows."""
    return World
