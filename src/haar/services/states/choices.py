"""The rules of a Choice state, compiled to predicates.

A comparison whose operand is of another type than the operator's is false, not an error; a Variable
that is not there is an error (:class:`~.expressions.Unresolved`), except under IsPresent.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from haar.services.states.expressions import Unresolved, compile_expression, constant
from haar.services.states.surroundings import Expression, Surroundings
from haar.services.states.timestamps import NotATime, parse_ms
from haar.services.states.values import is_array, is_number, is_object

Predicate = Callable[[Any, Surroundings], bool]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


class BadRule(ValueError):
    """A rule that the language does not have. The text tells why."""


def _as_text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _as_number(value: Any) -> Any:
    return value if is_number(value) else None


def _as_boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _as_time(value: Any) -> Any:
    try:
        return parse_ms(value) if isinstance(value, str) else None
    except NotATime:
        return None


_KINDS: dict[str, Callable[[Any], Any]] = {
    "String": _as_text,
    "Numeric": _as_number,
    "Timestamp": _as_time,
}
_COMPARISONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], bool]]] = {
    f"{kind}{order}": (reading, compare)
    for kind, reading in _KINDS.items()
    for order, compare in _ORDERS.items()
} | {"BooleanEquals": (_as_boolean, operator.eq)}
_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: _as_time(value) is not None,
}
OPERATORS = frozenset(
    [
        *_COMPARISONS,
        *[f"{name}Path" for name in _COMPARISONS],
        *_TESTS,
        "IsPresent",
        "StringMatches",
    ]
)


def compile_rule(rule: dict[str, Any]) -> Predicate:
    """Return the predicate of a rule (its Next, Comment and Assign are not looked at).

    Raises:
        BadRule: not exactly one operator, or an operand that does not fit it.
        BadExpression: a path that is none.
    """
    for name, quantify in (("And", all), ("Or", any)):
        if name in rule:
            parts = _parts(rule[name], name)
            return lambda value, around: quantify(part(value, around) for part in parts)
    if "Not" in rule:
        if not is_object(rule["Not"]):
            raise BadRule("The field 'Not' should be an object")
        inner = compile_rule(rule["Not"])
        return lambda value, around: not inner(value, around)
    return _comparison(rule)


def _parts(rules: Any, name: str) -> list[Predicate]:
    if not is_array(rules) or not rules or not all(is_object(rule) for rule in rules):
        raise BadRule(f"The field '{name}' should be a non-empty array of rules")
    return [compile_rule(rule) for rule in rules]


def _comparison(rule: dict[str, Any]) -> Predicate:
    names = [name for name in rule if name in OPERATORS]
    if "Variable" not in rule:
        raise BadRule("These fields are required: [Variable]")
    if len(names) != 1 or not isinstance(rule["Variable"], str):
        raise BadRule("A choice rule should have exactly one comparison operator")
    variable, name = compile_expression(rule["Variable"]), names[0]
    operand = rule[name]
    if name == "IsPresent":
        return _presence(variable, is_wanted=_flag(operand, name))
    if name in _TESTS:
        test, wanted = _TESTS[name], _flag(operand, name)
        return lambda value, around: test(variable(value, around)) == wanted
    if name == "StringMatches":
        return _matching(variable, operand)
    return _ordering(variable, name, operand)


def _flag(operand: Any, name: str) -> bool:
    if not isinstance(operand, bool):
        raise BadRule(f"The field '{name}' should be a boolean")
    return operand


def _presence(variable: Expression, *, is_wanted: bool) -> Predicate:
    def predicate(value: Any, around: Surroundings) -> bool:
        try:
            variable(value, around)
        except Unresolved:
            return not is_wanted
        return is_wanted

    return predicate


def _matching(variable: Expression, operand: Any) -> Predicate:
    if not isinstance(operand, str):
        raise BadRule("The field 'StringMatches' should be a string")
    matches = glob(operand)

    def predicate(value: Any, around: Surroundings) -> bool:
        found = variable(value, around)
        return isinstance(found, str) and matches(found)

    return predicate


def glob(text: str) -> Callable[[str], bool]:
    r"""Return the test of a StringMatches text: ``*`` is any text, ``\*`` and ``\\`` are plain.

    Each piece is looked for after the one before it: never again from an earlier place, as a
    regular expression would.
    """
    pieces = [""]
    for part in re.findall(r"\\[*\\]|[\s\S]", text):
        if part == "*":
            pieces.append("")
        else:
            pieces[-1] += part[-1]
    first, *middle = pieces
    if not middle:
        return lambda value: value == first
    last = middle.pop()

    def matches(value: str) -> bool:
        if not value.startswith(first) or len(value) < len(first) + len(last):
            return False
        at, end = len(first), len(value) - len(last)
        for piece in middle:
            at = value.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return value.endswith(last)

    return matches


def _ordering(variable: Expression, name: str, operand: Any) -> Predicate:
    reading, compare = _COMPARISONS[name.removesuffix("Path")]
    if name.endswith("Path"):
        if not isinstance(operand, str):
            raise BadRule(f"The field '{name}' should be a path")
        other = compile_expression(operand)
    else:
        if reading(operand) is None:
            raise BadRule(_misfit(name))
        other = constant(operand)

    def predicate(value: Any, around: Surroundings) -> bool:
        left, right = reading(variable(value, around)), reading(other(value, around))
        return left is not None and right is not None and compare(left, right)

    return predicate


def _misfit(name: str) -> str:
    if name.startswith("Timestamp"):
        return "String does not match RFC3339 timestamp"
    kind = {"S": "a string", "N": "numeric", "B": "a boolean"}[name[0]]
    return f"Expected value of type {kind} for the field '{name}'"
