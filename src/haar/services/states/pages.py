"""Pages of listings: sizes and tokens."""

from __future__ import annotations

from haar.kit import pages
from haar.kit.call import Call, Members
from haar.services.states.errors import InvalidToken
from haar.store.api import Span

PAGE_DEFAULT = 100
SCANNED_MAX = 10_000
"""Rows that one page looks at: with a rare statusFilter it may be short, and has a token then."""


def size(members: Members) -> int:
    """Return how many entries a page holds; 0 means the default."""
    return int(members.get("maxResults") or PAGE_DEFAULT)


def start(call: Call[Members]) -> bytes | None:
    """Return the position where the page begins; None for the first.

    Raises:
        InvalidToken: a token that was not given out.
    """
    token = call.members.get("nextToken")
    if not token:
        return None
    try:
        return pages.parse(call, token)
    except pages.BadToken:
        raise InvalidToken(token=token) from None


def after(call: Call[Members], span: Span, *, reverse: bool = False) -> Span:
    """Return what is left of a span after the pages that the client has seen.

    Raises:
        InvalidToken: a token that was not given out.
    """
    token = call.members.get("nextToken")
    try:
        return pages.rest_of(call, token, span, reverse=reverse)
    except pages.BadToken:
        raise InvalidToken(token=token) from None
