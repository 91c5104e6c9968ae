"""A walk over the tokens of a statement: what its grammars have in common."""

from __future__ import annotations

from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.syntax import Path
from haar.services.dynamodb.partiql import faults
from haar.services.dynamodb.partiql.lexer import Token, tokens_of
from haar.services.dynamodb.values import Item, Value

NESTING_MAX = 32


class Reader:
    """Reads one statement.

    Args:
        statement: its text.
        parameters: for its question marks, in their order.
    """

    def __init__(self, statement: str, parameters: list[Value]) -> None:
        self._tokens = tokens_of(statement)
        self._at = 0
        self._parameters = parameters
        self._taken = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    def next(self) -> Token:
        """Take the next token."""
        token = self.token
        self._at += 1
        return token

    def peek(self, word: str) -> bool:
        """Tell whether a keyword or a sign comes next."""
        kind, text, _ = self.token
        return (kind == "word" and text.upper() == word) or (kind == "sign" and text == word)

    def accept(self, *words: str) -> bool:
        """Take keywords or signs, if all of them come next."""
        start = self._at
        for word in words:
            if not self.peek(word):
                self._at = start
                return False
            self._at += 1
        return True

    def expect(self, word: str) -> None:
        """Take a keyword or a sign.

        Raises:
            Invalid: something else comes.
        """
        if not self.accept(word):
            raise self.fault(f"Expected {word}")

    def fault(self, reason: str) -> Invalid:
        """Return the refusal of what comes next."""
        shown = self.token.text or "end of statement"
        text = f"{reason} at {self.token.start + 1}, found: {shown}"
        return Invalid(faults.MALFORMED, reason=text)

    def finish(self) -> None:
        """Take the end, and see that every parameter has its place.

        Raises:
            Invalid: something is left over.
        """
        if self.token.kind != "end":
            raise self.fault("Unexpected term")
        if self._taken != len(self._parameters):
            raise Invalid(faults.PARAMETERS)

    def deeper(self) -> None:
        """Count a level of nesting.

        Raises:
            Invalid: there are too many.
        """
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise self.fault("Nested too deep")

    def higher(self) -> None:
        """Leave a level of nesting."""
        self._depth -= 1

    def name(self) -> str:
        """Take a name, quoted or not."""
        if self.token.kind in {"word", "quoted"}:
            return self.next().text
        raise self.fault("Expected identifier")

    def table(self) -> tuple[str, str]:
        """Take the name of a table, and of an index where there is one."""
        table = self.name()
        return table, self.name() if self.accept(".") else ""

    def path(self) -> Path:
        """Take a document path."""
        parts: list[str | int] = [self.name()]
        while True:
            if self.accept("."):
                parts.append(self.name())
            elif self.accept("["):
                parts.append(self._index())
                self.expect("]")
            else:
                return Path(tuple(parts))

    def _index(self) -> str | int:
        kind, text, _ = self.token
        if kind == "number" and text.isdigit():
            self.next()
            return int(text)
        if kind == "string":
            return self.next().text
        raise self.fault("Expected index")

    def is_value(self) -> bool:
        """Tell whether a value comes next."""
        if self.token.kind in {"string", "number"}:
            return True
        return any(map(self.peek, ("?", "-", "{", "[", "<<", "TRUE", "FALSE", "NULL")))

    def value(self) -> Value:
        """Take a value: a literal or a parameter.

        Raises:
            Invalid: something else comes, or there is no such parameter.
        """
        if self.accept("?"):
            return self._parameter()
        if self.token.kind == "string":
            return {"S": self.next().text}
        if self.accept("NULL"):
            return {"NULL": True}
        for word in ("TRUE", "FALSE"):
            if self.accept(word):
                return {"BOOL": word == "TRUE"}
        self.deeper()
        found = self._container()
        self.higher()
        return found

    def _parameter(self) -> Value:
        if self._taken == len(self._parameters):
            raise Invalid(faults.PARAMETERS)
        self._taken += 1
        return self._parameters[self._taken - 1]

    def _container(self) -> Value:
        if self.accept("{"):
            return {"M": self.pairs()}
        if self.accept("["):
            return {"L": self._until("]")}
        if self.accept("<<"):
            return self._set(self._until(">>"))
        sign = "-" if self.accept("-") else ""
        if self.token.kind == "number":
            return {"N": sign + self.next().text}
        raise self.fault("Expected value")

    def pairs(self) -> Item:
        """Take the pairs of a tuple to its closing brace."""
        found: Item = {}
        while not self.accept("}"):
            if found:
                self.expect(",")
            if self.token.kind not in {"string", "quoted", "word"}:
                raise self.fault("Expected attribute name")
            name = self.next().text
            self.expect(":")
            found[name] = self.value()
        return found

    def _until(self, end: str) -> list[Value]:
        found: list[Value] = []
        while not self.accept(end):
            if found:
                self.expect(",")
            found.append(self.value())
        return found

    def _set(self, values: list[Value]) -> Value:
        kinds = {kind for value in values for kind in value}
        if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
            raise self.fault("Expected a set of strings, numbers or binaries")
        (kind,) = kinds
        return {f"{kind}S": [value[kind] for value in values]}
