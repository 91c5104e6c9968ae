r"""CSV as a Distributed Map reads it.

Every item is an object of strings, header to value. A quoted field may hold delimiters and
newlines, and ``""`` for a quote; a backslash escapes ``\``, ``"`` and the delimiter, and is dropped
before anything else. A short row is filled with ``""``, surplus columns are cut, blank lines are no
items. Memory is bounded by one range of the object and one row.
"""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator, Iterator

from haar.services.states.readers.items import Item, ReaderFailed
from haar.services.states.readers.s3_object import S3Object

ROW_BYTES_MAX = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


# Python's own limit of a field is 128 KiB, for the process; rows are bounded here.
csv.field_size_limit(ROW_BYTES_MAX)


class Splitter:
    """Cuts a stream of bytes into whole records: a newline within quotes ends none.

    Each line is looked at once, however many lines a quoted field goes over.

    Args:
        delimiter: one character.
    """

    def __init__(self, delimiter: str) -> None:
        mark = re.escape(delimiter.encode())
        plain = rb"(?:[^\\%b]|\\.)*+" % mark
        quoted = rb'(?:[^"\\]|""|\\.)*+"(?!")' + plain
        field = rb'(?:"%b|(?!")%b)' % (quoted, plain)
        self._whole = re.compile(rb"%b(?:%b%b)*+" % (field, mark, field), re.DOTALL)
        self._closing = re.compile(rb"%b(?:%b%b)*+" % (quoted, mark, field), re.DOTALL)
        self._tail = b""
        self._lines: list[bytes] = []
        self._size = 0
        self._is_within_quotes = False

    def split(self, piece: bytes, *, is_last: bool) -> list[bytes]:
        """Return the records that are complete now, each with its newline.

        Raises:
            ReaderFailed: a record of more than :data:`ROW_BYTES_MAX`.
        """
        lines = (self._tail + piece).split(b"\n")
        self._tail = lines.pop()
        records = [record for line in lines if (record := self._add(line + b"\n"))]
        if is_last:
            rest = b"".join([*self._lines, self._tail])
            return [*records, rest] if rest else records
        self._check(len(self._tail))
        return records

    def _add(self, line: bytes) -> bytes | None:
        """Take a line; return the record that it completes, if it does."""
        if self._is_within_quotes:
            self._is_within_quotes = self._closing.fullmatch(line) is None
        elif b'"' in line:
            self._is_within_quotes = self._whole.fullmatch(line) is None
        if not self._is_within_quotes and not self._lines:
            self._check(len(line))
            return line
        self._lines.append(line)
        self._size += len(line)
        self._check(0)
        if self._is_within_quotes:
            return None
        record = b"".join(self._lines)
        self._lines, self._size = [], 0
        return record

    def _check(self, more: int) -> None:
        if self._size + more > ROW_BYTES_MAX:
            raise ReaderFailed("A row of the CSV file is too large.")


def parse(records: list[bytes], delimiter: str) -> Iterator[list[str]]:
    """Yield the fields of each record; none for a blank one.

    Raises:
        ReaderFailed: bytes that are not UTF-8, or no CSV.
    """
    # The escaped characters are hidden from the CSV rules in Unicode's private area.
    hidden = {mark: chr(0xF8F0 + place) for place, mark in enumerate(("\\", '"', delimiter))}
    shown = {ord(stand_in): mark for mark, stand_in in hidden.items()}

    def text_of(record: bytes) -> str:
        text = record.decode()
        if "\\" not in text:
            return text
        return re.sub(r"\\(.)", lambda it: hidden.get(it[1], it[1]), text, flags=re.DOTALL)

    # Of a list, and not of one text: a lone carriage return must not make two rows of a record.
    rows = csv.reader(map(text_of, records), delimiter=delimiter)
    try:
        if any(b"\\" in record for record in records):
            yield from ([field.translate(shown) for field in row] for row in rows)
        else:
            yield from rows
    except (UnicodeDecodeError, csv.Error) as err:
        raise ReaderFailed(f"The CSV file cannot be read: {err}") from err


def check_headers(headers: list[str]) -> list[str]:
    """Return the headers.

    Raises:
        ReaderFailed: two of the same name.
    """
    if len(set(headers)) != len(headers):
        raise ReaderFailed("CSV headers cannot contain duplicates.")
    return headers


def item_of(headers: list[str], row: list[str]) -> dict[str, str]:
    """Return a row as an item."""
    if len(row) < len(headers):
        row = [*row, *[""] * (len(headers) - len(row))]
    return dict(zip(headers, row, strict=False))


async def csv_items(
    source: S3Object, delimiter: str, headers: list[str], place: int
) -> AsyncIterator[list[Item]]:
    """Yield the items from a place on; places are byte offsets.

    Args:
        source: the object.
        delimiter: one character.
        headers: the items' keys.
        place: where the rows begin, or where an earlier item ended.

    Raises:
        ReaderFailed: no CSV, or not readable.
    """
    size, splitter, at = await source.pin(), Splitter(delimiter), place
    end = place
    async for piece in source.pieces(place):
        end += len(piece)
        records = splitter.split(piece, is_last=end == size)
        page: list[Item] = []
        for record, row in zip(records, parse(records, delimiter), strict=True):
            at += len(record)
            if row:
                page.append(Item(item_of(headers, row), at))
        yield page


async def read_headers(source: S3Object, delimiter: str) -> tuple[list[str], int]:
    """Return the first row, and where it ends."""
    size, splitter, seen = await source.pin(), Splitter(delimiter), 0
    async for piece in source.pieces(0):
        seen += len(piece)
        records = splitter.split(piece, is_last=seen == size)
        if records:
            first = records[0]
            row = next(parse([first.removeprefix(_BOM)], delimiter), None)
            return check_headers(row or []), len(first)
    return [], 0
