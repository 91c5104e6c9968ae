"""A cloud without services, whose time a test moves and whose disk it crashes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

import pytest

from haar.fabric import jobs
from haar.fabric.jobs import JobRunner
from haar.gateway.audit import Audit
from haar.gateway.dispatch import Registry
from haar.gateway.local import LocalCloud
from haar.kernel.clock import VirtualClock
from haar.kernel.entropy import SeededEntropy
from haar.kit.jobs import JobKind
from haar.store.commits import GroupCommitStore
from haar.store.memory import MemoryBlobs
from haar.store.simulated import SimulatedDisk
from haar.wire.inside import InsideChecks
from haar.wire.models import ModelCatalog


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


class World:
    """Runs jobs of some kinds in virtual time.

    Attributes:
        seen: what handlers noted.
        clock: of everything.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.clock = VirtualClock()
        self.is_holding = False  # whether syncs wait for `release`
        self._held: list[Callable[[], None]] = []
        self._disk = SimulatedDisk(self._sync)
        self._runner: JobRunner | None = None
        self._open()

    def _sync(self, end: Callable[[], None]) -> None:
        if self.is_holding:
            self._held.append(end)
        else:
            asyncio.get_running_loop().call_soon(end)

    def _open(self) -> None:
        self.store = GroupCommitStore(self._disk)
        self.cloud = LocalCloud(
            registry=Registry(()),
            store=self.store,
            blobs=MemoryBlobs(),
            clock=self.clock,
            entropy=SeededEntropy(1),
            audit=Audit(None),
            checks=InsideChecks(ModelCatalog(None)),
        )

    async def release(self) -> None:
        """End the syncs that were held."""
        self.is_holding = False
        held, self._held = self._held, []
        for end in held:
            end()
        await self.settle()

    async def schedule(self, kind: JobKind, key: str, in_ms: int = 0, payload: bytes = b"") -> None:
        """Schedule a job so many milliseconds from now."""
        due_ms = self.clock.now_ms() + in_ms
        await self.store.transact(
            lambda tx: jobs.schedule(tx, kind=kind.kind, key=key, due_ms=due_ms, payload=payload)
        )

    async def start(self, *kinds: JobKind) -> None:
        """Run jobs of these kinds."""
        self._runner = JobRunner(self.cloud, kinds)
        self._runner.start()
        await self.settle()

    @property
    def stuck(self) -> int:
        """How many jobs fail again and again."""
        assert self._runner is not None
        return self._runner.stuck()

    async def stop(self) -> None:
        """Stop as a shutdown does."""
        assert self._runner is not None
        await self._runner.stop()

    async def crash(self, kept: int = 0) -> None:
        """Lose the process and what was not synced, but for the first ``kept`` commits."""
        self._disk = self._disk.crash(kept)
        await self.stop()
        self._open()

    async def settle(self) -> None:
        """Let everything run that needs no time."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def advance(self, by_ms: int) -> None:
        """Move the time, and let run what is due."""
        self.clock.advance(by_ms)
        await self.settle()


@pytest.fixture
def world() -> World:
    """A cloud without services."""
    return World()
