"""Document paths: found in an item, held apart from each other, cut out of an item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from haar.services.dynamodb.expressions import faults
from haar.services.dynamodb.expressions.faults import ExpressionFault
from haar.services.dynamodb.expressions.syntax import Parts, Path, show
from haar.services.dynamodb.values import Item, Value

Finder = Callable[[Item], "Value | None"]

Tree = dict[str | int, Any]
"""Paths by their parts: a part → the tree below it, or None where a path ends."""


def finder(path: Path) -> Finder:
    """Return the function from an item to the value at a path, None where there is none."""
    first, *rest = path.parts
    assert isinstance(first, str), "a path begins with a name"
    if not rest:
        return lambda item: item.get(first)
    return lambda item: descend(item.get(first), rest)


def find(item: Item, parts: Parts) -> Value | None:
    """Return the value at a path, or None."""
    first = parts[0]
    assert isinstance(first, str), "a path begins with a name"
    return descend(item.get(first), parts[1:])


def descend(value: Value | None, parts: Sequence[str | int]) -> Value | None:
    """Return what lies below a value, or None."""
    for part in parts:
        if value is None:
            return None
        value = step(value, part)
    return value


def step(value: Value, part: str | int) -> Value | None:
    """Return an element of a map or a list; None where there is none or it is neither."""
    if isinstance(part, str):
        members: Item | None = value.get("M")
        return None if members is None else members.get(part)
    elements: list[Value] | None = value.get("L")
    return elements[part] if elements is not None and part < len(elements) else None


def tree_of(paths: Sequence[Path]) -> Tree:
    """Return the tree of some paths.

    Raises:
        ExpressionFault: two overlap, or one takes for a list what the other takes for a map.
    """
    tree: Tree = {}
    for number, path in enumerate(paths):
        if not _insert(tree, path.parts):
            _explain(paths[:number], path)
    return tree


def _insert(tree: Tree, parts: Parts) -> bool:
    """Add a path; return whether it goes with those that are there."""
    *above, last = parts
    for part in above:
        if not _agrees(tree, part):
            return False
        below = tree.setdefault(part, {})
        if below is None:
            return False
        tree = below
    if not _agrees(tree, last) or last in tree:
        return False
    tree[last] = None
    return True


def _agrees(tree: Tree, part: str | int) -> bool:
    return not tree or isinstance(next(iter(tree)), str) is isinstance(part, str)


def _explain(earlier: Sequence[Path], path: Path) -> None:
    for other in earlier:
        text = _quarrel(other.parts, path.parts)
        if text:
            raise ExpressionFault(text, one=show(other.parts), other=show(path.parts))


def _quarrel(one: Parts, other: Parts) -> str:
    for left, right in zip(one, other, strict=False):
        if isinstance(left, str) is not isinstance(right, str):
            return faults.CONFLICT
        if left != right:
            return ""
    return faults.OVERLAP


def cut(item: Item, tree: Tree) -> Item:
    """Return what of an item lies on the paths of a tree; list elements close up."""
    found: Item = {}
    for part, below in tree.items():
        assert isinstance(part, str), "a path begins with a name"
        value = item.get(part)
        if value is not None and below is not None:
            value = _cut_value(value, below)
        if value is not None:
            found[part] = value
    return found


def _cut_value(value: Value, tree: Tree) -> Value | None:
    """Return what of a value lies on the paths of a tree, or None where nothing does."""
    if isinstance(next(iter(tree)), int):
        pairs = [(step(value, part), tree[part]) for part in sorted(tree, key=_as_int)]
        kept = [_cut_below(inner, below) for inner, below in pairs]
        elements = [inner for inner in kept if inner is not None]
        return {"L": elements} if elements else None
    inside: Item = value.get("M") or {}
    members = cut(inside, tree)
    return {"M": members} if members else None


def _cut_below(value: Value | None, below: Tree | None) -> Value | None:
    return value if value is None or below is None else _cut_value(value, below)


def _as_int(part: str | int) -> int:
    assert isinstance(part, int), "a list's elements have numbers"
    return part
