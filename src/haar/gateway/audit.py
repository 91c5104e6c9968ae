"""One structured record per call, from outside or from inside, allowed or refused.

Records are lines of JSON in ``<data>/audit/calls.jsonl``. They are gathered in memory and written
by a thread every :data:`FLUSH_MS`, so that a call pays for an append to a list. The file is rotated
at :data:`FILE_BYTES_MAX`, and :data:`FILES_MAX` are kept. A power cut can lose the records (not the
effects) of the last moments; the trail with promises of its own is CloudTrail's to build.

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
``error``               the refusal's code, or empty
``took_ms``             until the answer was ready
======================  ============================================
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

FLUSH_MS = 250
BUFFER_MAX = 10_000
FILE_BYTES_MAX = 64 * 1024 * 1024
FILES_MAX = 4


class Record(msgspec.Struct, frozen=True):
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
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._encode = msgspec.json.Encoder().encode_lines
        self._pending: list[Record] = []
        self._flusher: asyncio.Task[None] | None = None
        self.calls = 0
        self.errors = 0

    def record(self, record: Record) -> None:
        """Keep a record; it is on disk some :data:`FLUSH_MS` later."""
        self.calls += 1
        self.errors += bool(record.error)
        self._pending.append(record)
        if len(self._pending) >= BUFFER_MAX:
            self._overflow()

    def _overflow(self) -> None:
        if self._directory is None:
            del self._pending[: BUFFER_MAX // 2]
        else:
            self._write(self._take())

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
            self._write(self._take())

    async def _flush_often(self) -> None:
        while True:
            # Losing this timer loses nothing: what is pending is written at the next one.
            await asyncio.sleep(FLUSH_MS / 1000)
            if self._pending:
                await asyncio.to_thread(self._write, self._take())

    def _take(self) -> list[Record]:
        taken, self._pending = self._pending, []
        return taken

    def _write(self, records: list[Record]) -> None:
        assert self._directory is not None, "only an audit with a directory writes"
        path = self._directory / "calls.jsonl"
        with path.open("ab") as file:
            file.write(self._encode(records))
            is_full = file.tell() >= FILE_BYTES_MAX
        if is_full:
            rotate(path)


def rotate(path: Path) -> None:
    """Move ``path`` to ``path.1``, ``path.1`` to ``path.2`` and so on; the oldest goes."""
    for number in range(FILES_MAX - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        newer = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        if newer.exists():
            newer.replace(older)
