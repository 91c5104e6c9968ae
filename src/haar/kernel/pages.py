"""Page tokens: where the next page of a listing begins, opaque to the client."""

from __future__ import annotations

import base64
import binascii


class BadToken(ValueError):
    """A token that :func:`make` did not make."""


def make(position: bytes) -> str:
    """Return an opaque token for a position (mostly a key's last elements)."""
    check = binascii.crc32(position).to_bytes(4, "big")
    return base64.urlsafe_b64encode(check + position).decode()


def parse(token: str) -> bytes:
    """Return the position of a token.

    Raises:
        BadToken: not a token, or changed on its way.
    """
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except (ValueError, UnicodeEncodeError) as err:
        raise BadToken(token) from err
    if len(raw) < 4 or binascii.crc32(raw[4:]).to_bytes(4, "big") != raw[:4]:
        raise BadToken(token)
    return raw[4:]
