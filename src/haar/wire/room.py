"""Memory for the bodies of all connections at once: a budget, so that no crowd makes the heap grow.

What is here of a body counts from the moment it is read: gathered or waiting for its reader, until
its request is answered. Half of the room is for everybody who comes; in the other half, long bodies
wait outside (their connections stop reading) while short ones still get in. Nothing fits beyond it.
"""

from __future__ import annotations

from haar.kernel.errors import ApiError

ROOM_BYTES = 256 * 1024 * 1024


class NoRoom(ApiError):
    """A body does not fit now; each protocol has its own words for that."""

    code = "ServiceUnavailable"
    message = "There is no room for this request now."
    status = 503


class Room:
    """Counts bytes that are held in memory, up to a bound.

    Args:
        bytes_max: of all bodies together.

    Attributes:
        used: bytes that are held now.
    """

    __slots__ = ("bytes_max", "used")

    def __init__(self, bytes_max: int = ROOM_BYTES) -> None:
        self.bytes_max = bytes_max
        self.used = 0

    @property
    def is_tight(self) -> bool:
        """Whether senders of long bodies had better wait."""
        return self.used * 2 > self.bytes_max

    def take(self, count: int) -> bool:
        """Take room; False where there is not enough left, and none is taken."""
        if self.used + count > self.bytes_max:
            return False
        self.used += count
        return True

    def free(self, count: int) -> None:
        """Give room back."""
        self.used -= count
