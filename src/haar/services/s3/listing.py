"""The walk over keys that every listing is: in order, rolled up at a delimiter, a page at a time.

A key whose rest after ``prefix`` has the delimiter rolls up to the prefix through it. The walk then
seeks behind everything that begins so: a page costs as many seeks as it has results, however many
keys are rolled up. A key and a common prefix count one each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from haar.kit.call import Members
from haar.services.s3.errors import InvalidArgument
from haar.store.api import Row, Span, Transaction

PAGE_MAX = 1000

_SIZE_MAX = 2**31 - 1
_ENCODED = (
    "Prefix",
    "Delimiter",
    "Marker",
    "NextMarker",
    "StartAfter",
    "KeyMarker",
    "NextKeyMarker",
)

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

    def behind_prefix(self, marker: str) -> bytes:
        """Return the store's key behind all that rolls up as ``marker`` does; else nothing."""
        common = self.rolled_up(marker)
        return self.below(common).end if common else b""


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


def page_size(members: Members, name: str, argument: str) -> int:
    """Return how many results a page may have.

    Raises:
        InvalidArgument: a negative number was asked for.
    """
    size: int = members.get(name, PAGE_MAX)
    if size < 0:
        text = f"Argument {argument} must be an integer between 0 and {_SIZE_MAX}"
        raise InvalidArgument(text, ArgumentName=argument, ArgumentValue=size)
    return min(size, PAGE_MAX)


def refuse_encoding(members: Members) -> None:
    """Refuse an encoding other than ``url``.

    Raises:
        InvalidArgument: it is asked for.
    """
    encoding = members.get("EncodingType", "url")
    if encoding != "url":
        text = "Invalid Encoding Method specified in Request"
        raise InvalidArgument(text, ArgumentName="encoding-type", ArgumentValue=encoding)


def encode(result: Members, members: Members, items: str) -> Members:
    """Return a listing with its keys percent-encoded, if that was asked for.

    Args:
        result: the listing.
        members: of the request.
        items: the name of the list in ``result`` whose items have keys.
    """
    if "EncodingType" not in members:
        return result
    for name in _ENCODED:
        if result.get(name):
            result[name] = encoded(result[name])
    for item in result[items]:
        item["Key"] = encoded(item["Key"])
    for item in result["CommonPrefixes"]:
        item["Prefix"] = encoded(item["Prefix"])
    return {**result, "EncodingType": "url"}


def encoded(key: str) -> str:
    """Return a key percent-encoded as listings do it: a blank is a plus, a slash stays."""
    return quote_plus(key, safe="/*").replace("~", "%7E")
