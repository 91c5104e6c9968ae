"""Changes of one item: what PutItem, UpdateItem, DeleteItem, batches and transactions do alike.

A change is made ready from members alone, so that whatever is wrong with them is said before any
table is looked at; then it is applied to the stored row.
"""

from __future__ import annotations

from dataclasses import dataclass

from haar.kit.call import Members
from haar.services.dynamodb import row_bytes, rows, texts
from haar.services.dynamodb.errors import ConditionalCheckFailed, Invalid
from haar.services.dynamodb.expressions.binding import Bound
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.row_bytes import checked_row, item_of, json_of, size_of, size_or_0
from haar.services.dynamodb.rows import Written
from haar.services.dynamodb.schema import check_index_keys, given_key, item_key
from haar.services.dynamodb.values import Item, measure_item
from haar.store.api import Transaction


@dataclass(slots=True)
class Change:
    """A change of one item, its members checked.

    Attributes:
        members: of the request or of the transaction's action.
        bound: its expressions.
        item: what is put; for other changes, the key.
        size: of ``item``.
        is_put: whether ``item`` is a whole item.
        is_delete: whether the item goes.
        is_check: whether nothing changes.
    """

    members: Members
    bound: Bound
    item: Item
    size: int
    is_put: bool = False
    is_delete: bool = False
    is_check: bool = False

    def key(self, table: Table) -> bytes:
        """Return the key of the item's row.

        Raises:
            Invalid: the item, or the key, does not fit the table; or the update changes the key.
        """
        if not self.is_put:
            key = given_key(table, self.item)
            self._refuse_key_update(table)
            return key
        key = item_key(table, self.item)
        if table.indexes:
            check_index_keys(table, self.item)
        return key

    def _refuse_key_update(self, table: Table) -> None:
        if self.bound.update is not None:
            for name in self.bound.update.names:
                if name in table.key_names:
                    raise Invalid(texts.KEY_UPDATED, name=name)

    def require(self, old: bytes | None) -> None:
        """Check the condition.

        Raises:
            ConditionalCheckFailed: it does not hold for the stored item.
        """
        if self.bound.condition is not None and not self.bound.holds(item_of(old)):
            wanted = self.members.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionalCheckFailed(json_of(old) if wanted and old is not None else None)

    def outcome(self, table: Table, old: bytes | None) -> tuple[bytes | None, Item | None]:
        """Return the row and the item as they will be; None where there will be none.

        Raises:
            Invalid: the update does not fit the item, or makes one that AWS does not take.
        """
        if self.is_put:
            return checked_row(self.item, self.size), self.item
        if self.is_delete:
            return None, None
        return self._updated(table, old)

    def _updated(self, table: Table, old: bytes | None) -> tuple[bytes, Item]:
        item = dict(self.item) if old is None else item_of(old)
        size = self.size if old is None else size_of(old)
        update = self.bound.update
        if update is not None:
            names = update.names
            # What the update does not name keeps its size.
            size -= _size_of_some(item, names)
            update.apply(item, self.bound.values, is_new=old is None)
            size += _size_of_some(item, names)
        row = checked_row(item, size, texts.UPDATE_TOO_LARGE)
        if table.indexes:
            check_index_keys(table, item)
        return row, item

    def apply(self, tx: Transaction, table: Table, key: bytes, now_ms: int) -> Applied:
        """Check the condition and change the item.

        Raises:
            ConditionalCheckFailed: the condition does not hold.
            Invalid: the update does not fit the item.
        """
        old = tx.get(key)
        self.require(old)
        if self.is_check:
            return Applied(old, old, None, Written(size_or_0(old), {}))
        new, item = self.outcome(table, old)
        written = rows.write(tx, table, key, old, new, item, now_ms=now_ms)
        return Applied(old, new, item, written)


def _size_of_some(item: Item, names: list[str]) -> int:
    return measure_item({name: item[name] for name in names if name in item})


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that was made.

    Attributes:
        old: the row as it was.
        new: the row as it is.
        item: the same as ``new``.
        written: for the capacity.
    """

    old: bytes | None
    new: bytes | None
    item: Item | None
    written: Written


def put(members: Members, bound: Bound) -> Change:
    """Return the change that puts an item.

    Raises:
        Invalid: with AWS's text.
    """
    item = members["Item"]
    size = measure_item(item)
    if size > row_bytes.ITEM_BYTES_MAX:
        raise Invalid(texts.ITEM_TOO_LARGE)
    return Change(members, bound, item, size, is_put=True)


def delete(members: Members, bound: Bound) -> Change:
    """Return the change that deletes an item.

    Raises:
        Invalid: with AWS's text.
    """
    key = members["Key"]
    return Change(members, bound, key, measure_item(key), is_delete=True)


def update(members: Members, bound: Bound) -> Change:
    """Return the change that updates an item.

    Raises:
        Invalid: with AWS's text.
    """
    key = members["Key"]
    return Change(members, bound, key, measure_item(key))


def check(members: Members, bound: Bound) -> Change:
    """Return a change that is only its condition, for transactions.

    Raises:
        Invalid: with AWS's text.
    """
    key = members["Key"]
    return Change(members, bound, key, measure_item(key), is_check=True)
