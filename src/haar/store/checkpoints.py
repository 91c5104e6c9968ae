"""Snapshots: a copy of all data at one moment, made of hard links while haar runs.

A snapshot is a data directory: ``haar up --data SNAPSHOT`` runs on it, and would change it. It is
made under another name and gets its own when it is complete. The store's sorted files and the blobs
never change, so they are linked; what the store appends to is copied.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from haar.kernel.waiting import in_thread
from haar.store.blob_files import FileBlobs
from haar.store.commits import DiskError
from haar.store.directory import (
    FORMAT,
    DataDirectory,
    copy_durably,
    link_or_copy,
    link_tree,
    replace_durably,
    sync_directory,
)
from haar.store.rocksdb import RocksStore

_UNCHANGING = ".sst"


class SnapshotError(Exception):
    """A snapshot cannot be made or read; the text is one sentence for a person."""


async def save(store: RocksStore, blobs: FileBlobs, target: Path) -> None:
    """Make a snapshot at ``target``: everything that is committed, and every blob of it.

    Args:
        store: open; goes on meanwhile.
        blobs: of the same data directory.
        target: not there yet; its parent is.

    Raises:
        SnapshotError: the place is taken, or cannot be written.
    """
    draft = target.with_name(target.name + ".partial")
    try:
        await in_thread(_begin, draft, target)
        await blobs.link_into(draft / "blobs", lambda: store.checkpoint(draft / "store"))
        await in_thread(_finish, draft, target)
    except (OSError, DiskError) as err:
        raise SnapshotError(f"the snapshot {target} cannot be made: {err}") from err


def _begin(draft: Path, target: Path) -> None:
    if target.exists():
        raise SnapshotError(f"{target} is there already")
    shutil.rmtree(draft, ignore_errors=True)  # of a snapshot that was cut off
    draft.mkdir(mode=0o700)


def _finish(draft: Path, target: Path) -> None:
    replace_durably(draft / "format", f"{FORMAT}\n".encode())
    draft.rename(target)
    sync_directory(target.parent)


def restore(source: Path, directory: DataDirectory) -> None:
    """Replace what lies in a data directory by a snapshot, which stays as it is.

    Raises:
        SnapshotError: it is no snapshot, or cannot be copied; the directory may be half replaced,
            and is not taken for data until a restore has ended.
    """
    check(source)
    try:
        directory.empty()
        (directory.path / "store").mkdir(mode=0o700)
        for file in (source / "store").iterdir():
            place = link_or_copy if file.suffix == _UNCHANGING else copy_durably
            place(file, directory.path / "store" / file.name)
        sync_directory(directory.path / "store")
        link_tree(source / "blobs", directory.path / "blobs")
        copy_durably(source / "format", directory.path / "format")
        directory.settle()
    except OSError as err:
        raise SnapshotError(f"the snapshot {source} cannot be restored: {err}") from err


def check(source: Path) -> None:
    """Check that a directory is a snapshot that this haar can read.

    Raises:
        SnapshotError: it is not.
    """
    parts = [source / name for name in ("format", "store", "blobs")]
    if not all(part.exists() for part in parts):
        raise SnapshotError(f"{source} is no snapshot of haar")
    told = parts[0].read_text().strip()
    if not told.isdigit() or int(told) > FORMAT:
        raise SnapshotError(f"{source} has format {told}; this haar knows up to {FORMAT}")
