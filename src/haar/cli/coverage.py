"""``haar coverage``: what is implemented and what is refused, from the registry and the models.

Nothing here is written by hand: an operation counts as implemented when a service registers it,
and as refused when the model has it and no service does (501, by name).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from haar.app import services
from haar.cli.failure import Failure
from haar.config import default_data
from haar.kit.operation import Operation
from haar.kit.service import Service
from haar.wire.models import ModelCatalog, ServiceModel


@dataclass(frozen=True, slots=True)
class Line:
    """One operation of a model.

    Attributes:
        name: the model's name of it.
        honoured: the members of the request that are honoured; None where it is refused.
        refused: the members that are refused by name.
    """

    name: str
    honoured: tuple[str, ...] | None
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One model.

    Attributes:
        service: haar's name of the service.
        model: botocore's name of the model.
        lines: every operation of the model, by name.
    """

    service: str
    model: str
    lines: tuple[Line, ...]

    @property
    def implemented(self) -> int:
        """How many operations are implemented."""
        return sum(line.honoured is not None for line in self.lines)

    @property
    def percentage(self) -> float:
        """How many of a hundred operations are implemented."""
        return 100 * self.implemented / max(1, len(self.lines))


@click.command()
@click.argument("service", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def coverage(*, service: str | None, as_json: bool) -> None:
    """List the operations that are implemented or refused, of all services or of one."""
    tables = covered(service)
    if as_json:
        click.echo(json.dumps([_as_json(table) for table in tables], indent=2))
        return
    for line in detail(tables) if service else overview(tables):
        click.echo(line)


def covered(service: str | None = None) -> tuple[Table, ...]:
    """Return a table for each model that haar serves.

    Args:
        service: only this one: haar's name of it, or botocore's.

    Raises:
        Failure: haar has no service of that name.
    """
    catalog = open_catalog()
    fronts = services()
    tables = tuple(
        table_of(front, catalog.service(model))
        for front in fronts
        for model in front.models
        if service in {None, model, front.name, front.name.strip("_")}
    )
    if not tables:
        names = ", ".join(model for front in fronts for model in front.models)
        raise Failure(f"there is no service '{service}'; there are {names}.")
    return tables


def open_catalog() -> ModelCatalog:
    """Return the models, from the server's cache where there is one."""
    cache = default_data() / "cache"
    return ModelCatalog(cache if cache.is_dir() else None)


def table_of(front: Service, model: ServiceModel) -> Table:
    """Return the table of one model of a service."""
    registered = {
        one.name: one for one in front.operations if (one.model or front.models[0]) == model.name
    }
    lines = tuple(line_of(model, name, registered.get(name)) for name in sorted(model.operations))
    return Table(front.name, model.name, lines)


def line_of(model: ServiceModel, name: str, registered: Operation | None) -> Line:
    """Return the line of one operation."""
    if registered is None:
        return Line(name, None)
    shape = model.operation(name).input
    members = sorted(model.shape(shape).members) if shape else []
    return Line(
        name,
        tuple(member for member in members if member in registered.members),
        tuple(member for member in members if member not in registered.members),
    )


def overview(tables: Sequence[Table]) -> Iterator[str]:
    """Yield a line for each model, and the sum."""
    yield f"{'service':<16} {'implemented':>11} {'refused':>8} {'of':>5} {'':>6}"
    for table in tables:
        yield _counted(table.model, table.implemented, len(table.lines))
    total = sum(len(table.lines) for table in tables)
    yield _counted("all", sum(table.implemented for table in tables), total)


def _counted(name: str, implemented: int, total: int) -> str:
    share = 100 * implemented / max(1, total)
    return f"{name:<16} {implemented:>11} {total - implemented:>8} {total:>5} {share:>5.1f} %"


def detail(tables: Sequence[Table]) -> Iterator[str]:
    """Yield the operations of each model, the implemented ones with their members."""
    for table in tables:
        yield (
            f"{table.model}: {table.implemented} of {len(table.lines)} operations "
            f"({table.percentage:.1f} %)"
        )
        for line in table.lines:
            if line.honoured is not None:
                yield f"  implemented  {line.name}"
                yield from _members("honoured", line.honoured)
                yield from _members("refused", line.refused)
        for line in table.lines:
            if line.honoured is None:
                yield f"  refused      {line.name}"


def _members(what: str, names: tuple[str, ...]) -> Iterator[str]:
    if names:
        yield f"               {what}: {', '.join(names)}"


def _as_json(table: Table) -> dict[str, Any]:
    return {
        "service": table.service,
        "model": table.model,
        "implemented": {
            line.name: {"honoured": line.honoured, "refused": line.refused}
            for line in table.lines
            if line.honoured is not None
        },
        "refused": [line.name for line in table.lines if line.honoured is None],
    }
