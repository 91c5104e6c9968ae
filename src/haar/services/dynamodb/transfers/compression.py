"""An object's bytes without their compression, a bounded number at a time."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

from haar.services.dynamodb.transfers.extras import module

PLAIN_BYTES_MAX = 2 * 1024 * 1024
ZSTD_LIBRARY = "zstandard"
_GZIP = 16 + zlib.MAX_WBITS
_ZSTD_SLICE_BYTES = 64
"""A block of zstd is 4 bytes at least and stands for 128 KiB at most: 2 MiB, then."""
_ZSTD_WINDOW_BYTES_MAX = 8 * 1024 * 1024
"""What every decoder should take, by RFC 8878; more would be the writer's choice of our memory."""


class NotReadable(Exception):
    """Bytes that are not of the form that the import was told."""


class Unpacker(Protocol):
    """Takes the compression off a stream of bytes."""

    @property
    def is_whole(self) -> bool:
        """Whether the bytes may end here."""
        ...

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        """Yield what the next bytes stand for.

        Raises:
            NotReadable: they are not compressed so.
        """
        ...


class Gunzip:
    """Members of gzip, one after the other."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(_GZIP)
        self.is_whole = True

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        """Yield what the next bytes stand for."""
        rest = piece
        while rest:
            try:
                # Bounded: few bytes may stand for very many.
                plain = self._unpacker.decompress(rest, PLAIN_BYTES_MAX)
            except zlib.error as err:
                raise NotReadable(str(err)) from err
            if plain:
                yield plain
            rest, self.is_whole = self._unpacker.unconsumed_tail, False
            if self._unpacker.eof:
                rest, self.is_whole = self._unpacker.unused_data, True
                self._unpacker = zlib.decompressobj(_GZIP)


class Unzstd:
    """Frames of zstd, one after the other."""

    def __init__(self) -> None:
        zstd: Any = module(ZSTD_LIBRARY)
        self._fault: type[Exception] = zstd.ZstdError
        self._context = zstd.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES_MAX)
        self._unpacker = self._context.decompressobj()
        self.is_whole = True

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        """Yield what the next bytes stand for."""
        for start in range(0, len(piece), _ZSTD_SLICE_BYTES):
            rest = piece[start : start + _ZSTD_SLICE_BYTES]
            while rest:
                try:
                    plain = self._unpacker.decompress(rest)
                except self._fault as err:
                    raise NotReadable(str(err)) from err
                if plain:
                    yield plain
                rest, self.is_whole = b"", bool(self._unpacker.eof)
                if self.is_whole:
                    rest = self._unpacker.unused_data
                    self._unpacker = self._context.decompressobj()


UNPACKERS: dict[str, type[Gunzip | Unzstd]] = {"GZIP": Gunzip, "ZSTD": Unzstd}


async def unpacked(pieces: AsyncIterator[bytes], compression: str) -> AsyncIterator[bytes]:
    """Yield an object's bytes without their compression: ``GZIP``, ``ZSTD`` or ``NONE``.

    Raises:
        NotReadable: they are not compressed so, or end too early.
    """
    if compression == "NONE":
        async for piece in pieces:
            yield piece
        return
    unpacker: Unpacker = UNPACKERS[compression]()
    async for piece in pieces:
        for plain in unpacker.unpack(piece):
            yield plain
    if not unpacker.is_whole:
        raise NotReadable("it ends too early")
