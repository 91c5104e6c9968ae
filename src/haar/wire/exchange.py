"""One request and what its answer must know of it."""

from __future__ import annotations

from haar.wire.http import HttpRequest
from haar.wire.upload import Upload


class Exchange:
    """One request and its answer.

    Attributes:
        request: whose head has arrived.
        upload: its body, where that streams.
        keeps_alive: whether the connection stays after the answer.
        is_http10: no chunks in the answer, and ``keep-alive`` must be said.
    """

    __slots__ = ("is_http10", "keeps_alive", "request", "upload")

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
