"""Bytes of a connection → requests: the parser's callbacks, with every limit of a head.

httptools (llhttp) refuses what request smuggling needs: both Content-Length and Transfer-Encoding,
two Content-Lengths, blanks before the colon, bare line feeds, unknown codings. The rest is here.
"""

from __future__ import annotations

from typing import Protocol

import httptools

from haar.kernel.errors import RefusedAs
from haar.wire.exchange import Exchange
from haar.wire.http import HeaderList, HttpRequest
from haar.wire.limits import Limits
from haar.wire.room import NoRoom, Room
from haar.wire.upload import Upload


class Unacceptable(ValueError):
    """What came is no request that is taken here.

    Args:
        status: of HTTP.
        code: as S3 names it, where it has a name for it.
        text: for the client.
    """

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


TOO_LONG_TEXT = (
    "Your request header and query parameters used to make the request exceed the maximum allowed "
    "size."
)


def too_long(status: int = 431) -> Unacceptable:
    """Return the refusal of a head that is too long."""
    return Unacceptable(status, "RequestHeaderSectionTooLarge", TOO_LONG_TEXT)


TOO_LARGE_TEXT = "Your proposed upload exceeds the maximum allowed size"
NOT_IMPLEMENTED_TEXT = "A header you provided implies functionality that is not implemented."


METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE")}
"""The methods of nearly all requests, as text."""


class Owner(Protocol):
    """The connection, as the intake sees it."""

    def take(self, exchange: Exchange) -> None:
        """Work on a request, now or after those before it."""
        ...

    def hold(self, is_held: bool) -> None:  # noqa: FBT001  # one switch, two positions
        """Pause or resume reading."""
        ...

    def say_continue(self) -> None:
        """Send ``100 Continue``."""
        ...

    @property
    def is_free(self) -> bool:
        """Whether nothing is being worked on and nothing waits."""
        ...


class Intake:
    """Makes requests of one connection's bytes.

    Args:
        owner: gets the requests.
        limits: what a client may ask for.
        room: where bodies are held.
        peer: the client's address.
        is_tls: whether it came by https.

    Attributes:
        is_in_head: a request line and headers are arriving.
        head_since_s: since when.
        body_since_s: since when a step of a body (``body_step_bytes``) has been arriving.
        upload: the body that is arriving, where it streams.
        exchange: the request whose body is arriving.
    """

    __slots__ = (
        "_between_bytes",
        "_body",
        "_expects",
        "_fed_bytes",
        "_header_list",
        "_is_tls",
        "_limits",
        "_now_s",
        "_owner",
        "_parser",
        "_peer",
        "_room",
        "_step_bytes",
        "_target",
        "body_since_s",
        "exchange",
        "head_since_s",
        "is_in_head",
        "upload",
    )

    def __init__(
        self, owner: Owner, limits: Limits, room: Room, peer: str, *, is_tls: bool
    ) -> None:
        self._owner = owner
        self._limits = limits
        self._room = room
        self._peer = peer
        self._is_tls = is_tls
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._header_list: HeaderList = []
        self._fed_bytes = 0
        self._between_bytes = 0
        self._expects = False
        self._body: list[bytes] | None = None
        self._now_s = self.head_since_s = self.body_since_s = 0.0
        self._step_bytes = 0
        self.is_in_head = False
        self.upload: Upload | None = None
        self.exchange: Exchange | None = None

    @property
    def is_gathering(self) -> bool:
        """Whether a small body is arriving."""
        return self._body is not None

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for ``100 Continue``."""
        return self._expects

    def is_deep_in_body(self, count: int) -> bool:
        """Whether the next ``count`` bytes are all of a long body."""
        upload = self.upload
        return upload is not None and upload.left is not None and upload.left >= count

    def feed(self, data: bytes, now_s: float) -> None:
        """Parse what came.

        Raises:
            Unacceptable: it is no request that is taken here.
            NoRoom: its body cannot be held now.
            httptools.HttpParserUpgrade: the client wants to change the protocol.
            httptools.HttpParserCallbackError: a bug of ours.
        """
        self._now_s = now_s
        self._fed_bytes = count = len(data)
        self._between_bytes += count
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, Unacceptable | NoRoom):
                raise error.__context__ from None
            raise
        except httptools.HttpParserUpgrade:
            raise
        except httptools.HttpParserError as error:
            text = "An error occurred when parsing the HTTP request."
            raise Unacceptable(400, "BadRequest", text) from error
        if self.is_in_head or self.upload is not None:
            self._bound_between()

    def _bound_between(self) -> None:
        """Bound what the parser gathers and has not told: an unfinished header, or a trailer's."""
        if self._between_bytes > self._limits.header_bytes_max + self._limits.target_bytes_max:
            raise too_long()

    def so_far(self) -> HttpRequest:
        """Return the request that is arriving, as far as it has come: for refusals."""
        return self._request(joined(self._header_list), self._target.partition(b"#")[0])

    def give_up(self) -> None:
        """Forget a head or a small body that did not come in time."""
        self.is_in_head = False
        self.drop()

    def drop(self) -> None:
        """Give back the room of the body that is arriving: nobody will read it."""
        if self._body is not None and self.exchange is not None:
            self.exchange.let_go(self._room)
        self._body = None
        if self.upload is not None:
            self.upload.discard()

    def forget(self, exchange: Exchange) -> None:
        """Throw away what still comes of a request's body."""
        if self.exchange is exchange:
            self.exchange = None

    def say_continue(self) -> None:
        """Let the client send the body, if it waits for that."""
        if self._expects:
            self._expects = False
            self._owner.say_continue()

    # --- the parser's callbacks

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target = b""
        self._header_list = []
        self._between_bytes = self._fed_bytes
        self._expects = False
        self.is_in_head = True
        self.head_since_s = self._now_s

    def on_url(self, piece: bytes) -> None:
        """Take a piece of the target."""
        self._target += piece
        if len(self._target) > self._limits.target_bytes_max:
            raise too_long(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer counts for nothing."""
        if self.is_in_head:
            self._header_list.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Make the request; begin to work on it if its body streams."""
        self.is_in_head = False
        pairs, limits = self._header_list, self._limits
        if self._between_bytes > limits.header_bytes_max or len(pairs) > limits.headers_max:
            self._refuse_long_head()
        self._between_bytes = 0
        headers = joined(pairs)
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Unacceptable(
                505, "HttpVersionNotSupported", "This version of HTTP is not spoken here."
            )
        host = headers.get(b"host")
        if (host is None and version == "1.1") or (host is not None and b"," in host):
            raise Unacceptable(400, "BadRequest", "A request needs one Host header.")
        length = self._length(headers)
        self._expects = b"expect" in headers and wants_continue(headers)
        if length is None or length > limits.gather_bytes_max:
            self.upload = Upload(length, self._owner.hold, self.say_continue, self._room)
        self.exchange = Exchange(
            self._request(headers, path_of(self._target)),
            self.upload,
            keeps_alive=self._parser.should_keep_alive(),
            is_http10=version == "1.0",
        )
        self.body_since_s, self._step_bytes = self._now_s, 0
        if self.upload is not None:
            self._owner.take(self.exchange)
        elif length:
            self._body = []
            if self._expects and self._owner.is_free:
                self.say_continue()

    def restart_step(self, now_s: float) -> None:
        """Begin a step of the body: one has come, or the client was held back until now."""
        self.body_since_s = now_s
        self._step_bytes = 0

    def _refuse_long_head(self) -> None:
        limits, pairs = self._limits, self._header_list
        if len(pairs) > limits.headers_max:
            raise too_long()
        if sum(len(name) + len(value) for name, value in pairs) > limits.header_bytes_max:
            raise too_long()

    def _request(self, headers: dict[bytes, bytes], target: bytes) -> HttpRequest:
        path, _, query = target.partition(b"?")
        method = self._parser.get_method()
        return HttpRequest(
            method=METHODS.get(method) or method.decode("ascii"),
            path=path,
            query=query,
            headers=headers,
            header_list=self._header_list,
            body=b"" if self.upload is None else self.upload,
            peer=self._peer,
            is_tls=self._is_tls,
        )

    def _length(self, headers: dict[bytes, bytes]) -> int | None:
        """Return the body's length; None where it comes in chunks."""
        if b"transfer-encoding" in headers:
            if headers[b"transfer-encoding"].lower() != b"chunked":
                raise Unacceptable(501, "NotImplemented", NOT_IMPLEMENTED_TEXT)
            return None
        told = headers.get(b"content-length")
        length = int(told) if told is not None else 0
        if length > self._limits.body_bytes_max:
            raise Unacceptable(413, "EntityTooLarge", TOO_LARGE_TEXT)
        return length

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._between_bytes = 0
        self._expects = False
        self._step_bytes += len(piece)
        if self._step_bytes >= self._limits.body_step_bytes:
            self.restart_step(self._now_s)
        if self.upload is not None:
            self.upload.feed(piece)
            if self.exchange is None:
                self.upload.discard()
        elif self._body is not None:
            self._gather(piece)

    def _gather(self, piece: bytes) -> None:
        exchange, count = self.exchange, len(piece)
        assert exchange is not None, "a body has a head"
        assert self._body is not None, "checked by the caller"
        if not self._room.take(count):
            raise NoRoom
        exchange.held_bytes += count
        self._body.append(piece)

    def on_message_complete(self) -> None:
        """Finish the body; begin to work on the request if that has not happened."""
        upload, self.upload = self.upload, None
        if upload is not None:
            upload.finish()
            return
        exchange = self.exchange
        assert exchange is not None, "a message has a head"
        if self._body is not None:
            pieces, self._body = self._body, None
            exchange.request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._owner.take(exchange)


def joined(pairs: HeaderList) -> dict[bytes, bytes]:
    """Return the headers by name; the values of repeated ones joined by commas, in their order."""
    headers = dict(pairs)
    if len(headers) != len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = headers[name] + b"," + value if name in headers else value
    return headers


def path_of(target: bytes) -> bytes:
    """Return path and query of a request's target.

    Raises:
        Unacceptable: it is neither a path nor a URL.
    """
    if target.startswith(b"/"):
        return target.partition(b"#")[0]
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise Unacceptable(400, "InvalidURI", "Couldn't parse the specified URI.")
    return b"/" + rest.partition(b"/")[2]


def wants_continue(headers: dict[bytes, bytes]) -> bool:
    """Whether the client waits for ``100 Continue`` before it sends the body.

    Raises:
        Unacceptable: it expects something else.
    """
    expected = headers.get(b"expect")
    if expected is None:
        return False
    if expected.lower() != b"100-continue":
        text = "The only expectation is 100-continue."
        raise Unacceptable(417, "ExpectationFailed", text)
    return True


def broken_off() -> RefusedAs:
    """Return the refusal of a body whose rest cannot come any more."""
    return RefusedAs("IncompleteBody", "The request body terminated unexpectedly.")
