"""Updates: compiled once for a text and its names, applied to an item with its values.

Everything on a right-hand side is read from the item as it was. The order of changes:

1. SET, ADD and DELETE of attributes and of list elements that are there.
2. REMOVE, higher list indexes first, so that an index means what it meant before.
3. SET of list elements beyond the end: appended, in the order of their indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from haar.services.dynamodb import numbers, texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions import faults
from haar.services.dynamodb.expressions.conditions import (
    Check,
    Evaluated,
    Values,
    operand_of,
    require_kind,
    run_checks,
)
from haar.services.dynamodb.expressions.faults import ExpressionFault
from haar.services.dynamodb.expressions.paths import (
    Tree,
    cut,
    descend,
    find,
    finder,
    tree_of,
)
from haar.services.dynamodb.expressions.syntax import (
    Action,
    Function,
    Operand,
    Parts,
    Path,
    Placeholder,
    Sum,
    Used,
)
from haar.services.dynamodb.expressions.update_grammar import parse_update
from haar.services.dynamodb.values import Item, Value, binary, clone, kind_of

_LONG_KINDS = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
    "M": "MAP",
    "L": "LIST",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
}
_SETS = frozenset({"SS", "NS", "BS"})
_ALLOWED = {"ADD": _SETS | {"N"}, "DELETE": _SETS}

Change = Callable[[Value | None, Value], "Value | None"]
"""From the value that is there and the operand to the new one, None to remove it."""


@dataclass(frozen=True, slots=True)
class CompiledUpdate:
    """An update, ready.

    Attributes:
        changes: of SET, ADD and DELETE: where, what with, how.
        removals: the paths of REMOVE.
        tree: all paths, by their parts: what UPDATED_OLD and UPDATED_NEW tell.
        used: the placeholders that it needs.
        check: raises ExpressionFault where the request's values do not fit.
    """

    changes: tuple[tuple[Parts, Evaluated, Change], ...]
    removals: tuple[Parts, ...]
    tree: Tree
    used: Used
    check: Check

    @property
    def names(self) -> list[str]:
        """The attributes that the update touches."""
        return [str(name) for name in self.tree]

    def apply(self, item: Item, values: Values, *, is_new: bool) -> None:
        """Change an item.

        Args:
            item: is changed; empty where there was none.
            values: of the request.
            is_new: there was no item: a path to nothing is no error for REMOVE.

        Raises:
            Invalid: a path or an operand does not fit the item.
        """
        operands = [_operand(read(item, values)) for _, read, _ in self.changes]
        later = _Later([], list(self.removals))
        for (parts, _, change), operand in zip(self.changes, operands, strict=True):
            _change(item, parts, change(find(item, parts), operand), later)
        for parts in sorted(later.removed, key=_order, reverse=True):
            _remove(item, parts, is_new=is_new)
        for _, elements, value in sorted(later.appended, key=lambda entry: entry[0]):
            elements.append(value)

    def touched(self, item: Item) -> Item:
        """Return what of an item the update's paths name."""
        return cut(item, self.tree)


def compile_update(text: str, names: Mapping[str, str]) -> CompiledUpdate:
    """Return the update that a text says.

    Raises:
        ExpressionFault: the text is wrong.
    """
    actions, used = parse_update(text, names)
    tree = tree_of([action.path for action in actions])
    checks: list[Check] = []
    changes = [_compiled(action, checks) for action in actions if action.section != "REMOVE"]
    removals = [action.path.parts for action in actions if action.section == "REMOVE"]
    return CompiledUpdate(
        tuple(changes),
        tuple(removals),
        tree,
        used,
        lambda values: run_checks(checks, values),
    )


def _order(parts: Parts) -> list[tuple[int, str]]:
    # Paths that agree so far have parts of one kind next: the other half of the pair decides.
    return [(part, "") if isinstance(part, int) else (0, part) for part in parts]


def _compiled(action: Action, checks: list[Check]) -> tuple[Parts, Evaluated, Change]:
    operand = action.operand
    assert operand is not None, "only REMOVE has none"
    if action.section == "SET":
        return action.path.parts, _value_of(operand, checks), replace
    assert isinstance(operand, Placeholder), "the grammar says so"
    read = operand_of(operand, checks)
    checks.append(_section_check(action.section, operand.name))
    return action.path.parts, read, add if action.section == "ADD" else delete


def _section_check(section: str, name: str) -> Check:
    def check(values: Values) -> None:
        kind = kind_of(values[name])
        if kind not in _ALLOWED[section]:
            raise ExpressionFault(faults.OPERATOR_TYPE, operator=section, kind=_LONG_KINDS[kind])

    return check


def _value_of(node: Operand | Sum, checks: list[Check]) -> Evaluated:
    match node:
        case Sum():
            return _sum(node, checks)
        case Function(name="if_not_exists"):
            return _if_not_exists(node, checks)
        case Function():
            return _list_append(node, checks)
        case Path():
            found = finder(node)
            # A copy: the value will stand at two places, which may change apart.
            return lambda item, _: _cloned(found(item))
        case Placeholder():
            return operand_of(node, checks)


def _cloned(value: Value | None) -> Value | None:
    return None if value is None else clone(value)


def _operand(value: Value | None) -> Value:
    if value is None:
        raise Invalid(texts.OPERAND_MISSING)
    return value


def _sum(node: Sum, checks: list[Check]) -> Evaluated:
    left, right = _value_of(node.left, checks), _value_of(node.right, checks)
    checks += [
        require_kind(side, frozenset("N"), faults.FUNCTION_TYPE, function=node.operator)
        for side in (node.left, node.right)
    ]
    compute = numbers.plus if node.operator == "+" else numbers.minus

    def evaluate(item: Item, values: Values) -> Value:
        one, other = _operand(left(item, values)), _operand(right(item, values))
        if "N" not in one or "N" not in other:
            raise Invalid(texts.OPERAND_TYPE)
        return {"N": compute(one["N"], other["N"])}

    return evaluate


def _if_not_exists(node: Function, checks: list[Check]) -> Evaluated:
    present, default = (_value_of(argument, checks) for argument in node.arguments)

    def evaluate(item: Item, values: Values) -> Value | None:
        found = present(item, values)
        return default(item, values) if found is None else found

    return evaluate


def _list_append(node: Function, checks: list[Check]) -> Evaluated:
    left, right = (_value_of(argument, checks) for argument in node.arguments)
    checks += [
        require_kind(argument, frozenset("L"), faults.FUNCTION_TYPE, function="list_append")
        for argument in node.arguments
    ]

    def evaluate(item: Item, values: Values) -> Value:
        one, other = _operand(left(item, values)), _operand(right(item, values))
        if "L" not in one or "L" not in other:
            raise Invalid(texts.OPERAND_TYPE)
        return {"L": [*one["L"], *other["L"]]}

    return evaluate


def replace(_present: Value | None, operand: Value) -> Value:
    """Return the operand."""
    return operand


def add(present: Value | None, operand: Value) -> Value:
    """Return a sum of numbers, or a union of sets.

    Raises:
        Invalid: of two types, or a sum that is no number.
    """
    if present is None:
        return operand
    ((kind, content),) = operand.items()
    if kind_of(present) != kind:
        raise Invalid(texts.OPERAND_TYPE)
    if kind == "N":
        return {"N": numbers.plus(present["N"], content)}
    known = _members(kind, present[kind])
    return {kind: [*present[kind], *(one for one in content if _member(kind, one) not in known)]}


def delete(present: Value | None, operand: Value) -> Value | None:
    """Return a difference of sets; nothing where nothing is left.

    Raises:
        Invalid: of two types.
    """
    if present is None:
        return None
    ((kind, content),) = operand.items()
    if kind_of(present) != kind:
        raise Invalid(texts.OPERAND_TYPE)
    gone = _members(kind, content)
    left = [one for one in present[kind] if _member(kind, one) not in gone]
    return {kind: left} if left else None


def _members(kind: str, content: list[Any]) -> set[Any]:
    return {_member(kind, one) for one in content}


def _member(kind: str, one: Any) -> Any:
    return binary(one) if kind == "BS" else one


class _Later(NamedTuple):
    """What is done after the changes: list elements to append, and paths to remove."""

    appended: list[tuple[int, list[Value], Value]]
    removed: list[Parts]


def _change(item: Item, parts: Parts, new: Value | None, later: _Later) -> None:
    if new is None:
        later.removed.append(parts)
        return
    first, last = parts[0], parts[-1]
    assert isinstance(first, str), "a path begins with a name"
    if len(parts) == 1:
        item[first] = new
        return
    parent = descend(item.get(first), parts[1:-1])
    if parent is None or ("M" if isinstance(last, str) else "L") not in parent:
        raise Invalid(texts.PATH_INVALID)
    if isinstance(last, str):
        parent["M"][last] = new
    elif last < len(parent["L"]):
        parent["L"][last] = new
    else:
        later.appended.append((last, parent["L"], new))


def _remove(item: Item, parts: Parts, *, is_new: bool) -> None:
    first, last = parts[0], parts[-1]
    assert isinstance(first, str), "a path begins with a name"
    if len(parts) == 1:
        item.pop(first, None)
        return
    parent = descend(item.get(first), parts[1:-1])
    if parent is None or ("M" if isinstance(last, str) else "L") not in parent:
        if is_new:
            return
        raise Invalid(texts.PATH_INVALID)
    if isinstance(last, str):
        parent["M"].pop(last, None)
    elif last < len(parent["L"]):
        del parent["L"][last]
