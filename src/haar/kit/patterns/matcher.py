"""Many patterns, compiled into one matcher: which of them does an event match?

Each demand of a pattern (:mod:`.grammar`) becomes a tree of fields that is walked beside the event.
A walk touches the fields that the pattern names, and an array is gone through once: the work grows
with the event and not with the combinations of its elements.

Before any walk an index picks the candidates: a demand that has a field with nothing but exact
values is only tried on events that have one of them. So a bus of a thousand rules costs what the
few that could match cost.

Rules that are easily missed, as recorded from AWS:

* Arrays are transparent: a field matches if one element does.
* Fields below one array of objects must match in *the same* element.
* ``exists`` asks about values only: neither an object nor ``[]`` is one.
* A dot in a name is the same as nesting, in patterns and in events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from haar.kernel.json_values import is_array, is_object
from haar.kit.patterns.grammar import Demand, Leaf, Path, parse, token
from haar.kit.patterns.operators import Primitive

K = TypeVar("K")

Event = Any
"""Decoded JSON."""


class Matcher(Generic[K]):
    """Tells which of its patterns an event matches.

    Args:
        patterns: each with the key that tells it: the ARN of a rule, the number of a filter.

    Raises:
        BadPattern: one of them is no pattern.
    """

    def __init__(self, patterns: Iterable[tuple[K, str | bytes]]) -> None:
        self._always: list[_Compiled[K]] = []
        self._indexed: dict[Path, dict[object, list[_Compiled[K]]]] = {}
        for key, text in patterns:
            for demand in parse(text):
                self._file(_Compiled(key, demand))

    def matching(self, event: Event) -> set[K]:
        """Return the keys of the patterns that an event matches."""
        return set(self._found(event))

    def matches(self, event: Event) -> bool:
        """Return whether an event matches any pattern."""
        return next(self._found(event), None) is not None

    def _found(self, event: Event) -> Iterator[K]:
        plain = undotted(event)
        for compiled in self._candidates(plain):
            if compiled.fits(plain):
                yield compiled.key

    def _file(self, compiled: _Compiled[K]) -> None:
        anchor = compiled.anchor()
        if anchor is None:
            self._always.append(compiled)
            return
        path, leaf = anchor
        by_value = self._indexed.setdefault(path, {})
        for value in leaf.exact:
            by_value.setdefault(value, []).append(compiled)

    def _candidates(self, event: Event) -> Iterator[_Compiled[K]]:
        yield from self._always
        for path, by_value in self._indexed.items():
            for value in {token(one) for one in values_at(event, path)}:
                yield from by_value.get(value, ())


class _Compiled(Generic[K]):
    """One demand of a pattern."""

    __slots__ = ("_demand", "_lackable", "_tree", "key")

    def __init__(self, key: K, demand: Demand) -> None:
        self.key = key
        self._demand = demand
        self._lackable = [path for path, leaf in demand.items() if leaf.may_lack]
        self._tree = _tree(demand)

    def anchor(self) -> tuple[Path, Leaf] | None:
        """Return a field that only a few exact values satisfy, the choosiest; None without one."""
        choosy = [
            (path, leaf)
            for path, leaf in self._demand.items()
            if leaf.exact and not leaf.tests and not leaf.may_lack
        ]
        return min(choosy, key=lambda one: len(one[1].exact), default=None)

    def fits(self, event: Event) -> bool:
        """Return whether an event has what is demanded."""
        lacked = {path for path in self._lackable if not any(values_at(event, path, bare=True))}
        if not lacked:
            return self._tree.fits(event)
        left = {path: leaf for path, leaf in self._demand.items() if path not in lacked}
        return not left or _tree(left).fits(event)


class _Node:
    """A field of the tree: what its values must be, and what the fields below it must be."""

    __slots__ = ("below", "leaf")

    def __init__(self) -> None:
        self.leaf: Leaf | None = None
        self.below: dict[str, _Node] = {}

    def fits(self, value: Event) -> bool:
        """Return whether a value of the event has what this field demands."""
        if self.leaf is not None and not any(map(self.leaf.holds, primitives(value))):
            return False
        return not self.below or any(
            all(name in one and node.fits(one[name]) for name, node in self.below.items())
            for one in elements(value)
            if is_object(one)
        )


def _tree(demand: Demand) -> _Node:
    root = _Node()
    for path, leaf in demand.items():
        node = root
        for name in path:
            node = node.below.setdefault(name, _Node())
        node.leaf = leaf
    return root


def elements(value: Event) -> Iterator[Event]:
    """Yield a value itself, or an array's elements through all its levels."""
    if not is_array(value):
        yield value
        return
    waiting = [value]
    while waiting:
        for one in waiting.pop():
            if is_array(one):
                waiting.append(one)
            else:
                yield one


def primitives(value: Event) -> Iterator[Primitive]:
    """Yield what is a value by itself: no objects."""
    return (one for one in elements(value) if not is_object(one))


def values_at(event: Event, path: Path, *, bare: bool = False) -> Iterator[Any]:
    """Yield the primitives at a path, wherever arrays lead; with ``bare``, True for each."""
    found = [event]
    for name in path:
        found = [
            one[name]
            for value in found
            for one in elements(value)
            if is_object(one) and name in one
        ]
    for value in found:
        for one in primitives(value):
            yield True if bare else one


def undotted(event: Event) -> Event:
    """Return an event whose names have no dots: what a dot separates is nested."""
    if not _has_dots(event):
        return event
    try:
        return _nested(event)
    except RecursionError:  # nested deeper than any event of AWS: taken by its names as they are
        return event


def _has_dots(event: Event) -> bool:
    waiting = [event]
    while waiting:
        value = waiting.pop()
        if is_object(value):
            if any("." in name for name in value):
                return True
            waiting += value.values()
        elif is_array(value):
            waiting += value
    return False


def _nested(value: Event) -> Event:
    if is_array(value):
        return [_nested(one) for one in value]
    if not is_object(value):
        return value
    nested: dict[str, Any] = {}
    for name, inner in value.items():
        _merge(nested, name.split("."), _nested(inner))
    return nested


def _merge(into: dict[str, Any], path: list[str], value: Event) -> None:
    """Put a value at a path; where one is already, both are there, as in an array."""
    *parents, last = path
    for parent in parents:
        inner = into.get(parent)
        if not is_object(inner):
            inner = {}
            into[parent] = [into[parent], inner] if parent in into else inner
        into = inner
    before = into.get(last)
    if is_object(before) and is_object(value):
        for name, inner in value.items():
            _merge(before, [name], inner)
    else:
        into[last] = [before, value] if last in into else value
