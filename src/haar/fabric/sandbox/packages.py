"""Function code on disk: zip archives, unpacked safely, found again by their hash.

The directory is a cache of what the store holds. It is emptied at start, so a power cut that left
half a file in it does no harm; an archive is unpacked beside its place and renamed when whole.

=============================  ====================================================
an archive that …              is refused, since
=============================  ====================================================
names ``../x`` or ``/x``       nothing may be written outside of the directory
has a symbolic link out of it  a later entry could be written through it
names one file twice           what runs should be what was looked at
unpacks to more than           :data:`UNPACKED_BYTES_MAX`, counted while unpacking and
                               not believed from its directory
is encrypted                   nobody has the key
=============================  ====================================================
"""

from __future__ import annotations

import asyncio
import io
import lzma
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from haar.kernel.waiting import in_thread

UNPACKED_BYTES_MAX = 262_144_000
FILES_MAX = 100_000
PACKAGES_MAX = 64
_PIECE_BYTES = 1024 * 1024
_LINK_BYTES_MAX = 4096  # what the system takes for a path
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error),  # damaged
    *(NotImplementedError, RuntimeError),  # a method that is not known, a password
    *(ValueError, OverflowError, OSError),  # names that no file can have
)


class BadPackage(Exception):
    """An archive that is not one, or is not safe to unpack."""


class PackageTooLarge(BadPackage):
    """An archive whose contents are larger than a function may be."""


class Packages:
    """Unpacked archives below one directory.

    Args:
        directory: is emptied and made anew; None takes a temporary one.
    """

    def __init__(self, directory: Path | None) -> None:
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix="haar-functions-"))
            self._temporary: Path | None = directory
        else:
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(mode=0o700, parents=True)
            self._temporary = None
        self.directory = directory
        self._unpacked: list[Path] = []
        self._unpacking = asyncio.Lock()

    def find(self, sha256: str) -> Path | None:
        """Return where the archive of that hash is unpacked, if it is."""
        path = self.directory / sha256
        return path if path.is_dir() else None

    async def unpack(self, archive: bytes, sha256: str) -> Path:
        """Return where the archive is unpacked; unpack it where it is not.

        Raises:
            BadPackage: not an archive, or not a safe one.
        """
        async with self._unpacking:
            found = self.find(sha256)
            if found is None:
                found = self.directory / sha256
                try:
                    # To its end also for whoever is gone: the next one must not unpack beside it.
                    await in_thread(unpack_whole, archive, found)
                finally:
                    if found.is_dir():
                        self._unpacked.append(found)
            return found

    async def trim(self, in_use: set[Path]) -> None:
        """Remove the packages that were unpacked first and are not in use, where there are many."""
        spare = [path for path in self._unpacked if path not in in_use]
        for path in spare[: max(0, len(self._unpacked) - PACKAGES_MAX)]:
            self._unpacked.remove(path)
            # Under its name it is there as a whole or not at all.
            doomed = path.rename(path.with_name(f"removing-{path.name}"))
            await in_thread(_remove, doomed)

    async def close(self) -> None:
        """Remove what is temporary."""
        if self._temporary is not None:
            await in_thread(_remove, self._temporary)


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def unpack_whole(archive: bytes, target: Path) -> None:
    """Unpack an archive into a directory that appears only when it is whole.

    Raises:
        BadPackage: not an archive, or not a safe one; nothing is left.
    """
    beside = Path(tempfile.mkdtemp(prefix="unpacking-", dir=target.parent))
    try:
        unpack_into(archive, beside)
        beside.chmod(0o755)
        beside.rename(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def unpack_into(archive: bytes, directory: Path) -> None:
    """Unpack an archive into an empty directory.

    Raises:
        BadPackage: not an archive, or not a safe one.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            entries = opened.infolist()
            check_names(entries)
            left = UNPACKED_BYTES_MAX
            # Links last: nothing can be written through a link that is not there yet.
            for entry in sorted(entries, key=is_link):
                left -= _unpack_entry(opened, entry, directory, left)
            # And once more: a link may lead through one that was made after it.
            for entry in filter(is_link, entries):
                check_inside(directory / PurePosixPath(entry.filename), directory)
    except _UNREADABLE as err:
        raise BadPackage(str(err)) from err


def check_names(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse archives with too many entries, entries outside, and entries named twice.

    Raises:
        BadPackage: there is one.
    """
    if len(entries) > FILES_MAX:
        raise PackageTooLarge(f"more than {FILES_MAX} files")
    seen: set[PurePosixPath] = set()
    for entry in entries:
        path = PurePosixPath(entry.filename)
        is_outside = path.is_absolute() or ".." in path.parts or not path.parts
        if is_outside or "\\" in entry.filename or "\0" in entry.filename:
            raise BadPackage(f"an entry outside of the archive: {entry.filename!r}")
        if path in seen and not entry.is_dir():
            raise BadPackage(f"an entry named twice: {entry.filename!r}")
        seen.add(path)


def is_link(entry: zipfile.ZipInfo) -> bool:
    """Return whether an entry is a symbolic link."""
    return stat.S_ISLNK(entry.external_attr >> 16)


def _unpack_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, directory: Path, left: int
) -> int:
    target = directory / PurePosixPath(entry.filename)
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    if is_link(entry):
        _link(archive, entry, directory, target)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    size = _copy(archive, entry, target, left)
    # Archives made on other systems carry no modes; AWS makes such files readable, too.
    mode = (entry.external_attr >> 16) & 0o777
    target.chmod((mode or 0o644) | 0o444)
    return size


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    size = 0
    with archive.open(entry) as source, target.open("xb") as sink:
        while piece := source.read(_PIECE_BYTES):
            size += len(piece)
            if size > left:
                raise PackageTooLarge(f"more than {UNPACKED_BYTES_MAX} bytes")
            sink.write(piece)
    return size


def _link(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, directory: Path, target: Path) -> None:
    with archive.open(entry) as source:
        raw = source.read(_LINK_BYTES_MAX + 1)
    to = raw.decode()
    if to.startswith("/") or len(raw) > _LINK_BYTES_MAX:
        raise BadPackage(f"a link out of the archive: {entry.filename!r}")
    # Through links that are there already: not even a directory is made outside.
    check_inside(target.parent, directory)
    target.parent.mkdir(parents=True, exist_ok=True)
    check_inside(target.parent / to, directory)
    target.symlink_to(to)


def check_inside(path: Path, directory: Path) -> None:
    """Refuse a path that leads out of a directory.

    Raises:
        BadPackage: it does.
    """
    if not path.resolve().is_relative_to(directory.resolve()):
        raise BadPackage(f"a link out of the archive: {path.name!r}")
