"""The body of a request that is too long to be gathered: a stream that holds the sender back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from haar.kernel.errors import ApiError
from haar.wire.room import NoRoom, Room

HIGH_BYTES = 256 * 1024
LOW_BYTES = 64 * 1024


class Upload:
    """Pieces of a body as they arrive.

    Args:
        length: as announced, or None.
        hold: called with True when enough is waiting, with False when it is wanted again.
        want: called once, when the first piece is asked for (sends ``100 Continue``).
        room: counts what waits.
    """

    __slots__ = (
        "_bytes",
        "_error",
        "_hold",
        "_is_held",
        "_pieces",
        "_room",
        "_waiter",
        "_want",
        "is_complete",
        "is_wanted",
        "left",
        "length",
    )

    def __init__(
        self,
        length: int | None,
        hold: Callable[[bool], None],
        want: Callable[[], None],
        room: Room,
    ) -> None:
        self.length = length
        self.left = length
        self.is_complete = False
        self.is_wanted = False
        self._hold = hold
        self._want = want
        self._room = room
        self._pieces: deque[bytes] = deque()
        self._bytes = 0
        self._is_held = False
        self._error: ApiError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Upload:
        """Return the stream itself: it is read once."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece.

        Raises:
            ApiError: the body broke off, was malformed, or came too slowly.
        """
        if not self.is_wanted:
            self.is_wanted = True
            self._want()
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self.is_complete:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        piece = self._pieces.popleft()
        self._bytes -= len(piece)
        self._room.free(len(piece))
        if self._is_held and self._bytes <= LOW_BYTES:
            self._is_held = False
            self._hold(False)  # noqa: FBT003  # one switch, two positions
        return piece

    @property
    def is_waited_for(self) -> bool:
        """Whether somebody waits for the next piece."""
        return self._waiter is not None and not self._waiter.done()

    def feed(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            NoRoom: it cannot be kept.
        """
        if not self._room.take(len(piece)):
            raise NoRoom
        if self.left is not None:
            self.left -= len(piece)
        self._pieces.append(piece)
        self._bytes += len(piece)
        if (self._bytes >= HIGH_BYTES or self._room.is_tight) and not self._is_held:
            self._is_held = True
            self._hold(True)  # noqa: FBT003  # the same
        self._wake()

    def finish(self) -> None:
        """Say that all has come."""
        self.is_complete = True
        self._wake()

    def fail(self, error: ApiError) -> None:
        """Make the reader raise ``error`` once it has read what came before."""
        if not self.is_complete and self._error is None:
            self._error = error
            self._wake()

    def discard(self) -> None:
        """Throw away what came and what will come: nobody reads it any more."""
        self._pieces.clear()
        self._room.free(self._bytes)
        self._bytes = 0
        if self._is_held:
            self._is_held = False
            self._hold(False)  # noqa: FBT003  # the same

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
