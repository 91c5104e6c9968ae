"""SELECT: which spans a statement reads, and what of them goes into the answer.

Where all attributes of the partition key are compared for equality (or its one attribute by IN),
the partitions are read one after the other, in the order of the list; else the whole table or index
is. Conditions on the sort key narrow a span where they come to one; what is left is a filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

import msgspec

from haar.kit import pages
from haar.kit.call import Call, Members
from haar.services.dynamodb import texts
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.binding import Bound, bind
from haar.services.dynamodb.expressions.paths import find
from haar.services.dynamodb.expressions.projections import CompiledProjection
from haar.services.dynamodb.partiql import faults
from haar.services.dynamodb.partiql.conditions import joined
from haar.services.dynamodb.partiql.render import Placeholders
from haar.services.dynamodb.partiql.syntax import Clause, Literal, Select, Where
from haar.services.dynamodb.records import Table
from haar.services.dynamodb.selections import (
    PAGE_BYTES_MAX,
    Page,
    last_key,
    read_page,
    selection_of,
)
from haar.services.dynamodb.sources import (
    Source,
    after,
    partition_of,
    query_span,
    segment_span,
    source_of,
)
from haar.services.dynamodb.values import Item, Value, dumps
from haar.store.api import Span, Transaction

HASH_OPTIONS_MAX = 50
_SORTED_BY = frozenset({"=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"})


class Flattened(CompiledProjection):
    """A projection as SELECT has it: a path's value under the last of its names."""

    def apply(self, item: Item) -> Item:
        """Return what of an item lies on the paths."""
        found = ((_title(path.parts), find(item, path.parts)) for path in self.paths)
        return {title: value for title, value in found if value is not None}


def _title(parts: tuple[str | int, ...]) -> str:
    """Return the name of a path's value in an answer [nv]: its last name, with indexes after it."""
    at = max(number for number, part in enumerate(parts) if isinstance(part, str))
    return str(parts[at]) + "".join(f"[{part}]" for part in parts[at + 1 :])


@dataclass(frozen=True, slots=True)
class Plan:
    """What a SELECT reads.

    Attributes:
        source: the table or the index.
        partitions: the conditions on the key of each partition; one empty one for a scan.
        filter: what else has to hold.
        is_reverse: against the order of the sort key.
    """

    source: Source
    partitions: tuple[Where, ...]
    filter: Where
    is_reverse: bool


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of an answer begins: in which partition, after which key.

    Attributes:
        partition: its number.
        after: the last item of the page before, if it was of that partition.
        fingerprint: of the statement.
    """

    partition: int
    after: Item | None
    fingerprint: str = ""


_decode = msgspec.json.Decoder(Position).decode


def plan_of(statement: Select, table: Table, members: Members) -> Plan:
    """Return how a statement is read.

    Raises:
        Invalid: no such index; an order that the key does not give.
    """
    named: Members = {"IndexName": statement.index} if statement.index else {}
    if "ConsistentRead" in members:
        named["ConsistentRead"] = members["ConsistentRead"]
    source = source_of(named, table)
    hashed = _hash_clauses(statement.where, source)
    if not hashed:
        if statement.order:
            raise Invalid(faults.ORDER_WITHOUT_KEY)
        return Plan(source, ((),), statement.where, is_reverse=False)
    ranged = _range_clauses(statement.where, source)
    rest = tuple(one for one in statement.where if one not in (*hashed, *ranged))
    partitions = tuple((*one, *ranged) for one in _each(hashed))
    return Plan(source, partitions, rest, is_reverse=_is_reverse(statement, source))


def _hash_clauses(where: Where, source: Source) -> Where:
    found: list[Clause] = []
    operators = {"=", "IN"} if len(source.schema.hash) == 1 else {"="}
    for part in source.schema.hash:
        named = [one for one in where if one.name == part.name and one.operator in operators]
        if not named:
            return ()
        found.append(named[0])
    return tuple(found)


def _range_clauses(where: Where, source: Source) -> Where:
    """Return the conditions that come to one span of the sort key."""
    found: list[Clause] = []
    for part in source.schema.range:
        named = [one for one in where if one.name == part.name and one.operator in _SORTED_BY]
        if not named:
            break
        found.append(named[0])
        if named[0].operator != "=":
            break
    return tuple(found)


def _each(hashed: Where) -> list[Where]:
    """Return the conditions on the partition key, for each of its values once.

    Raises:
        Invalid: there are more values than AWS takes.
    """
    clause = hashed[0]
    if clause.operator != "IN":
        return [hashed]
    if len(clause.values) > HASH_OPTIONS_MAX:
        raise Invalid(faults.IN_TOO_MANY, count=len(clause.values))
    distinct: dict[bytes, Value] = {dumps(value): value for value in clause.values}
    path = clause.pieces[0]
    return [
        (Clause((path, "=", Literal(value)), clause.name, "=", (value,)),)
        for value in distinct.values()
    ]


def _is_reverse(statement: Select, source: Source) -> bool:
    names = {part.name for part in (*source.schema.hash, *source.schema.range)}
    for name, _ in statement.order:
        if name not in names:
            raise Invalid(faults.ORDER_OTHER, name=name)
    ranges = {part.name for part in source.schema.range}
    return any(is_descending for name, is_descending in statement.order if name in ranges)


def read(
    tx: Transaction, statement: Select, plan: Plan, start: Position, limit: int | None
) -> tuple[Page, Position | None]:
    """Return a page of what a plan meets, and where the next one begins, if there is one."""
    whole = Page([], 0, 0, 0, [], None)
    for number in range(start.partition, len(plan.partitions)):
        position = start.after if number == start.partition else None
        left = None if limit is None else limit - whole.scanned
        page = _read_partition(tx, statement, plan, number, position, left)
        whole.items += page.items
        whole.count += page.count
        whole.scanned += page.scanned
        whole.size += page.size
        whole.fetched += page.fetched
        last = last_key(plan.source, page)
        if last is not None:
            return whole, Position(number, last)
        if whole.size >= PAGE_BYTES_MAX and number + 1 < len(plan.partitions):
            return whole, Position(number + 1, None)
    return whole, None


def _read_partition(
    tx: Transaction,
    statement: Select,
    plan: Plan,
    number: int,
    start: Item | None,
    limit: int | None,
) -> Page:
    bound = _bound(statement, plan, number)
    span = _span(plan, bound)
    if start is not None:
        span = after(span, plan.source.row_key(start), is_reverse=plan.is_reverse)
    selection = selection_of("", plan.source, bound)
    return read_page(tx, selection, span, limit, is_reverse=plan.is_reverse)


def _bound(statement: Select, plan: Plan, number: int) -> Bound:
    names = Placeholders()
    native: Members = {}
    keyed = plan.partitions[number]
    if keyed:
        native["KeyConditionExpression"] = " AND ".join([names.text(one.pieces) for one in keyed])
    if plan.filter:
        native["FilterExpression"] = names.text(joined(plan.filter))
    if statement.paths:
        native["ProjectionExpression"] = ", ".join(map(names.path, statement.paths))
    names.add_to(native)
    bound = bind(native, "KeyConditionExpression", "FilterExpression", "ProjectionExpression")
    return flattened(bound)


def flattened(bound: Bound) -> Bound:
    """Return expressions whose projection is one of SELECT's."""
    projection = bound.projection
    if projection is None or all(len(path.parts) == 1 for path in projection.paths):
        return bound
    flat = Flattened(projection.paths, projection.tree, projection.used)
    return replace(bound, projection=flat)


def _span(plan: Plan, bound: Bound) -> Span:
    condition = bound.key_condition
    if condition is None:
        return segment_span(plan.source, 0, 1)
    partition = partition_of(plan.source, condition, bound.values)
    return query_span(plan.source, partition, condition, bound.values)


def token_of(call: Call[Members], position: Position) -> str:
    """Return the NextToken of a position: it goes with its statement only."""
    return pages.make(call, dumps([position.partition, position.after, _fingerprint(call.members)]))


def position_of(call: Call[Members]) -> Position:
    """Return where a request's page begins.

    Raises:
        Invalid: its token is of another statement, or none of ours.
    """
    token = call.members.get("NextToken")
    if token is None:
        return Position(0, None)
    try:
        position = _decode(pages.parse(call, token))
    except (pages.BadToken, msgspec.DecodeError):
        raise Invalid(texts.OTHER_PAGE) from None
    if position.fingerprint != _fingerprint(call.members) or position.partition < 0:
        raise Invalid(texts.OTHER_PAGE)
    return position


def _fingerprint(members: Members) -> str:
    content = dumps([members["Statement"], members.get("Parameters", [])])
    return blake2b(content, digest_size=12).hexdigest()
