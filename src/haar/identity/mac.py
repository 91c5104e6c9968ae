"""HMAC-SHA256 under a key that is used many times.

The two hashes that the key alone determines are kept, and copied for each message: less than half
of what :func:`hmac.digest` costs, which begins with the key each time.

Source: RFC 2104, section 4 ("it is possible to precompute the compressed values").
"""

from __future__ import annotations

from hashlib import sha256

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Mac:
    """A key, ready.

    Args:
        key: at most 64 bytes.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        assert len(key) <= _BLOCK_BYTES, "derived keys have 32 bytes"
        block = key.ljust(_BLOCK_BYTES, b"\x00")
        self._inner = sha256(block.translate(_INNER))
        self._outer = sha256(block.translate(_OUTER))

    def hex(self, message: bytes) -> str:
        """Return the message's code, in hexadecimal digits."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()
