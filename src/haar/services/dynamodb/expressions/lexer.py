"""Tokens of an expression.

=========  ==================================================
kind       what
=========  ==================================================
``word``   a letter, then letters, digits and underscores
``name``   ``#`` and letters, digits, underscores
``value``  ``:`` and letters, digits, underscores
``digits`` a list index
``sign``   ``= <> < <= > >= ( ) [ ] , . + -``
``other``  anything else: an error where it stands
``end``    after the last
=========  ==================================================
"""

from __future__ import annotations

import re
from typing import NamedTuple

from haar.services.dynamodb.expressions.faults import (
    EMPTY,
    SYNTAX,
    TOO_LONG,
    ExpressionFault,
)

EXPRESSION_BYTES_MAX = 4096

_TOKEN = re.compile(
    r"\s+|(?P<word>[A-Za-z][A-Za-z0-9_]*)|(?P<name>\#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<digits>[0-9]+)|(?P<sign><>|<=|>=|[=<>()\[\],.+-])|(?P<other>.)",
    re.DOTALL,
)


class Token(NamedTuple):
    """A token and where it stands in the text."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of an expression, the last of kind ``end``.

    Raises:
        ExpressionFault: empty, or too long.
    """
    size = len(text.encode())
    if size > EXPRESSION_BYTES_MAX:
        raise ExpressionFault(TOO_LONG, size=size)
    if not text.strip():
        raise ExpressionFault(EMPTY)
    found = [
        Token(match.lastgroup, match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if match.lastgroup is not None
    ]
    return [*found, Token("end", "<EOF>", len(text), len(text))]


def syntax_fault(text: str, tokens: list[Token], at: int) -> ExpressionFault:
    """Return the error for a token that may not stand where it does, with its neighbours."""
    first = tokens[max(at - 1, 0)]
    last = tokens[min(at + 1, len(tokens) - 1)]
    near = text[first.start : last.end].strip()
    return ExpressionFault(SYNTAX, token=tokens[at].text, near=near)
