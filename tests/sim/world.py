"""A whole haar in one thread of virtual time: its disk, its crashes and its clients from one seed.

Nothing waits for anything real: the loop's time jumps to the next timer. Requests are bytes,
signed, and go through the pipeline as the server's do; sockets alone are left out. A crash loses
the process and whatever was not synced, but for a random beginning of it; a store that stops ends
the process, as it does in production. Whatever haar logs as an error of its own ends the story.
"""

from __future__ import annotations

import asyncio
import json
import traceback
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from virtual_time import VirtualLoop, WallClock

from haar.app import App, Opened, build
from haar.config import Config
from haar.gateway.local import LocalCloud
from haar.kernel.entropy import SeededEntropy
from haar.store.api import StoreStopped
from haar.store.commits import DiskError, GroupCommitStore
from haar.store.memory import MemoryBlobs
from haar.store.simulated import WELL, Fate, SimulatedDisk
from haar.wire.http import HttpRequest
from haar.wire.models import ModelCatalog

TARGETS = {
    "sqs": "AmazonSQS",
    "dynamodb": "DynamoDB_20120810",
    "dynamodbstreams": "DynamoDBStreams_20120810",
}
SIGNING_NAMES = {"dynamodbstreams": "dynamodb"}
SYNC_S_MAX = 0.02


class Unknown(Exception):
    """A call was cut off: it may have happened or not."""


class Refused(Exception):
    """A call was answered by an error: its code and text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class World:
    """One haar, and the fate that a seed has for it.

    Attributes:
        loop: of everything.
        clock: the wall clock of the machine, for haar and for its clients.
        chance: the seed's; for workloads too.
        crashes: how often haar was lost.
        drops: the share of connections that drop.
        trace: what happened, a line an event.
        faults: what haar logged as errors of its own.
    """

    def __init__(self, seed: int, catalog: ModelCatalog) -> None:
        self.loop = VirtualLoop()
        self.clock = WallClock(self.loop)
        self.chance = SeededEntropy(seed)
        self.crashes = 0
        self.drops = 0.0
        self.trace: list[str] = []
        self.faults: list[str] = []
        self._catalog = catalog
        self._entropy = SeededEntropy(seed + 1)
        self._disk = SimulatedDisk(self._sync)
        self._opened: Opened | None = None
        self._is_over = False
        self._lost: asyncio.Future[None] = self.loop.create_future()
        self._ours: set[asyncio.Task[Any]] = set()
        # In the order of their making: a seed loses them in the same order each time.
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.loop.set_task_factory(self._make_task)

    # --- its life

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a story in this world, from haar's start to its end.

        Raises:
            AssertionError: haar logged an error of its own, or what the story found.
        """
        before = structlog.get_config()
        structlog.configure(processors=[self._hear])
        try:
            self.loop.run_until_complete(self._whole(work))
            assert not self.faults, self.faults
        finally:
            self.loop.run_until_complete(self._end())
            self.loop.close()
            structlog.configure(**before)

    def _hear(self, _: Any, level: str, event: MutableMapping[str, Any]) -> Any:
        """Note what haar logs."""
        told = {name: value for name, value in sorted(event.items()) if name != "exc_info"}
        if level == "error":
            self.faults.append(f"{told}\n{traceback.format_exc()}")
            self.note("haar fails", told)
        raise structlog.DropEvent

    async def _whole(self, work: Callable[[], Awaitable[None]]) -> None:
        story = asyncio.current_task()
        assert story is not None
        self._ours.add(story)
        life = self.spawn(self._live())
        telling = self.spawn(work())
        done, _ = await asyncio.wait([life, telling], return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()

    async def _live(self) -> None:
        """Start haar again whenever it was lost."""
        while True:
            starting = self.loop.create_task(self._start())
            await asyncio.wait([starting, self._lost], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                self._refuse_failure(starting.exception())
            await self._lost
            self.crashes += 1
            kept = self.below(len(self._disk.unsynced) + 1)
            self.note("crash", kept, "of", len(self._disk.unsynced))
            self._disk = self._disk.crash(kept)
            self._lost = self.loop.create_future()
            await self._end_tasks()
            await self.pause(0.1)

    def _refuse_failure(self, failure: BaseException | None) -> None:
        """Let a start fail only where the disk does: the process ends, and is started again."""
        if isinstance(failure, DiskError):
            self.lose()
        elif failure is not None and not isinstance(failure, StoreStopped):
            raise failure

    async def _start(self) -> None:
        """Start haar on its disk."""
        app: App = build(
            Config(data=None),
            clock=self.clock,
            wall=self.clock,
            entropy=self._entropy,
            catalog=self._catalog,
        )
        store = GroupCommitStore(self._disk, self._stopped)
        opened = await app._assemble(None, store, MemoryBlobs())
        opened.cloud.endpoint = "http://127.0.0.1:4566"
        opened.cloud.open_parts(app.services)
        await opened.workers.start()
        key = opened.credentials.root()
        self._key = Credentials(key.access_key_id, key.secret)
        self._opened = opened

    def _stopped(self, reason: StoreStopped) -> None:
        """End the process a little after its store, as `haar up` does."""
        self.note("stopped", reason)
        lost = self._lost
        self.loop.call_later(
            self.chance.fraction() * 0.3, lambda: self.lose() if lost is self._lost else None
        )

    def lose(self) -> None:
        """Lose haar, right now, and what it had not synced; it starts again by itself."""
        self._disk.cut()
        self._opened = None
        if not self._lost.done():
            self._lost.set_result(None)

    async def _end_tasks(self) -> None:
        """End every task of haar, as SIGKILL does: none of them gets a word in."""
        lost = [task for task in self._tasks if task not in self._ours]
        for task in lost:
            task.cancel()
        await asyncio.gather(*lost, return_exceptions=True)

    async def _end(self) -> None:
        """End everybody, clients too."""
        self._is_over = True
        self._ours = {task for task in (asyncio.current_task(),) if task}
        self._opened = None
        await self._end_tasks()

    def befall(self, fate: Fate) -> None:
        """Give the world another fate."""
        self._disk.fate = fate

    async def calm(self) -> None:
        """Let everything be well, and wait until haar answers."""
        self.befall(WELL)
        self.drops = 0.0
        while self._opened is None:
            await self.pause(0.1)

    @property
    def cloud(self) -> LocalCloud | None:
        """What haar's services are given, to look inside; None while haar is lost."""
        return None if self._opened is None else self._opened.cloud

    # --- its time, its chance, its tasks

    def _make_task(self, loop: Any, work: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return task

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Run a client: it outlives crashes of haar."""
        task = self.loop.create_task(work)
        self._ours.add(task)
        return task

    async def together(self, *works: Any) -> None:
        """Run clients side by side until all have ended; the first that fails fails the story."""
        tasks = [self.spawn(work) for work in works]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for one in tasks:
            if one in done:
                one.result()

    def below(self, bound: int) -> int:
        """Return a whole number of the seed's below a bound."""
        return int(self.chance.fraction() * bound)

    def happens(self, share: float) -> bool:
        """Decide by the seed."""
        return self.chance.fraction() < share

    async def pause(self, at_most_s: float) -> None:
        """Let a random time pass."""
        await asyncio.sleep(self.chance.fraction() * at_most_s)

    def note(self, *what: object) -> None:
        """Add to the trace."""
        self.trace.append(f"{self.loop.time():.4f} {' '.join(map(str, what))}")

    def told(self) -> str:
        """Return the whole trace."""
        return "\n".join(self.trace)

    def _sync(self, end: Callable[[], None]) -> None:
        self.loop.call_later(self.chance.fraction() * SYNC_S_MAX, end)

    # --- its clients

    async def call(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation as a client does, over a connection that may drop.

        Raises:
            Unknown: the connection dropped, or haar was lost, or said that it is stopping.
            Refused: haar answered with an error.
        """
        await self.pause(0.002)
        try:
            status, body = await self._exchange(service, operation, json.dumps(members).encode())
        except Unknown:
            self.note(operation, "?")
            raise
        self.note(operation, status, f"{zlib.crc32(body):08x}")
        told: dict[str, Any] = json.loads(body or b"{}")
        if status != 200:
            raise Refused(told["__type"].rpartition("#")[2], told.get("message", ""))
        return told

    async def _exchange(self, service: str, operation: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of haar's answer."""
        opened = self._opened
        if opened is None:
            raise Unknown
        request = self._request(service, operation, body)
        answering = self.loop.create_task(_finish(opened.server.handler(request)))
        if self.happens(self.drops):
            self.loop.call_later(self.chance.fraction() * 0.05, answering.cancel)
        try:
            answer = await answering
        except asyncio.CancelledError:
            if self._is_over or not answering.cancelled():
                raise  # it is the client that ends
            raise Unknown from None
        if answer.status == 503 or opened is not self._opened:
            raise Unknown
        return answer.status, answer.body

    def _request(self, service: str, operation: str, body: bytes) -> HttpRequest:
        headers = {
            "X-Amz-Target": f"{TARGETS[service]}.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Host": "127.0.0.1:4566",
        }
        aws = AWSRequest("POST", "http://127.0.0.1:4566/", data=body, headers=headers)
        signer = _Signer(self._key, SIGNING_NAMES.get(service, service), "us-east-1")
        signer.sign_at(self.clock.now_ms(), aws)
        sent = [(k.lower().encode(), v.encode()) for k, v in aws.headers.items()]
        return HttpRequest(
            method="POST",
            path=b"/",
            query=b"",
            headers=dict(sent),
            header_list=sent,
            body=body,
            peer="127.0.0.1",
        )

    async def insist(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """Call until it is answered."""
        while True:
            try:
                return await self.call(service, operation, **members)
            except Unknown:
                await self.pause(0.1)


class _Signer(SigV4Auth):
    """Signs with a time that is handed in."""

    def sign_at(self, now_ms: int, request: AWSRequest) -> None:
        at = datetime.fromtimestamp(now_ms / 1000, UTC)
        request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        signature = self.signature(self.string_to_sign(request, canonical), request)
        self._inject_signature_to_request(request, signature)


async def _finish(answering: Awaitable[Any]) -> Any:
    return await answering
