"""From the text of a pattern to what it asks for: fields ANDed, values of a field ORed.

A pattern is an object whose leaves are arrays of alternatives. ``$or`` multiplies out: the pattern
becomes several demands, any of which is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import orjson

from haar.kernel.json_values import is_array, is_object
from haar.kit.patterns.operators import OPERATORS, BadPattern, Primitive, Test

DEMANDS_MAX = 1000
"""Combinations that the ``$or`` of one pattern may make."""

_RESERVED = frozenset(
    (
        *OPERATORS,
        *("exists", "=", "<", "<=", ">", ">=", "regex", "not-wildcard"),
        *("not-equals-ignore-case", "in-date-range", "ip-address-in-range"),
        "ip-address-not-in-range",
    )
)
"""A ``$or`` whose members have such a key is an ordinary field of that name."""

Path = tuple[str, ...]
"""The names from the event's top to a field; a dot in a name separates like nesting."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The alternatives of one field.

    Attributes:
        exact: values that match by equality, as :func:`token` tells them apart.
        tests: operators; passing one is enough.
        may_lack: ``{"exists": false}`` is among the alternatives.
    """

    exact: frozenset[object]
    tests: tuple[Test, ...]
    may_lack: bool

    def holds(self, value: Primitive) -> bool:
        """Return whether one value of the event is among the alternatives."""
        return token(value) in self.exact or any(test(value) for test in self.tests)


Demand = dict[Path, Leaf]
"""Fields that must all match."""


def token(value: Primitive) -> object:
    """Return what equal JSON values share: 300 and 300.0 are one, True and 1 are two."""
    return ("boolean", value) if isinstance(value, bool) else value


def parse(text: str | bytes) -> list[Demand]:
    """Return what a pattern asks for.

    Raises:
        BadPattern: it is no pattern.
    """
    try:
        pattern = orjson.loads(text)
    except orjson.JSONDecodeError as err:
        raise BadPattern(str(err)) from None
    if not is_object(pattern):
        raise BadPattern("Filter is not an object")
    return list(_demands(pattern, ()))


def _demands(pattern: dict[str, Any], above: Path) -> Iterator[Demand]:
    """Yield the demands of an object of the pattern: one of each of its parts, joined."""
    if not pattern:
        raise BadPattern("Empty objects are not allowed")
    parts = [list(_part(name, value, above)) for name, value in pattern.items()]
    count = 1
    for part in parts:
        count *= len(part)
    if count > DEMANDS_MAX:
        raise BadPattern(f"The $or of a pattern may make {DEMANDS_MAX} combinations, not {count}.")
    for chosen in product(*parts):
        yield _joined(chosen)


def _part(name: str, value: Any, above: Path) -> Iterator[Demand]:
    if name == "$or" and _is_or(value):
        for member in value:
            yield from _demands(member, above)
        return
    path = (*above, *name.split("."))
    if is_object(value):
        yield from _demands(value, path)
    elif is_array(value):
        yield {path: _leaf(value)}
    else:
        raise BadPattern(f'"{name}" must be an object or an array')


def _is_or(value: Any) -> bool:
    if not is_array(value) or not value:
        return False
    if any(not is_object(member) or _RESERVED & member.keys() for member in value):
        return False
    if len(value) < 2:
        raise BadPattern("There must have at least 2 Objects in $or relationship.")
    return True


def _joined(chosen: tuple[Demand, ...]) -> Demand:
    joined: Demand = {}
    for demand in chosen:
        for path, leaf in demand.items():
            if path in joined:
                raise BadPattern(f"Path `{'.'.join(path)}` cannot be allowed multiple times")
            joined[path] = leaf
    return joined


def _leaf(alternatives: list[Any]) -> Leaf:
    if not alternatives:
        raise BadPattern("Empty arrays are not allowed")
    exact: set[object] = set()
    tests: list[Test] = []
    may_lack = False
    for one in alternatives:
        if is_array(one):
            raise BadPattern("Match value must be String, number, true, false, or null")
        if not is_object(one):
            exact.add(token(one))
        elif list(one) == ["exists"]:
            is_wanted = _wanted(one["exists"])
            may_lack |= not is_wanted
            tests += [_anything] if is_wanted else []
        else:
            tests.append(_test(one))
    return Leaf(frozenset(exact), tuple(tests), may_lack)


def _wanted(argument: object) -> bool:
    if not isinstance(argument, bool):
        raise BadPattern("exists match pattern must be either true or false.")
    return argument


def _anything(_value: Primitive) -> bool:
    return True


def _test(expression: dict[str, Any]) -> Test:
    if len(expression) != 1:
        raise BadPattern("Only one key allowed in match expression")
    [(name, argument)] = expression.items()
    if name not in OPERATORS:
        raise BadPattern(f"Unrecognized match type {name}")
    return OPERATORS[name](argument)
