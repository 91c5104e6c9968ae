"""Expressions of a definition: paths, context paths and intrinsic calls, compiled to closures.

An expression text is ``$…`` (a path into the input), ``$$…`` (a path into the context object) or a
call ``States.Name(argument, …)`` whose arguments are quoted strings, numbers, ``true``, ``false``,
``null``, paths, and calls (nested at most :data:`NESTING_MAX` deep).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from haar.services.states import intrinsics, paths, values
from haar.services.states.filters import NoResult
from haar.services.states.surroundings import Expression, Surroundings
from haar.services.states.values import is_array, is_object

NESTING_MAX = 10
"""[nv] in AWS's words "up to 10"."""

_CALL = re.compile(r"\s*(States\.[A-Za-z0-9]+)\(")
_TEXT = re.compile(r"\s*'((?:[^'\\]|\\.)*)'", re.DOTALL)
_LITERAL = re.compile(r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?=\s*[,)])")
_VARIABLE = re.compile(r"\$[A-Za-z_]")


class BadExpression(ValueError):
    """A text that is no expression."""


class BadField(ValueError):
    """A ``.$`` field of a payload template whose value is no expression.

    Attributes:
        name: of the field, with its ``.$``.
        place: the JSON pointer of its object within the template.
    """

    def __init__(self, name: str, place: str) -> None:
        super().__init__(name)
        self.name = name
        self.place = place


class UsesVariable(ValueError):
    """An expression that reads a variable (``$name``), which haar does not have yet."""


class Unresolved(Exception):
    """A path that found nothing.

    Attributes:
        path: as written in the definition.
        reason: AWS's words on what is missing.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"Invalid path '{path}' : {reason}")
        self.path = path
        self.reason = reason


def compile_expression(text: str) -> Expression:
    """Return the closure of an expression text.

    Raises:
        BadExpression: neither a path nor a call of a known function.
        UsesVariable: it reads a variable.
    """
    if text.startswith("$"):
        return _path(text)
    expression, at = _call(text, 0, 1)
    if text[at:].strip():
        raise BadExpression(text)
    return expression


def _path(text: str) -> Expression:
    if _VARIABLE.match(text):
        raise UsesVariable(text)
    try:
        path = paths.compile_path(text[1:] if text.startswith("$$") else text)
    except paths.BadPath as err:
        raise BadExpression(text) from err
    find = path.find
    if text == "$":
        return whole
    if text.startswith("$$"):
        return lambda _, around: _found(text, find, around.document)
    return lambda value, _: _found(text, find, value)


def _found(text: str, find: Callable[[Any], Any], value: Any) -> Any:
    try:
        return find(value)
    except NoResult as err:
        raise Unresolved(text, str(err)) from None


def _call(text: str, at: int, depth: int) -> tuple[Expression, int]:
    found = _CALL.match(text, at)
    if not found or depth > NESTING_MAX:
        raise BadExpression(text)
    arguments, at = _arguments(text, found.end(), depth)
    return _bind(text, found[1], arguments), at


def _arguments(text: str, at: int, depth: int) -> tuple[list[Expression], int]:
    arguments: list[Expression] = []
    while True:
        at = _blanks(text, at)
        if text[at : at + 1] == ")" and not arguments:
            return arguments, at + 1
        argument, at = _argument(text, at, depth, is_format=False)
        arguments.append(argument)
        at = _blanks(text, at)
        mark = text[at : at + 1]
        if mark not in {",", ")"} or not mark:
            raise BadExpression(text)
        at += 1
        if mark == ")":
            return arguments, at


def _argument(text: str, at: int, depth: int, *, is_format: bool) -> tuple[Expression, int]:
    if text[at : at + 1] == "$":
        end = _end_of_path(text, at)
        return _path(text[at:end].rstrip()), end
    quoted = _TEXT.match(text, at)
    if quoted:
        return constant(_Quoted(quoted[1])), quoted.end()
    literal = _LITERAL.match(text, at)
    if literal:
        return constant(values.read(literal[1])), literal.end()
    return _call(text, at, depth + 1)


class _Quoted(str):
    r"""A quoted text with its escapes still in it: States.Format tells ``\{`` from ``{``."""

    __slots__ = ()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def constant(value: Any) -> Expression:
    """Return the expression that is always one value."""
    return lambda _value, _around: value


def whole(value: Any, _around: Surroundings) -> Any:
    """Return the input: what ``$`` finds."""
    return value


def _bind(text: str, name: str, arguments: list[Expression]) -> Expression:
    entry = intrinsics.FUNCTIONS.get(name)
    if entry:
        _check_count(text, entry, arguments)
        return _calling(name, entry[2], arguments)
    entry = intrinsics.RANDOM_FUNCTIONS.get(name)
    if not entry:
        raise BadExpression(text)
    _check_count(text, entry, arguments)
    function = entry[2]
    return lambda value, around: function(
        around.entropy, *[_plain(argument(value, around)) for argument in arguments]
    )


def _check_count(
    text: str, entry: tuple[int, int | None, Callable[..., Any]], arguments: list[Expression]
) -> None:
    fewest, most, _ = entry
    if len(arguments) < fewest or (most is not None and len(arguments) > most):
        raise BadExpression(text)


def _calling(name: str, function: Callable[..., Any], arguments: list[Expression]) -> Expression:
    keeps_first = name == "States.Format"

    def call(value: Any, around: Surroundings) -> Any:
        given = [argument(value, around) for argument in arguments]
        plain = [
            str(one) if keeps_first and place == 0 else _plain(one)
            for place, one in enumerate(given)
        ]
        return function(*plain)

    return call


def _plain(value: Any) -> Any:
    return _unescaped(value) if isinstance(value, _Quoted) else value


def _blanks(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _end_of_path(text: str, at: int) -> int:
    """Return where a path ends: at a comma or parenthesis outside of brackets and quotes."""
    depth, quote = 0, ""
    while at < len(text):
        letter = text[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and depth:
            quote = letter
        elif letter in "[(":
            depth += 1
        elif letter in "])" and depth:
            depth -= 1
        elif letter in ",)":
            break
        at += 1
    return at


def compile_template(template: Any, place: str = "") -> Expression:
    """Return the closure of a payload template: keys that end in ``.$`` are expressions.

    A template without any is a constant, shared by all who evaluate it: values are never changed
    in place.

    Args:
        template: any JSON value.
        place: where it stands in the whole template, a JSON pointer.

    Raises:
        BadField: a ``.$`` key whose value is no expression.
        UsesVariable: one that reads a variable.
    """
    if not _is_dynamic(template):
        return constant(template)
    if is_object(template):
        return _object(template, place)
    parts = [compile_template(part, f"{place}[{at}]") for at, part in enumerate(template)]
    return lambda value, around: [part(value, around) for part in parts]


def _is_dynamic(template: Any) -> bool:
    if is_object(template):
        return any(key.endswith(".$") or _is_dynamic(below) for key, below in template.items())
    return is_array(template) and any(_is_dynamic(below) for below in template)


def _object(template: dict[str, Any], place: str) -> Expression:
    members: list[tuple[str, Expression]] = []
    for key, below in template.items():
        if not key.endswith(".$"):
            members.append((key, compile_template(below, f"{place}/{key}")))
            continue
        try:
            members.append((key[:-2], compile_expression(below if isinstance(below, str) else "")))
        except BadExpression:
            raise BadField(key, place) from None
    return lambda value, around: {key: member(value, around) for key, member in members}
