"""Bytes that come in pieces: the bodies of uploads and downloads."""

from __future__ import annotations

from abc import ABC, abstractmethod
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


class TrailedStream(ABC):
    """An upload after whose bytes come trailers; a ByteStream.

    Args:
        length: bytes to come.
        announced: the names of the trailers to come, lower case.

    Attributes:
        trailers: name → value, lower case; complete when the stream has ended.
    """

    def __init__(self, length: int, announced: frozenset[str]) -> None:
        self.length: int | None = length
        self.announced = announced
        self.trailers: dict[str, str] = {}

    @abstractmethod
    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in pieces of any size."""


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
