"""CSV as the Distributed Map reads it."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haar.services.states.readers.csv_rows import ROW_BYTES_MAX, Splitter, csv_items, parse
from haar.services.states.readers.items import Item, ReaderFailed


class Pieces:
    """Bytes that come in pieces of a size, as an object's do."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._size = size

    async def pin(self) -> int:
        return len(self._data)

    async def pieces(self, start: int) -> AsyncIterator[bytes]:
        for at in range(start, len(self._data), self._size):
            yield self._data[at : at + self._size]


def read(data: bytes, *, headers: str = "ab", size: int = 7, place: int = 0) -> list[Item]:
    async def whole() -> list[Item]:
        source: Any = Pieces(data, size)
        return [
            item async for page in csv_items(source, ",", list(headers), place) for item in page
        ]

    return asyncio.run(whole())


ROWS = [
    (b"1,2\n", ["1", "2"]),
    (b"1,2\r\n", ["1", "2"]),
    (b"1\n", ["1", ""]),
    (b"1,2,3\n", ["1", "2"]),
    (b'"1,1",2\n', ["1,1", "2"]),
    (b'"1\n1",2\n', ["1\n1", "2"]),
    (b'"1""1",2\n', ['1"1', "2"]),
    (b'"1\\"1",2\n', ['1"1', "2"]),
    (b"1\\,1,2\n", ["1,1", "2"]),
    (b'1\\,"1,2\n', ['1,"1', "2"]),
    (b"1\\\\,2\n", ["1\\", "2"]),
    (b"\\n,2\n", ["n", "2"]),
    (b'"1\\\n1",2\n', ["1\n1", "2"]),
    (b'1"1,2\n', ['1"1', "2"]),
    (b',""\n', ["", ""]),
    (b"1,2", ["1", "2"]),
    (b'1,"2', ["1", "2"]),
    ("é,\U0001f600\n".encode(), ["é", "\U0001f600"]),
]


@pytest.mark.parametrize(("row", "fields"), ROWS)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_row_is_read(row: bytes, fields: list[str], size: int) -> None:
    """Quotes, escapes, short and long rows, whatever piece they come in."""
    (item,) = read(row, size=size)
    assert item.value == dict(zip("ab", fields, strict=True))
    assert item.place == len(row)


def test_blank_lines_are_no_items() -> None:
    """A newline at the end of a file is not a row."""
    assert [item.value["a"] for item in read(b"1,2\n\n3,4\n\n")] == ["1", "3"]


texts = st.text(st.characters(exclude_characters="\\\r", exclude_categories=["Cs"]), max_size=6)
tables = st.lists(st.tuples(texts, texts).filter(any), max_size=8)


@given(tables, st.integers(1, 40))
def test_what_a_writer_wrote_is_read_from_any_place(table: Any, size: int) -> None:
    """The place after each item is where reading goes on, with the rest and nothing else."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(table)
    data = out.getvalue().encode()
    items = read(data, size=size)
    assert [tuple(item.value.values()) for item in items] == table
    for at, item in enumerate(items):
        assert read(data, size=size, place=item.place) == items[at + 1 :]


@pytest.mark.parametrize("data", [b"1,\xff\n", b"1\r1,2\n"])
def test_what_is_no_csv_fails_the_reader(data: bytes) -> None:
    """Bad bytes end the Map Run, not its worker."""
    with pytest.raises(ReaderFailed):
        read(data)


def test_an_endless_row_fails_the_reader() -> None:
    """A quote that is never closed does not gather the file in memory."""
    splitter = Splitter(",")
    line = b"x" * 999 + b"\n"
    pieces = [b'"', *[line * 1000] * (ROW_BYTES_MAX // 1_000_000 + 1)]
    with pytest.raises(ReaderFailed):
        list(map(partial(splitter.split, is_last=False), pieces))


def test_a_field_may_be_larger_than_pythons_limit() -> None:
    """Python's csv module stops at 128 KiB; AWS's items may be larger."""
    assert next(parse([b"x" * 200_000 + b",1\n"], ","))[1] == "1"
