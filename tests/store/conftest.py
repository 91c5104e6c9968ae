"""The engines, each as a store that tests open, crash and open again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from haar.store.api import Store
from haar.store.commits import GroupCommitStore
from haar.store.memory import MemoryStore
from haar.store.rocksdb import RocksStore
from haar.store.simulated import SimulatedDisk


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def simulated() -> GroupCommitStore:
    return GroupCommitStore(
        SimulatedDisk(lambda end: asyncio.get_running_loop().call_soon(end)),
    )


@pytest.fixture(params=["memory", "simulated", "rocksdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store on each of the engines."""
    made: dict[str, Callable[[], Store]] = {
        "memory": MemoryStore,
        "simulated": simulated,
        "rocksdb": lambda: RocksStore(tmp_path / "store"),
    }
    opened = made[request.param]()
    yield opened
    asyncio.run(opened.close())


class Held:
    """A store whose syncs end when the test lets them.

    Attributes:
        disk: of the store.
        store: on a simulated disk.
        stops: what ``on_stop`` was told.
    """

    def __init__(self) -> None:
        self._ends: list[Callable[[], None]] = []
        self.stops: list[Exception] = []
        self.disk = SimulatedDisk(self._ends.append)
        self.store = GroupCommitStore(self.disk, self.stops.append)

    def begin(self, body: Callable[[Any], Any]) -> asyncio.Task[Any]:
        """Begin a transaction in a task."""
        return asyncio.get_running_loop().create_task(self.store.transact(body))

    async def end_sync(self) -> None:
        """Wait until a sync is under way, and end it."""
        for _ in range(10):
            if not self._ends:
                await asyncio.sleep(0)
        self._ends.pop(0)()
        await asyncio.sleep(0)

    @property
    def syncs(self) -> int:
        """How many syncs are under way."""
        return len(self._ends)


@pytest.fixture
def held() -> Held:
    """A store whose syncs end when the test lets them."""
    return Held()
