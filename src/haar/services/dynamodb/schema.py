"""Keys of items: taken out of items, checked, packed to bytes that sort as AWS sorts.

The key of a row, after the table's prefix:

==============  =============================================================================
part            bytes
==============  =============================================================================
partition hash  4 bytes, CRC-32 of the packed partition key: spreads a table's partitions, so
                that the segments of a scan are spans of equal width
partition key   its attributes, each packed
sort key        its attributes, each packed
tie             entries of indexes only: the table's key of the item, or ``FF`` and its 32-byte
                BLAKE2b digest where that is longer than 1,024 bytes
==============  =============================================================================

An attribute is packed without its type, which the schema knows; no packed attribute is a prefix of
another one:

======  ===========================================================================
``S``   its UTF-8 with ``00`` written ``01 01`` and ``01`` ``01 02``, then ``00``
``B``   its bytes in the same way
``N``   :func:`haar.services.dynamodb.numbers.sortable`
======  ===========================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from zlib import crc32

from haar.services.dynamodb import keys, numbers, texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.records import Index, KeyPart, Schema, Table
from haar.services.dynamodb.values import Item, Value, binary, kind_of

HASH_BYTES_MAX = 2048
RANGE_BYTES_MAX = 1024
_TIE_BYTES_MAX = 1024
_NOTHING: Value = {}
_WORDS = {"S": "string", "B": "binary"}


def escape(raw: bytes) -> bytes:
    """Return bytes as they stand in a key, without the end."""
    if b"\x01" in raw or b"\x00" in raw:
        return raw.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01")
    return raw


def raw_of(kind: str, content: str | bytes) -> bytes:
    """Return the bytes whose length is bounded and which are ordered; a number's sortable form."""
    if kind == "S":
        assert isinstance(content, str), "strings are text"
        return content.encode()
    if kind == "N":
        assert isinstance(content, str), "numbers are text"
        return numbers.sortable(content)
    return binary(content)


def pack(kind: str, raw: bytes) -> bytes:
    """Return a key attribute packed."""
    return raw if kind == "N" else escape(raw) + b"\x00"


def _packed(part: KeyPart, value: Value, bytes_max: int) -> bytes:
    raw = raw_of(part.kind, value[part.kind])
    if not raw:
        raise Invalid(texts.KEY_EMPTY, kind=_WORDS[part.kind], name=part.name)
    if len(raw) > bytes_max:
        raise Invalid(texts.HASH_TOO_LONG if bytes_max == HASH_BYTES_MAX else texts.RANGE_TOO_LONG)
    return pack(part.kind, raw)


def item_key(table: Table, item: Item) -> bytes:
    """Return the row key of a whole item.

    Raises:
        Invalid: a key attribute is missing, of another type, empty or too long.
    """
    for part in table.schema.parts:
        value = item.get(part.name)
        if value is None:
            raise Invalid(texts.KEY_MISSING, name=part.name)
        if part.kind not in value:
            raise Invalid(texts.KEY_TYPE, name=part.name, expected=part.kind, actual=kind_of(value))
    return keys.rows(table.uid) + _table_key(table.schema, item)


def given_key(table: Table, key: Item) -> bytes:
    """Return the row key of a key that a client gave.

    Raises:
        Invalid: other attributes than the schema's, of another type, empty or too long.
    """
    parts = table.schema.parts
    if len(key) != len(parts):
        raise Invalid(texts.KEY_MISMATCH)
    for part in parts:
        value = key.get(part.name)
        if value is None or part.kind not in value:
            raise Invalid(texts.KEY_MISMATCH)
    return keys.rows(table.uid) + _table_key(table.schema, key)


def _table_key(schema: Schema, item: Item) -> bytes:
    part = schema.hash[0]
    hashed = _packed(part, item[part.name], HASH_BYTES_MAX)
    key = crc32(hashed).to_bytes(4, "big") + hashed
    if schema.range:
        part = schema.range[0]
        return key + _packed(part, item[part.name], RANGE_BYTES_MAX)
    return key


def partition_prefix(hashed: bytes) -> bytes:
    """Return what the keys of a partition begin with, after the table's prefix."""
    return crc32(hashed).to_bytes(4, "big") + hashed


def packed_partition(schema: Schema, item: Item) -> bytes:
    """Return the packed partition key of an item that is known to have one."""
    part = schema.hash[0]
    return pack(part.kind, raw_of(part.kind, item[part.name][part.kind]))


def entry_key(table: Table, index: Index, item: Item, row_key: bytes) -> bytes | None:
    """Return the key of an item's entry in an index; None where it has none.

    An item that was there before the index may have key attributes of other types, or too long:
    it has no entry.

    Args:
        table: the table.
        index: one of its indexes.
        item: whole, or at least its attributes of both keys.
        row_key: of the item.
    """
    hashed = _joined(index.schema.hash, item, HASH_BYTES_MAX)
    ranged = _joined(index.schema.range, item, RANGE_BYTES_MAX)
    if hashed is None or ranged is None:
        return None
    tie = row_key[len(keys.rows(table.uid)) :]
    if len(tie) > _TIE_BYTES_MAX:
        tie = b"\xff" + blake2b(tie, digest_size=32).digest()
    return keys.rows(table.uid, index.uid) + partition_prefix(hashed) + ranged + tie


def _joined(parts: tuple[KeyPart, ...], item: Item, bytes_max: int) -> bytes | None:
    """Return packed attributes; None where one is missing or cannot be a key."""
    total, packed = 0, b""
    for part in parts:
        content = item.get(part.name, _NOTHING).get(part.kind)
        if not content:
            return None
        raw = raw_of(part.kind, content)
        total += len(raw)
        packed += pack(part.kind, raw)
    return packed if total <= bytes_max else None


def check_index_keys(table: Table, item: Item) -> None:
    """Check the attributes of an item that are keys of indexes.

    Raises:
        Invalid: one is of another type, empty or too long.
    """
    for index in table.indexes:
        for part in index.schema.parts:
            value = item.get(part.name)
            if value is not None:
                _check_index_part(index, part, value)
        _check_length(index.schema.hash, item, HASH_BYTES_MAX)
        _check_length(index.schema.range, item, RANGE_BYTES_MAX)


def _check_index_part(index: Index, part: KeyPart, value: Value) -> None:
    if part.kind not in value:
        raise Invalid(
            texts.INDEX_KEY_TYPE,
            name=part.name,
            expected=part.kind,
            actual=kind_of(value),
            index=index.name,
        )
    if not value[part.kind]:
        raise Invalid(
            texts.INDEX_KEY_EMPTY, kind=_WORDS[part.kind], index=index.name, name=part.name
        )


def _check_length(parts: tuple[KeyPart, ...], item: Item, bytes_max: int) -> None:
    values = [(part.kind, item[part.name]) for part in parts if part.name in item]
    if sum([len(raw_of(kind, value[kind])) for kind, value in values]) > bytes_max:
        raise Invalid(texts.HASH_TOO_LONG if bytes_max == HASH_BYTES_MAX else texts.RANGE_TOO_LONG)


def index_named(table: Table, name: str) -> Index:
    """Return the index of a name.

    Raises:
        Invalid: the table has none.
    """
    for index in table.indexes:
        if index.name == name:
            return index
    raise Invalid(texts.NO_INDEX, index=name)


def packed_value(part: KeyPart, value: Mapping[str, str | bytes], bytes_max: int) -> bytes:
    """Return a key attribute of a condition packed.

    Raises:
        Invalid: of another type than the schema's, empty or too long.
    """
    if part.kind not in value:
        raise Invalid(texts.QUERY_KEY_TYPE)
    return _packed(part, dict(value), bytes_max)
