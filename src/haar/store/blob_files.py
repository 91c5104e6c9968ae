"""Large bytes as files: ``<data>/blobs/ab/ab12…``, named at random, never changed.

Behind the bytes stands the CRC-32 of each block of them (4 bytes, big-endian; the last block may be
shorter), so that a part is read with as much certainty as the whole. Files of older records have
none: they are checked where they are read whole.

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
BLOCK_BYTES = PIECE_BYTES
_SUM_BYTES = 4
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
                size = await _pour(file, head, rest)
                await in_thread(_settle, file, path.parent)
            finally:
                os.close(file)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Blob(size, b"", name, block_bytes=BLOCK_BYTES)

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
            BlobDamaged: the file is shorter than its record says, or a checksum another one.
        """
        end = blob.size if length is None else min(blob.size, start + length)
        if not blob.name:
            if start < end:
                yield blob.inline[start:end]
            return
        file = os.open(self._path(blob.name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            parts = _blocks(file, blob, start, end) if blob.block_bytes else None
            async for piece in parts or _older(file, blob, start, end):
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


async def _blocks(file: int, blob: Blob, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield a part of a blob, each block of it checked before any byte of it is given out."""
    size = blob.block_bytes
    for number in range(start // size, -(-end // size)) if start < end else ():
        block = await asyncio.to_thread(_read_block, file, blob, number)
        at = number * size
        yield block[max(start - at, 0) : end - at]


def _read_block(file: int, blob: Blob, number: int) -> bytes:
    at = number * blob.block_bytes
    block = os.pread(file, min(blob.block_bytes, blob.size - at), at)
    told = os.pread(file, _SUM_BYTES, blob.size + number * _SUM_BYTES)
    if told != zlib.crc32(block).to_bytes(_SUM_BYTES, "big"):
        raise damaged(blob)
    return block


def damaged(blob: Blob) -> BlobDamaged:
    """Return the refusal of a file that has changed."""
    return BlobDamaged(f"blob {blob.name} is not what was written")


async def _older(file: int, blob: Blob, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield a part of a blob without blocks; the end of a whole one only if its checksum holds."""
    expected = blob.crc32 if (start, end) == (0, blob.size) else None
    crc32 = 0
    while start < end:
        size = min(PIECE_BYTES, end - start)
        piece = await asyncio.to_thread(os.pread, file, size, start)
        crc32 = zlib.crc32(piece, crc32)
        start += len(piece)
        if not piece or (start == end and expected not in {None, crc32}):
            raise damaged(blob)
        yield piece


class _Sums:
    """The CRC-32 of each block of what is written."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._crc32 = 0
        self._filled = 0

    def add(self, data: bytes) -> None:
        """Go on with more bytes."""
        view = memoryview(data)
        while view:
            part = view[: BLOCK_BYTES - self._filled]
            view = view[len(part) :]
            self._crc32 = zlib.crc32(part, self._crc32)
            self._filled += len(part)
            if self._filled == BLOCK_BYTES:
                self._close()

    def _close(self) -> None:
        self._done += self._crc32.to_bytes(_SUM_BYTES, "big")
        self._crc32 = self._filled = 0

    def all(self) -> bytes:
        """Return what stands behind the bytes."""
        if self._filled:
            self._close()
        return bytes(self._done)


async def _pour(file: int, head: list[bytes], rest: AsyncIterator[bytes]) -> int:
    """Write everything, a buffer at a time, and its checksums; return how many bytes it was.

    Synced on the way, too: else the last sync of some GiB would outlast a client's patience.
    """
    pending, waiting, size, sums = head, sum(map(len, head)), 0, _Sums()
    unsynced = 0
    async for piece in rest:
        pending.append(piece)
        waiting += len(piece)
        if waiting >= _BUFFER_BYTES:
            await in_thread(_write_summed, file, b"".join(pending), sums)
            unsynced += waiting
            pending, waiting, size = [], 0, size + waiting
            if unsynced >= _SYNC_EVERY_BYTES:
                await in_thread(os.fdatasync, file)
                unsynced = 0
    await in_thread(_write_summed, file, b"".join(pending), sums)
    await in_thread(_write_all, file, sums.all())
    return size + waiting


def _write_summed(file: int, data: bytes, sums: _Sums) -> None:
    sums.add(data)
    _write_all(file, data)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _settle(file: int, directory: Path) -> None:
    os.fdatasync(file)
    sync_directory(directory)
