"""The data directory: one process at a time, a known format, errors that say what to do.

::

    <data>/lock          held (flock) by the process that runs on the directory
    <data>/format        the number of the layout below, as text
    <data>/store/        the key-value store
    <data>/blobs/        large bytes
    <data>/credentials   the root's access key, for the user
    <data>/tls/          the server's certificate, and the authority that issues it
    <data>/audit/        a record of each call
    <data>/cache/        what can be made anew
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

FORMAT = 1


class DirectoryError(Exception):
    """The data directory cannot be used; the text is one sentence for a person."""


class DirectoryInUse(DirectoryError):
    """Another process runs on the directory."""


class DirectoryNotWritable(DirectoryError):
    """The directory cannot be made or written."""


class NewerFormat(DirectoryError):
    """A newer haar wrote the directory."""


class DataDirectory:
    """A data directory that this process holds until :meth:`close`.

    Args:
        path: made, with its parents, where it is not there.

    Raises:
        DirectoryError: it cannot be used; the subclass says why.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise DirectoryNotWritable(f"the directory {path} is not writable: {err}") from err
        try:
            self._take()
        except BaseException:
            os.close(self._lock)
            raise

    def _take(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            text = f"the directory {self.path} is in use by another haar"
            raise DirectoryInUse(text) from err
        self._check_format()

    def _check_format(self) -> None:
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

    def close(self) -> None:
        """Let others have the directory."""
        os.close(self._lock)


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


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
