"""The parts of a parsed statement; parameters are in their places.

A condition is kept as *pieces*: the words of the native expression that says the same, with paths
and values where :mod:`.render` puts placeholders.
"""

from __future__ import annotations

from dataclasses import dataclass

from haar.services.dynamodb.expressions.syntax import Path
from haar.services.dynamodb.values import Item, Value


@dataclass(frozen=True, slots=True)
class Literal:
    """A value of the statement, or one of its parameters."""

    value: Value


Piece = str | Path | Literal
Pieces = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition; a statement's conditions are all to hold.

    Attributes:
        pieces: of the native expression.
        name: of the attribute, where the clause asks one whole attribute for a value.
        operator: ``= < <= > >= BETWEEN begins_with IN`` then, empty otherwise.
        values: what it is asked for.
    """

    pieces: Pieces
    name: str = ""
    operator: str = ""
    values: tuple[Value, ...] = ()


Where = tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """``SELECT paths FROM table.index WHERE … ORDER BY …``; no paths are all attributes."""

    table: str
    index: str
    paths: tuple[Path, ...]
    where: Where
    order: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Insert:
    """``INSERT INTO table VALUE item``."""

    table: str
    item: Item


@dataclass(frozen=True, slots=True)
class Update:
    """``UPDATE table SET … REMOVE … WHERE … RETURNING …``.

    Attributes:
        table: its name.
        actions: section (SET, REMOVE, ADD, DELETE) → its actions, each in pieces.
        where: names the item, and its conditions.
        returning: a word of the native ReturnValues.
    """

    table: str
    actions: dict[str, list[Pieces]]
    where: Where
    returning: str


@dataclass(frozen=True, slots=True)
class Delete:
    """``DELETE FROM table WHERE … RETURNING ALL OLD *``."""

    table: str
    where: Where
    returning: str


@dataclass(frozen=True, slots=True)
class Exists:
    """``EXISTS(SELECT …)``: a condition of a transaction."""

    select: Select

    @property
    def table(self) -> str:
        """The table's name."""
        return self.select.table


Statement = Select | Insert | Update | Delete | Exists
