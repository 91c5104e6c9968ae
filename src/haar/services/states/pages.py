"""Pages of listings: sizes and tokens."""

from __future__ import annotations

from haar.kernel import pages
from haar.kit.call import Members
from haar.services.states.errors import InvalidToken
from haar.store.api import Span

PAGE_DEFAULT = 100
SCANNED_MAX = 10_000
"""Rows that one page looks at: with a rare statusFilter it may be short, and has a token then."""


def size(members: Members) -> int:
    """Return how many entries a page holds; 0 means the default."""
    return int(members.get("maxResults") or PAGE_DEFAULT)


def start(members: Members) -> bytes | None:
    """Return the position where the page begins; None for the first.

    Raises:
        InvalidToken: a token that was not given out.
    """
    token = members.get("nextToken")
    if not token:
        return None
    try:
        return pages.parse(token)
    except pages.BadToken:
        raise InvalidToken(token=token) from None


def after(span: Span, position: bytes | None, *, reverse: bool = False) -> Span:
    """Return what is left of a span: ``position`` is the last key that was seen."""
    if position is None or not span.start <= position < span.end:
        return span
    return Span(span.start, position) if reverse else Span(position + b"\x00", span.end)
