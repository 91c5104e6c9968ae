"""The supervisor of whatever runs in the background: job lanes and the services' own loops."""

from __future__ import annotations

import asyncio

from haar.fabric.jobs import JobRunner, backoff_ms
from haar.fabric.sweeping import sweep_files
from haar.kernel.logs import Log
from haar.kit.cloud import Cloud
from haar.kit.jobs import JobKind
from haar.kit.service import Service, Worker
from haar.store.api import StoreStopped

_RESTART = JobKind("workers.restart", backoff_ms=100)

log = Log()


class Workers:
    """Runs every service's jobs and workers.

    Args:
        cloud: given to them.
        services: whose.
    """

    def __init__(self, cloud: Cloud, services: tuple[Service, ...]) -> None:
        self._cloud = cloud
        self._workers = [
            sweep_files,
            *(worker for service in services for worker in service.workers),
        ]
        self._jobs = JobRunner(cloud, [kind for service in services for kind in service.jobs])
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin."""
        self._jobs.start()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._supervise(worker)) for worker in self._workers]

    async def stop(self) -> None:
        """End all of them; whatever they had not finished is in the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._jobs.stop()

    def stuck_jobs(self) -> int:
        """Return how many jobs fail again and again."""
        return self._jobs.stuck()

    async def _supervise(self, worker: Worker) -> None:
        failures = 0
        while True:
            try:
                await worker(self._cloud)
            except StoreStopped:
                return  # the process is about to end, and says why
            except Exception:  # a supervisor: a loop that fails is started again
                failures += 1
                log.exception("worker failed", worker=worker.__qualname__)
            else:
                return
            wait_ms = backoff_ms(_RESTART, failures, self._cloud.entropy.fraction())
            await self._cloud.clock.sleep_until(self._cloud.clock.now_ms() + wait_ms)
