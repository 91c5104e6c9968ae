"""The data directory: one process at a time, a known format, errors that say what to do.

::

    <data>/lock          held (flock) by the process that runs on the directory
    <data>/format        the number of the layout below, as text
    <data>/unfinished    there while a restore or a reset replaces what lies here
    <data>/store/        the key-value store
    <data>/blobs/        large bytes
    <data>/credentials   the root's access key, for the user
    <data>/tls/          the server's certificate, and the authority that issues it
    <data>/audit/        a record of each call
    <data>/cache/        what can be made anew
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from pathlib import Path

FORMAT = 1
LOCK, UNFINISHED = "lock", "unfinished"


class DirectoryError(Exception):
    """The data directory cannot be used; the text is one sentence for a person."""


class DirectoryInUse(DirectoryError):
    """Another process runs on the directory."""


class DirectoryNotWritable(DirectoryError):
    """The directory cannot be made or written."""


class NewerFormat(DirectoryError):
    """A newer haar wrote the directory."""


class Unfinished(DirectoryError):
    """A restore or a reset of the directory did not come to its end."""


class NotOurs(DirectoryError):
    """Somebody else's files lie in the directory."""


EXPECTED = {
    *("store", "blobs", "credentials", "tls", "audit", "cache", "functions"),
    "lost+found",  # what an empty file system has in it
}


class DataDirectory:
    """A data directory that this process holds until :meth:`close`.

    Args:
        path: made, with its parents, where it is not there.
        is_to_replace: take it though what lies in it is half replaced, or of a newer format.

    Raises:
        DirectoryError: it cannot be used; the subclass says why.
    """

    def __init__(self, path: Path, *, is_to_replace: bool = False) -> None:
        self.path = path
        try:
            make_durably(path)
            refuse_others(path)
            self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileExistsError as err:
            raise DirectoryNotWritable(f"{path} is a file, not a directory") from err
        except OSError as err:
            reason = os.strerror(err.errno or 0).lower()
            raise DirectoryNotWritable(f"cannot write to the directory {path}: {reason}") from err
        try:
            self._take()
            if not is_to_replace:
                self._check_format()
        except BaseException:
            os.close(self._lock)
            raise

    def _take(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            text = f"the directory {self.path} is in use by another haar"
            raise DirectoryInUse(text) from err

    def _check_format(self) -> None:
        if (self.path / UNFINISHED).exists():
            raise Unfinished(
                f"a restore or reset of {self.path} did not end; run it again to its end"
            )
        file = self.path / "format"
        try:
            found = int(file.read_text())
        except FileNotFoundError:
            replace_durably(file, f"{FORMAT}\n".encode())
            return
        except ValueError as err:
            raise NewerFormat(f"{file} is not a number: not a data directory of haar") from err
        if found > FORMAT:
            text = f"the directory {self.path} has format {found}; this haar knows up to {FORMAT}"
            raise NewerFormat(text)

    def empty(self) -> None:
        """Remove everything but the lock; until :meth:`settle` what is here is no data."""
        replace_durably(self.path / UNFINISHED, b"")
        for entry in self.path.iterdir():
            if entry.name in {LOCK, UNFINISHED}:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def settle(self) -> None:
        """Take what lies here now for data, for good."""
        sync_directory(self.path)
        (self.path / UNFINISHED).unlink(missing_ok=True)
        sync_directory(self.path)

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies here but the lock."""
        return all(entry.name == LOCK for entry in self.path.iterdir())

    def close(self) -> None:
        """Let others have the directory."""
        os.close(self._lock)


def refuse_others(path: Path) -> None:
    """Refuse a directory that has files, but none of haar's: it is somebody's, and not empty.

    Raises:
        NotOurs: it is.
    """
    names = {one.name for one in path.iterdir() if not one.name.startswith(".")}
    if names - EXPECTED and not names & {"format", LOCK, UNFINISHED}:
        raise NotOurs(f"the directory {path} has other files in it; give haar an empty one")


def replace_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a crash leaves the old content or the new, never half.

    Nobody whom ``mode`` does not allow can read it at any moment.
    """
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)


def make_durably(path: Path) -> None:
    """Make a directory where there is none, with its parents; their names last, too.

    Raises:
        OSError: it cannot be made.
    """
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in missing:
        sync_directory(made.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link_tree(source: Path, target: Path, *, may_vanish: bool = False) -> None:
    """Make ``target`` a copy of a directory whose files never change: hard links, or copies.

    Args:
        source: the directory.
        target: not there yet.
        may_vanish: a file that goes meanwhile is none of those that are wanted.

    Raises:
        OSError: it cannot be made.
    """
    target.mkdir(mode=0o700)
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            link_tree(entry, target / entry.name, may_vanish=may_vanish)
            continue
        try:
            link_or_copy(entry, target / entry.name)
        except FileNotFoundError:
            if not may_vanish:
                raise
    sync_directory(target)


def link_or_copy(source: Path, target: Path) -> None:
    """Link a file that never changes; copy it where the other name lies on another disk."""
    try:
        os.link(source, target)
    except OSError as err:
        if err.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP}:
            raise
        copy_durably(source, target)


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file to a new name and sync its bytes."""
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
