"""A disk that a test holds in its hands: syncs end, fail or never come, as the test says.

Below the same group commit as the embedded engine (:mod:`haar.store.commits`) it behaves as a disk
with a log does:

* what was synced survives a crash; of what was written since, any beginning may;
* a write that ends early leaves a beginning of what was written, and a torn end: whatever is
  written behind it is never found again;
* after a sync that failed the system takes the pages for clean: what was not on the disk by then
  never comes there, whatever later syncs say.

So a store that went on after a fault would lose what it acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from haar.store.commits import DiskError, SyncEnded
from haar.store.memory import MemoryRows
from haar.store.overlay import Ground, OverlayTransaction

Schedule = Callable[[Callable[[], None]], object]
"""Takes the function that ends a sync, and calls it when the sync shall end."""


class Step(StrEnum):
    """Where something can befall a disk."""

    WRITE = "before a write"
    WRITTEN = "after a write"
    SNAPSHOT = "before a snapshot"
    SYNC = "before a sync has made anything last"
    SYNCED = "after a sync, before anybody knows"


class Fault(NamedTuple):
    """How a step fails. After :attr:`Step.WRITTEN` and :attr:`Step.SYNCED` nothing can.

    Attributes:
        reason: what the device says.
        kept: the share of the transactions that come to the disk nevertheless, the oldest.
    """

    reason: str
    kept: float = 0.0


FULL = Fault("no space left on the simulated device")
BROKEN = Fault("the simulated device does not answer")
NO_HANDLE = Fault("the simulated device has no handle left")

Fate = Callable[[Step], Fault | None]
"""Asked at each step: how it fails, if it does. It may cut the power, too."""


WELL: Fate = dict[Step, Fault]().get
"""Nothing fails."""

FAILING: Fate = {Step.WRITE: FULL, Step.SYNC: BROKEN}.get
"""Whatever should last fails."""


class SimulatedDisk:
    """Implements :class:`haar.store.commits.Engine` without a disk.

    Args:
        schedule: decides when syncs end; ``loop.call_soon`` ends them at once.
        fate: decides what fails.

    Attributes:
        unsynced: the transactions that a crash may take back, oldest first.
        fate: may be changed at any time.
    """

    def __init__(self, schedule: Schedule, fate: Fate = WELL) -> None:
        self._schedule = schedule
        self.fate = fate
        self._durable = MemoryRows()
        self._newest = MemoryRows()
        self._version = 0
        self._is_torn = False
        self._is_cut = False
        self.unsynced: list[OverlayTransaction] = []

    def newest(self) -> Ground:
        """Return the state with everything written."""
        return self._newest

    def snapshot(self) -> Ground:
        """Return the durable state: it changes only where a sync ends, and readers with it."""
        fault = self.fate(Step.SNAPSHOT)
        if fault is not None:
            raise DiskError(fault.reason)
        return self._durable

    def version(self) -> int:
        """Return how many transactions were written."""
        return self._version

    def write(self, commits: list[OverlayTransaction]) -> None:
        """Write transactions, to be synced later."""
        fault = self.fate(Step.WRITE)
        self._version += len(commits)
        if fault is not None:
            self._append(commits[: int(len(commits) * fault.kept)])
            self._is_torn = True
            raise DiskError(fault.reason)
        self._append(commits)
        for tx in commits:
            self._newest.apply(tx)
        self.fate(Step.WRITTEN)

    def _append(self, commits: list[OverlayTransaction]) -> None:
        if not (self._is_torn or self._is_cut):
            self.unsynced += commits

    def sync(self, ended: SyncEnded) -> None:
        """Make what is written now durable, when the schedule says so."""
        covered = len(self.unsynced)
        self._schedule(lambda: self._end(covered, ended))

    def _end(self, covered: int, ended: SyncEnded) -> None:
        if self._is_cut:
            return
        fault = self.fate(Step.SYNC)
        if fault is not None:
            del self.unsynced[int(covered * fault.kept) :]
            self._is_torn = True
            ended(DiskError(fault.reason))
        elif not self._is_cut:
            for tx in self.unsynced[:covered]:
                self._durable.apply(tx)
            del self.unsynced[:covered]
            self.fate(Step.SYNCED)
            if not self._is_cut:
                ended(None)

    def cut(self) -> None:
        """Cut the power: nothing comes to the disk any more, and nobody is told anything."""
        self._is_cut = True

    def crash(self, kept: int = 0) -> SimulatedDisk:
        """Return the disk as it is after a power cut.

        Args:
            kept: how many of the transactions that were not synced survived, the oldest.
        """
        self.cut()
        left = SimulatedDisk(self._schedule, self.fate)
        left._durable = self._durable
        for tx in self.unsynced[:kept]:
            left._durable.apply(tx)
        left._newest = left._durable.copy()
        left._version = self._version
        return left

    async def close(self) -> None:
        """Keep everything, for whoever opens the disk again."""
