"""Pools of sandboxes: one per version of a function, all below one bound.

An event goes to an idle sandbox, the one used last first (its caches are warm, the others may be
reaped). Where none is idle it waits, and the pool grows: at once up to as many sandboxes as there
are cores, and by one more whenever somebody has waited :data:`GROW_AFTER_S`: short functions are
not helped by more processes than cores, long ones and those that wait for each other must have
them. When the bound of all pools is reached, an idle sandbox of another pool makes room.

==================  ==================================================================
bound               what happens beyond it
==================  ==================================================================
events at work      :class:`TooManyInvocations`, at once
processes           the event waits for one, :data:`WAIT_MAX_S` at most; then the same
idle for long       the process ends (:data:`IDLE_MAX_MS`)
old                 the same after :data:`AGE_MAX_MS`: its credentials expire
==================  ==================================================================
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from pathlib import Path

from haar.fabric.sandbox import outcomes
from haar.fabric.sandbox.processes import Keeper
from haar.fabric.sandbox.program import INIT_LIMIT_S, InitFailed, Invocation, Outcome, Program
from haar.fabric.sandbox.sandbox import Sandbox
from haar.kernel.clock import Clock

GROW_AFTER_S = 0.05
WAIT_MAX_S = 60.0
SWEEP_EVERY_S = 15.0
IDLE_MAX_MS = 300_000
AGE_MAX_MS = 6 * 3_600_000
INVOCATIONS_MAX = 1000
PROCESSES_MAX = 64


class TooManyInvocations(Exception):
    """No room for one more event at work."""


class Pool:
    """The sandboxes of one program.

    Args:
        program: what they run.
        all_: the bound that they share with other pools.
    """

    def __init__(self, program: Program, all_: Sandboxes) -> None:
        self.program = program
        self.idle: list[Sandbox] = []
        self.is_retired = False
        self._all = all_
        self._waiting: deque[asyncio.Future[Sandbox]] = deque()
        self._sandboxes: set[Sandbox] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._growth: asyncio.TimerHandle | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing runs, starts or waits here."""
        return not (self._sandboxes or self._waiting)

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run one event and return how it went; a function's failure is an outcome.

        Raises:
            TooManyInvocations: as many events as allowed are at work, or no process came free.
            InitFailed: the process that was to run it did not come up.
        """
        self._all.enter()
        try:
            sandbox = await self._take()
            return await sandbox.run(invocation)
        finally:
            self._all.leave()

    async def _take(self) -> Sandbox:
        while True:
            sandbox = self.idle.pop() if self.idle else await self._wait()
            if sandbox.is_idle:  # and has not ended since it was
                return sandbox

    async def _wait(self) -> Sandbox:
        place: asyncio.Future[Sandbox] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            self._grow(by_wait=False)
            async with asyncio.timeout(WAIT_MAX_S):
                return await place
        except TimeoutError:
            self._leave(place)
            raise TooManyInvocations from None
        except (asyncio.CancelledError, OSError):  # the system may have no room for one more
            self._leave(place)
            raise

    def _leave(self, place: asyncio.Future[Sandbox]) -> None:
        if place in self._waiting:
            self._waiting.remove(place)
        elif place.done() and not place.cancelled() and place.exception() is None:
            self._offer(place.result())  # it came too late for this caller

    def _grow(self, *, by_wait: bool) -> None:
        """Start one more process if it helps and there is room; look again soon if not."""
        wanted = len(self._waiting) > len(self._starting)
        few = len(self._sandboxes) < self._all.cores
        if wanted and (few or by_wait) and self._all.make_room(self):
            sandbox = self._sandbox()
            task = asyncio.get_running_loop().create_task(self._start(sandbox))
            self._starting.add(task)
            task.add_done_callback(self._started)
        if self._waiting and self._growth is None:
            loop = asyncio.get_running_loop()
            self._growth = loop.call_later(GROW_AFTER_S, self._grow_later, self._waiting[0])

    def _grow_later(self, first: asyncio.Future[Sandbox]) -> None:
        self._growth = None
        if self._waiting:
            self._grow(by_wait=self._waiting[0] is first)

    def _sandbox(self) -> Sandbox:
        sandbox = Sandbox(
            self.program,
            self._all.keeper,
            self._all.clock,
            when_idle=self._offer,
            when_dead=self._dead,
        )
        self._sandboxes.add(sandbox)
        self._all.processes += 1
        return sandbox

    async def _start(self, sandbox: Sandbox) -> None:
        """Start a process; a slow one gets a second try, within the function's own time-out."""
        try:
            await sandbox.start(INIT_LIMIT_S)
        except InitFailed as failure:
            if failure.kind != outcomes.TIMED_OUT or self.program.timeout_s <= INIT_LIMIT_S:
                raise
            sandbox = self._sandbox()
            await sandbox.start(self.program.timeout_s)
        self._offer(sandbox)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self._disappoint(failure)

    def _disappoint(self, failure: BaseException) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(failure)
                return

    def _offer(self, sandbox: Sandbox) -> None:
        """Give an idle sandbox to whoever waits longest."""
        if sandbox.is_dead:
            return
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(sandbox)
                return
        if self.is_retired:
            sandbox.stop()
        else:
            self.idle.append(sandbox)

    def _dead(self, sandbox: Sandbox) -> None:
        self._sandboxes.discard(sandbox)
        self._all.processes -= 1
        if sandbox in self.idle:
            self.idle.remove(sandbox)
        if self._waiting:
            self._grow(by_wait=True)

    def retire(self) -> None:
        """End every process once it has nothing more to do; take no new ones to keep."""
        self.is_retired = True
        self._end_idle(0)

    def sweep(self, now_ms: float) -> None:
        """End processes that have been idle for long or are old."""
        for sandbox in list(self.idle):
            is_idle = now_ms - sandbox.idle_since_ms > IDLE_MAX_MS
            if is_idle or now_ms - sandbox.born_ms > AGE_MAX_MS:
                self.idle.remove(sandbox)
                sandbox.stop()

    def _end_idle(self, keep: int) -> None:
        while len(self.idle) > keep:
            self.idle.pop(0).stop()

    def evict(self) -> None:
        """End the sandbox that has been idle for longest."""
        self._end_idle(len(self.idle) - 1)

    def stop(self) -> None:
        """End everything, at once."""
        self.is_retired = True
        for task in self._starting:
            task.cancel()
        for sandbox in list(self._sandboxes):
            sandbox.stop()

    def bury(self) -> None:
        """Give back what processes left that are known to be gone."""
        for sandbox in list(self._sandboxes):
            sandbox.bury()


class Sandboxes:
    """Every pool of one haar, found by a key.

    Args:
        clock: tells deadlines, durations and ages.
        processes_max: how many processes there may be at once.
        invocations_max: how many events may be at work or waiting at once.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        processes_max: int = PROCESSES_MAX,
        invocations_max: int = INVOCATIONS_MAX,
    ) -> None:
        self.clock = clock
        self.keeper = Keeper()
        self.cores = os.cpu_count() or 1
        self.processes = 0
        self.invocations = 0
        self._processes_max = processes_max
        self._invocations_max = invocations_max
        self._pools: dict[tuple[str, str], Pool] = {}
        self._retired: list[Pool] = []
        """Pools whose last events are still at work."""
        self._sweeper: asyncio.TimerHandle | None = None

    def find(self, name: str, revision: str) -> Pool | None:
        """Return the pool of one revision of a function, if it is open."""
        return self._pools.get((name, revision))

    def open(self, program: Program, revision: str) -> Pool:
        """Return a pool for a revision, and retire those of others of the same function."""
        self.retire(program.name, but=revision)
        pool = self._pools.get((program.name, revision))
        if pool is None:
            pool = self._pools[program.name, revision] = Pool(program, self)
        self._sweep_later()
        return pool

    def retire(self, name: str, *, but: str = "") -> None:
        """End the processes of a function, but for those of one revision."""
        for key in [key for key in self._pools if key[0] == name and key[1] != but]:
            retired = self._pools.pop(key)
            retired.retire()
            self._retired.append(retired)

    def directories(self) -> set[Path]:
        """Return where the code lies that processes run now."""
        self._retired = [pool for pool in self._retired if not pool.is_empty]
        return {pool.program.directory for pool in (*self._pools.values(), *self._retired)}

    def enter(self) -> None:
        """Count one more event.

        Raises:
            TooManyInvocations: there are as many as allowed.
        """
        if self.invocations >= self._invocations_max:
            raise TooManyInvocations
        self.invocations += 1

    def leave(self) -> None:
        """Count one event less."""
        self.invocations -= 1

    def make_room(self, asking: Pool) -> bool:
        """Return whether one more process may start now; end an idle one elsewhere if need be."""
        if self.processes < self._processes_max:
            return True
        others = [pool for pool in self._pools.values() if pool is not asking and pool.idle]
        if others:
            # It is gone a moment later; whoever asked looks again.
            min(others, key=lambda pool: pool.idle[0].idle_since_ms).evict()
        return False

    def _sweep_later(self) -> None:
        if self._sweeper is None:
            loop = asyncio.get_running_loop()
            self._sweeper = loop.call_later(SWEEP_EVERY_S, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now_ms = self.clock.monotonic_ms()
        for key, pool in list(self._pools.items()):
            pool.sweep(now_ms)
            if pool.is_empty:
                del self._pools[key]
        if self._pools:
            self._sweep_later()

    async def close(self) -> None:
        """End every process."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        pools = (*self._pools.values(), *self._retired)
        for pool in pools:
            pool.stop()
        self._pools.clear()
        self._retired.clear()
        await self.keeper.close()
        for pool in pools:  # nobody is left to wait for last words
            pool.bury()
