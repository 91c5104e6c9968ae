"""The body of a request as its operation reads it: whole or in pieces, unframed and checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256

from haar.identity.chunks import ChunkChain
from haar.identity.sigv4 import Authenticated
from haar.kernel.errors import RefusedAs
from haar.kit.streams import ByteStream, OnePiece, Pieces, TrailedStream, gather
from haar.wire.chunked import unframe
from haar.wire.http import HttpRequest
from haar.wire.room import NoRoom, Room

WHOLE_BYTES_MAX = 32 * 1024 * 1024  # DynamoDB takes 16 MiB, Lambda 50 MB of zip in base64

_SIZE_TEXT = "Request body is too large"
_HASH_TEXT = "The provided 'x-amz-content-sha256' header does not match what was computed."


class Hold:
    """What one call holds of the room for bodies: a long one that its operation reads whole."""

    __slots__ = ("_room", "used")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.used = 0

    def take(self, count: int) -> None:
        """Take room.

        Raises:
            NoRoom: there is not enough left.
        """
        if not self._room.take(count):
            raise NoRoom
        self.used += count

    def free(self) -> None:
        """Give all of it back."""
        self._room.free(self.used)
        self.used = 0


async def read_whole(request: HttpRequest, hold: Hold) -> None:
    """Replace a streamed body by its bytes.

    Raises:
        RefusedAs: it is longer than any operation takes.
        NoRoom: there is no room for it now.
    """
    assert not isinstance(request.body, bytes), "a body of bytes is whole already"
    pieces: list[bytes] = []
    async for piece in request.body:
        hold.take(len(piece))
        refuse_long(hold.used)
        pieces.append(piece)
    request.body = b"".join(pieces)


def refuse_long(size: int) -> None:
    """Refuse a body that is longer than any operation takes.

    Raises:
        RefusedAs: it is.
    """
    if size > WHOLE_BYTES_MAX:
        raise RefusedAs("RequestEntityTooLargeException", _SIZE_TEXT, status=413)


def body_of(request: HttpRequest, who: Authenticated) -> bytes | ByteStream:
    """Return the body without its transport: chunks unframed, signatures and hashes checked.

    A hash that covers a stream is checked at its end: the operation learns that the body is wrong
    before it makes anything visible.
    """
    body = request.body
    if who.is_chunked:
        chain = ChunkChain(who.chunks) if who.chunks is not None else None
        has_signed_trailer = who.chunks is not None and who.chunks.has_trailer
        return unframe(request, body, chain, has_signed_trailer=has_signed_trailer)
    if who.body_sha256 is not None:
        stream = OnePiece(body) if isinstance(body, bytes) else body
        return Pieces(_hashed(stream, who.body_sha256), stream.length)
    return body


async def unframed(request: HttpRequest, stream: ByteStream) -> bytes:
    """Return the bytes inside a body that is here already, for an operation that takes no stream.

    What stood in a trailer stands in the request's headers afterwards: it is the same claim.

    Raises:
        ApiError: the framing, a signature or a hash is wrong.
    """
    body = await gather(stream)
    if isinstance(stream, TrailedStream):
        trailers = {k.encode("latin-1"): v.encode("latin-1") for k, v in stream.trailers.items()}
        request.headers = request.headers | trailers
    return body


async def _hashed(stream: ByteStream, expected: str) -> AsyncIterator[bytes]:
    digest = sha256()
    async for piece in stream:
        digest.update(piece)
        yield piece
    if digest.hexdigest() != expected:
        raise RefusedAs("XAmzContentSHA256Mismatch", _HASH_TEXT)
