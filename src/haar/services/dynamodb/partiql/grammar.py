"""The grammar of statements.

::

    SELECT ("*" | path ("," path)*) FROM table ("." index)? where? order?
    INSERT INTO table VALUE tuple
    UPDATE table ("SET" path "=" assigned ("," …)* | "REMOVE" path ("," …)*)+ where returning?
    DELETE FROM table where returning?
    EXISTS "(" select ")"
    order := "ORDER" "BY" name ("ASC" | "DESC")? ("," …)*

Source: AWS docs, DynamoDB developer guide, "PartiQL statements for DynamoDB".
"""

from __future__ import annotations

from collections.abc import Callable

from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.syntax import Path
from haar.services.dynamodb.partiql import faults
from haar.services.dynamodb.partiql.conditions import read_where
from haar.services.dynamodb.partiql.reader import Reader
from haar.services.dynamodb.partiql.syntax import (
    Delete,
    Exists,
    Insert,
    Literal,
    Pieces,
    Select,
    Statement,
    Update,
)
from haar.services.dynamodb.values import Value

_RETURNED = {
    ("ALL", "OLD"): "ALL_OLD",
    ("ALL", "NEW"): "ALL_NEW",
    ("MODIFIED", "OLD"): "UPDATED_OLD",
    ("MODIFIED", "NEW"): "UPDATED_NEW",
}


def parse(statement: str, parameters: list[Value]) -> Statement:
    """Return what a statement says.

    Raises:
        Invalid: it is no statement, or its parameters are not as many.
    """
    reader = Reader(statement, parameters)
    found = _statement(reader)
    reader.finish()
    return found


def _statement(reader: Reader) -> Statement:
    if reader.accept("SELECT"):
        return _select(reader)
    if reader.accept("INSERT", "INTO"):
        return _insert(reader)
    if reader.accept("UPDATE"):
        return _update(reader)
    if reader.accept("DELETE", "FROM"):
        table = _written(reader)
        return Delete(table, read_where(reader), _returning(reader))
    if reader.accept("EXISTS", "("):
        reader.expect("SELECT")
        select = _select(reader)
        if select.index:
            raise Invalid(faults.EXISTS_ON_INDEX)
        reader.expect(")")
        return Exists(select)
    raise reader.fault("Expected a statement")


def _written(reader: Reader) -> str:
    """Take the name of a table that is written; an index of it cannot be."""
    table, index = reader.table()
    if index:
        raise Invalid(faults.INDEX_WRITTEN, table=table, index=index)
    return table


def _select(reader: Reader) -> Select:
    paths: list[Path] = []
    if not reader.accept("*"):
        paths.append(reader.path())
        while reader.accept(","):
            paths.append(reader.path())
    reader.expect("FROM")
    table, index = reader.table()
    where = read_where(reader)
    return Select(table, index, tuple(paths), where, _order(reader))


def _order(reader: Reader) -> tuple[tuple[str, bool], ...]:
    if not reader.accept("ORDER", "BY"):
        return ()
    found = [_direction(reader)]
    while reader.accept(","):
        found.append(_direction(reader))
    return tuple(found)


def _direction(reader: Reader) -> tuple[str, bool]:
    name = reader.name()
    is_descending = reader.accept("DESC")
    if not is_descending:
        reader.accept("ASC")
    return name, is_descending


def _insert(reader: Reader) -> Insert:
    table = _written(reader)
    reader.expect("VALUE")
    value = reader.value()
    if "M" not in value:
        raise reader.fault("Expected a tuple")
    return Insert(table, value["M"])


def _update(reader: Reader) -> Update:
    table = _written(reader)
    actions: dict[str, list[Pieces]] = {}
    while True:
        if reader.accept("SET"):
            _list(reader, actions, _assignment)
        elif reader.accept("REMOVE"):
            _list(reader, actions, lambda one: ("REMOVE", (one.path(),)))
        elif actions:
            return Update(table, actions, read_where(reader), _returning(reader))
        else:
            raise reader.fault("Expected SET or REMOVE")


def _list(
    reader: Reader, actions: dict[str, list[Pieces]], read: Callable[[Reader], tuple[str, Pieces]]
) -> None:
    while True:
        section, pieces = read(reader)
        actions.setdefault(section, []).append(pieces)
        if not reader.accept(","):
            return


def _assignment(reader: Reader) -> tuple[str, Pieces]:
    path = reader.path()
    reader.expect("=")
    for function, section in (("SET_ADD", "ADD"), ("SET_DELETE", "DELETE")):
        if reader.accept(function, "("):
            if reader.path() != path:
                raise reader.fault(f"{function} must be of the attribute that is set")
            reader.expect(",")
            value = Literal(reader.value())
            reader.expect(")")
            return section, (path, value)
    pieces: Pieces = (path, "=", *_term(reader))
    for sign in ("+", "-"):
        if reader.accept(sign):
            pieces += (sign, *_term(reader))
            break
    return "SET", pieces


def _term(reader: Reader) -> Pieces:
    for function in ("list_append", "if_not_exists"):
        if reader.accept(function.upper(), "("):
            first = _term(reader)
            reader.expect(",")
            second = _term(reader)
            reader.expect(")")
            return (function, "(", *first, ",", *second, ")")
    return (Literal(reader.value()),) if reader.is_value() else (reader.path(),)


def _returning(reader: Reader) -> str:
    if not reader.accept("RETURNING"):
        return "NONE"
    for words, native in _RETURNED.items():
        if reader.accept(*words, "*"):
            return native
    raise reader.fault("Expected ALL OLD *, MODIFIED OLD *, ALL NEW * or MODIFIED NEW *")
