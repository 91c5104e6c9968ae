"""``@operation``: what the gateway must know of an operation before it may run it.

Three forms, and no fourth:

==============================  =======================================================
signature                       for
==============================  =======================================================
``(call, tx) -> result``        most: runs in one transaction, answered once durable
``(call, tx) -> result``        with ``readonly=True``: runs on the last durable state
``async (call, cloud)``         bytes that stream, another service's API, a long poll
==============================  =======================================================

The first two may run more than once and touch the world only through ``tx`` and ``call``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from haar.kit.call import Members, Scope

ResourceOf = Callable[[Members, Scope], str | Sequence[str]]
"""From members and scope to the ARN (or ARNs) that the policy decides on."""

ActionsOf = Callable[[Members], Sequence[str]]
"""From members to the IAM actions, without prefix: one for each resource, in the same order."""

Nested = Mapping[str, "Nested"]
"""Honoured members by name, each with those inside it; all of them where none is named."""

ROLE_MEMBERS = frozenset({"Role", "RoleArn", "roleArn"})
"""How AWS's models call the role that a resource will act with."""

F = TypeVar("F", bound=Callable[..., Any])


def anything(members: Members, scope: Scope) -> str:
    """Name no resource: AWS documents ``*`` for this action (``ListQueues``, …)."""
    del members, scope
    return "*"


@dataclass(frozen=True, slots=True)
class Operation:
    """A registered operation.

    Attributes:
        name: the model's name.
        function: the implementation, in one of the three forms.
        members: the members that the implementation honours. Any other member of the model is
            refused by name with 501: nothing is silently ignored.
        nested: of the honoured members, those inside of which not everything is.
        resource: names the ARNs that the policy decides on.
        action: the IAM action without its prefix (``GetObject`` for HeadObject); the name mostly.
        actions: names the actions where they depend on what is asked; ``action`` is not used then.
        model: which of the service's models has the operation (``dynamodbstreams``); the first
            where empty.
        is_readonly: runs on the durable snapshot; its writes are refused.
        is_async: has the form ``async (call, cloud)``.
        roles: the honoured members that hand a role to the service: it must be the account's own.
        needs_task: an asynchronous operation that is run as a task of its own.
    """

    name: str
    function: Callable[..., Any]
    members: frozenset[str]
    resource: ResourceOf
    action: str
    model: str
    is_readonly: bool
    is_async: bool
    roles: tuple[str, ...] = ()
    needs_task: bool = True
    actions: ActionsOf | None = None
    nested: Nested = field(default_factory=dict[str, Any])


def operation(
    name: str,
    *,
    members: str,
    resource: ResourceOf,
    action: str | ActionsOf = "",
    model: str = "",
    readonly: bool = False,
    needs_task: bool = True,
) -> Callable[[F], F]:
    """Declare a function as an operation of the model.

    Args:
        name: the model's operation name.
        members: the honoured members, in one string, separated by blanks. ``Outer.Inner`` is a
            member of a structure, or of the structures of a list: with it ``Outer`` is honoured,
            and inside of it only what is named so.
        resource: names the ARNs; :func:`anything` where AWS documents ``*``.
        action: the IAM action where it is not the operation's name; a function where members
            say which.
        model: the botocore model where the service serves several.
        readonly: the body only reads.
        needs_task: False for an asynchronous operation that mostly awaits nothing but the store,
            and never asks for the task that it runs in.
    """
    honoured = tree_of(members.split())

    def declare(function: F) -> F:
        function.__dict__["operation"] = Operation(
            name=name,
            function=function,
            members=frozenset(honoured),
            resource=resource,
            action=action if isinstance(action, str) and action else name,
            actions=None if isinstance(action, str) else action,
            model=model,
            is_readonly=readonly,
            is_async=inspect.iscoroutinefunction(function),
            roles=tuple(found for found in honoured if found in ROLE_MEMBERS),
            needs_task=needs_task,
            nested={name: inside for name, inside in honoured.items() if inside},
        )
        return function

    return declare


def inside(outer: str, names: str) -> str:
    """Return names, separated by blanks, as those of members inside of another."""
    return " ".join(f"{outer}.{name}" for name in names.split())


def tree_of(paths: Sequence[str]) -> Nested:
    """Return dotted names as a tree."""
    tree: dict[str, Any] = {}
    for path in paths:
        place = tree
        for name in path.split("."):
            place = place.setdefault(name, {})
    return tree


def collect(*functions: Callable[..., Any]) -> tuple[Operation, ...]:
    """Return the operations of decorated functions, in order.

    Raises:
        TypeError: a function without ``@operation``.
        ValueError: two functions of one name.
    """
    found: dict[tuple[str, str], Operation] = {}
    for function in functions:
        declared = function.__dict__.get("operation")
        if not isinstance(declared, Operation):
            raise TypeError(f"{function.__qualname__} is not an operation")
        if (declared.model, declared.name) in found:
            raise ValueError(f"operation {declared.name} is declared twice")
        found[declared.model, declared.name] = declared
    return tuple(found.values())
