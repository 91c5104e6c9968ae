"""One request and what its answer must know of it."""

from __future__ import annotations

from haar.wire.http import HttpRequest
from haar.wire.room import Room
from haar.wire.upload import Upload


class Exchange:
    """One request and its answer.

    Attributes:
        request: whose head has arrived.
        upload: its body, where that streams.
        keeps_alive: whether the connection stays after the answer.
        is_http10: no chunks in the answer, and ``keep-alive`` must be said.
        held_bytes: of its gathered body, which count in the room until it is answered.
    """

    __slots__ = ("held_bytes", "is_http10", "keeps_alive", "request", "upload")

    def __init__(
        self,
        request: HttpRequest,
        upload: Upload | None,
        *,
        keeps_alive: bool,
        is_http10: bool,
    ) -> None:
        self.request = request
        self.upload = upload
        self.keeps_alive = keeps_alive
        self.is_http10 = is_http10
        self.held_bytes = 0

    def head_bytes(self) -> int:
        """Return how long the head is, about."""
        request = self.request
        size = len(request.path) + len(request.query)
        return size + sum(len(name) + len(value) for name, value in request.header_list)

    def let_go(self, room: Room) -> None:
        """Give the room of the body back; nothing the second time."""
        if self.held_bytes:
            room.free(self.held_bytes)
            self.held_bytes = 0
