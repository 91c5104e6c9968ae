r"""Tuples as keys: the encoding keeps their order.

Compatible in kind with FoundationDB's tuple layer, cut to what haar stores:

======================  ==================================================================
element                 bytes
======================  ==================================================================
``None``                ``00``
``bytes``               ``01``, the bytes with ``00`` written ``00 FF``, then ``00``
``str``                 ``02``, its UTF-8 with ``00`` written ``00 FF``, then ``00``
``int`` (64 bit)        ``14`` ± n (n = bytes needed), big-endian; negatives as ones' complement
======================  ==================================================================

``pack(a) < pack(b)`` exactly when ``a < b`` element by element (None < bytes < str < int), so a
prefix of a tuple is a prefix of its key.
"""

from __future__ import annotations

from haar.store.api import Span

Element = bytes | str | int | None

_ZERO = 0x14


def pack(*elements: Element) -> bytes:
    """Return the key of a tuple."""
    return b"".join([_pack_one(element) for element in elements])


def _pack_one(element: Element) -> bytes:
    # Strings are nearly all of the elements of nearly all keys: they come first.
    if isinstance(element, str):
        return b"\x02" + element.encode().replace(b"\x00", b"\x00\xff") + b"\x00"
    if isinstance(element, int):
        return _pack_int(element)
    if isinstance(element, bytes):
        return b"\x01" + element.replace(b"\x00", b"\x00\xff") + b"\x00"
    return b"\x00"


def _pack_int(value: int) -> bytes:
    if value >= 0:
        size = (value.bit_length() + 7) // 8
        assert size <= 8, "integers of a key have 64 bits"
        return bytes([_ZERO + size]) + value.to_bytes(size, "big")
    size = ((-value).bit_length() + 7) // 8
    assert size <= 8, "integers of a key have 64 bits"
    return bytes([_ZERO - size]) + (value + (1 << (8 * size)) - 1).to_bytes(size, "big")


def unpack(key: bytes) -> tuple[Element, ...]:
    """Return the tuple of a key.

    Raises:
        ValueError: bytes that :func:`pack` does not make.
    """
    elements: list[Element] = []
    at = 0
    while at < len(key):
        element, at = _unpack_one(key, at)
        elements.append(element)
    return tuple(elements)


def _unpack_one(key: bytes, at: int) -> tuple[Element, int]:
    kind = key[at]
    if kind == 0:
        return None, at + 1
    if kind in {1, 2}:
        end = _end_of_text(key, at + 1)
        raw = key[at + 1 : end].replace(b"\x00\xff", b"\x00")
        return (raw.decode() if kind == 2 else raw), end + 1
    size = kind - _ZERO
    if not -8 <= size <= 8 or at + 1 + abs(size) > len(key):
        raise ValueError("not a key of a tuple")
    end = at + 1 + abs(size)
    number = int.from_bytes(key[at + 1 : end], "big")
    return (number if size >= 0 else number - (1 << (-8 * size)) + 1), end


def _end_of_text(key: bytes, at: int) -> int:
    while True:
        end = key.index(b"\x00", at)
        if key[end + 1 : end + 2] != b"\xff":
            return end
        at = end + 2


def span(*elements: Element) -> Span:
    """Return the span of every longer tuple that begins with ``elements``."""
    prefix = pack(*elements)
    return Span(prefix + b"\x00", prefix + b"\xff")
