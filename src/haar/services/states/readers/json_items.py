"""JSON and JSON Lines objects as items, and the items that came in the state's input."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from haar.services.states import values
from haar.services.states.readers.items import Item, ReaderFailed
from haar.services.states.readers.s3_object import S3Object
from haar.services.states.values import is_array, is_object

JSON_BYTES_MAX = 64 * 1024 * 1024
"""Of a JSON object: it is parsed in one piece. JSONL and CSV objects are not bounded so."""

LINE_BYTES_MAX = 8 * 1024 * 1024
_PAGE_ITEMS = 1_000


async def given_items(items: Any, place: int) -> AsyncIterator[list[Item]]:
    """Yield the elements of an array, or the values of an object with their keys."""
    if is_object(items):
        pairs: list[tuple[str | None, Any]] = list(items.items())
    else:
        assert is_array(items)
        pairs = [(None, value) for value in items]
    for start in range(place, len(pairs), _PAGE_ITEMS):
        page = pairs[start : start + _PAGE_ITEMS]
        # [nv]: an object's item is its value; the key is in the context object.
        yield [Item(value, start + at + 1, key) for at, (key, value) in enumerate(page)]


async def json_items(source: S3Object, pointer: str, place: int) -> AsyncIterator[list[Item]]:
    """Yield the items of the array or object that a JSON pointer finds; places are indexes.

    Raises:
        ReaderFailed: not JSON, too large, or nothing to iterate.
    """
    if await source.pin() > JSON_BYTES_MAX:
        raise ReaderFailed("haar reads JSON files of at most 64 MiB; use JSONL for larger ones.")
    try:
        document = values.read(b"".join([piece async for piece in source.pieces(0)]))
    except values.NotJson as err:
        raise ReaderFailed(f"The JSON file cannot be read: {err}") from err
    items = find(document, pointer)
    if not is_array(items) and not is_object(items):
        raise ReaderFailed("Attempting to map over non-iterable node.")
    async for page in given_items(items, place):
        yield page


def find(document: Any, pointer: str) -> Any:
    """Return what an RFC 6901 pointer finds.

    Raises:
        ReaderFailed: nothing.
    """
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if is_object(document) and name in document:
            document = document[name]
        elif is_array(document) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            raise ReaderFailed(f"The ItemsPointer finds nothing: {pointer}")
    return document


async def jsonl_items(source: S3Object, place: int) -> AsyncIterator[list[Item]]:
    """Yield the value of each line; places are byte offsets. Blank lines are no items [nv].

    Raises:
        ReaderFailed: a line that is not JSON, or too long.
    """
    rest, at = b"", place
    async for piece in source.pieces(place):
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        if len(rest) > LINE_BYTES_MAX:
            raise ReaderFailed("A line of the JSONL file is too long.")
        page: list[Item] = []
        for line in lines:
            at += len(line) + 1
            page += _line(line, at)
        yield page
    yield list(_line(rest, at + len(rest)))


def _line(line: bytes, place: int) -> list[Item]:
    if not line.strip():
        return []
    try:
        return [Item(values.read(line), place)]
    except values.NotJson as err:
        raise ReaderFailed(f"The JSONL file cannot be read: {err}") from err
