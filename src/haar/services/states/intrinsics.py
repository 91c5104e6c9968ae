"""The 18 intrinsic functions ``States.*``: a table of plain functions.

Source: AWS docs, Step Functions, Intrinsic functions; edge cases as recorded from AWS.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
import uuid
from collections.abc import Callable
from typing import Any

from haar.services.states import values
from haar.services.states.surroundings import DerivedEntropy
from haar.services.states.values import is_array, is_number, is_object

TEXT_CHARACTERS_MAX = 10_000
RANGE_ELEMENTS_MAX = 1_000
_HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_SLOT = re.compile(r"\\(.)|\{\}", re.DOTALL)


class IntrinsicFailure(Exception):
    """A call that cannot be answered: States.IntrinsicFailure."""


def _need(condition: object, message: str) -> None:
    if not condition:
        raise IntrinsicFailure(message)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise IntrinsicFailure(f"Invalid arguments in {name}: a string is needed")
    return value


def _array(value: Any, name: str) -> list[Any]:
    if not is_array(value):
        raise IntrinsicFailure(f"Invalid arguments in {name}: an array is needed")
    return value


def _whole(value: Any, name: str) -> int:
    if not is_number(value):
        raise IntrinsicFailure(f"Invalid arguments in {name}: a number is needed")
    # AWS rounds each argument half toward positive infinity: -1.5 is -1, 1.5 is 2.
    return math.floor(value + 0.5) if isinstance(value, float) else value


def java_text(value: Any) -> str:
    """Return a value as States.Format prints it: objects as Java's maps, ``{a=1, b=[x]}``."""
    if isinstance(value, str):
        return value
    if is_object(value):
        return "{" + ", ".join(f"{key}={java_text(below)}" for key, below in value.items()) + "}"
    if is_array(value):
        return "[" + ", ".join(java_text(below) for below in value) + "]"
    return values.write(value)


def _format(template: Any, *parts: Any) -> str:
    text, left = _text(template, "States.Format"), list(parts)
    _need(
        sum(found[0] == "{}" for found in _SLOT.finditer(text)) == len(parts),
        "Invalid arguments in States.Format: "
        "number of arguments do not match the occurrences of {}",
    )
    return _SLOT.sub(lambda found: found[1] or java_text(left.pop(0)), text)


def _string_to_json(text: Any) -> Any:
    source = _text(text, "States.StringToJson")
    if not source.strip():
        return None
    try:
        return values.read(source)
    except values.NotJson as err:
        raise IntrinsicFailure(f"Invalid arguments in States.StringToJson: {err}") from err


def _array_partition(array: Any, size: Any) -> list[Any]:
    items, step = _array(array, "States.ArrayPartition"), _whole(size, "States.ArrayPartition")
    _need(step > 0, "Invalid arguments in States.ArrayPartition: the size must be positive")
    return [items[at : at + step] for at in range(0, len(items), step)]


def _array_contains(array: Any, wanted: Any) -> bool:
    items = _array(array, "States.ArrayContains")
    return any(values.equal(item, wanted) for item in items)


def _array_range(start: Any, end: Any, step: Any) -> list[int]:
    first, last, by = (_whole(value, "States.ArrayRange") for value in (start, end, step))
    _need(by, "Invalid arguments in States.ArrayRange: the step must not be zero")
    numbers = range(first, last + (1 if by > 0 else -1), by)
    _need(
        len(numbers) <= RANGE_ELEMENTS_MAX,
        "Invalid arguments in States.ArrayRange: the range has more than 1000 elements",
    )
    return list(numbers)


def _array_get_item(array: Any, index: Any) -> Any:
    items, at = _array(array, "States.ArrayGetItem"), _whole(index, "States.ArrayGetItem")
    _need(
        0 <= at < len(items), "Invalid arguments in States.ArrayGetItem: the index is out of bounds"
    )
    return items[at]


def _array_length(array: Any) -> int:
    return len(_array(array, "States.ArrayLength"))


def _array_unique(array: Any) -> list[Any]:
    kept: list[Any] = []
    for item in _array(array, "States.ArrayUnique"):
        if not any(values.equal(item, other) for other in kept):
            kept.append(item)
    return kept


def _bounded(value: Any, name: str) -> str:
    text = _text(value, name)
    _need(
        len(text) <= TEXT_CHARACTERS_MAX,
        f"Invalid arguments in {name}: the string has more than 10000 characters",
    )
    return text


def _base64_encode(text: Any) -> str:
    return base64.b64encode(_bounded(text, "States.Base64Encode").encode()).decode()


def _base64_decode(text: Any) -> str:
    try:
        return base64.b64decode(_bounded(text, "States.Base64Decode"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as err:
        raise IntrinsicFailure("Invalid arguments in States.Base64Decode") from err


def _hash(data: Any, algorithm: Any) -> str:
    name = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise IntrinsicFailure("Invalid arguments in States.Hash: unknown algorithm")
    text = data if isinstance(data, str) else values.write(data)
    return hashlib.new(
        name, _bounded(text, "States.Hash").encode(), usedforsecurity=False
    ).hexdigest()


def _json_merge(one: Any, other: Any, is_deep: Any) -> Any:
    _need(is_deep is False, "Invalid arguments in States.JsonMerge: deep merging is not supported")
    if not is_object(one) or not is_object(other):
        raise IntrinsicFailure("Invalid arguments in States.JsonMerge: two objects are needed")
    return {**one, **other}


def _math_add(one: Any, other: Any) -> int:
    return _whole(one, "States.MathAdd") + _whole(other, "States.MathAdd")


def _string_split(text: Any, separators: Any) -> list[str]:
    source, marks = _text(text, "States.StringSplit"), _text(separators, "States.StringSplit")
    if not marks:
        return [source] if source else []
    return [piece for piece in re.split("[" + re.escape(marks) + "]", source) if piece]


def _math_random(entropy: DerivedEntropy, start: Any, end: Any, seed: Any = None) -> int:
    first, after = _whole(start, "States.MathRandom"), _whole(end, "States.MathRandom")
    _need(first < after, "Invalid arguments in States.MathRandom: the start must precede the end")
    if seed is not None:
        entropy = DerivedEntropy(f"seed/{_whole(seed, 'States.MathRandom')}")
    return first + int(entropy.fraction() * (after - first))


def _uuid(entropy: DerivedEntropy) -> str:
    return str(uuid.UUID(bytes=entropy.bytes(16), version=4))


FUNCTIONS: dict[str, tuple[int, int | None, Callable[..., Any]]] = {
    "States.Format": (1, None, _format),
    "States.StringToJson": (1, 1, _string_to_json),
    "States.JsonToString": (1, 1, values.write),
    "States.Array": (0, None, lambda *items: list(items)),
    "States.ArrayPartition": (2, 2, _array_partition),
    "States.ArrayContains": (2, 2, _array_contains),
    "States.ArrayRange": (3, 3, _array_range),
    "States.ArrayGetItem": (2, 2, _array_get_item),
    "States.ArrayLength": (1, 1, _array_length),
    "States.ArrayUnique": (1, 1, _array_unique),
    "States.Base64Encode": (1, 1, _base64_encode),
    "States.Base64Decode": (1, 1, _base64_decode),
    "States.Hash": (2, 2, _hash),
    "States.JsonMerge": (3, 3, _json_merge),
    "States.MathAdd": (2, 2, _math_add),
    "States.StringSplit": (2, 2, _string_split),
}
"""Name → fewest arguments, most (None: any number), function."""

RANDOM_FUNCTIONS: dict[str, tuple[int, int | None, Callable[..., Any]]] = {
    "States.MathRandom": (2, 3, _math_random),
    "States.UUID": (0, 0, _uuid),
}
"""The same for those that are handed randomness first."""
