"""The operators of the pattern language: from an operator's argument to a test of one value.

A test is asked about one *primitive* of an event: a string, a number, a boolean or null. Where an
event has an array, the test is asked about each element (:mod:`.matcher`).

Source: AWS docs, EventBridge user guide, "Comparison operators for use in event patterns".
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from haar.kernel.json_values import is_array, is_number, is_object

Primitive = str | int | float | bool | None
Test = Callable[[Primitive], bool]


class BadPattern(ValueError):
    """A text that is no event pattern; the message is AWS's reason."""


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LOWER_BOUNDS = {">", ">="}
_UPPER_BOUNDS = {"<", "<="}


def text_test(match: Callable[[str], bool]) -> Test:
    """Return a test that only strings can pass."""
    return lambda value: isinstance(value, str) and match(value)


def prefix(argument: object) -> Test:
    """Return the test of ``{"prefix": …}``, also in its form that ignores case."""
    return _affix("prefix", str.startswith, argument)


def suffix(argument: object) -> Test:
    """Return the test of ``{"suffix": …}``, also in its form that ignores case."""
    return _affix("suffix", str.endswith, argument)


def _affix(name: str, has: Callable[[str, str], bool], argument: object) -> Test:
    if is_object(argument) and list(argument) == ["equals-ignore-case"]:
        folded = _text(name, argument["equals-ignore-case"]).lower()
        return text_test(lambda value: has(value.lower(), folded))
    text = _text(name, argument)
    return text_test(lambda value: has(value, text))


def _text(name: str, argument: object) -> str:
    if not isinstance(argument, str):
        raise BadPattern(f"{name} match pattern must be a string")
    return argument


def equals_ignore_case(argument: object) -> Test:
    """Return the test of ``{"equals-ignore-case": …}``."""
    folded = _text("equals-ignore-case", argument).lower()
    return text_test(lambda value: value.lower() == folded)


def exactly(argument: object) -> Test:
    """Return the test of ``{"exactly": …}``, which is that of the plain string."""
    text = _text("exactly", argument)
    return text_test(lambda value: value == text)


def wildcard(argument: object) -> Test:
    r"""Return the test of ``{"wildcard": …}``: ``*`` is any run of characters, ``\`` escapes.

    Pieces between stars are looked for from left to right, each once: no pattern makes it slow, as
    a regular expression's backtracking would be.
    """
    first, *rest = _pieces(_text("wildcard", argument))
    if not rest:
        return text_test(lambda value: value == first)
    return text_test(partial(_has_pieces, first, rest[:-1], rest[-1]))


def _has_pieces(first: str, middle: list[str], last: str, value: str) -> bool:
    end = len(value) - len(last)
    if end < len(first) or not (value.startswith(first) and value.endswith(last)):
        return False
    at = len(first)
    for piece in middle:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _pieces(pattern: str) -> list[str]:
    """Return what stands between the stars of a wildcard pattern."""
    pieces, at = [""], 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "*":
            if pattern[at + 1 : at + 2] == "*":
                raise BadPattern(f"Consecutive wildcard characters at pos {at}")
            pieces.append("")
        elif letter == "\\":
            at += 1
            if pattern[at : at + 1] not in {"*", "\\"}:
                raise BadPattern(f"Invalid escape character at pos {at - 1}")
            pieces[-1] += pattern[at]
        else:
            pieces[-1] += letter
        at += 1
    return pieces


def numeric(argument: object) -> Test:
    """Return the test of ``{"numeric": [">", 0, "<=", 5]}``."""
    if not is_array(argument):
        raise BadPattern("Value of numeric must be an array.")
    bounds = [_bound(argument[at : at + 2]) for at in range(0, len(argument), 2)]
    signs = [sign for sign, _ in bounds]
    if not bounds:
        raise BadPattern("Invalid member in numeric match: ]")
    if len(bounds) > 1 and not _is_range(signs):
        raise BadPattern("Too many terms in numeric range expression")
    if len(bounds) > 1 and bounds[0][1] >= bounds[1][1]:
        raise BadPattern("Bottom must be less than top")
    return lambda value: (
        is_number(value) and all(_COMPARISONS[sign](value, bound) for sign, bound in bounds)
    )


def _bound(pair: list[Any]) -> tuple[str, float]:
    sign, bound = pair[0], pair[1] if len(pair) > 1 else None
    if not isinstance(sign, str) or sign not in _COMPARISONS:
        raise BadPattern(f"Bad numeric range operator: {sign}")
    if not is_number(bound):
        raise BadPattern(f"Value of {'equals' if sign == '=' else sign} must be numeric")
    return sign, bound


def _is_range(signs: list[str]) -> bool:
    return len(signs) == 2 and signs[0] in _LOWER_BOUNDS and signs[1] in _UPPER_BOUNDS


def cidr(argument: object) -> Test:
    """Return the test of ``{"cidr": "10.0.0.0/24"}``, of IPv4 and IPv6."""
    network = _network(_text("prefix", argument))  # sic: a list gives AWS's text about a prefix

    def is_inside(value: str) -> bool:
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return text_test(is_inside)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    address, slash, bits = text.partition("/")
    if not slash or "/" in bits:
        raise BadPattern("Malformed CIDR, one '/' required")
    if not bits.isdecimal():
        raise BadPattern("Malformed CIDR, mask bits must be an integer")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise BadPattern(f"Nonstandard IP address: {address}") from None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        size = 128 if ":" in address else 32
        raise BadPattern(f"Malformed CIDR, mask bits must be between 0 and {size}") from None


def anything_but(argument: object) -> Test:
    """Return the test of ``{"anything-but": …}``: also null passes, a missing field does not."""
    if is_object(argument):
        return _nothing_like(argument)
    values: list[Any] = argument if is_array(argument) else [argument]
    if argument == []:
        raise BadPattern("Empty arrays are not allowed")
    if not (all(isinstance(v, str) for v in values) or all(is_number(v) for v in values)):
        raise BadPattern(_wrong_anything_but(argument))
    refused = frozenset(values)
    # A boolean is no number here, though Python's True equals 1.
    return lambda value: isinstance(value, bool) or value not in refused


def _wrong_anything_but(argument: object) -> str:
    if not is_array(argument):
        return "Value of anything-but must be an array or single string/number value."
    if all(isinstance(value, str) or is_number(value) for value in argument):
        return (
            "Inside anything but list, either all values are number or string, "
            "mixed type is not supported"
        )
    return "Inside anything but list, start|null|boolean is not supported."


_NEGATED: dict[str, Callable[[object], Test]] = {
    "prefix": prefix,
    "suffix": suffix,
    "equals-ignore-case": equals_ignore_case,
    "wildcard": wildcard,
}


def _nothing_like(argument: dict[str, Any]) -> Test:
    """Return the test of ``{"anything-but": {"prefix": …}}`` and the like."""
    if len(argument) != 1:
        raise BadPattern("Only one key allowed in match expression")
    [(name, inner)] = argument.items()
    if name not in _NEGATED:
        raise BadPattern(f"Unsupported anything-but pattern: {name}")
    values: list[Any] = inner if is_array(inner) else [inner]
    if not values:
        raise BadPattern("Empty arrays are not allowed")
    for value in values:
        _refuse_unnegatable(name, value, in_list=is_array(inner))
    tests = [_NEGATED[name](value) for value in values]
    return lambda value: not any(test(value) for test in tests)


def _refuse_unnegatable(name: str, value: object, *, in_list: bool) -> None:
    if not isinstance(value, str):
        if in_list:
            raise BadPattern(
                f"Inside anything-but/{name} list, number|start|null|boolean is not supported."
            )
        raise BadPattern(f"{name} match pattern must be a string")
    if not value and name in {"prefix", "suffix"}:
        raise BadPattern("Null prefix/suffix not allowed")


OPERATORS: dict[str, Callable[[object], Test]] = {
    "exactly": exactly,
    "prefix": prefix,
    "suffix": suffix,
    "equals-ignore-case": equals_ignore_case,
    "wildcard": wildcard,
    "anything-but": anything_but,
    "numeric": numeric,
    "cidr": cidr,
}
"""Every operator but ``exists``, which asks about a field and not about a value."""
