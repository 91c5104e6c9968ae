r"""``aws-chunked`` bodies: the framing of uploads whose checksum or signatures come at the end.

::

    signed    <hex length>;chunk-signature=<64 hex>\r\n<bytes>\r\n … 0;chunk-signature=<64 hex>\r\n
    unsigned  <hex length>\r\n<bytes>\r\n … 0\r\n
    then      <name>:<value>\r\n …   x-amz-trailer-signature:<64 hex>\r\n (signed trailers)
    last      \r\n

Each chunk is hashed as it passes and its signature checked at its end: bytes are handed on before
that, so whoever stores them may make them visible only when the stream has ended well. Memory holds
one piece, whatever length a chunk says it has.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from haar.kernel.errors import RefusedAs
from haar.kit.streams import ByteStream, OnePiece, TrailedStream
from haar.wire.http import HttpRequest

LINE_BYTES_MAX = 4096
TRAILERS_MAX = 16
CHUNK_BYTES_MAX = 5 * 1024**3

_HEAD = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64,144}\**))?")
_SIGNATURE_NAME = "x-amz-trailer-signature"
_HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()


class ChunkVerifier(Protocol):
    """Knows the chain of signatures; identity makes it from the request's own."""

    def verify_chunk(self, sha256_hex: str, signature: str) -> None:
        """Check the next chunk's signature.

        Raises:
            ApiError: it is wrong.
        """
        ...

    def verify_trailer(self, sha256_hex: str, signature: str) -> None:
        r"""Check the signature of the trailer's lines, each ``name:value\\n``.

        Raises:
            ApiError: it is wrong.
        """
        ...


class ChunkedBody(TrailedStream):
    """The bytes inside an ``aws-chunked`` body, as a stream.

    Args:
        source: the body as it came.
        length: ``x-amz-decoded-content-length``.
        announced: names of ``x-amz-trailer``, lower case.
        verifier: checks signatures; None where chunks are not signed.
        has_signed_trailer: whether the trailer has a signature of its own.

    Attributes:
        length: bytes inside.
        announced: names of the trailers to come, lower case.
        trailers: name → value, lower case; complete when the stream has ended.
    """

    def __init__(
        self,
        source: bytes | ByteStream,
        *,
        length: int,
        announced: Iterable[str] = (),
        verifier: ChunkVerifier | None = None,
        has_signed_trailer: bool = False,
    ) -> None:
        super().__init__(length, frozenset(announced))
        self._expected = length
        self._verifier = verifier
        self._has_signed_trailer = has_signed_trailer
        self._reader = _Reader(OnePiece(source) if isinstance(source, bytes) else source)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes.

        Raises:
            ApiError: the framing is broken, the length is another, a signature is wrong, or a
                trailer was not announced.
        """
        seen = 0
        while True:
            size, signature = self._parse_head(await self._reader.line())
            seen += size
            if seen > self._expected or size > CHUNK_BYTES_MAX:
                raise incomplete()
            if not size:
                break
            digest = hashlib.sha256() if self._verifier is not None else None
            async for piece in self._reader.exactly(size):
                if digest is not None:
                    digest.update(piece)
                yield piece
            await self._reader.skip_line_end()
            if digest is not None:
                self._verify(digest.hexdigest(), signature)
        if seen != self._expected:
            raise incomplete()
        if self._verifier is not None:
            self._verify(_HASH_OF_NOTHING, signature)
        await self._read_trailers()

    def _parse_head(self, line: bytes) -> tuple[int, str]:
        found = _HEAD.fullmatch(line)
        if found is None or (self._verifier is not None and found[2] is None):
            raise incomplete()
        return int(found[1], 16), (found[2] or b"").decode("ascii")

    def _verify(self, sha256_hex: str, signature: str) -> None:
        assert self._verifier is not None, "only signed chunks are verified"
        self._verifier.verify_chunk(sha256_hex, signature)

    async def _read_trailers(self) -> None:
        lines: list[str] = []
        signature = ""
        while line := await self._reader.last_line():
            name, colon, value = line.decode("latin-1").partition(":")
            name, value = name.strip().lower(), value.strip()
            if name == _SIGNATURE_NAME:
                signature = value
                continue
            if not colon or name not in self.announced or len(lines) >= TRAILERS_MAX:
                raise malformed_trailer()
            self.trailers[name] = value
            lines.append(f"{name}:{value}\n")
        if self.announced - self.trailers.keys():
            raise malformed_trailer()
        if self._has_signed_trailer and self._verifier is not None:
            text = "".join(lines).encode("latin-1")
            self._verifier.verify_trailer(hashlib.sha256(text).hexdigest(), signature)


class _Reader:
    """Lines and exact counts from a stream of pieces."""

    def __init__(self, source: ByteStream) -> None:
        self._pieces = aiter(source)
        self._rest = b""

    async def _more(self) -> bool:
        try:
            self._rest += await anext(self._pieces)
        except StopAsyncIteration:
            return False
        return True

    async def line(self) -> bytes:
        while (end := self._rest.find(b"\r\n")) < 0:
            if len(self._rest) > LINE_BYTES_MAX or not await self._more():
                raise incomplete()
        line, self._rest = self._rest[:end], self._rest[end + 2 :]
        return line

    async def last_line(self) -> bytes:
        """Return a line, or nothing at the end: some clients leave the last line end out."""
        if not self._rest and not await self._more():
            return b""
        return await self.line()

    async def exactly(self, count: int) -> AsyncIterator[bytes]:
        while count:
            if not self._rest and not await self._more():
                raise incomplete()
            piece, self._rest = self._rest[:count], self._rest[count:]
            if piece:
                count -= len(piece)
                yield piece

    async def skip_line_end(self) -> None:
        while len(self._rest) < 2:
            if not await self._more():
                raise incomplete()
        if self._rest[:2] != b"\r\n":
            raise incomplete()
        self._rest = self._rest[2:]


def unframe(
    request: HttpRequest,
    source: bytes | ByteStream,
    verifier: ChunkVerifier | None = None,
    *,
    has_signed_trailer: bool = False,
) -> ChunkedBody:
    """Return the bytes inside a request's ``aws-chunked`` body.

    Raises:
        ApiError: the request does not say how many bytes there are inside.
    """
    told = request.headers.get(b"x-amz-decoded-content-length", b"")
    if not (told.isdigit() and len(told) <= 16):
        text = "You must provide the Content-Length HTTP header."
        raise RefusedAs("MissingContentLength", text, status=411)
    names = request.headers.get(b"x-amz-trailer", b"").decode("latin-1").lower()
    return ChunkedBody(
        source,
        length=int(told),
        announced=[name.strip() for name in names.split(",") if name.strip()],
        verifier=verifier,
        has_signed_trailer=has_signed_trailer,
    )


def incomplete() -> RefusedAs:
    """Return S3's refusal of a body of another length or form than announced."""
    text = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return RefusedAs("IncompleteBody", text)


def malformed_trailer() -> RefusedAs:
    """Return S3's refusal of a trailer."""
    text = (
        "The request contained trailing data that was not well-formed or did not conform to our "
        "published schema."
    )
    return RefusedAs("MalformedTrailerError", text)
