"""A subspace: the keys of one owner, all below one prefix."""

from __future__ import annotations

from haar.store import tuples
from haar.store.api import Span
from haar.store.tuples import Element


class Subspace:
    """Keys that begin with the same tuple, packed once.

    ``Subspace("sqs").pack("queue", arn) == tuples.pack("sqs", "queue", arn)``.
    """

    __slots__ = ("prefix",)

    def __init__(self, *elements: Element) -> None:
        self.prefix = tuples.pack(*elements)

    def pack(self, *elements: Element) -> bytes:
        """Return the key of ``elements`` below this subspace."""
        return self.prefix + tuples.pack(*elements)

    def unpack(self, key: bytes) -> tuple[Element, ...]:
        """Return the elements of ``key`` after this subspace's own."""
        assert key.startswith(self.prefix), "a key of another subspace"
        return tuples.unpack(key[len(self.prefix) :])

    def span(self, *elements: Element) -> Span:
        """Return the span of every longer tuple that begins with ``elements``."""
        prefix = self.pack(*elements)
        return Span(prefix + b"\x00", prefix + b"\xff")
