"""Conditions: compiled once for a text and its names, evaluated for an item with its values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from haar.services.dynamodb.expressions import faults
from haar.services.dynamodb.expressions.condition_grammar import parse_condition
from haar.services.dynamodb.expressions.faults import ExpressionFault
from haar.services.dynamodb.expressions.paths import finder
from haar.services.dynamodb.expressions.syntax import (
    Between,
    Both,
    Comparison,
    Condition,
    Either,
    Function,
    In,
    Not,
    Operand,
    Path,
    Placeholder,
    Used,
)
from haar.services.dynamodb.values import Item, Value, binary, kind_of, rank, same

Values = Mapping[str, Value]
Evaluate = Callable[[Item, Values], bool]
Evaluated = Callable[[Item, Values], "Value | None"]
Check = Callable[[Values], None]

TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})
_ORDERED = frozenset({"S", "N", "B"})
_SIZED = TYPES - {"N", "NULL", "BOOL"}

# An absent attribute differs from every value, where other comparisons with it are false.
ABSENT_DIFFERS = True


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A condition, ready.

    Attributes:
        condition: as it was parsed.
        evaluate: from an item and the request's values to whether it holds.
        used: the placeholders that it needs.
        check: raises ExpressionFault where the request's values do not fit.
    """

    condition: Condition
    evaluate: Evaluate
    used: Used
    check: Check


def compile_condition(text: str, names: Mapping[str, str]) -> CompiledCondition:
    """Return the condition that a text says.

    Raises:
        ExpressionFault: the text is wrong.
    """
    return compile_parsed(*parse_condition(text, names))


def compile_parsed(condition: Condition, used: Used) -> CompiledCondition:
    """Return a condition that is parsed already."""
    checks: list[Check] = []
    evaluate = _evaluate(condition, checks)
    return CompiledCondition(condition, evaluate, used, lambda values: run_checks(checks, values))


def run_checks(checks: list[Check], values: Values) -> None:
    """Run all checks of an expression, in its order."""
    for check in checks:
        check(values)


def _evaluate(node: Condition, checks: list[Check]) -> Evaluate:  # one a kind
    match node:
        case Comparison():
            return _comparison(node, checks)
        case Between():
            return _between(node, checks)
        case In():
            return _in(node, checks)
        case Not():
            inner = _evaluate(node.condition, checks)
            return lambda item, values: not inner(item, values)
        case Both():
            left, right = _evaluate(node.left, checks), _evaluate(node.right, checks)
            return lambda item, values: left(item, values) and right(item, values)
        case Either():
            left, right = _evaluate(node.left, checks), _evaluate(node.right, checks)
            return lambda item, values: left(item, values) or right(item, values)
        case Function():
            return _FUNCTIONS[node.name](node, checks)
        case _:
            assert_never(node)


def operand_of(node: Operand, checks: list[Check]) -> Evaluated:
    """Return the function to an operand's value, None where there is none."""
    match node:
        case Path():
            find = finder(node)
            return lambda item, _: find(item)
        case Placeholder():
            name = node.name
            checks.append(lambda values: require(name, values))
            return lambda _, values: values[name]
        case Function():
            return _size(node, checks)
        case _:
            assert_never(node)


def require(name: str, values: Values) -> None:
    """Require that a value is defined.

    Raises:
        ExpressionFault: it is not.
    """
    if name not in values:
        raise ExpressionFault(faults.VALUE_UNDEFINED, name=name)


def require_kind(node: Operand, kinds: frozenset[str], fault: str, **details: str) -> Check:
    """Return the check that an operand, where it is a value of the request, is of some type."""

    def check(values: Values) -> None:
        if isinstance(node, Placeholder):
            kind = kind_of(values[node.name])
            if kind not in kinds:
                raise ExpressionFault(fault, kind=kind, **details)

    return check


def _size(node: Function, checks: list[Check]) -> Evaluated:
    argument = node.arguments[0]
    measured = operand_of(argument, checks)
    checks.append(require_kind(argument, _SIZED, faults.FUNCTION_TYPE, function="size"))

    def evaluate(item: Item, values: Values) -> Value | None:
        value = measured(item, values)
        if value is None or kind_of(value) not in _SIZED:
            return None
        ((kind, content),) = value.items()
        return {"N": str(len(binary(content) if kind == "B" else content))}

    return evaluate


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _comparison(node: Comparison, checks: list[Check]) -> Evaluate:
    left, right = operand_of(node.left, checks), operand_of(node.right, checks)
    if node.operator == "=":
        return lambda item, values: same(left(item, values), right(item, values))
    if node.operator == "<>":
        return lambda item, values: differ(left(item, values), right(item, values))
    checks += [
        require_kind(side, _ORDERED, faults.OPERATOR_TYPE, operator=node.operator)
        for side in (node.left, node.right)
    ]
    order = _ORDERS[node.operator]
    return lambda item, values: ordered(order, left(item, values), right(item, values))


def differ(left: Value | None, right: Value | None) -> bool:
    """Whether two values differ."""
    if left is None or right is None:
        return ABSENT_DIFFERS
    return not same(left, right)


def ordered(order: Callable[[Any, Any], bool], left: Value | None, right: Value | None) -> bool:
    """Whether two values of one ordered type stand in an order."""
    if left is None or right is None or kind_of(left) != kind_of(right):
        return False
    one = rank(left)
    return one is not None and order(one, rank(right))


def are_ordered(lower: Value, upper: Value) -> bool:
    """Whether one value of an ordered type is not above another."""
    return not ordered(operator.gt, lower, upper)


def _between(node: Between, checks: list[Check]) -> Evaluate:
    operand = operand_of(node.operand, checks)
    lower, upper = operand_of(node.lower, checks), operand_of(node.upper, checks)
    checks += [
        require_kind(side, _ORDERED, faults.OPERATOR_TYPE, operator="BETWEEN")
        for side in (node.operand, node.lower, node.upper)
    ]
    checks.append(lambda values: check_bounds(node, values))

    def evaluate(item: Item, values: Values) -> bool:
        value = operand(item, values)
        return ordered(operator.ge, value, lower(item, values)) and ordered(
            operator.le, value, upper(item, values)
        )

    return evaluate


def check_bounds(node: Between, values: Values) -> None:
    """Check the bounds of BETWEEN where both are values of the request.

    Raises:
        ExpressionFault: of two types, or in the wrong order.
    """
    if not isinstance(node.lower, Placeholder) or not isinstance(node.upper, Placeholder):
        return
    lower, upper = values[node.lower.name], values[node.upper.name]
    shown = {"lower": show_value(lower), "upper": show_value(upper)}
    if kind_of(lower) != kind_of(upper):
        raise ExpressionFault(faults.BOUNDS_TYPE, **shown)
    if not are_ordered(lower, upper):
        raise ExpressionFault(faults.BOUNDS_ORDER, **shown)


def show_value(value: Value) -> str:
    """Return a scalar as AWS's texts print it: ``{S:a}``."""
    ((kind, content),) = value.items()
    return f"{{{kind}:{content}}}"


def _in(node: In, checks: list[Check]) -> Evaluate:
    operand = operand_of(node.operand, checks)
    options = [operand_of(option, checks) for option in node.options]

    def evaluate(item: Item, values: Values) -> bool:
        value = operand(item, values)
        return any(same(value, option(item, values)) for option in options)

    return evaluate


def _exists(node: Function, checks: list[Check]) -> Evaluate:
    found = operand_of(node.arguments[0], checks)
    return lambda item, values: found(item, values) is not None


def _not_exists(node: Function, checks: list[Check]) -> Evaluate:
    found = operand_of(node.arguments[0], checks)
    return lambda item, values: found(item, values) is None


def _attribute_type(node: Function, checks: list[Check]) -> Evaluate:
    value, wanted = (operand_of(argument, checks) for argument in node.arguments)
    name = str(node.arguments[1])

    def check(values: Values) -> None:
        kind, content = next(iter(values[name].items()))
        if kind != "S":
            raise ExpressionFault(faults.FUNCTION_TYPE, function="attribute_type", kind=kind)
        if content not in TYPES:
            raise ExpressionFault(faults.TYPE_UNKNOWN, kind=content)

    def evaluate(item: Item, values: Values) -> bool:
        found, asked = value(item, values), wanted(item, values)
        return found is not None and asked is not None and kind_of(found) == asked["S"]

    checks.append(check)
    return evaluate


def _begins_with(node: Function, checks: list[Check]) -> Evaluate:
    whole, start = (operand_of(argument, checks) for argument in node.arguments)
    for argument in node.arguments:
        allowed = frozenset({"S", "B"})
        checks.append(require_kind(argument, allowed, faults.FUNCTION_TYPE, function="begins_with"))
    return lambda item, values: begins_with(whole(item, values), start(item, values))


def begins_with(whole: Value | None, start: Value | None) -> bool:
    """Whether a string or a binary begins with another."""
    if whole is None or start is None or kind_of(whole) != kind_of(start):
        return False
    if "S" in whole:
        return bool(whole["S"].startswith(start["S"]))
    return "B" in whole and binary(whole["B"]).startswith(binary(start["B"]))


def _contains(node: Function, checks: list[Check]) -> Evaluate:
    whole, part = (operand_of(argument, checks) for argument in node.arguments)
    return lambda item, values: contains(whole(item, values), part(item, values))


def contains(whole: Value | None, part: Value | None) -> bool:
    """Whether a string or binary has a part, or a set or list an element."""
    if whole is None or part is None:
        return False
    ((kind, content),) = whole.items()
    ((other, wanted),) = part.items()
    match kind, other:
        case ("S", "S") | ("SS", "S") | ("NS", "N"):
            return wanted in content
        case ("B", "B"):
            return binary(wanted) in binary(content)
        case ("BS", "B"):
            return binary(wanted) in [binary(one) for one in content]
        case ("L", _):
            return any(same(element, part) for element in content)
        case _:
            return False


_FUNCTIONS: dict[str, Callable[[Function, list[Check]], Evaluate]] = {
    "attribute_exists": _exists,
    "attribute_not_exists": _not_exists,
    "attribute_type": _attribute_type,
    "begins_with": _begins_with,
    "contains": _contains,
}
