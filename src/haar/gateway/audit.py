"""One structured record per call, from outside or from inside, allowed or refused.

Records are lines of JSON in ``<data>/audit/calls.jsonl`` (mode 0600). They are gathered in memory
and written by a thread every :data:`FLUSH_MS`, or as soon as :data:`FLUSH_RECORDS` are there, so
that a call pays for an append to a list. The file is rotated at :data:`FILE_BYTES_MAX`, and
:data:`FILES_MAX` are kept. A power cut can lose the records (not the effects) of the last moments;
the trail with promises of its own is CloudTrail's to build.

Where the disk takes no more, records wait in memory and are tried again; beyond
:data:`BUFFER_MAX` the newest are lost and counted (``haar_audit_lost_total``), the log says so
once, and calls go on: reads need no room, and writes are refused by the store.

What a request says beyond its name and its resources is in no record, so that no secret is.

======================  ============================================
field                   meaning
======================  ============================================
``time_ms``             when the call was accepted
``request_id``          as in the answer
``principal``           ARN of who asked; empty where not authenticated
``access_key_id``       the key that signed; empty for calls from inside
``source``              the client's address, or ``internal``
``service``             haar's name of the service
``operation``           the model's operation name
``resources``           the ARNs that the policy decided on
``region``              of the request
``error``               the refusal's code, or empty; ``ClientGone`` where
                        the client left before it had its answer
``took_ms``             until the answer was ready
======================  ============================================
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from haar.gateway.figures import Figures
from haar.kernel.logs import Log

FLUSH_MS = 250
FLUSH_RECORDS = 2_000
SLICE_RECORDS = 200  # encoded at a time: the thread holds the interpreter meanwhile
BUFFER_MAX = 20_000
FILE_BYTES_MAX = 64 * 1024 * 1024
FILES_MAX = 4

log = Log()


class Record(msgspec.Struct, frozen=True, gc=False):
    """What is kept of one call; the fields are the module's table."""

    time_ms: int
    request_id: str
    principal: str
    access_key_id: str
    source: str
    service: str
    operation: str
    resources: tuple[str, ...]
    region: str
    error: str
    took_ms: float


class Audit:
    """Gathers records and writes them to a file, or keeps the last ones where there is no file.

    Args:
        directory: where the file lies; None keeps the newest :data:`BUFFER_MAX` in memory only.

    Attributes:
        figures: what there is to count of the records.
        lost: records that there was no room for.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._encode = msgspec.json.Encoder().encode_lines
        self._pending: list[Record] = []
        self._is_full = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._is_failing = False
        self.figures = Figures()
        self.lost = 0

    @property
    def pending(self) -> int:
        """Records that are not in a file yet."""
        return len(self._pending)

    def record(self, record: Record) -> None:
        """Keep a record; it is in the file some :data:`FLUSH_MS` later."""
        self.figures.count(record.service, record.operation, record.error, record.took_ms)
        pending = self._pending
        pending.append(record)
        if len(pending) >= FLUSH_RECORDS:
            self._crowd()

    def _crowd(self) -> None:
        self._is_full.set()
        if len(self._pending) <= BUFFER_MAX:
            return
        if self._directory is None:
            del self._pending[: BUFFER_MAX // 2]
        else:
            self._pending.pop()
            self.lost += 1

    def recent(self) -> list[Record]:
        """Return the records that are not in a file yet, oldest first."""
        return list(self._pending)

    def start(self) -> None:
        """Begin to write regularly."""
        if self._directory is not None:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self._flusher = asyncio.get_running_loop().create_task(self._flush_often())

    async def close(self) -> None:
        """Write what is left."""
        if self._flusher is not None:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
            self._settle(self._written(self._take()))

    async def _flush_often(self) -> None:
        while True:
            # Losing this timer loses nothing: what is pending is written at the next one.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_full.wait(), FLUSH_MS / 1000)
            if self._pending:
                # Shielded, so that a record is either in the file or still pending at the end.
                writing = asyncio.ensure_future(asyncio.to_thread(self._written, self._take()))
                try:
                    self._settle(await asyncio.shield(writing))
                except asyncio.CancelledError:
                    self._settle(await writing)
                    raise
            self._is_full.clear()
            if self._is_failing:
                await asyncio.sleep(FLUSH_MS / 1000)

    def _take(self) -> list[Record]:
        taken, self._pending = self._pending, []
        return taken

    def _settle(self, unwritten: list[Record]) -> None:
        """Keep what could not be written for the next time, the oldest first."""
        if unwritten and not self._is_failing:
            log.error("audit records cannot be written", waiting=len(unwritten), lost=self.lost)
        elif self._is_failing and not unwritten:
            log.warning("audit records are written again", lost=self.lost)
        self._is_failing = bool(unwritten)
        kept = (unwritten + self._pending)[:BUFFER_MAX]
        self.lost += len(unwritten) + len(self._pending) - len(kept)
        self._pending = kept

    def _written(self, records: list[Record]) -> list[Record]:
        """Write records; return those that there was no room for."""
        assert self._directory is not None, "only an audit with a directory writes"
        lines = b"".join([self._encode(some) for some in slices(records)])
        try:
            append(self._directory / "calls.jsonl", lines)
        except OSError:
            return records
        return []


def slices(records: list[Record]) -> Iterator[list[Record]]:
    """Yield the records in order, some at a time."""
    for at in range(0, len(records), SLICE_RECORDS):
        yield records[at : at + SLICE_RECORDS]


def append(path: Path, lines: bytes) -> None:
    """Add whole lines to a file, and rotate it when it is long; on failure it is as before.

    Raises:
        OSError: there is no room for all of them.
    """
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        before = os.lseek(file, 0, os.SEEK_END)
        if before >= FILE_BYTES_MAX:
            rotate(path)
            append(path, lines)
            return
        write_all(file, lines, before)
    finally:
        os.close(file)


def write_all(file: int, lines: bytes, before: int) -> None:
    """Write at the end of a file that is ``before`` long, or leave it as long as it is.

    Raises:
        OSError: there is no room for all of them.
    """
    written = 0
    try:
        written = os.write(file, lines)
    finally:
        if written < len(lines):
            os.ftruncate(file, before)
    if written < len(lines):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def rotate(path: Path) -> None:
    """Move ``path`` to ``path.1``, ``path.1`` to ``path.2`` and so on; the oldest goes."""
    for number in range(FILES_MAX - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        newer = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        if newer.exists():
            newer.replace(older)
