r"""CSV as a Distributed Map reads it.

Every item is an object of strings, header to value. A quoted field may hold delimiters and
newlines, and ``""`` for a quote; a backslash escapes ``\``, ``"`` and the delimiter, and is dropped
before anything else. A short row is filled with ``""``, surplus columns are cut, blank lines are no
items. Memory is bounded by one range of the object and one row.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Iterator

from haar.services.states.readers.items import Item, ReaderFailed
from haar.services.states.readers.s3_object import S3Object

ROW_BYTES_MAX = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Splitter:
    """Cuts a stream of bytes into whole records: a newline within quotes ends none.

    Args:
        delimiter: one character.
    """

    def __init__(self, delimiter: str) -> None:
        mark = re.escape(delimiter.encode())
        field = rb'(?:"(?:[^"\\]|""|\\.)*+"(?!")[^%b]*+|[^"%b][^%b]*+|)' % (mark, mark, mark)
        self._whole = re.compile(rb"%b(?:%b%b)*+" % (field, mark, field), re.DOTALL)
        self._rest = b""

    def split(self, piece: bytes, *, is_last: bool) -> list[bytes]:
        """Return the records that are complete now, each with its newline.

        Raises:
            ReaderFailed: a record of more than :data:`ROW_BYTES_MAX`.
        """
        lines = (self._rest + piece).split(b"\n")
        self._rest = b""
        records: list[bytes] = []
        pending = b""
        for line in lines[:-1]:
            whole = pending + line if pending else line
            if b'"' in whole and not self._whole.fullmatch(whole):
                pending = whole + b"\n"
            else:
                records.append(whole + b"\n")
                pending = b""
        self._rest = pending + lines[-1]
        if is_last and self._rest:
            records.append(self._rest)
            self._rest = b""
        if len(self._rest) > ROW_BYTES_MAX:
            raise ReaderFailed("A row of the CSV file is too large.")
        return records


def parse(records: list[bytes], delimiter: str) -> Iterator[list[str]]:
    """Yield the fields of each record; none for a blank one.

    Raises:
        ReaderFailed: bytes that are not UTF-8, or no CSV.
    """
    whole = b"".join(records)
    try:
        if b"\\" in whole:
            for record in records:
                yield from _parse_one(record.decode(), delimiter)
        else:
            yield from csv.reader(io.StringIO(whole.decode(), newline=""), delimiter=delimiter)
    except (UnicodeDecodeError, csv.Error) as err:
        raise ReaderFailed(f"The CSV file cannot be read: {err}") from err


def _parse_one(record: str, delimiter: str) -> Iterator[list[str]]:
    if "\\" not in record:
        yield from csv.reader(io.StringIO(record, newline=""), delimiter=delimiter)
        return
    # The escaped characters are hidden from the CSV rules in Unicode's private area.
    hidden = {mark: chr(0xF8F0 + place) for place, mark in enumerate(("\\", '"', delimiter))}
    shown = {ord(stand_in): mark for mark, stand_in in hidden.items()}
    text = re.sub(r"\\(.)", lambda found: hidden.get(found[1], found[1]), record, flags=re.DOTALL)
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        yield [field.translate(shown) for field in row]


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
