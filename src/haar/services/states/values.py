"""JSON values: how payloads are read, written, measured and compared."""

from __future__ import annotations

import json
from typing import Any

import orjson

from haar.kernel.json_values import is_array, is_integer, is_number, is_object

__all__ = [
    "equal",
    "is_array",
    "is_integer",
    "is_number",
    "is_object",
    "read",
    "size",
    "write",
]

PAYLOAD_BYTES_MAX = 262_144
"""Of a state's input, output and result, in UTF-8. Source: AWS docs, Step Functions quotas."""


NESTING_MAX = 200
"""Arrays and objects in each other: the parser takes more, but the writer does not."""

_NESTING = frozenset({dict, list})


class NotJson(ValueError):
    """A text that is not JSON."""


def read(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        NotJson: with the parser's words and place, or nested deeper than :data:`NESTING_MAX`.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as err:
        raise NotJson(str(err)) from err
    if type(value) in _NESTING and _is_deeper(value, NESTING_MAX):
        raise NotJson(f"nested deeper than {NESTING_MAX} levels")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    """Tell whether arrays and objects are nested deeper, a level at a time."""
    level = [value]
    while level and levels > 0:
        below: list[Any] = []
        for one in level:
            inner = one.values() if is_object(one) else one
            # Most arrays and objects have no others in them, which C tells faster than a loop.
            if inner and not _NESTING.isdisjoint(map(type, inner)):
                below += [part for part in inner if type(part) in _NESTING]
        level, levels = below, levels - 1
    return bool(level)


def write(value: Any) -> str:
    """Return the compact JSON text of a value."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits (a sum of two large ones), and what paths nested a bit deeper.
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def size(text: str) -> int:
    """Return how many UTF-8 bytes a text has."""
    return len(text) if text.isascii() else len(text.encode())


def equal(one: Any, other: Any) -> bool:
    """Compare deeply as JSON does: ``true`` is not ``1``, ``1`` is ``1.0``."""
    if is_object(one):
        return (
            is_object(other)
            and one.keys() == other.keys()
            and all(equal(value, other[key]) for key, value in one.items())
        )
    if is_array(one):
        return (
            is_array(other)
            and len(one) == len(other)
            and all(equal(a, b) for a, b in zip(one, other, strict=True))
        )
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
