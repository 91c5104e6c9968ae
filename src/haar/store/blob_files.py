"""Large bytes as files: ``<data>/blobs/ab/ab12…``, named at random, never changed.

A blob is written to its final name and synced, with its directory, before :meth:`FileBlobs.write`
returns; a transaction refers to it after that. What a crash leaves without a reference is found
after the next start by :meth:`FileBlobs.sweep`.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

from haar.kernel.entropy import Entropy, hex_id
from haar.kernel.waiting import in_thread
from haar.store.blobs import INLINE_BYTES_MAX, Blob, BlobDamaged
from haar.store.directory import link_tree, sync_directory

PIECE_BYTES = 256 * 1024
_BUFFER_BYTES = 1024 * 1024
_SYNC_EVERY_BYTES = 64 * 1024 * 1024
_NAME_DIGITS = 32


class FileBlobs:
    """Implements :class:`haar.store.blobs.Blobs` in a directory.

    Args:
        directory: made where it is not there.
        entropy: makes the names.
    """

    def __init__(self, directory: Path, entropy: Entropy) -> None:
        self._directory = directory
        self._entropy = entropy
        # Names of this process's files, until the sweep has passed: it spares them.
        self._own: set[str] | None = set()
        # While a snapshot is made, what is removed waits here.
        self._doomed: list[Path] | None = None
        # Subdirectories whose names are known to be on disk.
        self._known: set[Path] = set()
        directory.mkdir(mode=0o700, exist_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / name[:2] / name

    async def write(self, pieces: AsyncIterator[bytes]) -> Blob:
        """Store the pieces: inline where they are few, else in a file that is synced."""
        head: list[bytes] = []
        size = 0
        async for piece in pieces:
            head.append(piece)
            size += len(piece)
            if size > INLINE_BYTES_MAX:
                return await self._write_file(head, pieces)
        return Blob(size, b"".join(head))

    async def _write_file(self, head: list[bytes], rest: AsyncIterator[bytes]) -> Blob:
        name = hex_id(self._entropy, _NAME_DIGITS)
        path = self._path(name)
        if self._own is not None:
            self._own.add(name)
        try:
            file = await in_thread(self._create, path, undo=os.close)
            try:
                size, crc32 = await _pour(file, head, rest)
                await in_thread(_settle, file, path.parent)
            finally:
                os.close(file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Blob(size, b"", name, crc32)

    def _create(self, path: Path) -> int:
        if path.parent not in self._known:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            sync_directory(self._directory)
            self._known.add(path.parent)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    async def read(
        self, blob: Blob, *, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` on, ``length`` at most, in pieces of at most 256 KiB.

        Raises:
            BlobDamaged: the file is shorter than its record says, or its checksum another one.
        """
        end = blob.size if length is None else min(blob.size, start + length)
        if not blob.name:
            if start < end:
                yield blob.inline[start:end]
            return
        expected = blob.crc32 if (start, end) == (0, blob.size) else None
        file = os.open(self._path(blob.name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            crc32 = 0
            while start < end:
                size = min(PIECE_BYTES, end - start)
                piece, crc32 = await asyncio.to_thread(_read_piece, file, size, start, crc32)
                start += len(piece)
                is_wrong = start == end and expected not in {None, crc32}
                if not piece or is_wrong:
                    raise BlobDamaged(f"blob {blob.name} is not what was written")
                yield piece
        finally:
            os.close(file)

    async def concatenate(self, blobs: list[Blob]) -> Blob:
        """Return one blob with the bytes of all, in order."""
        return await self.write(self._all(blobs))

    async def _all(self, blobs: list[Blob]) -> AsyncIterator[bytes]:
        for blob in blobs:
            async for piece in self.read(blob):
                yield piece

    async def remove(self, blob: Blob) -> None:
        """Give the space back; whoever has the file open reads on."""
        if not blob.name:
            return
        if self._doomed is not None:
            self._doomed.append(self._path(blob.name))
            return
        await asyncio.to_thread(self._path(blob.name).unlink, missing_ok=True)

    async def link_into(self, target: Path, then: Callable[[], Awaitable[None]]) -> None:
        """Make ``target`` a copy, of hard links, that has every file that is there after ``then``.

        Args:
            target: a directory that is not there yet.
            then: makes the copy of the store; no file is removed before all are linked.

        Raises:
            OSError: the files cannot be linked.
        """
        assert self._doomed is None, "one snapshot at a time"
        self._doomed = []
        try:
            await then()
            # Of files that no row refers to, some may go: of uploads that break off, for one.
            await in_thread(partial(link_tree, may_vanish=True), self._directory, target)
        finally:
            doomed, self._doomed = self._doomed, None
            for path in doomed:
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def sweep(self, is_kept: Callable[[str], bool]) -> int:
        """Remove every file of an earlier process that is not kept; return how many.

        A directory at a time, so that nobody waits long.
        """
        own, count = set[str]() if self._own is None else self._own, 0
        for directory in await asyncio.to_thread(_entries, self._directory):
            paths = await asyncio.to_thread(_entries, directory)
            lost = [p for p in paths if p.name not in own and not is_kept(p.name)]
            for path in lost:
                await asyncio.to_thread(path.unlink, missing_ok=True)
            count += len(lost)
        self._own = None
        return count


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


async def _pour(file: int, head: list[bytes], rest: AsyncIterator[bytes]) -> tuple[int, int]:
    """Write everything, a buffer at a time; return how many bytes it was, and their CRC-32.

    Synced on the way, too: else the last sync of some GiB would outlast a client's patience.
    """
    pending, waiting, size, crc32 = head, sum(map(len, head)), 0, 0
    unsynced = 0
    async for piece in rest:
        pending.append(piece)
        waiting += len(piece)
        if waiting >= _BUFFER_BYTES:
            crc32 = await in_thread(_write_all, file, b"".join(pending), crc32)
            unsynced += waiting
            pending, waiting, size = [], 0, size + waiting
            if unsynced >= _SYNC_EVERY_BYTES:
                await in_thread(os.fdatasync, file)
                unsynced = 0
    crc32 = await in_thread(_write_all, file, b"".join(pending), crc32)
    return size + waiting, crc32


def _write_all(file: int, data: bytes, crc32: int) -> int:
    """Write ``data`` and return the checksum of all up to its end."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    return zlib.crc32(data, crc32)


def _read_piece(file: int, size: int, start: int, crc32: int) -> tuple[bytes, int]:
    piece = os.pread(file, size, start)
    return piece, zlib.crc32(piece, crc32)


def _settle(file: int, directory: Path) -> None:
    os.fdatasync(file)
    sync_directory(directory)
