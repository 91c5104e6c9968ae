"""The cloud that services are given: the store, time, and each other's API in process."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar

import orjson

from haar.gateway.audit import Audit, Record
from haar.gateway.dispatch import (
    Registry,
    RequestIds,
    Timer,
    refuse_unknown_members,
    run,
)
from haar.identity import principal as principals
from haar.identity.policy.evaluate import authorize, refuse_foreign_roles
from haar.kernel.clock import Clock
from haar.kernel.entropy import Entropy
from haar.kernel.errors import ApiError
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import Operation
from haar.kit.service import Service
from haar.store.api import Store, Transaction
from haar.store.blobs import Blobs
from haar.wire.inside import InsideChecks

T = TypeVar("T")


class LocalCloud:
    """Implements :class:`haar.kit.cloud.Cloud` inside one process."""

    def __init__(  # it is where everything meets
        self,
        *,
        registry: Registry,
        store: Store,
        blobs: Blobs,
        clock: Clock,
        entropy: Entropy,
        audit: Audit,
        checks: InsideChecks,
    ) -> None:
        self.registry = registry
        self.store = store
        self.blobs = blobs
        self.clock = clock
        self.entropy = entropy
        self.endpoint = ""
        self._audit = audit
        self._checks = checks
        self._ids = RequestIds(entropy)
        self._parts: list[object] = []

    def read(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` on the last durable state."""
        return self.store.read(body)

    def over(self, store: Store) -> LocalCloud:
        """Return the same cloud over another view of its store."""
        same = copy(self)
        same.store = store
        return same

    async def transact(self, body: Callable[[Transaction], T]) -> T:
        """Run ``body`` in a transaction; return once it is durable."""
        return await self.store.transact(body)

    async def invoke(
        self, service: str, operation: str, members: Members, *, as_: str, scope: Scope
    ) -> Members:
        """Call an operation in the name of a role, checked, decided and recorded as by wire.

        Raises:
            ApiError: whatever the operation refuses with.
        """
        declared = self.registry.find_named(service, operation)
        call = Call(
            service=service,
            operation=operation,
            members=members,
            principal=principals.of_role(as_, session="haar"),
            scope=scope,
            resources=(),
            request_id=self._ids.make(),
            now_ms=self.clock.now_ms(),
            entropy=self.entropy,
            endpoint=self.endpoint,
        )
        timer, code = Timer(self.clock), "InternalFailure"
        try:
            refuse_unknown_members(declared, members)
            self._checks.check(self.registry.model_of(service, declared), operation, members)
            call.resources = resources_of(declared, members, scope)
            for action, resources in permits_of(self.registry, declared, call):
                authorize(call.principal, action, resources)
            refuse_foreign_roles(call.principal, roles_of(declared, members))
            result: Members = plain(await run(declared, call, self))
            code = ""
        except ApiError as refusal:
            code, refusal.members = refusal.code, plain(refusal.members)
            raise
        finally:
            self._audit.record(record_of(call, "internal", code, timer.elapsed_ms()))
        return result

    def part(self, kind: type[T]) -> T:
        """Return the part of that class.

        Raises:
            LookupError: no service has made one.
        """
        for part in self._parts:
            if isinstance(part, kind):
                return part
        raise LookupError(kind.__name__)

    def add_part(self, part: object) -> None:
        """Let services find a part that is not of their own making."""
        self._parts.append(part)

    def open_parts(self, services: tuple[Service, ...]) -> None:
        """Make the long-lived parts of every service, in order."""
        for service in services:
            self._parts += [make(self) for make in service.parts]

    async def close_parts(self) -> None:
        """Close the parts that can be closed, the last made first."""
        while self._parts:
            close = getattr(self._parts.pop(), "close", None)
            if close is not None:
                await close()


def plain(value: Any) -> Any:
    """Return members with what a service splices into answers parsed, for callers from inside."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [plain(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
    return orjson.loads(orjson.dumps(value)) if isinstance(value, orjson.Fragment) else value


def resources_of(declared: Operation, members: Members, scope: Scope) -> tuple[str, ...]:
    """Return the ARNs that the policy decides on."""
    named = declared.resource(members, scope)
    return (named,) if isinstance(named, str) else tuple(named)


def roles_of(declared: Operation, members: Members) -> list[str]:
    """Return the roles that a request hands to the service."""
    return [members[name] for name in declared.roles if isinstance(members.get(name), str)]


def action_of(registry: Registry, service: str, declared: Operation) -> str:
    """Return the IAM action of an operation, e.g. ``s3:GetObject``."""
    return f"{_prefix(registry, service)}:{declared.action}"


def _prefix(registry: Registry, service: str) -> str:
    front = registry.services[service]
    return front.iam_prefix or front.models[0]


def permits_of(
    registry: Registry, declared: Operation, call: Call[Members]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return what a call must be allowed: each IAM action, with the resources that it is on."""
    if declared.actions is None:
        return [(action_of(registry, call.service, declared), call.resources)]
    prefix = _prefix(registry, call.service)
    found: dict[str, list[str]] = {}
    for action, resource in zip(declared.actions(call.members), call.resources, strict=True):
        found.setdefault(f"{prefix}:{action}", []).append(resource)
    return [(action, tuple(resources)) for action, resources in found.items()]


def record_of(call: Call[Members], source: str, code: str, took_ms: float) -> Record:
    """Return the audit record of a call that ended with ``code`` (empty where it succeeded)."""
    return Record(
        time_ms=call.now_ms,
        request_id=call.request_id,
        principal=call.principal.arn,
        access_key_id=call.principal.access_key_id,
        source=source,
        service=call.service,
        operation=call.operation,
        resources=call.resources,
        region=call.scope.region,
        error=code,
        took_ms=took_ms,
    )
