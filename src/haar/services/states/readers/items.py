"""What all readers give: items in pages, each with the place to resume after it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Any, NamedTuple


class Item(NamedTuple):
    """One item.

    Attributes:
        value: the item.
        place: the reader's own place after it, as MessagePack can hold it.
        key: its key, where the source is a JSON object.
    """

    value: Any
    place: Any
    key: str | None = None


class ReaderFailed(Exception):
    """The source cannot be read: States.ItemReaderFailed."""


class Feed:
    """Items ahead of the children that will get them.

    Args:
        pages: the reader's pages, from where the Map Run stands.
        left: how many items may still be given out (MaxItems); None: all.
    """

    def __init__(self, pages: AsyncIterator[list[Item]], left: int | None) -> None:
        self._pages = pages
        self._left = left
        self._ahead: deque[Item] = deque()
        self._is_over = False

    async def peek(self) -> Item | None:
        """Return the next item and keep it; None at the end."""
        if self._left == 0:
            return None
        while not self._ahead and not self._is_over:
            page = await anext(self._pages, None)
            if page is None:
                self._is_over = True
            else:
                self._ahead.extend(page)
        return self._ahead[0] if self._ahead else None

    def take(self) -> Item:
        """Remove the item that :meth:`peek` returned."""
        if self._left is not None:
            self._left -= 1
        return self._ahead.popleft()
