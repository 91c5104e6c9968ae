"""How much an account may have in a region: tables, and work of a kind at once.

Source: AWS docs, DynamoDB developer guide, "Service, account, and table quotas".
"""

from __future__ import annotations

from haar.kernel import arn as arns
from haar.kit.call import Scope
from haar.services.dynamodb import keys, rows
from haar.services.dynamodb.errors import TooManyAtOnce, TooManyTables
from haar.store.api import Transaction

TABLES_MAX = 2_500
EXPORT, IMPORT, RESTORE = "export", "import", "restore"
AT_ONCE = {EXPORT: 300, IMPORT: 50, RESTORE: 50}


def refuse_full(tx: Transaction, scope: Scope) -> None:
    """Refuse another table where an account has as many as it may have.

    Raises:
        TooManyTables: it has.
    """
    found = tx.scan(keys.tables(scope.account, scope.region), limit=TABLES_MAX)
    if sum(1 for _ in found) == TABLES_MAX:
        raise TooManyTables(limit=TABLES_MAX)


def begin(tx: Transaction, scope: Scope, kind: str) -> None:
    """Count one more export, import or restore that is under way.

    Keys: reads and adds to ``active``.

    Raises:
        TooManyAtOnce: there are as many as there may be.
    """
    key = keys.active(kind, scope.account, scope.region)
    if rows.counter(tx, key) >= AT_ONCE[kind]:
        raise TooManyAtOnce(limit=AT_ONCE[kind], kind=kind)
    tx.add(key, 1)


def end(tx: Transaction, kind: str, arn: str) -> None:
    """Count one less; ``arn`` is of anything in its account and region.

    Keys: adds to ``active``.
    """
    own = arns.parse(arn)
    tx.add(keys.active(kind, own.account, own.region), -1)
