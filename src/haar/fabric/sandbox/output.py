"""What functions write to their standard output and error: read always, the end of it kept."""

from __future__ import annotations

import asyncio
import os

TAIL_BYTES = 4096
_READ_BYTES = 65_536
_READS_MAX = 64


class Output:
    """A pipe into which one sandbox writes.

    The reader never waits and keeps :data:`TAIL_BYTES`, so a function that writes without end
    costs time, not memory.
    """

    __slots__ = ("_loop", "_reader", "_tail", "writer")

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._tail = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._reader, self._some)

    def started(self) -> None:
        """Give up haar's own copy of the writing end."""
        os.close(self.writer)
        self.writer = -1

    def add(self, text: bytes) -> None:
        """Put a line of the platform's between the function's."""
        self._tail = (self._tail + text)[-TAIL_BYTES:]

    def take(self) -> bytes:
        """Return the end of what was written since the last time, and forget it."""
        for _ in range(_READS_MAX):  # a thread of the function's may go on writing for ever
            if not self._some():
                break
        tail, self._tail = self._tail, b""
        return tail

    def close(self) -> None:
        """Stop reading."""
        if self._reader >= 0:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._reader = -1
        if self.writer >= 0:
            self.started()

    def _some(self) -> bool:
        if self._reader < 0:
            return False
        try:
            data = os.read(self._reader, _READ_BYTES)
        except BlockingIOError:
            return False
        if data:
            self.add(data)
        else:
            self._loop.remove_reader(self._reader)  # all writers are gone
        return len(data) == _READ_BYTES
