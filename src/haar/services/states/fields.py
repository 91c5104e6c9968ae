"""Reading a definition field by field, gathering every problem with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from haar.kernel.errors import NotImplementedByHaar
from haar.services.states import paths
from haar.services.states.expressions import (
    BadExpression,
    BadField,
    UsesVariable,
    compile_expression,
    compile_template,
    constant,
)
from haar.services.states.shapes import Number
from haar.services.states.surroundings import Expression
from haar.services.states.values import is_array, is_integer, is_number, is_object


class Problem(NamedTuple):
    """One thing that is wrong with a definition. ``place`` is a JSON pointer, None for nowhere."""

    message: str
    place: str | None
    code: str = "SCHEMA_VALIDATION_FAILED"


REFUSED_FIELDS = {
    "Assign": "Assign (variables)",
    "Arguments": "Arguments (JSONata)",
    "Output": "Output (JSONata)",
    "Items": "Items (JSONata)",
    "Condition": "Condition (JSONata)",
    "Credentials": "Credentials",
}
"""Fields of the language that haar does not have yet: refused by name with 501."""


def unsupported(what: str) -> NotImplementedByHaar:
    """Return the refusal of a part of the language."""
    return NotImplementedByHaar(what=f"{what} in a state machine definition")


class Fields:
    """The members of one JSON object of a definition.

    Args:
        body: the object.
        place: its JSON pointer, empty for the document.
        problems: gathers what is wrong, over the whole document.
    """

    def __init__(self, body: dict[str, Any], place: str, problems: list[Problem]) -> None:
        self.body = body
        self.place = place
        self.problems = problems

    def problem(
        self, message: str, name: str = "", *, code: str = "SCHEMA_VALIDATION_FAILED"
    ) -> None:
        """Note what is wrong with a field (or with the object itself)."""
        place = f"{self.place}/{name}" if name else self.place or "/"
        self.problems.append(Problem(message, place, code))

    def __contains__(self, name: str) -> bool:
        return name in self.body

    def get(self, name: str) -> Any:
        """Return a field as it stands, None where absent."""
        return self.body.get(name)

    def need(self, *names: str) -> bool:
        """Note the fields that are missing; tell whether all are there."""
        missing = [name for name in names if name not in self.body]
        if missing:
            self.problem(f"These fields are required: [{', '.join(missing)}]")
        return not missing

    def allow(self, names: frozenset[str]) -> None:
        """Refuse what haar does not have, and note what the language does not have.

        Raises:
            NotImplementedByHaar: a field of :data:`REFUSED_FIELDS`.
        """
        for name in self.body:
            if name in REFUSED_FIELDS and name not in names:
                raise unsupported(REFUSED_FIELDS[name])
            if name not in names:
                self.problem(f"Field '{name}' is not supported")

    def text(self, name: str) -> str | None:
        """Return a string field."""
        value = self.body.get(name)
        if name in self.body and not isinstance(value, str):
            self.problem("Expected value of type String", name)
        return value if isinstance(value, str) else None

    def whole(self, name: str, low: int, high: int) -> int | None:
        """Return an integer field within its bounds."""
        value = self.body.get(name)
        if name in self.body and not is_integer(value):
            self.problem("Expected value of type Integer", name)
            return None
        return value if self._is_within(name, value, low, high) else None

    def _is_within(self, name: str, value: Any, low: int, high: int) -> bool:
        if value is not None and value < low:
            self.problem(f"Minimum value is {low}", name)
            return False
        if value is not None and value > high:
            self.problem(f"Maximum value is {high}", name)
            return False
        return True

    def number(self, name: str, low: int, high: int, *, is_whole: bool = True) -> Number:
        """Return a number field or its ``…Path`` form (at most one of them)."""
        path_name = f"{name}Path"
        if name in self.body and path_name in self.body:
            self.problem(f"Only one of [{name}, {path_name}] may be given")
        if path_name in self.body:
            text = str(self.body[path_name])
            return Number(path=self.path(path_name), path_text=text, path_name=path_name)
        if is_whole:
            return Number(value=self.whole(name, low, high))
        value = self.body.get(name)
        if name in self.body and not is_number(value):
            self.problem("Expected value of type Number", name)
            return Number()
        return Number(value=value if self._is_within(name, value, low, high) else None)

    def path(self, name: str) -> Expression | None:
        """Return a path field, or an intrinsic call where the language allows it."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return compile_expression(text)
        except BadExpression:
            self.problem("Value must be a valid JSONPath.", name)
        except UsesVariable as err:
            raise unsupported("Variables") from err
        return None

    def data_path(self, name: str) -> Expression | None:
        """Return InputPath or OutputPath: null means ``{}``, ``$`` and absence None."""
        if name in self.body and self.body[name] is None:
            return constant({})
        return None if self.body.get(name) == "$" else self.path(name)

    def template(self, name: str) -> Expression | None:
        """Return a payload template."""
        if name not in self.body:
            return None
        try:
            return compile_template(self.body[name])
        except BadField as err:
            self.problem(
                f"The value for the field '{err.name}' must be a valid JSONPath "
                "or a valid intrinsic function call",
                name + err.place,
            )
        except UsesVariable as err:
            raise unsupported("Variables") from err
        return None

    def result_keys(self) -> tuple[str | int, ...] | None:
        """Return ResultPath's keys; None where it is null."""
        text = self.body.get("ResultPath", "$")
        if text is None:
            return None
        try:
            path = paths.compile_path(text if isinstance(text, str) else "")
        except paths.BadPath:
            path = None
        if path is None or not path.is_reference:
            self.problem("Value is not a Reference Path", "ResultPath")
            return ()
        return path.keys

    def object(self, name: str) -> Fields | None:
        """Return a field that is an object."""
        value = self.body.get(name)
        if not is_object(value):
            if name in self.body:
                self.problem("Expected value of type Object", name)
            return None
        return Fields(value, f"{self.place}/{name}", self.problems)

    def objects(self, name: str) -> list[Fields]:
        """Return a field that is an array of objects."""
        value = self.body.get(name)
        if name not in self.body:
            return []
        if not is_array(value):
            self.problem("Expected value of type Array", name)
            return []
        found: list[Fields] = []
        for place, element in enumerate(value):
            where = f"{self.place}/{name}[{place}]"
            if is_object(element):
                found.append(Fields(element, where, self.problems))
            else:
                self.problems.append(Problem("Expected value of type Object", where))
        return found

    def choice(self, name: str, options: tuple[str, ...], default: str) -> str:
        """Return a field that is one of a few words."""
        value = self.body.get(name, default)
        if value not in options:
            self.problem(
                f"The field '{name}' should have one of these values: [{', '.join(options)}]", name
            )
            return default
        return str(value)


def matches(text: str, pattern: str) -> bool:
    """Tell whether a whole text matches."""
    return re.fullmatch(pattern, text) is not None


def names_of(table: Mapping[str, object]) -> str:
    """Return the names of a table as AWS lists them, ``[A, B]``."""
    return f"[{', '.join(table)}]"
