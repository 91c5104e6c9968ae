"""Parts of a list, each within bounds of count and of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


def parts(
    things: list[T], *, count_max: int, bytes_max: int, size: Callable[[T], int]
) -> Iterator[list[T]]:
    """Yield the things in order, in parts within the bounds.

    A thing that is larger than ``bytes_max`` makes a part of its own.
    """
    part: list[T] = []
    left = bytes_max
    for thing in things:
        if part and (len(part) == count_max or size(thing) > left):
            yield part
            part, left = [], bytes_max
        part.append(thing)
        left -= size(thing)
    if part:
        yield part
