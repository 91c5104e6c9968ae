"""How far a store's log was synced: the evidence that nothing acknowledged is missing.

``<store>/SYNCED`` holds the sequence number that the last finished sync covered, as 20 decimal
digits. It is written after each sync, but synced only when the store is opened. So after a power
cut it may be older than the truth, but never newer: a store whose recovered log ends before it has
lost acknowledged rows. A log may end in what a crash tore; it must not end earlier than that.
"""

from __future__ import annotations

import os
from pathlib import Path

FILE_NAME = "SYNCED"
_DIGITS = 20


def read_synced(directory: Path) -> int | None:
    """Return the number, None where there is no store yet.

    Raises:
        ValueError: the file holds no number.
    """
    try:
        return int((directory / FILE_NAME).read_bytes())
    except FileNotFoundError:
        return None


class SyncedMark:
    """Keeps the number up to date.

    Args:
        directory: of the store.
        number: to begin with.
    """

    def __init__(self, directory: Path, number: int) -> None:
        self._file = os.open(
            directory / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, mode=0o600
        )
        self.raise_to(number)
        # Once, so that a power cut does not leave the name with nothing in it. Later writes are in
        # place, within a sector: they leave this number or a newer one.
        os.fsync(self._file)

    def raise_to(self, number: int) -> None:
        """Note that everything up to ``number`` is synced. Costs a write to the page cache."""
        os.pwrite(self._file, b"%0*d" % (_DIGITS, number), 0)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)
