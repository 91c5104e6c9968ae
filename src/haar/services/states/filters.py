"""Filters of JSONPath: ``?(@.price < 10 && (@.kind == 'book' || !@.sold))``.

Grammar, loosest first: ``a || b``, ``a && b``, ``!a``, ``( a )``, ``operand op operand``, ``op``
one of ``== != < <= > >=``, and a path alone, which holds where it finds something. An operand is a
path from ``@`` or a literal. Values of different kinds are unequal and not ordered.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Protocol

from haar.services.states.values import equal, is_array, is_number, is_object, read

Predicate = Callable[[Any], bool]
Operand = Callable[[Any], list[Any]]

_TOKEN = re.compile(
    r"\s*(?:(?P<op>\|\||&&|==|!=|<=|>=|[<>!()])|(?P<path>@(?:\.\.?[^\s.\[\]()=!<>&|]+|\[[^\]]*\])*)"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>true|false|null))"
)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class NoResult(Exception):
    """A definite path that finds nothing; the text is what AWS says after ``Invalid path``."""


class BadFilter(ValueError):
    """A text that is not a filter of the grammar."""


class _Found(Protocol):
    """What the filters need of a compiled path."""

    @property
    def is_definite(self) -> bool: ...

    @property
    def find(self) -> Callable[[Any], Any]: ...


def compile_filter(
    text: str, at: int, compile_path: Callable[[str], _Found]
) -> tuple[Predicate, int]:
    """Return the predicate of the filter that begins at ``at`` (its ``(``), and where it ends.

    Args:
        text: the whole path.
        at: the place after ``?``.
        compile_path: compiles the paths inside; handed in, for paths hold filters.

    Raises:
        BadFilter: not in the grammar.
    """
    parser = _Parser(text, at, compile_path)
    parser.expect("(")
    predicate = parser.either()
    parser.expect(")")
    return predicate, parser.at


class _Parser:
    def __init__(self, text: str, at: int, compile_path: Callable[[str], _Found]) -> None:
        self.text = text
        self.at = at
        self._compile = compile_path

    def peek(self) -> re.Match[str]:
        found = _TOKEN.match(self.text, self.at)
        if not found:
            raise BadFilter(self.text[self.at :])
        return found

    def skip(self, op: str) -> bool:
        found = self.peek()
        if found["op"] != op:
            return False
        self.at = found.end()
        return True

    def expect(self, op: str) -> None:
        if not self.skip(op):
            raise BadFilter(self.text[self.at :])

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.skip("||"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda node: any(part(node) for part in parts)

    def both(self) -> Predicate:
        parts = [self.single()]
        while self.skip("&&"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else lambda node: all(part(node) for part in parts)

    def single(self) -> Predicate:
        if self.skip("!"):
            inner = self.single()
            return lambda node: not inner(node)
        if self.skip("("):
            inner = self.either()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Predicate:
        left = self.operand()
        found = self.peek()["op"]
        if found in {"==", "!="}:
            self.expect(found)
            right = self.operand()
            return lambda node: _are_equal(left(node), right(node)) == (found == "==")
        if found in _ORDERS:
            self.expect(found)
            right, order = self.operand(), _ORDERS[found]
            return lambda node: _are_ordered(left(node), right(node), order)
        return lambda node: bool(left(node))

    def operand(self) -> Operand:
        found = self.peek()
        if found["op"]:
            raise BadFilter(self.text[self.at :])
        self.at = found.end()
        if found["path"]:
            return self._path(found["path"])
        literal = self._literal(found)
        return lambda _node: [literal]

    def _path(self, text: str) -> Operand:
        path = self._compile("$" + text[1:])

        def find(node: Any) -> list[Any]:
            if not (is_object(node) or is_array(node)) and len(text) > 1:
                return []
            try:
                found = path.find(node)
            except NoResult:
                return []
            return [found] if path.is_definite else found

        return find

    @staticmethod
    def _literal(found: re.Match[str]) -> Any:
        if found["text"]:
            return re.sub(r"\\(.)", r"\1", found["text"][1:-1])
        return read(found["number"] or found["word"])


def _are_equal(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))


def _are_ordered(left: list[Any], right: list[Any], order: Callable[[Any, Any], bool]) -> bool:
    if len(left) != 1 or len(right) != 1:
        return False
    a, b = left[0], right[0]
    if (is_number(a) and is_number(b)) or (isinstance(a, str) and isinstance(b, str)):
        return order(a, b)
    return False
