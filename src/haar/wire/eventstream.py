r"""Messages of ``application/vnd.amazon.eventstream``: bytes ↔ headers and payload.

========  ==========================================================================
bytes     of a message, numbers big endian
========  ==========================================================================
4         length of the whole message
4         length of the headers
4         CRC-32 of the eight bytes before
…         headers
…         payload
4         CRC-32 of everything before
========  ==========================================================================

A header is one byte of name length, the name, one byte of type, and the value: ``0`` true, ``1``
false, ``2`` a byte, ``3`` 16 bits, ``4`` 32 bits, ``5`` 64 bits, ``6`` bytes and ``7`` text (each
after 16 bits of length), ``8`` milliseconds since the epoch, ``9`` a UUID of 16 bytes.

Source: AWS docs, Amazon Transcribe developer guide, "Event stream encoding".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

from haar.wire import timestamps

MEDIA = b"application/vnd.amazon.eventstream"
HEADERS_BYTES_MAX = 128 * 1024
PAYLOAD_BYTES_MAX = 16 * 1024 * 1024 + 1024  # a record of 16 MiB with what is around it

_FRAME = struct.Struct(">III")
_NUMBERS = {2: (">b", 1), 3: (">h", 2), 4: (">i", 4), 5: (">q", 8)}
_KINDS = {8: 2, 16: 3, 32: 4, 64: 5}
_FRAME_BYTES = 16


class Number(NamedTuple):
    """A whole number as wide as the model says."""

    value: int
    bits: int


Value = bool | int | Number | bytes | str | datetime | UUID
"""A header's value; numbers of a message that was read are plain."""


class NotAnEvent(ValueError):
    """Bytes that are no message: a wrong checksum, a length that cannot be."""


class Message(NamedTuple):
    """One message."""

    headers: dict[str, Value]
    payload: bytes


def encode(headers: Mapping[str, Value], payload: bytes) -> bytes:
    """Return a message as bytes."""
    raw = b"".join(encode_header(name, value) for name, value in headers.items())
    lengths = struct.pack(">II", len(raw) + len(payload) + _FRAME_BYTES, len(raw))
    body = b"".join((lengths, struct.pack(">I", crc32(lengths)), raw, payload))
    return body + struct.pack(">I", crc32(body))


def encode_header(name: str, value: Value) -> bytes:
    """Return one header."""
    key = name.encode()
    return bytes((len(key),)) + key + encode_value(value)


def encode_value(value: Value) -> bytes:
    """Return a header's type and value."""
    match value:
        case bool():
            return b"\x00" if value else b"\x01"
        case int():
            return encode_value(Number(value, 32 if -(2**31) <= value < 2**31 else 64))
        case Number():
            kind = _KINDS[value.bits]
            return bytes((kind,)) + struct.pack(_NUMBERS[kind][0], value.value)
        case bytes():
            return b"\x06" + struct.pack(">H", len(value)) + value
        case str():
            raw = value.encode()
            return b"\x07" + struct.pack(">H", len(raw)) + raw
        case datetime():
            millis = round(float(timestamps.to_unix(value)) * 1000)
            return b"\x08" + struct.pack(">q", millis)
        case UUID():
            return b"\x09" + value.bytes


class Reader:
    """Takes bytes in pieces of any size, and gives the messages that are whole."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    @property
    def is_between(self) -> bool:
        """Whether no message has begun and not ended."""
        return not self._rest

    def feed(self, piece: bytes) -> list[Message]:
        """Add bytes; return the messages that they complete.

        Raises:
            NotAnEvent: what came is no message.
        """
        self._rest += piece
        found: list[Message] = []
        while len(self._rest) >= _FRAME.size:
            total, headers_length, check = _FRAME.unpack_from(self._rest)
            if crc32(self._rest[:8]) != check:
                raise NotAnEvent("prelude checksum")
            if not _is_possible(total, headers_length):
                raise NotAnEvent("length")
            if len(self._rest) < total:
                break
            found.append(_message(self._rest[:total], headers_length))
            self._rest = self._rest[total:]
        return found


def _is_possible(total: int, headers_length: int) -> bool:
    payload_length = total - headers_length - _FRAME_BYTES
    return headers_length <= HEADERS_BYTES_MAX and 0 <= payload_length <= PAYLOAD_BYTES_MAX


def _message(raw: bytes, headers_length: int) -> Message:
    if crc32(raw[:-4]) != int.from_bytes(raw[-4:], "big"):
        raise NotAnEvent("message checksum")
    start = _FRAME.size
    headers = decode_headers(raw[start : start + headers_length])
    return Message(headers, raw[start + headers_length : -4])


def decode_headers(raw: bytes) -> dict[str, Value]:
    """Return the headers of a message.

    Raises:
        NotAnEvent: a type that is not known, a name that comes twice, or no room for a value.
    """
    headers: dict[str, Value] = {}
    cursor = _Cursor(raw)
    while not cursor.is_done:
        name = cursor.text(cursor.number(">B", 1))
        if name in headers:
            raise NotAnEvent("a header comes twice")
        headers[name] = _value(cursor)
    return headers


class _Cursor:
    """Takes one thing after the other from bytes."""

    __slots__ = ("_at", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at == len(self._raw)

    def take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._raw):
            raise NotAnEvent("a header is cut off")
        return self._raw[start : self._at]

    def number(self, form: str, size: int) -> int:
        return int(struct.unpack(form, self.take(size))[0])

    def text(self, count: int) -> str:
        try:
            return self.take(count).decode()
        except UnicodeDecodeError as error:
            raise NotAnEvent("not UTF-8") from error


def _value(cursor: _Cursor) -> Value:
    kind = cursor.number(">B", 1)
    if kind in _NUMBERS:
        return cursor.number(*_NUMBERS[kind])
    match kind:
        case 0 | 1:
            return kind == 0
        case 6:
            return cursor.take(cursor.number(">H", 2))
        case 7:
            return cursor.text(cursor.number(">H", 2))
        case 8:
            return _moment(cursor.number(">q", 8))
        case 9:
            return UUID(bytes=cursor.take(16))
        case _:
            raise NotAnEvent("a type that is not known")


def _moment(millis: int) -> datetime:
    try:
        return timestamps.from_unix(millis / 1000)
    except timestamps.NotATimestamp as error:
        raise NotAnEvent("no moment") from error
