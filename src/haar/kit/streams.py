"""Bytes that come in pieces: the bodies of uploads and downloads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable


@runtime_checkable
class ByteStream(Protocol):
    """An upload or a download. Iterate once; the sender is held back while nobody reads."""

    length: int | None
    """How many bytes will come, where that is known."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in pieces of any size."""
        ...


@runtime_checkable
class TrailedStream(ByteStream, Protocol):
    """An upload after whose bytes come trailers."""

    announced: frozenset[str]
    """The names of the trailers to come, lower case."""

    trailers: dict[str, str]
    """Name → value, lower case; complete when the stream has ended."""


class OnePiece:
    """Bytes that are here already, as a stream."""

    __slots__ = ("_data", "length")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length: int | None = len(data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes, at once."""
        if self._data:
            yield self._data


class Pieces:
    """An asynchronous iterator with its length told, as a stream."""

    __slots__ = ("_pieces", "length")

    def __init__(self, pieces: AsyncIterator[bytes], length: int | None) -> None:
        self._pieces = pieces
        self.length = length

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the iterator's pieces."""
        return self._pieces


async def gather(stream: ByteStream | bytes) -> bytes:
    """Return everything in one piece. For bodies whose size is bounded elsewhere."""
    if isinstance(stream, bytes):
        return stream
    return b"".join([piece async for piece in stream])
