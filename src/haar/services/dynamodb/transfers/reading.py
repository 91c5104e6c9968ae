"""Items out of the plain bytes of an object: lines of JSON, of CSV or of Ion."""

from __future__ import annotations

import base64
import csv
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson

from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.transfers import ion
from haar.services.dynamodb.transfers.compression import NotReadable
from haar.services.dynamodb.transfers.records import Source
from haar.services.dynamodb.values import NESTING_MAX, Item, Value

LINE_BYTES_MAX = 2 * 1024 * 1024


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of some bytes, without their ends.

    Raises:
        NotReadable: a line that no item can be in.
    """
    pending = b""
    async for piece in pieces:
        *whole, pending = (pending + piece).split(b"\n")
        for line in whole:
            yield line.rstrip(b"\r")
        if len(pending) > LINE_BYTES_MAX:
            raise NotReadable("a line is too long")
    if pending:
        yield pending.rstrip(b"\r")


class Parser:
    """From lines to items.

    Args:
        source: tells their form.
        table: the key attributes of CSV have its types.
    """

    def __init__(self, source: Source, table: Table) -> None:
        self._source = source
        self._kinds = {part.name: part.kind for part in table.definitions}
        self._header = list(source.header)

    def items(self, line: bytes) -> Iterator[Item]:
        """Yield the item of a line; none for a header or an empty line.

        Raises:
            Invalid: the line is no item.
        """
        if not line.strip():
            return
        if self._source.form == "DYNAMODB_JSON":
            yield _from_json(line)
            return
        if self._source.form == "ION":
            found = ion.item_of_line(line)
            if found is not None:
                _check({"M": found}, 0)
                yield found
            return
        # A line break inside of quotes is not taken: AWS does not, either.
        fields = self._fields(line.decode())
        if not self._header:
            self._header = fields
            return
        yield self._from_fields(fields)

    def _fields(self, line: str) -> list[str]:
        try:
            (fields,) = csv.reader([line], delimiter=self._source.delimiter, strict=True)
        except csv.Error as err:
            raise Invalid("no line of CSV") from err
        return fields

    def _from_fields(self, fields: list[str]) -> Item:
        if len(fields) > len(self._header):
            raise Invalid("more fields than columns")
        pairs = zip(self._header, fields, strict=False)
        return {name: self._value(name, text) for name, text in pairs if text}

    def _value(self, name: str, text: str) -> Value:
        kind = self._kinds.get(name, "S")
        return {kind: base64.b64decode(text) if kind == "B" else text}


def _from_json(line: bytes) -> Item:
    try:
        item = orjson.loads(line)["Item"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as err:
        raise Invalid("no item") from err
    _check({"M": item}, 0)
    return dict(item)


def _check(value: Any, depth: int) -> None:
    """Check that a JSON value has the shape of an attribute value, as the wire's models do.

    Raises:
        Invalid: it has not.
        ValueError: a binary is not in base64.
    """
    if not isinstance(value, dict) or len(value) != 1 or depth > NESTING_MAX + 1:  # pyright: ignore[reportUnknownArgumentType]  # JSON
        raise Invalid("no attribute value")
    for kind, content in value.items():  # pyright: ignore[reportUnknownVariableType]  # the same
        below = _below(kind, content)
        if below is None and not _is_plain(kind, content):
            raise Invalid("no attribute value")
        for inner in below or ():
            _check(inner, depth + 1)


def _below(kind: Any, content: Any) -> list[Any] | None:
    """Return the values inside of a map or a list; None for other kinds."""
    if kind == "M" and isinstance(content, dict):
        return list(content.values())  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]  # the same
    if kind == "L" and isinstance(content, list):
        return content  # pyright: ignore[reportUnknownVariableType]  # the same
    return None


def _is_plain(kind: Any, content: Any) -> bool:
    if kind in {"SS", "NS", "BS"} and isinstance(content, list):
        return all(_is_plain(kind[0], one) for one in content)  # pyright: ignore[reportUnknownVariableType]  # the same
    if kind in {"BOOL", "NULL"}:
        return isinstance(content, bool)
    if kind == "B" and isinstance(content, str):
        base64.b64decode(content, validate=True)
        return True
    return kind in {"S", "N"} and isinstance(content, str)
