"""CBOR bodies (RFC 8949): the part of it that Smithy's RPC v2 uses.

================  ==========================================================
major type        here
================  ==========================================================
0, 1              int
2, 3              bytes, str; of indefinite length, too
4, 5              list, dict (keys are text); of indefinite length, too
6                 tag 1: seconds since the epoch; other tags: their content
7                 false, true, null, undefined (null), half, single, double
================  ==========================================================
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any

from haar.kit.call import Members
from haar.wire import timestamps
from haar.wire.bodies.tree import Malformed, TreeDecoder, unlike
from haar.wire.models import ServiceModel, Shape

DEPTH_MAX = 100
_BREAK = object()
_CONSTANTS = {20: False, 21: True, 22: None, 23: None, 31: _BREAK}
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}


class CborScalars:
    """Blobs are byte strings, timestamps are tagged or bare numbers."""

    def blob(self, value: Any) -> bytes:
        """Return a byte string."""
        if value.__class__ is not bytes:
            raise Malformed(unlike(value, "ByteBuffer"))
        return bytes(value)

    def timestamp(self, value: Any) -> datetime:
        """Return the moment of a number of seconds."""
        if value.__class__ not in (int, float):
            raise Malformed(unlike(value, "Timestamp"))
        try:
            return timestamps.from_unix(value)
        except (timestamps.NotATimestamp, OverflowError) as error:
            raise Malformed("Unable to parse date") from error


class _Reader:
    """Reads one value after the other from bytes."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._body):
            raise Malformed("")
        return self._body[start : self._at]

    def value(self, depth: int = 0) -> Any:
        if depth > DEPTH_MAX:
            raise Malformed("")
        major, info = divmod(self.take(1)[0], 32)
        match major:
            case 0:
                return self._argument(info)
            case 1:
                return -1 - self._argument(info)
            case 2:
                return self._string(info, 2)
            case 3:
                return self._text(info)
            case 4:
                return self._list(info, depth + 1)
            case 5:
                return self._map(info, depth + 1)
            case 6:
                self._argument(info)
                return self.value(depth + 1)
            case _:
                return self._simple(info)

    def is_done(self) -> bool:
        return self._at == len(self._body)

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise Malformed("")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def _string(self, info: int, major: int) -> bytes:
        if info != 31:
            return self.take(self._argument(info))
        pieces: list[bytes] = []
        while (head := self.take(1)[0]) != 0xFF:
            if head // 32 != major or head % 32 == 31:
                raise Malformed("")
            pieces.append(self.take(self._argument(head % 32)))
        return b"".join(pieces)

    def _text(self, info: int) -> str:
        try:
            return self._string(info, 3).decode()
        except UnicodeDecodeError as error:
            raise Malformed("") from error

    def _items(self, info: int, depth: int) -> list[Any]:
        items: list[Any] = []
        if info == 31:
            while (item := self.value(depth)) is not _BREAK:
                items.append(item)
            return items
        items.extend(self._content(depth) for _ in range(self._argument(info)))
        return items

    def _content(self, depth: int) -> Any:
        item = self.value(depth)
        if item is _BREAK:
            raise Malformed("")
        return item

    def _list(self, info: int, depth: int) -> list[Any]:
        return self._items(info, depth)

    def _map(self, info: int, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        left = -1 if info == 31 else self._argument(info)
        while left:
            key = self.value(depth)
            if key is _BREAK and left < 0:
                return made
            if not isinstance(key, str):
                raise Malformed("")
            made[key] = self._content(depth)
            left -= 1
        return made

    def _simple(self, info: int) -> Any:
        if info in _FLOATS:
            form, size = _FLOATS[info]
            return struct.unpack(form, self.take(size))[0]
        if info not in _CONSTANTS:
            raise Malformed("")
        return _CONSTANTS[info]


def loads(body: bytes) -> Any:
    """Return the value of a CBOR document.

    Raises:
        Malformed: not CBOR, or more than one value.
    """
    reader = _Reader(body)
    value = reader.value()
    if value is _BREAK or not reader.is_done():
        raise Malformed("")
    return value


def dumps(value: Any) -> bytes:
    """Return a value as CBOR; moments as tag 1."""
    out = bytearray()
    _write(value, out)
    return bytes(out)


def _head(major: int, argument: int, out: bytearray) -> None:
    if argument < 24:
        out.append(major << 5 | argument)
        return
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            out.append(major << 5 | info)
            out += argument.to_bytes(size, "big")
            return
    raise OverflowError(argument)


def _write(value: Any, out: bytearray) -> None:
    match value:
        case None:
            out.append(0xF6)
        case bool():
            out.append(0xF5 if value else 0xF4)
        case int():
            _head(0, value, out) if value >= 0 else _head(1, -1 - value, out)
        case float():
            _write_float(value, out)
        case str():
            raw = value.encode()
            _head(3, len(raw), out)
            out += raw
        case bytes() | bytearray():
            _head(2, len(value), out)
            out += value
        case datetime():
            out.append(0xC1)
            _write(float(timestamps.to_unix(value)), out)
        case _:
            _write_container(value, out)


def _write_float(value: float, out: bytearray) -> None:
    single = struct.pack(">f", value) if abs(value) < 3e38 or not math.isfinite(value) else b""
    if single and (value != value or struct.unpack(">f", single)[0] == value):  # noqa: PLR0124
        out += b"\xfa" + single
    else:
        out += b"\xfb" + struct.pack(">d", value)


def _write_container(value: Any, out: bytearray) -> None:
    if isinstance(value, dict):
        pairs: list[tuple[Any, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType, reportUnknownMemberType]
        _head(5, len(pairs), out)
        for key, item in pairs:
            _write(str(key), out)
            _write(item, out)
        return
    items: list[Any] = list(value)
    _head(4, len(items), out)
    for item in items:
        _write(item, out)


def decoder(model: ServiceModel, shape: Shape, notes: list[bool]) -> Callable[[bytes], Members]:
    """Return the function from a body to the members of a structure."""
    convert = TreeDecoder(model, CborScalars(), notes).structure(shape)
    return lambda body: convert(loads(body) if body else {})
