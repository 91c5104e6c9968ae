"""The cloud as a service sees it: the store, time, other services, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from haar.kernel.clock import Clock
from haar.kernel.entropy import Entropy
from haar.kit.call import Members, Scope
from haar.store.api import Store, Transaction
from haar.store.blobs import Blobs

T = TypeVar("T")


class Cloud(Protocol):
    """What asynchronous operations, job handlers and workers are given."""

    @property
    def clock(self) -> Clock:
        """The only source of time."""
        ...

    @property
    def entropy(self) -> Entropy:
        """The only source of randomness."""
        ...

    @property
    def store(self) -> Store:
        """The store, for watches; most use :meth:`read` and :meth:`transact`."""
        ...

    @property
    def blobs(self) -> Blobs:
        """Large bytes, outside of the key space."""
        ...

    @property
    def endpoint(self) -> str:
        """Where this haar listens, ``http://host:port``, for URLs made outside of a call."""
        ...

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the last durable state."""
        ...

    async def transact(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` in a transaction; return once it is durable."""
        ...

    async def invoke(
        self, service: str, operation: str, members: Members, *, as_: str, scope: Scope
    ) -> Members:
        """Call another service's API, in process: the same checks, policy and audit as by wire.

        Args:
            service: haar's name of the service package (``sqs``, ``lambda_``, …).
            operation: the model's operation name.
            members: the request's members.
            as_: the ARN of the role (or of the caller) in whose name the call is made.
            scope: account and region.

        Raises:
            ApiError: whatever the operation refuses with.
        """
        ...

    def part(self, kind: type[T]) -> T:
        """Return the long-lived part of that class that a service declared in ``parts``."""
        ...
