"""The grammar of updates.

::

    update  := (SET path = value, … | REMOVE path, … | ADD path :value, … | DELETE path :value, …)+
    value   := operand [+ operand | - operand]
    operand := path | :value | if_not_exists(path, operand) | list_append(operand, operand)
               | ( value )

Each section once, in any order; keywords in any case.
"""

from __future__ import annotations

from collections.abc import Mapping

from haar.services.dynamodb.expressions import faults
from haar.services.dynamodb.expressions.reader import Reader
from haar.services.dynamodb.expressions.syntax import (
    Action,
    Function,
    Operand,
    Path,
    Sum,
    Used,
)

_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_FUNCTIONS = frozenset({"if_not_exists", "list_append"})
_OF_CONDITIONS = frozenset(
    {
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "size",
    }
)


def parse_update(text: str, names: Mapping[str, str]) -> tuple[tuple[Action, ...], Used]:
    """Return the actions that a text says, in its order, and the placeholders that it uses.

    Raises:
        ExpressionFault: the text is wrong.
    """
    reader = _UpdateReader(text, names)
    actions = reader.actions()
    reader.finish()
    return tuple(actions), reader.used


class _UpdateReader(Reader):
    """Reads an update."""

    def actions(self) -> list[Action]:
        """Read all sections."""
        found: list[Action] = []
        seen: set[str] = set()
        while not found or self.token.kind != "end":
            if not self.is_word(*_SECTIONS):
                self.refuse()
            section = self.take().text.upper()
            if section in seen:
                self.note(faults.SECTION_TWICE, section=section)
            seen.add(section)
            found.append(self._action(section))
            while self.accept(","):
                found.append(self._action(section))
        return found

    def _action(self, section: str) -> Action:
        path = self.path()
        if section == "REMOVE":
            return Action(section, path, None)
        self.count_operator()
        if section == "SET":
            self.expect("=")
            return Action(section, path, self._value())
        if self.token.kind != "value":
            self.refuse()
        return Action(section, path, self.placeholder())

    def _value(self) -> Operand | Sum:
        if self.token.text == "(":
            inner = self.parenthesised(self._value)
            if isinstance(inner, Sum):
                return inner
            left = inner
        else:
            left = self._operand()
        if self.token.kind == "sign" and self.token.text in {"+", "-"}:
            operator = self.take().text
            self.count_operator()
            return Sum(operator, left, self._operand())
        return left

    def _operand(self) -> Operand:
        if self.token.kind == "value":
            return self.placeholder()
        if self.token.text == "(":
            return self.parenthesised(self._operand)
        if self.is_function():
            return self._checked(self.function(self._operand))
        return self.path()

    def _checked(self, function: Function) -> Function:
        name, count = function.name, len(function.arguments)
        if name in _OF_CONDITIONS:
            self.note(faults.FUNCTION_NOT_HERE, kind="an update", function=name)
        elif name not in _FUNCTIONS:
            self.note(faults.FUNCTION_UNKNOWN, function=name)
        elif count != 2:
            self.note(faults.OPERAND_COUNT, function=name, count=count)
        elif name == "if_not_exists" and not isinstance(function.arguments[0], Path):
            self.note(faults.NEEDS_PATH, function=name)
        return function
