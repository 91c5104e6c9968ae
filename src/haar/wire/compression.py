"""Compressed request bodies: ``Content-Encoding: gzip`` where an operation's model allows it.

The last encoding of the header is what the client's library added; it is taken off, and what the
caller wrote before it stays (``custom, gzip`` becomes ``custom``). Expansion is bounded. No model
has a compressed body that streams.
"""

from __future__ import annotations

import zlib

from haar.kernel.errors import RefusedAs
from haar.wire.bodies.tree import Malformed
from haar.wire.http import HttpRequest

EXPANDED_BYTES_MAX = 32 * 1024 * 1024

_GZIP = 31  # zlib's number for gzip's header and the largest window


def take_off(request: HttpRequest) -> bool:
    """Take ``gzip`` off the request's Content-Encoding; return whether it was the last there."""
    before, _, last = request.headers.get(b"content-encoding", b"").rpartition(b",")
    if last.strip().lower() != b"gzip":
        return False
    headers = dict(request.headers)
    del headers[b"content-encoding"]
    if rest := before.strip():
        headers[b"content-encoding"] = rest
    request.headers = headers
    return True


def expand(body: bytes) -> bytes:
    """Return the bytes of a compressed body.

    Raises:
        Malformed: it is not gzip, or more than that.
        RefusedAs: it expands to more than :data:`EXPANDED_BYTES_MAX`.
    """
    member = zlib.decompressobj(_GZIP)
    try:
        made = member.decompress(body, EXPANDED_BYTES_MAX + 1)
    except zlib.error as error:
        raise Malformed("") from error
    if len(made) > EXPANDED_BYTES_MAX:
        raise RefusedAs("RequestEntityTooLargeException", "Request body is too large", status=413)
    if not member.eof or member.unused_data:
        raise Malformed("")
    return made
