"""From the names in a request to ARNs and to tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from haar.kit.call import Members, Scope
from haar.services.dynamodb import keys, texts
from haar.services.dynamodb.errors import (
    Invalid,
    NotReady,
    ResourceNotFound,
    SourceNotFound,
    TableNotFound,
)
from haar.services.dynamodb.records import ACTIVE, TABLE, Table
from haar.store.api import Transaction

NAME_LENGTH_MIN = 3
NAME_LENGTH_MAX = 255
_is_name = re.compile(r"[a-zA-Z0-9_.-]+").fullmatch
_is_arn = re.compile(r"arn:[^:]+:dynamodb:([^:]+):(\d{12}):table/([a-zA-Z0-9_.-]{3,255})").fullmatch


# A pure function's cache: nearly all calls name one of few tables.
@lru_cache(maxsize=4096)
def arn_of(name: str, scope: Scope) -> str:
    """Return the ARN of a table that is named, or of an ARN itself.

    Raises:
        Invalid: neither a name nor an ARN of a table in the request's region.
    """
    if name.startswith("arn:"):
        found = _is_arn(name)
        if found is None or found[1] != scope.region:
            raise Invalid(texts.TABLE_ARN, arn=name)
        return name
    check_name(name)
    return scope.arn("dynamodb", f"table/{name}")


def check_name(name: str) -> None:
    """Check a table's name.

    Raises:
        Invalid: too short, too long, or with other characters.
    """
    if not _is_name(name):
        raise Invalid(texts.TABLE_NAME_PATTERN, name=name)
    if len(name) < NAME_LENGTH_MIN:
        raise Invalid(texts.TABLE_NAME_SHORT, name=name)
    if len(name) > NAME_LENGTH_MAX:
        raise Invalid(texts.TABLE_NAME_LONG, name=name)


def table_arn(members: Members, scope: Scope) -> str:
    """Name the table of a request."""
    return arn_of(members["TableName"], scope)


def named_table_arn(members: Members, scope: Scope) -> str:
    """Name the table of a request about a table.

    Raises:
        Invalid: the request has no name.
    """
    if "TableName" not in members:
        raise Invalid(texts.TABLE_NAME_MISSING)
    return table_arn(members, scope)


def index_arn(members: Members, scope: Scope) -> str:
    """Name the index of a request, or its table where it reads no index."""
    arn = arn_of(members["TableName"], scope)
    index = members.get("IndexName")
    return arn if index is None else f"{arn}/index/{index}"


def batch_arns(members: Members, scope: Scope) -> list[str]:
    """Name the tables of a batch, in its order.

    Raises:
        Invalid: the request has no batch.
    """
    if "RequestItems" not in members:
        raise Invalid(texts.BATCH_MISSING)
    return [arn_of(name, scope) for name in members["RequestItems"]]


def action_arns(members: Members, scope: Scope) -> list[str]:
    """Name the tables of a transaction, one for each action.

    An action that is none has no table: the body refuses it by its own text.
    """
    return [
        arn_of(action["TableName"], scope)
        for item in members["TransactItems"]
        for action in item.values()
    ]


def load(tx: Transaction, arn: str) -> Table:
    """Return a table, for operations on items.

    Args:
        tx: the transaction.
        arn: of the table or of one of its indexes.

    Raises:
        ResourceNotFound: no such table.
    """
    raw = tx.get(keys.table(arn))
    if raw is None:
        raise ResourceNotFound
    table = TABLE.decode_hot(raw)
    if table.status != ACTIVE:
        raise ResourceNotFound
    return table


def load_named(tx: Transaction, arn: str) -> Table:
    """Return a table, for operations on tables.

    Raises:
        TableNotFound: no such table.
    """
    raw = tx.get(keys.table(arn))
    if raw is None:
        raise TableNotFound(table=arn.rpartition("/")[2])
    return TABLE.decode_hot(raw)


def load_for_backup(tx: Transaction, arn: str) -> Table:
    """Return a table, for operations on backups.

    Raises:
        SourceNotFound: no such table.
        NotReady: it is being restored.
    """
    raw = tx.get(keys.table(arn))
    if raw is None:
        raise SourceNotFound(table=arn.rpartition("/")[2])
    table = TABLE.decode_hot(raw)
    refuse_unready(table)
    return table


def refuse_unready(table: Table) -> None:
    """Refuse to change a table that is being made.

    Raises:
        NotReady: it is.
    """
    if table.status != ACTIVE:
        raise NotReady(table=table.name)


def load_all(tx: Transaction, arns: Iterable[str]) -> dict[str, Table]:
    """Return the tables of some ARNs.

    Raises:
        ResourceNotFound: one is not there.
    """
    return {arn: load(tx, arn) for arn in dict.fromkeys(arns)}
