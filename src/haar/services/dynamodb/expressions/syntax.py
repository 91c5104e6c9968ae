"""The parts of a parsed expression; names are resolved, values are not."""

from __future__ import annotations

from dataclasses import dataclass

Parts = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: attribute names and list indexes, an attribute's name first."""

    parts: Parts

    def __str__(self) -> str:
        return show(self.parts)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value of the request, ``:name``."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Function:
    """A function with its arguments."""

    name: str
    arguments: tuple[Operand, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


Operand = Path | Placeholder | Function


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left < right`` and its kin; ``operator`` is one of ``= <> < <= > >=``."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Between:
    """``operand BETWEEN lower AND upper``, both bounds included."""

    operand: Operand
    lower: Operand
    upper: Operand


@dataclass(frozen=True, slots=True)
class In:
    """``operand IN (option, …)``."""

    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """``left AND right``."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Either:
    """``left OR right``."""

    left: Condition
    right: Condition


Condition = Comparison | Between | In | Not | Both | Either | Function


@dataclass(frozen=True, slots=True)
class Sum:
    """``left + right`` or ``left - right``."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an update: ``section`` is SET, REMOVE, ADD or DELETE; REMOVE has no operand."""

    section: str
    path: Path
    operand: Operand | Sum | None


@dataclass(frozen=True, slots=True)
class Used:
    """What an expression uses.

    Attributes:
        names: its placeholders of names.
        values: its placeholders of values.
        attributes: those that its paths begin with.
    """

    names: frozenset[str]
    values: frozenset[str]
    attributes: frozenset[str]


def show(parts: Parts) -> str:
    """Return a path as AWS's texts print it: ``[a, b, [1]]``."""
    return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in parts)}]"
