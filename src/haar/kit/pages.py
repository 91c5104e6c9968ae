"""Page tokens: where the next page of a listing begins.

A token is opaque: the base64 of 8 bytes that bind it, and of a position (mostly the last key that
was told). It is bound to the listing it comes from: operation, resource, account and region. Any
other text, and a token of another listing, is a :class:`BadToken`, which each service words in its
own way. Nobody is kept from making tokens; a position leads nowhere but into its own listing.
"""

from __future__ import annotations

import base64
from hashlib import blake2b
from typing import Any

from haar.kit.call import Call
from haar.store.api import Span

_BOND_BYTES = 8


class BadToken(ValueError):
    """A token that was not made here, or for another listing."""


def make(call: Call[Any], position: bytes) -> str:
    """Return the token of a position in a listing."""
    return seal(_listing_of(call), position)


def parse(call: Call[Any], token: str) -> bytes:
    """Return the position of a token.

    Raises:
        BadToken: it is none of this listing.
    """
    return unseal(_listing_of(call), token)


def rest_of(call: Call[Any], token: str | None, span: Span, *, reverse: bool = False) -> Span:
    """Return what is left of a span behind a token's position, which is a key; all without one.

    Raises:
        BadToken: it is none of this listing, or its position is not in the span.
    """
    if not token:
        return span
    last = parse(call, token)
    if not span.start <= last < span.end:
        raise BadToken(token)
    return Span(span.start, last) if reverse else Span(last + b"\x00", span.end)


def seal(purpose: str, position: bytes) -> str:
    """Return an opaque text for a position, good for one purpose."""
    return base64.urlsafe_b64encode(_bond(purpose, position) + position).decode()


def unseal(purpose: str, token: str) -> bytes:
    """Return the position of such a text.

    Raises:
        BadToken: it was not made for that purpose.
    """
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (ValueError, UnicodeEncodeError) as err:
        raise BadToken(token) from err
    position = raw[_BOND_BYTES:]
    if _bond(purpose, position) != raw[:_BOND_BYTES]:
        raise BadToken(token)
    return position


def _bond(purpose: str, position: bytes) -> bytes:
    return blake2b(purpose.encode() + b"\x00" + position, digest_size=_BOND_BYTES).digest()


def _listing_of(call: Call[Any]) -> str:
    return "\n".join((call.service, call.operation, call.account, call.region, *call.resources))
