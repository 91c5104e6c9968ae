"""Statements that change an item, as members of the native operations."""

from __future__ import annotations

from haar.kit.call import Members
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.syntax import Path
from haar.services.dynamodb.partiql import faults
from haar.services.dynamodb.partiql.conditions import joined
from haar.services.dynamodb.partiql.render import Placeholders
from haar.services.dynamodb.partiql.syntax import (
    Clause,
    Delete,
    Exists,
    Insert,
    Pieces,
    Update,
    Where,
)
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.values import Item

Writing = Insert | Update | Delete | Exists


def native(statement: Writing, table: Table) -> tuple[str, Members]:
    """Return the action of a transaction that does what a statement says, and its members.

    Raises:
        Invalid: the statement does not name one item.
    """
    match statement:
        case Insert():
            return "Put", _insert(statement, table)
        case Update():
            return "Update", _update(statement, table)
        case Delete():
            return "Delete", _delete(statement, table)
        case Exists():
            return "ConditionCheck", _exists(statement, table)


def split_key(where: Where, table: Table) -> tuple[Item, Where]:
    """Return the key that conditions name, and the other conditions.

    Raises:
        Invalid: they do not name a whole key.
    """
    key: Item = {}
    others: list[Clause] = []
    for clause in where:
        if clause.operator == "=" and clause.name in table.key_names and clause.name not in key:
            key[clause.name] = clause.values[0]
        else:
            others.append(clause)
    if key.keys() != table.key_names:
        raise Invalid(faults.KEY_MISSING)
    return key, tuple(others)


def _insert(statement: Insert, table: Table) -> Members:
    members: Members = {"TableName": statement.table, "Item": statement.item}
    names = Placeholders()
    members["ConditionExpression"] = names.text(_is_there(table, "attribute_not_exists"))
    names.add_to(members)
    return members


def _is_there(table: Table, function: str) -> Pieces:
    return (function, "(", Path((table.schema.hash[0].name,)), ")")


def _update(statement: Update, table: Table) -> Members:
    key, others = split_key(statement.where, table)
    names = Placeholders()
    sections = [
        f"{section} {', '.join([names.text(pieces) for pieces in actions])}"
        for section, actions in statement.actions.items()
    ]
    # UPDATE changes what is there: it makes no item.
    condition = (Clause(_is_there(table, "attribute_exists")), *others)
    members: Members = {
        "TableName": statement.table,
        "Key": key,
        "UpdateExpression": " ".join(sections),
        "ConditionExpression": names.text(joined(condition)),
    }
    return _returning(members, names, statement.returning)


def _delete(statement: Delete, table: Table) -> Members:
    key, others = split_key(statement.where, table)
    names = Placeholders()
    members: Members = {"TableName": statement.table, "Key": key}
    if others:
        members["ConditionExpression"] = names.text(joined(others))
    return _returning(members, names, statement.returning)


def _exists(statement: Exists, table: Table) -> Members:
    key, others = split_key(statement.select.where, table)
    if not others:
        raise Invalid(faults.EXISTS_WITHOUT_CONDITION)
    names = Placeholders()
    members: Members = {"TableName": statement.table, "Key": key}
    members["ConditionExpression"] = names.text(joined(others))
    names.add_to(members)
    return members


def _returning(members: Members, names: Placeholders, returning: str) -> Members:
    names.add_to(members)
    if returning != "NONE":
        members["ReturnValues"] = returning
    return members
