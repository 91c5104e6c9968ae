"""HTTP messages as the rest of haar sees them: raw where the signature needs it raw."""

from __future__ import annotations

from collections.abc import AsyncIterator

from haar.kit.streams import ByteStream

HeaderList = list[tuple[bytes, bytes]]


class HttpRequest:
    """A request whose head has arrived.

    Attributes:
        method: ``GET``, ``POST``, …
        path: the raw path as sent, percent-encoding kept, without the query.
        query: the raw query string as sent, without the question mark.
        headers: lower-case name → value (stripped); repeated headers joined by ``,``.
        header_list: every header in order, names lower case, values as sent.
        body: all bytes, or a stream where the body is long or of unknown length.
        peer: the client's address.
        is_tls: whether it came by https.
    """

    __slots__ = (
        "body",
        "header_list",
        "headers",
        "is_tls",
        "method",
        "path",
        "peer",
        "query",
    )

    def __init__(  # a message has this many parts
        self,
        *,
        method: str,
        path: bytes,
        query: bytes,
        headers: dict[bytes, bytes],
        header_list: HeaderList,
        body: bytes | ByteStream,
        peer: str,
        is_tls: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.header_list = header_list
        self.body = body
        self.peer = peer
        self.is_tls = is_tls


class HttpResponse:
    """An answer. ``Content-Length`` and ``Connection`` are the server's to add.

    A body that is not bytes is streamed: with ``length`` as Content-Length where it is known, else
    chunked.
    """

    __slots__ = ("body", "headers", "length", "status")

    def __init__(
        self,
        status: int,
        headers: HeaderList,
        body: bytes | AsyncIterator[bytes] = b"",
        *,
        length: int | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.length = length
