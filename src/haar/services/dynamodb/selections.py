"""Selections: what of each item that Query or Scan meets goes into the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from haar.kit.call import Members
from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.binding import Bound
from haar.services.dynamodb.row_bytes import item_of, size_of, spliced
from haar.services.dynamodb.schema import item_key
from haar.services.dynamodb.sources import Source
from haar.services.dynamodb.values import Item
from haar.store.api import Row, Span, Transaction

PAGE_BYTES_MAX = 1024 * 1024
_ALL, _PROJECTED = "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"
_SPECIFIC, _COUNT = "SPECIFIC_ATTRIBUTES", "COUNT"


@dataclass(frozen=True, slots=True)
class Selection:
    """What an answer has of the items that are met.

    Attributes:
        source: where they are.
        bound: filter and projection.
        is_count: the answer has no items.
        is_fetching: entries of a local index do not have everything: their items are read, too.
    """

    source: Source
    bound: Bound
    is_count: bool
    is_fetching: bool

    @property
    def is_plain(self) -> bool:
        """Whether rows go into the answer as they are."""
        bound = self.bound
        return bound.condition is None and bound.projection is None and not self.is_fetching


@dataclass(slots=True)
class Page:
    """What was met.

    Attributes:
        items: for the answer.
        count: how many passed the filter.
        scanned: how many were met.
        size: of those, in bytes.
        fetched: the sizes of items read for entries of a local index.
        last: where the page was full, the row at its end.
    """

    items: list[Any]
    count: int
    scanned: int
    size: int
    fetched: list[int]
    last: Row | None


def check_select(members: Members, bound: Bound) -> str:
    """Return what a request selects: one of the model's words, empty where it does not say.

    Raises:
        Invalid: it contradicts itself.
    """
    select: str = members.get("Select", "")
    if bound.projection is not None and select not in {"", _SPECIFIC}:
        form = "AttributesToGet" if "AttributesToGet" in members else "ProjectionExpression"
        raise Invalid(texts.SELECT_AND_PROJECTION, form=form, select=select)
    if select == _SPECIFIC and bound.projection is None:
        raise Invalid(texts.SELECT_SPECIFIC)
    if select == _PROJECTED and "IndexName" not in members:
        raise Invalid(texts.SELECT_PROJECTED)
    return select


def selection_of(select: str, source: Source, bound: Bound) -> Selection:
    """Return the selection of a request.

    Raises:
        Invalid: it asks a global index for what it does not have.
    """
    index = source.index
    if index is None or index.projection == "ALL":
        return Selection(source, bound, select == _COUNT, is_fetching=False)
    names = source.table.projections[index.uid]
    wanted: frozenset[str] = frozenset()
    if bound.projection is not None:
        wanted = bound.projection.used.attributes
    if source.is_global:
        if select == _ALL:
            raise Invalid(texts.SELECT_ALL_ON_INDEX, index=index.name)
        if not wanted <= names:
            shown = f"[{', '.join(sorted(wanted - names))}]"
            raise Invalid(texts.NOT_PROJECTED, index=index.name, names=shown)
        return Selection(source, bound, select == _COUNT, is_fetching=False)
    if bound.condition is not None:
        wanted |= bound.condition.used.attributes
    is_fetching = select == _ALL or not wanted <= names
    return Selection(source, bound, select == _COUNT, is_fetching)


def read_page(
    tx: Transaction, selection: Selection, span: Span, limit: int | None, *, is_reverse: bool
) -> Page:
    """Return what is met in a span, until the limit or 1 MB."""
    page = Page([], 0, 0, 0, [], None)
    is_plain = selection.is_plain
    scanned, size, items = 0, 0, page.items
    for row in tx.scan(span, limit=limit, reverse=is_reverse):
        scanned += 1
        size += size_of(row.value)
        if is_plain:
            items.append(spliced(row.value))
        else:
            _select(tx, selection, row, page)
        if scanned == limit or size >= PAGE_BYTES_MAX:
            page.last = row
            break
    page.scanned, page.size, page.count = scanned, size, len(items)
    return page


def _select(tx: Transaction, selection: Selection, row: Row, page: Page) -> None:
    """Add what the answer has of a row, if the filter lets it pass."""
    bound = selection.bound
    raw = row.value
    if selection.is_fetching:
        raw = _fetched(tx, selection, raw)
        page.fetched.append(size_of(raw))
    item = item_of(raw)
    if bound.holds(item):
        projection = bound.projection
        page.items.append(spliced(raw) if projection is None else projection.apply(item))


def _fetched(tx: Transaction, selection: Selection, entry: bytes) -> bytes:
    table = selection.source.table
    row = tx.get(item_key(table, item_of(entry)))
    assert row is not None, "an entry has an item"
    return row


def last_key(source: Source, page: Page) -> Item | None:
    """Return the LastEvaluatedKey of a page; None where it was the last."""
    return None if page.last is None else source.last_key(item_of(page.last.value))
