"""The grammar of conditions: ConditionExpression, FilterExpression, KeyConditionExpression.

::

    either  := both (OR both)*
    both    := single (AND single)*
    single  := NOT single | term [= <> < <= > >= term | BETWEEN term AND term | IN (term, …)]
    term    := path | :value | function(term, …) | ( either )

Terms and conditions share parentheses, so that whatever stands where the other should is found only
after it was read.
"""

from __future__ import annotations

from collections.abc import Mapping

from haar.services.dynamodb.expressions import faults
from haar.services.dynamodb.expressions.reader import Reader
from haar.services.dynamodb.expressions.syntax import (
    Between,
    Both,
    Comparison,
    Condition,
    Either,
    Function,
    In,
    Not,
    Operand,
    Path,
    Placeholder,
    Used,
)

IN_OPTIONS_MAX = 99
_COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_ARGUMENTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
_OF_PATHS = frozenset({"attribute_exists", "attribute_not_exists"})
_OF_UPDATES = frozenset({"if_not_exists", "list_append"})
_OPERANDS = (Path, Placeholder)

Node = Condition | Operand


def parse_condition(text: str, names: Mapping[str, str]) -> tuple[Condition, Used]:
    """Return the condition that a text says, and the placeholders that it uses.

    Raises:
        ExpressionFault: the text is wrong.
    """
    reader = _ConditionReader(text, names)
    condition = reader.condition(reader.either())
    reader.finish()
    return condition, reader.used


class _ConditionReader(Reader):
    """Reads a condition."""

    def condition(self, node: Node) -> Condition:
        """Return what was read as a condition."""
        if isinstance(node, _OPERANDS):
            self.refuse()
        if isinstance(node, Function) and node.name == "size":
            self.note(faults.FUNCTION_MISPLACED, function=node.name)
        return node

    def operand(self, node: Node) -> Operand:
        """Return what was read as an operand of a comparison."""
        if not isinstance(node, Path | Placeholder | Function):
            self.refuse()
        if isinstance(node, Function) and node.name != "size":
            self.note(faults.FUNCTION_MISPLACED, function=node.name)
        return node

    def either(self) -> Node:
        """Read conditions joined by OR, or a single operand."""
        node = self._both()
        while self.is_word("OR"):
            left = self.condition(node)
            self.take()
            self.count_operator()
            node = Either(left, self.condition(self._both()))
        return node

    def _both(self) -> Node:
        node = self._single()
        while self.is_word("AND"):
            left = self.condition(node)
            self.take()
            self.count_operator()
            node = Both(left, self.condition(self._single()))
        return node

    def _single(self) -> Node:
        negations = 0
        while self.accept_word("NOT"):
            self.count_operator()
            negations += 1
        node = self._affirmed()
        for _ in range(negations):
            node = Not(self.condition(node))
        return node

    def _affirmed(self) -> Node:
        node = self._term()
        if self.token.kind == "sign" and self.token.text in _COMPARATORS:
            return self._comparison(self.operand(node))
        if self.is_word("BETWEEN"):
            return self._between(self.operand(node))
        if self.is_word("IN"):
            return self._in(self.operand(node))
        return node

    def _comparison(self, left: Operand) -> Comparison:
        operator = self.take().text
        self.count_operator()
        right = self.operand(self._term())
        self._refuse_same(operator, left, right)
        return Comparison(operator, left, right)

    def _between(self, operand: Operand) -> Between:
        self.take()
        self.count_operator()
        lower = self.operand(self._term())
        if not self.accept_word("AND"):
            self.refuse()
        upper = self.operand(self._term())
        self._refuse_same("BETWEEN", operand, lower, upper)
        return Between(operand, lower, upper)

    def _in(self, operand: Operand) -> In:
        self.take()
        self.count_operator()
        self.expect("(")
        options = [self.operand(self._term())]
        while self.accept(","):
            options.append(self.operand(self._term()))
        self.expect(")")
        if len(options) > IN_OPTIONS_MAX:
            self.note(faults.IN_TOO_MANY, count=len(options) + 1)
        self._refuse_same("IN", operand, *options)
        return In(operand, tuple(options))

    def _term(self) -> Node:
        token = self.token
        if token.kind == "value":
            return self.placeholder()
        if token.kind == "sign" and token.text == "(":
            return self.parenthesised(self.either)
        if self.is_function():
            return self._checked(self.function(self._argument))
        return self.path()

    def _argument(self) -> Operand:
        node = self._term()
        if not isinstance(node, Path | Placeholder | Function):
            self.refuse()
        return node

    def _checked(self, function: Function) -> Function:
        name, count = function.name, len(function.arguments)
        if name in _OF_UPDATES:
            self.note(faults.FUNCTION_NOT_HERE, kind="a condition", function=name)
        elif name not in _ARGUMENTS:
            self.note(faults.FUNCTION_UNKNOWN, function=name)
        elif count != _ARGUMENTS[name]:
            self.note(faults.OPERAND_COUNT, function=name, count=count)
        elif name in _OF_PATHS and not isinstance(function.arguments[0], Path):
            self.note(faults.NEEDS_PATH, function=name)
        elif name == "attribute_type" and not isinstance(function.arguments[1], Placeholder):
            self.note(faults.FUNCTION_TYPE, function=name, kind="{NS,SS,L,BS,N,M,B,S,NULL,BOOL}")
        elif count == 2:
            self._refuse_same(name, *function.arguments)
        self._check_arguments(function)
        return function

    def _check_arguments(self, function: Function) -> None:
        for argument in function.arguments:
            if isinstance(argument, Function) and argument.name != "size":
                self.note(faults.FUNCTION_MISPLACED, function=argument.name)

    def _refuse_same(self, operator: str, first: Operand, *others: Operand) -> None:
        if isinstance(first, Path) and first in others:
            self.note(faults.NOT_DISTINCT, operator=operator, operand=first)
