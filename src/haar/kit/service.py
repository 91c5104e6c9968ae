"""``Service``: the front door of a service package. It declares, it does nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from haar.config import Config
from haar.kit.cloud import Cloud
from haar.kit.jobs import JobKind
from haar.kit.operation import Operation

Worker = Callable[[Cloud], Awaitable[None]]
"""A background loop: runs until cancelled, keeps everything that must last in the store."""

Part = Callable[[Cloud], object]
"""Makes a long-lived object of a service; its ``async close()`` is awaited at the end, if any."""


Adapt = Callable[[Config, tuple[Operation, ...]], tuple[Operation, ...]]
"""From the settings and a service's operations to those that run under these settings."""


@dataclass(frozen=True, slots=True)
class Service:
    """What ``app.py`` needs to know of a service.

    Attributes:
        name: the package's name below ``haar.services`` (``sqs``, ``lambda_``).
        models: the botocore models that it serves, the chief one first.
        operations: made by :func:`haar.kit.operation.collect`.
        jobs: the kinds of durable jobs that it schedules.
        workers: background loops, restarted with back-off if they fail.
        parts: makers of long-lived objects, found again by ``cloud.part(Class)``.
        iam_prefix: of its actions in policies; the model's signing name where empty.
        adapt: puts other operations in the place of some where a setting asks for it, before any
            runs: what is switched off costs nothing.
    """

    name: str
    models: tuple[str, ...]
    operations: tuple[Operation, ...]
    jobs: tuple[JobKind, ...] = ()
    workers: tuple[Worker, ...] = ()
    parts: tuple[Part, ...] = ()
    iam_prefix: str = ""
    adapt: Adapt | None = None

    def configured(self, config: Config) -> Service:
        """Return the service as it is under some settings."""
        if self.adapt is None:
            return self
        return replace(self, operations=self.adapt(config, self.operations))
