"""Tokens of a statement.

===========  ===========================================================
kind         what
===========  ===========================================================
``word``     a letter or an underscore, then also digits and ``. -`` of no name
``quoted``   a name between double quotes; ``""`` is a quote
``string``   a text between single quotes; ``''`` is a quote
``number``   as JSON has them
``sign``     ``<< >> <> != <= >= = < > ( ) [ ] { } , . : + - * ?``
``end``      after the last
===========  ===========================================================
"""

from __future__ import annotations

import re
from typing import NamedTuple

from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.partiql import faults

_TOKEN = re.compile(
    r"\s+|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r'|"(?P<quoted>(?:[^"]|"")+)"'
    r"|'(?P<string>(?:[^']|'')*)'"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<sign><<|>>|<>|!=|<=|>=|[=<>()\[\]{},.:+\-*?])"
    r"|(?P<other>.)",
    re.DOTALL,
)


class Token(NamedTuple):
    """A token; quotes are gone, and the text of ``start`` begins it in the statement."""

    kind: str
    text: str
    start: int


def tokens_of(statement: str) -> list[Token]:
    """Return the tokens of a statement, the last of kind ``end``.

    Raises:
        Invalid: a character that begins no token.
    """
    found: list[Token] = []
    for match in _TOKEN.finditer(statement):
        kind, text = match.lastgroup, match.group()
        if kind is None:
            continue
        if kind == "other":
            raise Invalid(faults.MALFORMED, reason=f"Unexpected character: '{text}'")
        if kind in {"quoted", "string"}:
            quote = text[0]
            text = text[1:-1].replace(quote * 2, quote)
        found.append(Token(kind, text, match.start()))
    return [*found, Token("end", "", len(statement))]
