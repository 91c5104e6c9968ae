"""What Query and Scan read from: a table or an index, and the span of it that they walk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from haar.kit.call import Members
from haar.services.dynamodb import keys, texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.key_conditions import CompiledKeyCondition, KeyTerm
from haar.services.dynamodb.records import ACTIVE, Index, KeyPart, Schema, Table
from haar.services.dynamodb.schema import (
    HASH_BYTES_MAX,
    RANGE_BYTES_MAX,
    entry_key,
    escape,
    index_named,
    item_key,
    packed_value,
    partition_prefix,
)
from haar.services.dynamodb.values import Item, Value, binary, measure_item
from haar.store.api import Span, after_prefix, prefix_span

Values = Mapping[str, Value]
_HASHES = 1 << 32


@dataclass(frozen=True, slots=True)
class Source:
    """A table, or an index of it.

    Attributes:
        table: the table.
        index: None for the table itself.
    """

    table: Table
    index: Index | None

    @property
    def schema(self) -> Schema:
        """The key by which it is ordered."""
        return self.table.schema if self.index is None else self.index.schema

    @property
    def is_global(self) -> bool:
        """Whether it is a global index."""
        return self.index is not None and not self.index.is_local

    @property
    def prefix(self) -> bytes:
        """What all keys of its rows begin with."""
        return keys.rows(self.table.uid, 0 if self.index is None else self.index.uid)

    @property
    def key_names(self) -> list[str]:
        """The attributes of a LastEvaluatedKey."""
        parts = self.schema.parts + (() if self.index is None else self.table.schema.parts)
        return list(dict.fromkeys(part.name for part in parts))

    def last_key(self, item: Item) -> Item:
        """Return the LastEvaluatedKey of an item."""
        return {name: item[name] for name in self.key_names}

    def row_key(self, start: Item) -> bytes:
        """Return the key of the row that an ExclusiveStartKey names.

        Raises:
            Invalid: other attributes, or of other types, than the key's.
        """
        measure_item(start)
        if start.keys() != set(self.key_names):
            raise Invalid(texts.START_INVALID)
        try:
            key = item_key(self.table, start)
        except Invalid:
            raise Invalid(texts.START_INVALID) from None
        found = key if self.index is None else entry_key(self.table, self.index, start, key)
        if found is None:
            raise Invalid(texts.START_INVALID)
        return found


def source_of(members: Members, table: Table) -> Source:
    """Return what a request reads.

    Raises:
        Invalid: no such index, or one that cannot be read yet, or not consistently.
    """
    name = members.get("IndexName")
    if name is None:
        return Source(table, None)
    index = index_named(table, name)
    if index.status != ACTIVE:
        raise Invalid(texts.INDEX_FILLING, index=name)
    source = Source(table, index)
    if source.is_global and members.get("ConsistentRead"):
        raise Invalid(texts.INDEX_CONSISTENT)
    return source


def after(span: Span, key: bytes, *, is_reverse: bool) -> Span:
    """Return what of a span is left after a row."""
    return Span(span.start, key) if is_reverse else Span(key + b"\x00", span.end)


def segment_span(source: Source, number: int, total: int) -> Span:
    """Return the span of one of ``total`` segments of about the same size."""
    start = source.prefix + (-(-number * _HASHES // total)).to_bytes(4, "big")
    if number + 1 == total:
        return Span(start, after_prefix(source.prefix))
    return Span(start, source.prefix + (-(-(number + 1) * _HASHES // total)).to_bytes(4, "big"))


def partition_of(source: Source, condition: CompiledKeyCondition, values: Values) -> bytes:
    """Return the prefix of the partition that a key condition names.

    Raises:
        Invalid: it does not name one.
    """
    hashed = b""
    for part in source.schema.hash:
        term = condition.terms.get(part.name)
        if term is None:
            raise Invalid(texts.QUERY_KEY_MISSED, name=part.name)
        if term.operator != "=":
            raise Invalid(texts.QUERY_KEY_UNSUPPORTED)
        hashed += packed_value(part, values[term.operands[0]], HASH_BYTES_MAX)
    return source.prefix + partition_prefix(hashed)


def query_span(
    source: Source, partition: bytes, condition: CompiledKeyCondition, values: Values
) -> Span:
    """Return the span that a key condition asks for.

    Raises:
        Invalid: it cannot be said as one span of the sort key.
    """
    schema = source.schema
    others = condition.terms.keys() - {part.name for part in schema.hash}
    prefix, span = partition, prefix_span(partition)
    is_open = True
    for part in schema.range:
        term = condition.terms.get(part.name)
        if term is None:
            if others:
                raise Invalid(texts.QUERY_KEY_MISSED, name=part.name)
            break
        if not is_open:
            raise Invalid(texts.QUERY_KEY_UNSUPPORTED)
        others -= {part.name}
        span = _term_span(prefix, part, term, values)
        is_open = term.operator == "="
        prefix = span.start
    if others:
        raise Invalid(texts.QUERY_KEY_UNSUPPORTED)
    return span


def _term_span(prefix: bytes, part: KeyPart, term: KeyTerm, values: Values) -> Span:
    """Return the span below a prefix where one attribute of the sort key is as asked."""
    operands = [values[name] for name in term.operands]
    packed = [prefix + packed_value(part, value, RANGE_BYTES_MAX) for value in operands]
    whole, first = prefix_span(prefix), packed[0]
    match term.operator:
        case "=":
            return prefix_span(first)
        case "<":
            return Span(whole.start, first)
        case "<=":
            return Span(whole.start, after_prefix(first))
        case ">":
            return Span(after_prefix(first), whole.end)
        case ">=":
            return Span(first, whole.end)
        case "BETWEEN":
            return Span(first, after_prefix(packed[1]))
        case _:
            return _beginning(prefix, part, operands[0])


def _beginning(prefix: bytes, part: KeyPart, value: Value) -> Span:
    if part.kind == "N":
        raise Invalid(texts.QUERY_KEY_TYPE)
    content = value[part.kind]
    raw = content.encode() if part.kind == "S" else binary(content)
    return prefix_span(prefix + escape(raw))
