"""A whole haar in one thread of virtual time: its disk, its crashes and its clients from one seed.

Nothing waits for anything real: the loop's time jumps to the next timer. Requests are bytes,
signed, and go through the pipeline as the server's do; sockets alone are left out. A crash loses
the process and whatever was not synced, but for a random beginning of it.
"""

from __future__ import annotations

import asyncio
import json
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from haar.app import App, Opened, build
from haar.config import Config
from haar.kernel.clock import Alarm, SystemClock
from haar.kernel.entropy import SeededEntropy
from haar.store.commits import GroupCommitStore
from haar.store.memory import MemoryBlobs
from haar.store.simulated import SimulatedDisk
from haar.wire.http import HttpRequest
from haar.wire.models import ModelCatalog

START_MS = 1_800_000_000_000
TARGETS = {"sqs": "AmazonSQS", "dynamodb": "DynamoDB_20120810"}


class Unknown(Exception):
    """A call was cut off: it may have happened or not."""


class Refused(Exception):
    """A call was answered by an error: its code and text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class _NoWaiting(selectors.BaseSelector):
    """Waits for no file: moves the loop's time to its next timer instead."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._map: dict[Any, Any] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._map[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> Any:
        return self._map.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits, and nobody will come"
        self.now_s += max(timeout, 0)
        return []

    def get_map(self) -> Any:
        return self._map


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._virtual.now_s


class LoopClock:
    """A clock that tells the time of the loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now_ms(self) -> int:
        return START_MS + round(self._loop.time() * 1000)

    def monotonic_ms(self) -> float:
        return self._loop.time() * 1000

    async def sleep_until(self, due_ms: int) -> None:
        await asyncio.sleep(max(due_ms - self.now_ms(), 0) / 1000)

    def call_at(self, due_ms: int, then: Callable[[], object]) -> Alarm:
        return self._loop.call_later(max(due_ms - self.now_ms(), 0) / 1000, then)

    def call_later(self, wait_ms: float, then: Callable[[], object]) -> Alarm:
        return self._loop.call_later(wait_ms / 1000, then)


class World:
    """One haar, and the fate that a seed has for it.

    Attributes:
        loop: of everything.
        chance: the seed's; for workloads too.
        crashes: how often haar was lost.
        trace: what happened, a line an event.
    """

    def __init__(self, seed: int, catalog: ModelCatalog) -> None:
        self.loop = VirtualLoop()
        self.chance = SeededEntropy(seed)
        self.crashes = 0
        self.trace: list[str] = []
        self._catalog = catalog
        self._clock = LoopClock(self.loop)
        self._entropy = SeededEntropy(seed + 1)
        self._disk = SimulatedDisk(self._sync)
        self._opened: Opened | None = None
        self._ours: set[asyncio.Task[Any]] = set()
        # In the order of their making: a seed loses them in the same order each time.
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.loop.set_task_factory(self._make_task)
        self.drops = 0.0

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run a story in this world, from haar's start to its end."""
        try:
            self.loop.run_until_complete(self._whole(work))
        finally:
            self.loop.run_until_complete(self._end())
            self.loop.close()

    async def _whole(self, work: Callable[[], Awaitable[None]]) -> None:
        story = asyncio.current_task()
        assert story is not None
        self._ours.add(story)
        await self.start()
        await work()

    async def _end(self) -> None:
        """End everybody, clients too."""
        self._ours = {task for task in (asyncio.current_task(),) if task}
        await self._lose()

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

    def below(self, bound: int) -> int:
        """Return a whole number of the seed's below a bound."""
        return int(self.chance.fraction() * bound)

    async def pause(self, at_most_s: float) -> None:
        """Let a random time pass."""
        await asyncio.sleep(self.chance.fraction() * at_most_s)

    def note(self, *what: object) -> None:
        """Add to the trace."""
        self.trace.append(f"{self.loop.time():.4f} {' '.join(map(str, what))}")

    def _sync(self, end: Callable[[], None]) -> None:
        disk = self._disk

        def end_unless_lost() -> None:
            if disk is self._disk:  # a disk that was crashed belongs to nobody
                end()

        self.loop.call_later(self.chance.fraction() * 0.02, end_unless_lost)

    async def start(self) -> None:
        """Start haar on its disk."""
        app: App = build(
            Config(data=None),
            clock=self._clock,
            wall=SystemClock(),  # clients sign with the machine's time
            entropy=self._entropy,
            catalog=self._catalog,
        )
        store = GroupCommitStore(self._disk)
        opened = await app._assemble(None, store, MemoryBlobs())
        opened.cloud.endpoint = "http://127.0.0.1:4566"
        opened.cloud.open_parts(app.services)
        await opened.workers.start()
        key = opened.credentials.root()
        self._key = Credentials(key.access_key_id, key.secret)
        self._opened = opened

    async def crash(self) -> None:
        """Lose haar and what it had not synced, and start it again on what is left.

        Now and then the disk fails first, and haar refuses everything until it is lost.
        """
        if self.chance.fraction() < 0.3:
            self.note("the disk fails")
            self._disk.fails = True
            await self.pause(0.3)
        kept = self.below(len(self._disk.unsynced) + 1)
        self.note("crash", kept, "of", len(self._disk.unsynced))
        self._disk = self._disk.crash(kept)
        await self._lose()
        self.crashes += 1
        await self.pause(0.1)
        await self.start()

    async def _lose(self) -> None:
        """End every task of haar, as SIGKILL does: none of them gets a word in."""
        self._opened = None
        lost = [task for task in self._tasks if task not in self._ours]
        for task in lost:
            task.cancel()
        await asyncio.gather(*lost, return_exceptions=True)

    async def call(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation as a client does, over a connection that may drop.

        Raises:
            Unknown: the connection dropped, or haar was lost, or said that it is stopping.
            Refused: haar answered with an error.
        """
        await self.pause(0.002)
        if self._opened is None:
            raise Unknown
        handler = self._opened.server.handler
        request = self._request(service, operation, json.dumps(members).encode())
        answering = self.loop.create_task(_finish(handler(request)))
        if self.chance.fraction() < self.drops:
            self.loop.call_later(self.chance.fraction() * 0.05, answering.cancel)
        try:
            answer = await answering
        except asyncio.CancelledError:
            if not answering.cancelled():
                raise  # it is the client that ends
            raise Unknown from None
        if answer.status == 503:
            raise Unknown
        told: dict[str, Any] = json.loads(answer.body or b"{}")
        if answer.status != 200:
            raise Refused(told["__type"].rpartition("#")[2], told.get("message", ""))
        return told

    def _request(self, service: str, operation: str, body: bytes) -> HttpRequest:
        headers = {
            "X-Amz-Target": f"{TARGETS[service]}.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Host": "127.0.0.1:4566",
        }
        aws = AWSRequest("POST", "http://127.0.0.1:4566/", data=body, headers=headers)
        SigV4Auth(self._key, service, "us-east-1").add_auth(aws)
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


async def _finish(answering: Awaitable[Any]) -> Any:
    return await answering
