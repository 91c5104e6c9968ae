"""Randomness, handed in: real in production, seeded in tests and simulation."""

from __future__ import annotations

import os
import random  # noqa: TID251  # this module is the one door to it
import string
from typing import Protocol

ALPHANUMERIC = string.ascii_uppercase + string.digits
_HEX = "0123456789abcdef"


class Entropy(Protocol):
    """A source of randomness."""

    def bytes(self, count: int) -> bytes:
        """Return ``count`` random bytes."""
        ...

    def fraction(self) -> float:
        """Return a number in ``[0, 1)``, for jitter; not for secrets."""
        ...


_POOL_BYTES = 8192


class SystemEntropy:
    """The operating system's randomness, drawn a page at a time: a system call costs some µs."""

    def __init__(self) -> None:
        self._jitter = random.Random()  # noqa: S311  # jitter is no secret
        self._pool = b""
        self._at = 0

    def bytes(self, count: int) -> bytes:
        """Return ``count`` bytes fit for secrets, none of them ever again."""
        end = self._at + count
        if end > len(self._pool):
            if count > _POOL_BYTES:
                return os.urandom(count)
            self._pool, self._at, end = os.urandom(_POOL_BYTES), 0, count
        taken = self._pool[self._at : end]
        self._at = end
        return taken

    def fraction(self) -> float:
        """Return a number in ``[0, 1)``."""
        return self._jitter.random()


class SeededEntropy:
    """Randomness that a seed repeats: for tests and simulation only."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # repeatable on purpose

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes of the seed's sequence."""
        return self._random.randbytes(count)

    def fraction(self) -> float:
        """Return the next number in ``[0, 1)`` of the seed's sequence."""
        return self._random.random()


def uuid4(entropy: Entropy) -> str:
    """Return a random UUID as text, 36 characters."""
    # By hand: uuid.UUID takes as long as all else that sending a message does.
    h = entropy.bytes(16).hex()
    variant = _HEX[8 + int(h[16], 16) % 4]
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{variant}{h[17:20]}-{h[20:]}"


def hex_id(entropy: Entropy, length: int) -> str:
    """Return ``length`` random hexadecimal digits, lower case."""
    return entropy.bytes((length + 1) // 2).hex()[:length]


def token(entropy: Entropy, length: int, alphabet: str = ALPHANUMERIC) -> str:
    """Return ``length`` random characters of ``alphabet``, each as likely as any other."""
    size = len(alphabet)
    ceiling = 256 - 256 % size  # bytes at or above it would favour the first letters
    letters: list[str] = []
    while len(letters) < length:
        letters += [alphabet[b % size] for b in entropy.bytes(length * 2) if b < ceiling]
    return "".join(letters[:length])
