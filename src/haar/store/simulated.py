"""A disk that a test holds in its hands: syncs end, fail or never come, as the test says.

Below the same group commit as the embedded engine (:mod:`haar.store.commits`) it behaves as a disk
does: what was synced survives a crash, of what was written since any beginning may.
"""

from __future__ import annotations

from collections.abc import Callable

from haar.store.commits import DiskError, SyncEnded
from haar.store.memory import MemoryRows
from haar.store.overlay import Ground, OverlayTransaction

Schedule = Callable[[Callable[[], None]], object]
"""Takes the function that ends a sync, and calls it when the sync shall end."""


class SimulatedDisk:
    """Implements :class:`haar.store.commits.Engine` without a disk.

    Args:
        schedule: decides when syncs end; ``loop.call_soon`` ends them at once.

    Attributes:
        unsynced: the transactions that a crash may take back, oldest first.
        fails: whether the next write or sync fails, as it does on a disk that is full or broken.
        forgets: whether snapshots are not to be had, as where memory or file handles have run out.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._durable = MemoryRows()
        self._newest = MemoryRows()
        self._version = 0
        self.unsynced: list[OverlayTransaction] = []
        self.fails = False
        self.forgets = False

    def newest(self) -> Ground:
        """Return the state with everything written."""
        return self._newest

    def snapshot(self) -> Ground:
        """Return the durable state: it changes only where a sync ends, and readers with it."""
        if self.forgets:
            raise DiskError("the simulated device has no handle left")
        return self._durable

    def version(self) -> int:
        """Return how many transactions were written."""
        return self._version

    def write(self, commits: list[OverlayTransaction]) -> None:
        """Write transactions, to be synced later."""
        if self.fails:
            raise DiskError("no space left on the simulated device")
        self._version += len(commits)
        for tx in commits:
            self._newest.apply(tx)
        self.unsynced += commits

    def sync(self, ended: SyncEnded) -> None:
        """Make what is written now durable, when the schedule says so."""
        covered = len(self.unsynced)
        self._schedule(lambda: self._end(covered, ended))

    def _end(self, covered: int, ended: SyncEnded) -> None:
        if self.fails:
            ended(DiskError("the simulated device does not answer"))
            return
        for tx in self.unsynced[:covered]:
            self._durable.apply(tx)
        del self.unsynced[:covered]
        ended(None)

    def crash(self, kept: int = 0) -> SimulatedDisk:
        """Return the disk as it is after a power cut.

        Args:
            kept: how many of the transactions that were not synced survived, the oldest.
        """
        left = SimulatedDisk(self._schedule)
        left._durable = self._durable
        for tx in self.unsynced[:kept]:
            left._durable.apply(tx)
        left._newest = left._durable.copy()
        left._version = self._version
        return left

    async def close(self) -> None:
        """Keep everything, for whoever opens the disk again."""
