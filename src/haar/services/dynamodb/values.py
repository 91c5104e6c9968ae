"""Attribute values: checked, measured and brought to normal form in one walk; compared; as JSON.

A value is the wire's ``{"S": "text"}``. Binaries are bytes as they come from a client and base64
text as they come from the store; :func:`binary` makes them equal, :func:`dumps` writes both alike.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import orjson

from haar.services.dynamodb import numbers, texts
from haar.services.dynamodb.errors import Invalid

Value = dict[str, Any]
Item = dict[str, Value]

NESTING_MAX = 32
NAME_BYTES_MAX = 65_535
_CONTAINER_BYTES = 3


def utf8_bytes(text: str) -> int:
    """Return how many bytes a text has as UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def measure_item(item: Item, depth: int = 0) -> int:
    """Check an item, bring its numbers to normal form in place, and return its size in bytes.

    Raises:
        Invalid: a value that AWS does not take.
    """
    total = 0
    for name, value in item.items():
        length = len(name) if name.isascii() else len(name.encode())
        if length > NAME_BYTES_MAX:
            raise Invalid(texts.NAME_TOO_LONG)
        text = value.get("S")
        if text is not None and len(value) == 1:  # most are: not worth a call
            total += length + (len(text) if text.isascii() else len(text.encode()))
        else:
            total += length + measure(value, depth)
    return total


def measure(value: Value, depth: int = 0) -> int:
    """Check a value, bring its numbers to normal form in place, and return its size in bytes.

    Raises:
        Invalid: a value that AWS does not take.
    """
    if len(value) != 1:
        raise Invalid(texts.VALUE_AMBIGUOUS if value else texts.VALUE_EMPTY)
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content) if content.isascii() else len(content.encode())
    if kind == "N":
        normal = numbers.normal(content)
        if normal is not content:
            value["N"] = normal
        return numbers.size_bytes(normal)
    measured = _MEASURES.get(kind)
    if measured is None:
        raise Invalid(texts.VALUE_EMPTY)
    return measured(content, depth)


def _measure_map(content: Item, depth: int) -> int:
    if depth >= NESTING_MAX:
        raise Invalid(texts.NESTED_TOO_DEEP)
    return _CONTAINER_BYTES + len(content) + measure_item(content, depth + 1)


def _measure_list(content: list[Value], depth: int) -> int:
    if depth >= NESTING_MAX:
        raise Invalid(texts.NESTED_TOO_DEEP)
    return _CONTAINER_BYTES + len(content) + sum([measure(value, depth + 1) for value in content])


def _measure_strings(content: list[str], depth: int) -> int:
    _refuse_set("SS", content, content)
    return sum([utf8_bytes(text) for text in content])


def _measure_numbers(content: list[str], depth: int) -> int:
    normal = [numbers.normal(text) for text in content]
    _refuse_set("NS", content, normal)
    content[:] = normal
    return sum([numbers.size_bytes(text) for text in normal])


def _measure_binaries(content: list[bytes | str], depth: int) -> int:
    plain = [binary(one) for one in content]
    _refuse_set("BS", [base64.b64encode(one).decode() for one in plain], plain)
    return sum([len(one) for one in plain])


def _refuse_set(kind: str, shown: list[str], normal: Iterable[str | bytes]) -> None:
    if not shown:
        raise Invalid(texts.SET_EMPTY[kind])
    if len(set(normal)) != len(shown):
        raise Invalid(texts.SET_DUPLICATES, values=", ".join(shown))


def _measure_null(content: bool, depth: int) -> int:  # noqa: FBT001  # a value's content
    if content is not True:
        raise Invalid(texts.NULL_NOT_TRUE)
    return 1


_MEASURES: dict[str, Callable[[Any, int], int]] = {
    "B": lambda content, _: len(binary(content)),
    "BOOL": lambda _content, _depth: 1,
    "NULL": _measure_null,
    "M": _measure_map,
    "L": _measure_list,
    "SS": _measure_strings,
    "NS": _measure_numbers,
    "BS": _measure_binaries,
}


def kind_of(value: Value) -> str:
    """Return a value's type: ``S``, ``N`` and so on."""
    return next(iter(value))


def binary(content: bytes | str) -> bytes:
    """Return the bytes of a binary, from a client or from the store."""
    return content if isinstance(content, bytes) else base64.b64decode(content)


def dumps(value: Any) -> bytes:
    """Return items or values as JSON, binaries in base64."""
    return orjson.dumps(value, default=_base64)


def _base64(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)


def clone(value: Value) -> Value:
    """Return a copy that shares nothing that can change."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": {name: clone(inner) for name, inner in content.items()}}
    if kind == "L":
        return {"L": [clone(inner) for inner in content]}
    return {kind: list(content)} if kind in {"SS", "NS", "BS"} else value


def same(left: Value | None, right: Value | None) -> bool:
    """Whether two values are equal; an absent one equals nothing.

    Sets have no order; numbers are in normal form, so that equal ones have equal texts.
    """
    if left is None or right is None:
        return False
    ((kind, one),) = left.items()
    ((other_kind, other),) = right.items()
    if kind != other_kind:
        return False
    if kind in {"S", "N", "BOOL", "NULL"}:
        return bool(one == other)
    return _SAME[kind](one, other)


def _same_maps(one: Item, other: Item) -> bool:
    return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)


def _same_lists(one: list[Value], other: list[Value]) -> bool:
    return len(one) == len(other) and all(map(same, one, other))


_SAME: dict[str, Callable[[Any, Any], bool]] = {
    "B": lambda one, other: binary(one) == binary(other),
    "SS": lambda one, other: set(one) == set(other),
    "NS": lambda one, other: set(one) == set(other),
    "BS": lambda one, other: set(map(binary, one)) == set(map(binary, other)),
    "M": _same_maps,
    "L": _same_lists,
}


def rank(value: Value) -> Decimal | str | bytes | None:
    """Return what a string, number or binary is ordered by; None for what has no order.

    The order of code points is that of UTF-8 bytes.
    """
    ((kind, content),) = value.items()
    if kind == "N":
        return Decimal(content)
    if kind == "S":
        return str(content)
    return binary(content) if kind == "B" else None
