"""The older forms of expressions: Expected, AttributeUpdates, KeyConditions, filters, names.

They become what the expression language compiles to, so that both mean the same. Which of the two a
request uses is decided by :func:`bind_any`; a request with both is refused.

=======================  =============================  =========================
older member             becomes                        as if it had been
=======================  =============================  =========================
``Expected``             a condition                    ``ConditionExpression``
``QueryFilter``          a condition                    ``FilterExpression``
``ScanFilter``           a condition                    ``FilterExpression``
``KeyConditions``        a key condition                ``KeyConditionExpression``
``AttributesToGet``      a projection                   ``ProjectionExpression``
``AttributeUpdates``     an update                      ``UpdateExpression``
``ConditionalOperator``  how conditions are joined      ``AND``, ``OR``
=======================  =============================  =========================

Source: AWS docs, DynamoDB developer guide, "Legacy conditional parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from haar.kit.call import Members
from haar.services.dynamodb import legacy_updates, texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.binding import Bound, bind
from haar.services.dynamodb.expressions.conditions import (
    CompiledCondition,
    are_ordered,
    compile_parsed,
)
from haar.services.dynamodb.expressions.key_conditions import CompiledKeyCondition, KeyTerm
from haar.services.dynamodb.expressions.paths import tree_of
from haar.services.dynamodb.expressions.projections import CompiledProjection
from haar.services.dynamodb.expressions.syntax import (
    Between,
    Both,
    Comparison,
    Condition,
    Either,
    Function,
    In,
    Not,
    Path,
    Placeholder,
    Used,
)
from haar.services.dynamodb.values import Value, kind_of, measure

_FILTERS = ("Expected", "QueryFilter", "ScanFilter")
_LEGACY = frozenset(
    {*_FILTERS, "KeyConditions", "AttributesToGet", "AttributeUpdates", "ConditionalOperator"}
)
_MODERN = frozenset(
    {
        "ConditionExpression",
        "FilterExpression",
        "KeyConditionExpression",
        "ProjectionExpression",
        "UpdateExpression",
    }
)
_NOTHING_USED = Used(frozenset(), frozenset(), frozenset())
_COMPARATORS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_KEY_OPERATORS = {"EQ": "=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="} | {
    "BETWEEN": "BETWEEN",
    "BEGINS_WITH": "begins_with",
}
_COUNTS = {"NULL": (0, 0), "NOT_NULL": (0, 0), "BETWEEN": (2, 2), "IN": (1, 10_000)}
_SCALARS = frozenset({"S", "N", "B"})
_KINDS = {
    "LT": _SCALARS,
    "LE": _SCALARS,
    "GT": _SCALARS,
    "GE": _SCALARS,
    "BETWEEN": _SCALARS,
    "IN": _SCALARS,
    "BEGINS_WITH": frozenset({"S", "B"}),
    "CONTAINS": _SCALARS,
    "NOT_CONTAINS": _SCALARS,
}


def bind_any(members: Mapping[str, Any], *roles: str) -> Bound:
    """Return the expressions of a request, whichever form they have.

    Args:
        members: of the request.
        roles: the members that hold its expressions, in the order in which AWS checks them.

    Raises:
        Invalid: with AWS's text.
    """
    if _LEGACY.isdisjoint(members):
        return bind(members, *roles)
    modern = sorted(_MODERN & members.keys())
    if modern:
        legacy = ", ".join(sorted(_LEGACY & members.keys()))
        raise Invalid(texts.MIXED, legacy=legacy, modern=", ".join(modern))
    bind(members, *roles)  # refuses names and values, which no expression uses
    return _bound(dict(members))


def _bound(members: Members) -> Bound:
    values: dict[str, Value] = {}
    filters = [name for name in _FILTERS if name in members]
    condition = _condition(members, filters, values)
    conditions: Members | None = members.get("KeyConditions")
    names: list[str] | None = members.get("AttributesToGet")
    updates: Members | None = members.get("AttributeUpdates")
    return Bound(
        values,
        condition=condition,
        key_condition=None if conditions is None else _key_condition(conditions, values),
        projection=None if names is None else _projection(names),
        update=None if updates is None else legacy_updates.compile_updates(updates),
    )


def _condition(
    members: Members, filters: list[str], values: dict[str, Value]
) -> CompiledCondition | None:
    """Return the conditions of a request joined to one; None where it has none."""
    joined = members.get("ConditionalOperator")
    count = sum(len(members[name]) for name in filters)
    if joined is not None and not filters:
        raise Invalid(texts.JOINED_WITHOUT)
    if joined is not None and count < 2:
        raise Invalid(texts.JOINED_ALONE)
    found: list[Condition] = []
    for form in filters:
        for name, condition in members[form].items():
            normal = _of_expected(name, condition) if form == "Expected" else condition
            found.append(_one(name, normal, values))
    if not found:
        return None
    whole = reduce(Either if joined == "OR" else Both, found)
    attributes = frozenset(name for form in filters for name in members[form])
    return compile_parsed(whole, Used(frozenset(), frozenset(values), attributes))


def _of_expected(name: str, expected: Members) -> Members:
    """Return one of Expected in the form of a filter's condition."""
    exists = expected.get("Exists")
    if "ComparisonOperator" in expected:
        if exists is not None:
            raise Invalid(texts.EXISTS_AND_OPERATOR, name=name)
        if "Value" in expected:
            if "AttributeValueList" in expected:
                raise Invalid(texts.VALUE_AND_LIST, name=name)
            return {**expected, "AttributeValueList": [expected["Value"]]}
        return expected
    if "AttributeValueList" in expected:
        raise Invalid(texts.LIST_WITHOUT_OPERATOR, name=name)
    if exists is False:
        if "Value" in expected:
            raise Invalid(texts.VALUE_NOT_EXISTING, name=name)
        return {"ComparisonOperator": "NULL"}
    if "Value" not in expected:
        shown = "null" if exists is None else "true"
        raise Invalid(texts.VALUE_MISSING, name=name, exists=shown)
    return {"ComparisonOperator": "EQ", "AttributeValueList": [expected["Value"]]}


def _one(name: str, condition: Members, values: dict[str, Value]) -> Condition:
    """Return the condition on one attribute; its values go under placeholders."""
    operator = condition["ComparisonOperator"]
    path = Path((name,))
    operands = [_keep(value, values) for value in _operands(operator, condition)]
    match operator:
        case "NULL":
            return Function("attribute_not_exists", (path,))
        case "NOT_NULL":
            return Function("attribute_exists", (path,))
        case "BETWEEN":
            return Between(path, operands[0], operands[1])
        case "IN":
            return In(path, tuple(operands))
        case "BEGINS_WITH":
            return Function("begins_with", (path, operands[0]))
        case "CONTAINS":
            return Function("contains", (path, operands[0]))
        case "NOT_CONTAINS":
            return Not(Function("contains", (path, operands[0])))
        case _:
            return Comparison(_COMPARATORS[operator], path, operands[0])


def _keep(value: Value, values: dict[str, Value]) -> Placeholder:
    placeholder = f":{len(values)}"
    values[placeholder] = value
    return Placeholder(placeholder)


def _operands(operator: str, condition: Members) -> list[Value]:
    """Return the values of a condition, checked."""
    operands: list[Value] = condition.get("AttributeValueList", [])
    for value in operands:
        measure(value)
    least, most = _COUNTS.get(operator, (1, 1))
    if not least <= len(operands) <= most:
        raise Invalid(texts.ARGUMENT_COUNT, operator=operator)
    allowed = _KINDS.get(operator)
    for value in operands:
        if allowed is not None and kind_of(value) not in allowed:
            raise Invalid(texts.ARGUMENT_TYPE, operator=operator, kind=kind_of(value))
    if len({kind_of(value) for value in operands}) > 1:
        raise Invalid(texts.ARGUMENTS_DIFFER)
    if operator == "BETWEEN" and not are_ordered(operands[0], operands[1]):
        raise Invalid(texts.BETWEEN_ORDER)
    return operands


def _key_condition(conditions: Members, values: dict[str, Value]) -> CompiledKeyCondition:
    if len(conditions) > 2:
        raise Invalid(texts.KEY_CONDITIONS_COUNT)
    terms: dict[str, KeyTerm] = {}
    for name, condition in conditions.items():
        operator = condition["ComparisonOperator"]
        operands = _operands(operator, condition)
        if operator not in _KEY_OPERATORS:
            raise Invalid(texts.KEY_CONDITIONS_OPERATOR)
        kept = tuple(_keep(value, values).name for value in operands)
        terms[name] = KeyTerm(_KEY_OPERATORS[operator], kept)
    return CompiledKeyCondition(terms, _NOTHING_USED, lambda _: None)


def _projection(names: list[str]) -> CompiledProjection:
    for name in names:
        if names.count(name) > 1:
            raise Invalid(texts.NAME_TWICE, name=name)
    paths = tuple(Path((name,)) for name in names)
    return CompiledProjection(
        paths, tree_of(paths), Used(frozenset(), frozenset(), frozenset(names))
    )
