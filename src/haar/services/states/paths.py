"""JSONPath, compiled to closures: the dialect of the Amazon States Language.

======================================  =================================================
form                                    selects
======================================  =================================================
``$``                                   the value itself
``.name``  ``['name']``                 a member
``[3]``  ``[-1]``                       an element, from the end where negative
``.*``  ``[*]``                         every member or element
``[1,2]``  ``['a','b']``                several
``[1:5]``  ``[:3]``  ``[::2]``          a slice
``..name``  ``..*``  ``..[0]``          at any depth
``[?(@.price < 10)]``                   elements that pass a filter (:mod:`.filters`)
``.length()``                           how many elements, members or characters (last only)
======================================  =================================================

A path of only members and elements is *definite*: it finds one value or fails. Any other gathers
what it finds in an array. A *reference path* is definite and can be written to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from haar.services.states import filters
from haar.services.states.filters import NoResult
from haar.services.states.values import is_array, is_object

Step = Callable[[list[Any]], list[Any]]
"""From the nodes found so far to the nodes below them."""

_NAME = re.compile(r"[^\s.\[\]()'\"$@?*,:&|!<>=/]+")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_INTEGER = re.compile(r"-?\d+")


class BadPath(ValueError):
    """A text that is not a path of the dialect."""


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled path.

    Attributes:
        text: as written, without the second ``$`` of a context path.
        keys: the members and elements of a definite path, in order.
        is_definite: finds exactly one value.
        find: from a value to what the path selects in it. Raises :class:`NoResult`.
    """

    text: str
    keys: tuple[str | int, ...]
    is_definite: bool
    find: Callable[[Any], Any]

    @property
    def is_reference(self) -> bool:
        """Whether the path names a single node that could be written to."""
        return self.is_definite


def compile_path(text: str) -> Path:
    """Return the compiled form of a path that begins with ``$``.

    Raises:
        BadPath: not in the dialect.
    """
    reader = _Reader(text)
    reader.read()
    if reader.steps is None:
        keys = tuple(reader.keys)
        return Path(text, keys, is_definite=not reader.counts, find=_definite(keys, reader.counts))
    return Path(text, (), is_definite=False, find=_gathering(reader.steps, reader.counts))


class _Reader:
    """Reads a path from left to right. ``steps`` stays None while the path is definite."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1
        self.keys: list[str | int] = []
        self.steps: list[Step] | None = None
        self.counts = False
        if not text.startswith("$"):
            raise BadPath(text)

    def read(self) -> None:
        while self.at < len(self.text):
            if self.counts:
                raise BadPath(self.text)
            self._segment()

    def _segment(self) -> None:
        if self._skip(".."):
            self._widen(_descend)
            if self.text[self.at : self.at + 1] != "[":
                self._dotted()
        elif self._skip(".length()"):
            self.counts = True
        elif self._skip("."):
            self._dotted()
        elif self._skip("["):
            self._bracket()
        else:
            raise BadPath(self.text)

    def _dotted(self) -> None:
        if self._skip("*"):
            self._widen(_every)
        else:
            self._key(self._take(_NAME))

    def _bracket(self) -> None:
        if self._skip("?"):
            return self._filter()
        if self._skip("*]"):
            return self._widen(_every)
        choices = self.text[self.at : self.text.find("]", self.at)]
        if ":" in choices and not choices.lstrip().startswith(("'", '"')):
            return self._slice(choices)
        keys = [self._bracket_key()]
        while self._skip(","):
            keys.append(self._bracket_key())
        self._expect("]")
        if len(keys) == 1:
            return self._key(keys[0])
        return self._widen(_several(keys))

    def _bracket_key(self) -> str | int:
        self._blanks()
        quoted = _QUOTED.match(self.text, self.at)
        if quoted:
            self.at = quoted.end()
            inner = quoted[1] if quoted[1] is not None else quoted[2]
            key: str | int = re.sub(r"\\(.)", r"\1", inner)
        else:
            key = int(self._take(_INTEGER))
        self._blanks()
        return key

    def _slice(self, text: str) -> None:
        parts = [part.strip() for part in text.split(":")]
        if len(parts) > 3 or not all(not part or _INTEGER.fullmatch(part) for part in parts):
            raise BadPath(self.text)
        numbers = [int(part) if part else None for part in parts]
        if numbers[2:] == [0]:
            raise BadPath(self.text)
        self.at += len(text)
        self._expect("]")
        self._widen(_sliced(slice(*numbers)))

    def _filter(self) -> None:
        try:
            passes, self.at = filters.compile_filter(self.text, self.at, compile_path)
        except filters.BadFilter as err:
            raise BadPath(self.text) from err
        self._expect("]")
        self._widen(_filtered(passes))

    def _key(self, key: str | int) -> None:
        if self.steps is None:
            self.keys.append(key)
        else:
            self.steps.append(_one(key))

    def _widen(self, step: Step) -> None:
        if self.steps is None:
            self.steps = [_one(key) for key in self.keys]
        self.steps.append(step)

    def _skip(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise BadPath(self.text)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if not found:
            raise BadPath(self.text)
        self.at = found.end()
        return found[0]

    def _blanks(self) -> None:
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1


def _definite(keys: tuple[str | int, ...], counts: bool) -> Callable[[Any], Any]:  # noqa: FBT001
    if counts:
        return lambda value: _length(_walk(value, keys))
    if not keys:
        return lambda value: value
    return lambda value: _walk(value, keys)


def _walk(value: Any, keys: tuple[str | int, ...]) -> Any:
    for place, key in enumerate(keys):
        if isinstance(value, str):  # a text has no elements
            raise _nothing(keys, place)
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            raise _nothing(keys, place) from None
    return value


def _nothing(keys: tuple[str | int, ...], place: int) -> NoResult:
    shown = bracketed(keys[: place + 1])
    if place == len(keys) - 1:
        return NoResult(f"No results for path: {shown}")
    return NoResult(f"Missing property in path {shown}")


def bracketed(keys: tuple[str | int, ...]) -> str:
    """Return a path in the bracket notation of AWS's messages, ``$['a'][0]``."""
    return "$" + "".join(f"['{key}']" if isinstance(key, str) else f"[{key}]" for key in keys)


def _gathering(steps: list[Step], counts: bool) -> Callable[[Any], Any]:  # noqa: FBT001
    def find(value: Any) -> Any:
        nodes = [value]
        for step in steps:
            nodes = step(nodes)
        return len(nodes) if counts else nodes

    return find


def _length(value: Any) -> int:
    if is_array(value) or is_object(value) or isinstance(value, str):
        return len(value)
    raise NoResult("length() needs an array, an object or a string")


def _one(key: str | int) -> Step:
    if isinstance(key, str):
        return lambda nodes: [node[key] for node in nodes if is_object(node) and key in node]
    return lambda nodes: [
        node[key] for node in nodes if is_array(node) and -len(node) <= key < len(node)
    ]


def _several(keys: list[str | int]) -> Step:
    steps = [_one(key) for key in keys]
    return lambda nodes: [found for node in nodes for step in steps for found in step([node])]


def _below(node: Any) -> list[Any]:
    if is_object(node):
        return list(node.values())
    return node if is_array(node) else []


def _every(nodes: list[Any]) -> list[Any]:
    return [below for node in nodes for below in _below(node)]


def _descend(nodes: list[Any]) -> list[Any]:
    found: list[Any] = []
    for node in nodes:
        found.append(node)
        found += _descend(_below(node))
    return found


def _sliced(part: slice) -> Step:
    return lambda nodes: [below for node in nodes if is_array(node) for below in node[part]]


def _filtered(passes: Callable[[Any], bool]) -> Step:
    return lambda nodes: [
        below for node in nodes for below in (node if is_array(node) else [node]) if passes(below)
    ]


def put(value: Any, keys: tuple[str | int, ...], result: Any) -> Any:
    """Return ``value`` with ``result`` at a reference path; ``value`` itself stays as it is.

    Raises:
        NoResult: the path leads through something that is no object, or to no array element.
    """
    if not keys:
        return result
    key, below = keys[0], keys[1:]
    if isinstance(key, str):
        if not is_object(value):
            raise NoResult(bracketed(keys))
        return {**value, key: put(value.get(key, {}) if below else None, below, result)}
    if not is_array(value) or not 0 <= key < len(value):
        raise NoResult(bracketed(keys))
    return [*value[:key], put(value[key], below, result), *value[key + 1 :]]
