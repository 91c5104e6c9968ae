r"""Forms with a file (``multipart/form-data``): what a browser sends when a person uploads.

::

    --<boundary>\r\n
    Content-Disposition: form-data; name="key"\r\n
    \r\n
    photos/${filename}\r\n
    --<boundary>\r\n
    Content-Disposition: form-data; name="file"; filename="a.png"\r\n
    Content-Type: image/png\r\n
    \r\n
    <bytes>\r\n
    --<boundary>--\r\n

Fields are read up to the one called ``file``; its bytes are a stream, so that memory holds one
piece of it. Fields after the file are not read: S3 ignores them.

Source: RFC 7578; AWS docs, S3 API reference, "POST Object".
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

from haar.kernel.errors import RefusedAs
from haar.kit.streams import ByteStream, OnePiece, Pieces
from haar.wire.http import HttpRequest

FIELDS_BYTES_MAX = 20 * 1024
HEADERS_BYTES_MAX = 4 * 1024
MEDIA = b"multipart/form-data"

_boundary = re.compile(rb'boundary=(?:"([^"]{1,70})"|([^;,\s"]{1,70}))').search
_parameters = re.compile(r';\s*(name|filename)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')


class Form(NamedTuple):
    """A form whose fields have been read.

    Attributes:
        fields: name, lower case, → text.
        filename: of the file on the client, without its folders.
        file: the file's bytes; its length is that of all that may follow.
    """

    fields: dict[str, str]
    filename: str
    file: ByteStream


def is_form(request: HttpRequest) -> bool:
    """Return whether a request brings a form with a file."""
    return request.headers.get(b"content-type", b"").startswith(MEDIA)


async def read_form(request: HttpRequest) -> Form:
    """Read a form up to its file.

    Raises:
        RefusedAs: it is malformed, its fields are too long, or it has no file.
    """
    found = _boundary(request.headers.get(b"content-type", b""))
    if found is None:
        raise malformed()
    body = request.body
    stream = OnePiece(body) if isinstance(body, bytes) else body
    reader = Reader(stream, b"\r\n--" + (found[1] or found[2]))
    return await reader.form()


class Reader:
    """Reads the parts of a form, one after the other.

    Args:
        stream: the body.
        mark: what stands between two parts.
    """

    def __init__(self, stream: ByteStream, mark: bytes) -> None:
        self._pieces = aiter(stream)
        self._left = stream.length
        self._mark = mark
        self._buffer = b"\r\n"  # the first mark has no line before it

    async def form(self) -> Form:
        """Return the form, its file unread."""
        fields: dict[str, str] = {}
        room = FIELDS_BYTES_MAX
        await self._until(self._mark, room)
        while await self._has_part():
            name, filename = parse_head(await self._until(b"\r\n\r\n", HEADERS_BYTES_MAX))
            if name == "file":
                return Form(fields, filename, Pieces(self._file(), self._file_length()))
            value = await self._until(self._mark, room)
            room -= len(value)
            fields[name] = decoded(value)
        raise RefusedAs(
            "IncorrectNumberOfFilesInPostRequest",
            "POST requires exactly one file upload per request.",
        )

    async def _has_part(self) -> bool:
        """Read the two bytes after a mark: the end of its line, or dashes after the last."""
        while len(self._buffer) < 2:
            await self._more()
        after, self._buffer = self._buffer[:2], self._buffer[2:]
        if after not in {b"\r\n", b"--"}:
            raise malformed()
        return after == b"\r\n"

    async def _until(self, mark: bytes, limit: int) -> bytes:
        """Return the bytes before a mark, and read the mark."""
        while (at := self._buffer.find(mark)) < 0:
            if len(self._buffer) > limit + len(mark):
                raise too_long()
            await self._more()
        if at > limit:
            raise too_long()
        before, self._buffer = self._buffer[:at], self._buffer[at + len(mark) :]
        return before

    async def _more(self) -> None:
        piece = await anext(self._pieces, b"")
        if not piece:
            raise malformed()
        if self._left is not None:
            self._left -= len(piece)
        self._buffer += piece

    def _file_length(self) -> int | None:
        """Return how many bytes the file has at most: the last mark is counted with them."""
        return None if self._left is None else self._left + len(self._buffer)

    async def _file(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes, keeping back what may be the beginning of a mark."""
        keep = len(self._mark) - 1
        while (at := self._buffer.find(self._mark)) < 0:
            if len(self._buffer) > keep:
                ready = len(self._buffer) - keep
                piece, self._buffer = self._buffer[:ready], self._buffer[ready:]
                yield piece
            await self._more()
        if at:
            yield self._buffer[:at]
        self._buffer = b""


def parse_head(raw: bytes) -> tuple[str, str]:
    """Return the name of a part, lower case, and the name of its file.

    Raises:
        RefusedAs: it has no name.
    """
    for line in decoded(raw).split("\r\n"):
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            told = {name: quoted or bare for name, quoted, bare in _parameters.findall(value)}
            filename = re.split(r"[/\\]", told.get("filename", ""))[-1]
            if told.get("name"):
                return told["name"].lower(), filename
    raise malformed()


def decoded(raw: bytes) -> str:
    """Return a text.

    Raises:
        RefusedAs: it is not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as err:
        raise malformed() from err


def malformed() -> RefusedAs:
    """Return the refusal of what is no form."""
    text = "The body of your POST request is not well-formed multipart/form-data."
    return RefusedAs("MalformedPOSTRequest", text)


def too_long() -> RefusedAs:
    """Return the refusal of fields that are too long."""
    text = "Your POST request fields preceding the upload file were too large."
    return RefusedAs("MaxPostPreDataLengthExceeded", text)
