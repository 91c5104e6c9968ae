"""The walk over keys that every listing is: in order, rolled up at a delimiter, a page at a time.

A key whose rest after ``prefix`` has the delimiter rolls up to the prefix through it. The walk then
seeks behind everything that begins so: a page costs as many seeks as it has results, however many
keys are rolled up. A key and a common prefix count one each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from haar.store.api import Row, Span, Transaction

Below = Callable[[str], Span]
"""From a prefix to the span of the rows whose keys begin with it."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What a listing asks for.

    Attributes:
        below: of the rows that are listed.
        key_of: from a row's key to the key that is listed.
        prefix: of the keys.
        delimiter: where they roll up; empty for nowhere.
    """

    below: Below
    key_of: Callable[[bytes], str]
    prefix: str
    delimiter: str

    def rolled_up(self, key: str) -> str:
        """Return the common prefix that a key rolls up to, or nothing."""
        if not self.delimiter or not key.startswith(self.prefix):
            return ""
        at = key.find(self.delimiter, len(self.prefix))
        return key[: at + len(self.delimiter)] if at >= 0 else ""


@dataclass(slots=True)
class Page:
    """A page of a listing.

    Attributes:
        rows: that are listed, with their keys.
        prefixes: that keys rolled up to.
        last: the last of both; empty on an empty page.
        after: where the next page begins, as a key of the store; empty where there is none.
    """

    rows: list[tuple[str, Row]] = field(default_factory=list[tuple[str, Row]])
    prefixes: list[str] = field(default_factory=list[str])
    last: str = ""
    after: bytes = b""

    def __len__(self) -> int:
        return len(self.rows) + len(self.prefixes)


def walk(tx: Transaction, asked: Walk, start: bytes, limit: int) -> Page:
    """Return the page of at most ``limit`` results that begins at ``start``.

    Args:
        tx: the transaction.
        asked: what to list.
        start: a key of the store; keys before it are passed over.
        limit: how many results; none where it is 0.
    """
    page = Page()
    whole = asked.below(asked.prefix)
    at = max(start, whole.start)
    while limit and at < whole.end:
        at = walk_rows(tx, asked, Span(at, whole.end), page, limit)
        if page.after:
            break
    return page


def walk_rows(tx: Transaction, asked: Walk, span: Span, page: Page, limit: int) -> bytes:
    """Add rows until one rolls up, or the page is full; return where to go on."""
    for row in tx.scan(span):
        if len(page) == limit:
            page.after = row.key
            return row.key
        key = asked.key_of(row.key)
        common = asked.rolled_up(key)
        if common:
            page.prefixes.append(common)
            page.last = common
            return asked.below(common).end
        page.rows.append((key, row))
        page.last = key
    return span.end
