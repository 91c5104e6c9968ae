"""A bounded memory: what goes beyond the bound pushes out the oldest entry."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V]):
    """A dictionary of at most ``entries_max`` entries, where :meth:`keep` is used to fill it.

    A plain ``dict`` underneath, because looking up is on the path of every request.
    """

    __slots__ = ("_entries_max",)

    def __init__(self, entries_max: int) -> None:
        super().__init__()
        self._entries_max = entries_max

    def keep(self, key: K, value: V) -> V:
        """Remember ``value`` and return it."""
        if len(self) >= self._entries_max:
            del self[next(iter(self))]
        self[key] = value
        return value
