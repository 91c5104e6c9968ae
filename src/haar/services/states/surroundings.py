"""What an expression may see besides its input: the context object and derived randomness."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

MASK_53 = (1 << 53) - 1


class DerivedEntropy:
    """Randomness that follows from a seed, so that replaying an execution repeats it.

    Good for jitter and identifiers; the seed (the execution's ARN and an event's id) is no secret.
    """

    __slots__ = ("_count", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._count = 0

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        pieces: list[bytes] = []
        for _ in range((count + 63) // 64):
            self._count += 1
            pieces.append(hashlib.blake2b(self._seed + b"/%d" % self._count).digest())
        return b"".join(pieces)[:count]

    def fraction(self) -> float:
        """Return the next number in ``[0, 1)``."""
        return (int.from_bytes(self.bytes(8), "big") & MASK_53) / (MASK_53 + 1)


class Surroundings:
    """The context object ``$$``, made when an expression first asks, and randomness.

    Args:
        document: makes the context object.
        seed: of the randomness.
    """

    __slots__ = ("_document", "_entropy", "_made", "_seed")

    def __init__(self, document: Callable[[], dict[str, Any]], seed: str) -> None:
        self._made = document
        self._seed = seed
        self._document: dict[str, Any] | None = None
        self._entropy: DerivedEntropy | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The context object."""
        if self._document is None:
            self._document = self._made()
        return self._document

    @property
    def entropy(self) -> DerivedEntropy:
        """Randomness for intrinsic functions."""
        if self._entropy is None:
            self._entropy = DerivedEntropy(self._seed)
        return self._entropy


Expression = Callable[[Any, Surroundings], Any]
"""A compiled path, intrinsic call or payload template: from input and surroundings to a value."""
