"""AttributeUpdates, the older form of updates.

==========  ================  ===================================================
action      value             does
==========  ================  ===================================================
``PUT``     any               sets the attribute (the default)
``DELETE``  none              removes it
``DELETE``  a set             takes the set's elements out of it
``ADD``     a number          adds to it, from 0
``ADD``     a set             puts the set's elements into it
``ADD``     a list            appends to it
==========  ================  ===================================================

Source: AWS docs, DynamoDB developer guide, "AttributeUpdates (legacy)".
"""

from __future__ import annotations

from typing import Any

from haar.kit.call import Members
from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.conditions import Evaluated
from haar.services.dynamodb.expressions.paths import Tree
from haar.services.dynamodb.expressions.syntax import Parts, Used
from haar.services.dynamodb.expressions.updates import (
    Change,
    CompiledUpdate,
    add,
    delete,
    replace,
)
from haar.services.dynamodb.values import Value, kind_of, measure

_SETS = frozenset({"SS", "NS", "BS"})
_ADDABLE = _SETS | {"N", "L"}


def compile_updates(updates: Members) -> CompiledUpdate:
    """Return the update that AttributeUpdates say.

    Raises:
        Invalid: an action that AWS does not take.
    """
    changes: list[tuple[Parts, Evaluated, Change]] = []
    removals: list[Parts] = []
    for name, update in updates.items():
        value: Value | None = update.get("Value")
        action = update.get("Action", "PUT")
        if value is None:
            if action != "DELETE":
                raise Invalid(texts.ACTION_WITHOUT_VALUE)
            removals.append((name,))
            continue
        measure(value)
        changes.append(((name,), _constant(value), _change(action, kind_of(value))))
    tree: Tree = dict.fromkeys(updates)
    used = Used(frozenset(), frozenset(), frozenset(updates))
    return CompiledUpdate(tuple(changes), tuple(removals), tree, used, lambda _: None)


def _constant(value: Value) -> Evaluated:
    return lambda _item, _values: value


def _change(action: str, kind: str) -> Change:
    if action == "PUT":
        return replace
    if action == "ADD":
        if kind not in _ADDABLE:
            raise Invalid(texts.ADD_TYPE, kind=kind)
        return _told(_append if kind == "L" else add)
    if kind not in _SETS:
        raise Invalid(texts.DELETE_TYPE, kind=kind)
    return _told(delete)


def _append(present: Value | None, operand: Value) -> Value:
    if present is None:
        return operand
    if "L" not in present:
        raise Invalid(texts.OPERAND_TYPE)
    elements: list[Any] = [*present["L"], *operand["L"]]
    return {"L": elements}


def _told(change: Change) -> Change:
    """Return a change that refuses another type in the words of the older form."""

    def told(present: Value | None, operand: Value) -> Value | None:
        if present is not None and kind_of(present) != kind_of(operand):
            raise Invalid(texts.UPDATE_TYPE)
        return change(present, operand)

    return told
