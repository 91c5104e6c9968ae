"""Checksums of bodies, piece by piece.

==============  =====  =====================================================
algorithm       bytes  where from
==============  =====  =====================================================
``CRC32``       4      zlib
``CRC32C``      4      ``awscrt`` (its check of ``123456789`` is E3069283)
``CRC64NVME``   8      ``awscrt`` (AE8B14860A799888)
``SHA1``        20     hashlib
``SHA256``      32     hashlib
``SHA512``      64     hashlib
``MD5``         16     hashlib
==============  =====  =====================================================

On the wire a value is the base64 of its bytes, big endian. The CRCs are linear: :func:`combine`
makes the value of two bodies joined from the values of each.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from haar.kernel.errors import NotImplementedByHaar

SIZES = {
    "CRC32": 4,
    "CRC32C": 4,
    "CRC64NVME": 8,
    "SHA1": 20,
    "SHA256": 32,
    "SHA512": 64,
    "MD5": 16,
}
"""Algorithm → bytes of its value."""

LINEAR = frozenset({"CRC32", "CRC32C", "CRC64NVME"})
"""The algorithms whose values :func:`combine` can join."""


class Checksum(Protocol):
    """A value in the making."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        ...

    def digest(self) -> bytes:
        """Return the value of all bytes so far."""
        ...


class Crc:
    """A cyclic redundancy check.

    Args:
        step: from bytes and the value so far to the next value.
        size: bytes of the value.
    """

    __slots__ = ("_size", "_step", "_value")

    def __init__(self, step: Callable[[bytes, int], int], size: int) -> None:
        self._step = step
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        """Return the value of all bytes so far."""
        return self._value.to_bytes(self._size, "big")


def make(algorithm: str) -> Checksum:
    """Return a checksum that has seen no byte.

    Raises:
        NotImplementedByHaar: an algorithm that is not there.
    """
    match algorithm:
        case "CRC32":
            return Crc(zlib.crc32, 4)
        case "CRC32C":
            return Crc(_native(algorithm).crc32c, 4)
        case "CRC64NVME":
            return Crc(_native(algorithm).crc64nvme, 8)
        case "SHA1" | "MD5":
            return hashlib.new(algorithm, usedforsecurity=False)
        case "SHA256" | "SHA512":
            return hashlib.new(algorithm)
        case _:
            raise NotImplementedByHaar(what=f"the checksum algorithm {algorithm}")


def _native(algorithm: str) -> Any:
    """Return the module of the fast CRCs; imported late, as most requests need none."""
    try:
        return importlib.import_module("awscrt.checksums")
    except ImportError as error:
        what = f"the checksum algorithm {algorithm} without the package awscrt"
        raise NotImplementedByHaar(what=what) from error


def encode(digest: bytes) -> str:
    """Return a value as it stands on the wire."""
    return base64.b64encode(digest).decode("ascii")


def decode(algorithm: str, text: str) -> bytes | None:
    """Return the value that a text on the wire means; None where it is none of that algorithm."""
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return digest if len(digest) == SIZES[algorithm] else None


def decode_md5(text: str) -> bytes | None:
    """Return the digest that a ``Content-MD5`` means; None where it is none."""
    return decode("MD5", text)


def combine(algorithm: str, first: bytes, second: bytes, second_length: int) -> bytes:
    """Return the value of two bodies joined.

    Args:
        algorithm: one of :data:`LINEAR`.
        first: the value of the first body.
        second: the value of the second body.
        second_length: bytes of the second body.

    Raises:
        NotImplementedByHaar: the package awscrt is not there.
    """
    assert algorithm in LINEAR, "only cyclic redundancy checks are linear"
    join: Callable[[int, int, int], int] = partial(
        getattr(_native(algorithm), f"combine_{algorithm.lower()}")
    )
    value = join(int.from_bytes(first, "big"), int.from_bytes(second, "big"), second_length)
    return value.to_bytes(SIZES[algorithm], "big")
