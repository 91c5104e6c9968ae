"""From an authorized call to its result: runs an operation in the form that it was written in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar

from haar.kernel.clock import Clock
from haar.kernel.entropy import Entropy
from haar.kernel.errors import NotImplementedByHaar
from haar.kernel.json_values import is_array, is_object
from haar.kit.call import Call, Members
from haar.kit.cloud import Cloud
from haar.kit.operation import Nested, Operation
from haar.kit.service import Service

T = TypeVar("T")


class Registry:
    """Every operation that haar has, by service, model and name."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.services = {service.name: service for service in services}
        self._operations: dict[tuple[str, str, str], Operation] = {}
        for service in self.services.values():
            for declared in service.operations:
                key = (service.name, self.model_of(service.name, declared), declared.name)
                assert key not in self._operations, f"two packages claim {key}"
                self._operations[key] = declared

    def find(self, service: str, model: str, name: str) -> Operation:
        """Return the operation.

        Raises:
            NotImplementedByHaar: the model may have it, haar does not.
        """
        found = self._operations.get((service, model, name))
        if found is None:
            raise NotImplementedByHaar(what=f"the operation {name} of {model}")
        return found

    def find_named(self, service: str, name: str) -> Operation:
        """Return the operation of that name, of whichever of the service's models.

        Raises:
            NotImplementedByHaar: none of them has it here.
        """
        front = self.services.get(service)
        for model in front.models if front is not None else ():
            found = self._operations.get((service, model, name))
            if found is not None:
                return found
        raise NotImplementedByHaar(what=f"the operation {name} of {service}")

    def model_of(self, service: str, operation: Operation) -> str:
        """Return which of the service's models has an operation of it."""
        return operation.model or self.services[service].models[0]


def refuse_unknown_members(operation: Operation, members: Members) -> None:
    """Refuse members that the implementation does not honour, by name.

    Raises:
        NotImplementedByHaar: names the first such member.
    """
    if not members.keys() <= operation.members:
        unknown = sorted(members.keys() - operation.members)
        raise NotImplementedByHaar(what=f"the member {unknown[0]} of {operation.name}")
    for name, honoured in operation.nested.items():
        if name in members:
            _refuse_inside(operation, name, members[name], honoured)


def _refuse_inside(operation: Operation, path: str, value: Any, honoured: Nested) -> None:
    """Refuse what is not honoured in a structure, or in the structures of a list."""
    if is_array(value):
        for one in value:
            _refuse_inside(operation, path, one, honoured)
    elif is_object(value):
        for name, inner in value.items():
            if name not in honoured:
                raise NotImplementedByHaar(what=f"the member {path}.{name} of {operation.name}")
            if honoured[name]:
                _refuse_inside(operation, f"{path}.{name}", inner, honoured[name])


async def run(operation: Operation, call: Call[Any], cloud: Cloud) -> Members:
    """Return the operation's result, once what it wrote is durable.

    Needs a task of its own only for the asynchronous form (unless the operation says that it does
    not), and makes it here: the others may be driven by hand (:mod:`haar.wire.server`).
    """
    function = operation.function
    if operation.is_readonly:
        result = cloud.read(lambda tx: function(call, tx))
    elif operation.is_async:
        work = function(call, cloud)
        result = await (in_task(work) if operation.needs_task else work)
    else:
        result = await cloud.store.transact(lambda tx: function(call, tx))
    return result or {}


async def in_task(work: Any) -> Any:
    """Run a coroutine as a task, and cancel it when whoever waits for it is cancelled."""
    task = asyncio.get_running_loop().create_task(work)
    try:
        return await task
    except asyncio.CancelledError:
        task.cancel()
        raise


class RequestIds:
    """Ids of requests: random UUIDs, made cheaply."""

    __slots__ = ("_entropy",)

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def make(self) -> str:
        """Return the next id, 36 characters."""
        h = self._entropy.bytes(16).hex()
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


class Timer:
    """How long something takes, by the clock that was handed in."""

    __slots__ = ("_clock", "_start_ms")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start_ms = clock.monotonic_ms()

    def elapsed_ms(self) -> float:
        """Return milliseconds since this timer was made."""
        return self._clock.monotonic_ms() - self._start_ms
