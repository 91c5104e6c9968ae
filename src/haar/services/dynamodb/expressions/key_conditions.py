"""Key conditions: one condition for each key attribute, joined by AND."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.conditions import Check, compile_condition
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

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """What a key condition asks of one attribute.

    Attributes:
        operator: ``= < <= > >= BETWEEN begins_with``.
        operands: the placeholders of its values.
    """

    operator: str
    operands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledKeyCondition:
    """A key condition, ready.

    Attributes:
        terms: attribute → what is asked of it.
        used: the placeholders that it needs.
        check: raises ExpressionFault where the request's values do not fit.
    """

    terms: dict[str, KeyTerm]
    used: Used
    check: Check


def compile_key_condition(text: str, names: Mapping[str, str]) -> CompiledKeyCondition:
    """Return the key condition that a text says.

    Raises:
        ExpressionFault: the text is wrong.
        Invalid: it is a condition, but none for keys.
    """
    compiled = compile_condition(text, names)
    terms: dict[str, KeyTerm] = {}
    for node in conjuncts(compiled.condition):
        name, term = _term(node)
        if name in terms:
            raise Invalid(texts.KEY_TWICE)
        terms[name] = term
    return CompiledKeyCondition(terms, compiled.used, compiled.check)


def conjuncts(node: Condition) -> list[Condition]:
    """Return the conditions that AND joins."""
    if isinstance(node, Both):
        return [*conjuncts(node.left), *conjuncts(node.right)]
    return [node]


def _term(node: Condition) -> tuple[str, KeyTerm]:
    match node:
        case Comparison(operator="<>"):
            raise Invalid(texts.KEY_OPERATOR, operator="<>")
        case Comparison(operator, Placeholder() as left, Path() as right):
            return _named(_MIRRORED[operator], right, left)
        case Comparison(operator, left, right):
            return _named(operator, left, right)
        case Between(operand, lower, upper):
            return _named("BETWEEN", operand, lower, upper)
        case Function("begins_with", (operand, start)):
            return _named("begins_with", operand, start)
        case Function():
            raise Invalid(texts.KEY_OPERATOR, operator=node.name)
        case In() | Not() | Either() | Both():
            word = {In: "IN", Not: "NOT", Either: "OR", Both: "AND"}[type(node)]
            raise Invalid(texts.KEY_OPERATOR, operator=word)


def _named(operator: str, operand: Operand, *values: Operand) -> tuple[str, KeyTerm]:
    if any(isinstance(one, Function) for one in (operand, *values)):
        raise Invalid(texts.KEY_NESTED)
    names = [value.name for value in values if isinstance(value, Placeholder)]
    if not isinstance(operand, Path) or len(names) != len(values):
        raise Invalid(texts.KEY_NAMES)
    name = str(operand.parts[0])
    if len(operand.parts) > 1:
        raise Invalid(texts.KEY_NOT_SCALAR, name=name)
    return name, KeyTerm(operator, tuple(names))
