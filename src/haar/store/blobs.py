"""Large bytes: written and synced first, referenced by a transaction last.

A blob of at most :data:`INLINE_BYTES_MAX` bytes is *inline*: its bytes ride in the record that
refers to it, and share the transaction's sync. A larger one is a file of its own in the blobs
directory, synced (with its directory) before :meth:`Blobs.write` returns; a transaction then stores
its :class:`Blob`. A file that no transaction came to refer to is swept later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import msgspec

INLINE_BYTES_MAX = 64 * 1024


class Blob(msgspec.Struct, frozen=True, array_like=True):
    """A reference to stored bytes, to be put in a record.

    Attributes:
        size: how many bytes.
        inline: the bytes, where they are few.
        name: the file's name, where they are many; empty for inline ones.
        crc32: of a file's bytes, in records that know no blocks; None in still older ones.
        block_bytes: a file's bytes are checked in blocks of so many; 0 in records older than it.
    """

    size: int
    inline: bytes = b""
    name: str = ""
    crc32: int | None = None
    block_bytes: int = 0


class BlobDamaged(Exception):
    """A blob's file is not what was written."""


class Blobs(Protocol):
    """Where large bytes are kept."""

    async def write(self, pieces: AsyncIterator[bytes]) -> Blob:
        """Store the pieces, in order, and return a reference once they are on disk.

        The blob is protected from the sweep until the process ends.
        """
        ...

    def read(
        self, blob: Blob, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` on, ``length`` at most, in pieces of at most 256 KiB.

        Raises:
            BlobDamaged: the next bytes are not what was written; those before were.
        """
        ...

    async def concatenate(self, blobs: list[Blob]) -> Blob:
        """Return one blob with the bytes of all, in order; the old ones stay until removed."""
        ...

    async def sweep(self, is_kept: Callable[[str], bool]) -> int:
        """Remove what earlier processes left and nobody needs; return how many files it was.

        What this process writes is never looked at. Is run once, at any time.
        """
        ...

    async def remove(self, blob: Blob) -> None:
        """Give the space back. Readers that began before go on to their end."""
        ...
