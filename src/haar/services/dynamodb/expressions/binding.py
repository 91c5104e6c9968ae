"""From the expressions, names and values of a request to what can be run.

Texts are compiled once for their names, and kept in a bounded cache; values are bound for each
request. Placeholders that no expression of the request uses are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.conditions import CompiledCondition, compile_condition
from haar.services.dynamodb.expressions.faults import ExpressionFault
from haar.services.dynamodb.expressions.key_conditions import (
    CompiledKeyCondition,
    compile_key_condition,
)
from haar.services.dynamodb.expressions.projections import CompiledProjection, compile_projection
from haar.services.dynamodb.expressions.updates import CompiledUpdate, compile_update
from haar.services.dynamodb.values import Item, Value, measure, utf8_bytes

PLACEHOLDER_BYTES_MAX = 2 * 1024 * 1024
PLACEHOLDER_CHARACTERS_MAX = 255
_CACHED = 1024
_CACHED_CHARACTERS_MAX = 4096

Compiled = CompiledCondition | CompiledKeyCondition | CompiledProjection | CompiledUpdate
Texts = tuple[tuple[str, str], ...]
Names = tuple[tuple[str, str], ...]

_COMPILERS: dict[str, Callable[[str, Mapping[str, str]], Compiled]] = {
    "UpdateExpression": compile_update,
    "ConditionExpression": compile_condition,
    "FilterExpression": compile_condition,
    "KeyConditionExpression": compile_key_condition,
    "ProjectionExpression": compile_projection,
}
_is_name = re.compile(r"#[A-Za-z0-9_]+").fullmatch
_is_value = re.compile(r":[A-Za-z0-9_]+").fullmatch


@dataclass(frozen=True, slots=True)
class Bound:
    """The expressions of a request; None for those that it does not have."""

    values: Mapping[str, Value]
    values_bytes: int = 0
    condition: CompiledCondition | None = None
    key_condition: CompiledKeyCondition | None = None
    projection: CompiledProjection | None = None
    update: CompiledUpdate | None = None

    def holds(self, item: Item) -> bool:
        """Whether the condition, or the filter, holds for an item; true without one."""
        return self.condition is None or self.condition.evaluate(item, self.values)


_FIELDS: dict[str, str] = {
    "UpdateExpression": "update",
    "ConditionExpression": "condition",
    "FilterExpression": "condition",
    "KeyConditionExpression": "key_condition",
    "ProjectionExpression": "projection",
}
NOTHING = Bound({})


def bind(members: Mapping[str, Any], *roles: str) -> Bound:
    """Return the expressions of a request, checked.

    Args:
        members: of the request.
        roles: the members that hold its expressions, in the order in which AWS checks them.

    Raises:
        Invalid: with AWS's text.
    """
    names = members.get("ExpressionAttributeNames")
    values = members.get("ExpressionAttributeValues")
    given = [role for role in roles if role in members]
    if not given:
        if names is not None or values is not None:
            _refuse_alone(names, roles)
        return NOTHING
    texts_given = tuple([(role, members[role]) for role in given])
    keys = None if values is None else tuple(values)
    ready = _prepare(texts_given, None if names is None else tuple(names.items()), keys)
    values_bytes = 0 if values is None else _measured(values)
    for role, expression in ready.compiled:
        _check_values(role, expression, values or {})
    if ready.unused is not None:
        raise Invalid(ready.unused)
    return Bound(values or {}, values_bytes, **ready.fields)


class Prepared(NamedTuple):
    """The expressions of a request without its values.

    Attributes:
        compiled: roles and expressions.
        fields: the same, by their fields of :class:`Bound`.
        unused: the text that refuses placeholders which no expression uses, if there are any.
    """

    compiled: tuple[tuple[str, Compiled], ...]
    fields: dict[str, Any]
    unused: str | None


def _prepare(given: Texts, names: Names | None, keys: tuple[str, ...] | None) -> Prepared:
    size = sum([len(text) for _, text in given]) + sum(map(len, keys or ()))
    if names is not None:
        size += sum([len(key) + len(name) for key, name in names])
    if size > _CACHED_CHARACTERS_MAX:
        return _prepared(given, names, keys)
    return _prepared_cached(given, names, keys)


def _prepared(given: Texts, names: Names | None, keys: tuple[str, ...] | None) -> Prepared:
    _check_placeholders(names, keys)
    known = dict(names or ())
    compiled = tuple((role, _compile(role, text, known)) for role, text in given)
    fields: dict[str, Any] = {_FIELDS[role]: expression for role, expression in compiled}
    used = [expression.used for _, expression in compiled]
    unused = _unused(texts.NAMES_UNUSED, known, [one.names for one in used])
    if unused is None:
        unused = _unused(texts.VALUES_UNUSED, keys or (), [one.values for one in used])
    return Prepared(compiled, fields, unused)


# A pure function's cache: equal arguments, equal expressions.
_prepared_cached = lru_cache(maxsize=_CACHED)(_prepared)


def _refuse_alone(names: object, roles: Iterable[str]) -> NoReturn:
    if names is not None:
        raise Invalid(texts.NAMES_ALONE)
    missing = [role for role in roles if role != "ProjectionExpression"]
    if "KeyConditionExpression" in missing:
        missing.reverse()  # Query tells its filter first
    verb = "are" if len(missing) > 1 else "is"
    raise Invalid(texts.VALUES_ALONE, names=" and ".join(missing), verb=verb)


def _check_placeholders(names: Names | None, keys: tuple[str, ...] | None) -> None:
    if names is not None:
        if not names:
            raise Invalid(texts.NAMES_EMPTY)
        _check_keys([key for key, _ in names], _is_name, texts.NAMES_SYNTAX, texts.NAMES_LONG)
    if keys is not None:
        if not keys:
            raise Invalid(texts.VALUES_EMPTY)
        _check_keys(keys, _is_value, texts.VALUES_SYNTAX, texts.VALUES_LONG)


def _check_keys(
    keys: Iterable[str], is_right: Callable[[str], object], wrong: str, long: str
) -> None:
    for key in keys:
        if not is_right(key):
            raise Invalid(wrong, key=key)
        if len(key) > PLACEHOLDER_CHARACTERS_MAX:
            raise Invalid(long, key=key)


def _compile(role: str, text: str, names: Mapping[str, str]) -> Compiled:
    try:
        return _COMPILERS[role](text, names)
    except ExpressionFault as fault:
        raise Invalid(f"Invalid {role}: {fault}") from None


def _check_values(role: str, expression: Compiled, values: Mapping[str, Value]) -> None:
    if isinstance(expression, CompiledProjection):
        return
    try:
        expression.check(values)
    except ExpressionFault as fault:
        raise Invalid(f"Invalid {role}: {fault}") from None


def _measured(values: Mapping[str, Value]) -> int:
    total = 0
    for key, value in values.items():
        try:
            total += utf8_bytes(key) + measure(value)
        except Invalid as fault:
            raise Invalid(texts.VALUE_IN_VALUES, reason=fault.text, key=key) from None
    if total > PLACEHOLDER_BYTES_MAX:
        raise Invalid(texts.PLACEHOLDERS_TOO_LARGE)
    return total


def _unused(text: str, given: Iterable[str], used: Iterable[frozenset[str]]) -> str | None:
    """Return the text that refuses what no expression uses; None where all is used."""
    known = frozenset[str]().union(*used)
    unused = [key for key in given if key not in known]
    return text.format_map({"keys": ", ".join(unused)}) if unused else None
