"""What every grammar reads: tokens, paths, placeholders, functions.

Syntax is judged first: what is wrong otherwise (a reserved word, an undefined name, …) is noted and
refused once the whole text has been read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn, TypeVar

from haar.services.dynamodb.expressions import faults
from haar.services.dynamodb.expressions.faults import ExpressionFault
from haar.services.dynamodb.expressions.lexer import Token, syntax_fault, tokens_of
from haar.services.dynamodb.expressions.reserved import RESERVED
from haar.services.dynamodb.expressions.syntax import (
    Function,
    Operand,
    Path,
    Placeholder,
    Used,
)

T = TypeVar("T")

OPERATORS_MAX = 300
NESTING_MAX = 32
# Deeper parentheses and functions are refused: what reads and evaluates them calls itself.
DEPTH_MAX = 60
_INDEX_MAX = 2**31 - 1


class Reader:
    """Reads one expression from left to right.

    Args:
        text: the expression.
        names: the request's ExpressionAttributeNames.
    """

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._at = 0
        self._names = names
        self._used_names: set[str] = set()
        self._used_values: set[str] = set()
        self._attributes: set[str] = set()
        self._faults: list[ExpressionFault] = []
        self._operators = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    @property
    def used(self) -> Used:
        """The placeholders and attributes met so far."""
        return Used(
            frozenset(self._used_names),
            frozenset(self._used_values),
            frozenset(self._attributes),
        )

    def note(self, text: str, **details: object) -> None:
        """Keep a fault until the syntax of the whole is known to be right."""
        self._faults.append(ExpressionFault(text, **details))

    def refuse(self) -> NoReturn:
        """Refuse the next token.

        Raises:
            ExpressionFault: always.
        """
        raise syntax_fault(self._text, self._tokens, self._at)

    def finish(self) -> None:
        """Require the end, then refuse the first fault that was noted.

        Raises:
            ExpressionFault: more text, or a fault.
        """
        if self.token.kind != "end":
            self.refuse()
        if self._operators > OPERATORS_MAX:
            raise ExpressionFault(faults.TOO_MANY_OPERATORS, count=self._operators)
        if self._faults:
            raise self._faults[0]

    def take(self) -> Token:
        """Return the next token and go on."""
        token = self._tokens[self._at]
        self._at += 1
        return token

    def accept(self, sign: str) -> bool:
        """Go on if the next token is a sign; return whether it was."""
        if self.token.kind == "sign" and self.token.text == sign:
            self._at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        """Require a sign.

        Raises:
            ExpressionFault: something else stands there.
        """
        if not self.accept(sign):
            self.refuse()

    def is_word(self, *words: str) -> bool:
        """Whether the next token is one of some keywords, in any case."""
        return self.token.kind == "word" and self.token.text.upper() in words

    def accept_word(self, word: str) -> bool:
        """Go on if the next token is a keyword; return whether it was."""
        if self.is_word(word):
            self._at += 1
            return True
        return False

    def count_operator(self) -> None:
        """Count an operator or a function against the bound."""
        self._operators += 1

    def is_function(self) -> bool:
        """Whether a function begins here: a word and a parenthesis."""
        following = self._tokens[self._at + 1] if self.token.kind != "end" else self.token
        return self.token.kind == "word" and following.text == "("

    def function(self, argument: Callable[[], Operand]) -> Function:
        """Return the function that begins here.

        Args:
            argument: reads one argument.
        """
        name = self.take().text
        self.count_operator()
        self.open()
        arguments = [argument()]
        while self.accept(","):
            arguments.append(argument())
        self.close()
        return Function(name, tuple(arguments))

    def open(self) -> None:
        """Require an opening parenthesis.

        Raises:
            ExpressionFault: something else stands there, or too many are open.
        """
        if self._depth >= DEPTH_MAX:
            self.refuse()
        self.expect("(")
        self._depth += 1

    def close(self) -> None:
        """Require a closing parenthesis.

        Raises:
            ExpressionFault: something else stands there.
        """
        self.expect(")")
        self._depth -= 1

    def parenthesised(self, inside: Callable[[], T]) -> T:
        """Return what stands between the parentheses that begin here.

        Args:
            inside: reads it.
        """
        self.open()
        is_doubled = self.token.text == "("
        start = self._at
        found = inside()
        # ((a) AND (b)) is fine: doubled is a pair whose whole inside is another pair.
        if is_doubled and self._closes(start) == self._at - 1:
            self.note(faults.REDUNDANT_PARENTHESES)
        self.close()
        return found

    def _closes(self, start: int) -> int:
        """Return where the parenthesis that opens at ``start`` closes."""
        depth = 0
        for at in range(start, self._at):
            text = self._tokens[at].text
            depth += (text == "(") - (text == ")")
            if depth == 0:
                return at
        return -1

    def placeholder(self) -> Placeholder:
        """Return the value's placeholder that stands here."""
        token = self.take()
        self._used_values.add(token.text)
        return Placeholder(token.text)

    def path(self) -> Path:
        """Return the document path that begins here.

        Raises:
            ExpressionFault: none does.
        """
        first = self._name()
        self._attributes.add(first)
        parts: list[str | int] = [first]
        while self.token.kind == "sign" and self.token.text in {".", "["}:
            if self.take().text == ".":
                parts.append(self._name())
            else:
                parts.append(self._index())
        if len(parts) > NESTING_MAX:
            self.note(faults.TOO_DEEP, levels=len(parts))
        return Path(tuple(parts))

    def _name(self) -> str:
        token = self.token
        if token.kind == "name":
            self._at += 1
            return self._resolve(token.text)
        if token.kind != "word":
            self.refuse()
        self._at += 1
        if token.text.upper() in RESERVED:
            self.note(faults.RESERVED_WORD, name=token.text)
        return token.text

    def _resolve(self, name: str) -> str:
        self._used_names.add(name)
        resolved = self._names.get(name)
        if resolved is None:
            self.note(faults.NAME_UNDEFINED, name=name)
            return name
        return resolved

    def _index(self) -> int:
        if self.token.kind != "digits":
            self.refuse()
        text = self.take().text
        self.expect("]")
        if len(text) > len(str(_INDEX_MAX)) or int(text) > _INDEX_MAX:
            self.note(faults.INDEX_RANGE, index=text)
            return 0
        return int(text)
