"""Query and Scan."""

from __future__ import annotations

from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.dynamodb import capacity, texts
from haar.services.dynamodb.capacity import Meter, read_units
from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.expressions.binding import Bound
from haar.services.dynamodb.legacy import bind_any
from haar.services.dynamodb.lookup import index_arn, load
from haar.services.dynamodb.selections import (
    Page,
    Selection,
    check_select,
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
from haar.store.api import Span, Transaction

_READ = (
    "TableName IndexName Select Limit ConsistentRead ExclusiveStartKey ReturnConsumedCapacity "
    "ProjectionExpression FilterExpression ExpressionAttributeNames ExpressionAttributeValues "
    "AttributesToGet ConditionalOperator"
)


@operation(
    "Query",
    members=f"{_READ} ScanIndexForward KeyConditionExpression KeyConditions QueryFilter",
    resource=index_arn,
    readonly=True,
)
def query(call: Call[Members], tx: Transaction) -> Members:
    """Return items of one partition in the order of their sort key, a page at a time.

    Keys: reads ``table``, ``rows``.

    Raises:
        Invalid: expressions, or a position to start at, that AWS does not take.
        ResourceNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, Query.
    """
    members = call.members
    bound = bind_any(members, "KeyConditionExpression", "FilterExpression", "ProjectionExpression")
    if bound.key_condition is None:
        raise Invalid(texts.QUERY_WITHOUT_KEYS)
    select = check_select(members, bound)
    source = source_of(members, load(tx, call.resource))
    is_reverse = not members.get("ScanIndexForward", True)
    span = _query_span(members, source, bound, is_reverse=is_reverse)
    text = texts.QUERY_FILTER_ON_KEY if "QueryFilter" in members else texts.FILTER_ON_KEY
    _refuse_filter_on_key(source, bound, text)
    selection = selection_of(select, source, bound)
    # One row is a whole answer: nobody is to come back for more.
    limit = None if _is_single(source, bound) else members.get("Limit")
    return _read(tx, members, selection, span, limit, is_reverse=is_reverse)


def _is_single(source: Source, bound: Bound) -> bool:
    """Whether a query names one item of a table."""
    condition = bound.key_condition
    assert condition is not None, "checked by the caller"
    return source.index is None and all(
        part.name in condition.terms and condition.terms[part.name].operator == "="
        for part in source.schema.parts
    )


def _query_span(members: Members, source: Source, bound: Bound, *, is_reverse: bool) -> Span:
    condition, values = bound.key_condition, bound.values
    assert condition is not None, "checked by the caller"
    partition = partition_of(source, condition, values)
    span = query_span(source, partition, condition, values)
    start = members.get("ExclusiveStartKey")
    if start is None:
        return span
    key = source.row_key(start)
    if _is_single(source, bound):
        raise Invalid(texts.START_SINGLE)
    if not key.startswith(partition):
        raise Invalid(texts.START_OUTSIDE)
    if not span.start <= key < span.end:
        raise Invalid(texts.START_RANGE)
    return after(span, key, is_reverse=is_reverse)


def _refuse_filter_on_key(source: Source, bound: Bound, text: str) -> None:
    if bound.condition is None:
        return
    for part in source.schema.parts:
        if part.name in bound.condition.used.attributes:
            raise Invalid(text, name=part.name)


@operation(
    "Scan", members=f"{_READ} TotalSegments Segment ScanFilter", resource=index_arn, readonly=True
)
def scan(call: Call[Members], tx: Transaction) -> Members:
    """Return all items, or those of one segment, a page at a time.

    Keys: reads ``table``, ``rows``.

    Raises:
        Invalid: expressions, segments, or a position to start at, that AWS does not take.
        ResourceNotFound: no such table.

    Source: AWS docs, DynamoDB API reference, Scan.
    """
    members = call.members
    number, total = _segment(members)
    bound = bind_any(members, "FilterExpression", "ProjectionExpression")
    select = check_select(members, bound)
    source = source_of(members, load(tx, call.resource))
    span = segment_span(source, number, total)
    start = members.get("ExclusiveStartKey")
    if start is not None:
        key = source.row_key(start)
        if not span.start <= key < span.end:
            raise Invalid(texts.START_SEGMENT, total=total, segment=number)
        span = after(span, key, is_reverse=False)
    selection = selection_of(select, source, bound)
    return _read(tx, members, selection, span, members.get("Limit"), is_reverse=False)


def _segment(members: Members) -> tuple[int, int]:
    """Return which segment of how many a scan reads."""
    segment, total = members.get("Segment"), members.get("TotalSegments")
    if segment is None and total is None:
        return 0, 1
    if total is None:
        raise Invalid(texts.SEGMENT_ALONE)
    if segment is None:
        raise Invalid(texts.SEGMENTS_ALONE)
    if segment >= total:
        raise Invalid(texts.SEGMENT_BEYOND, segment=segment, total=total)
    return segment, total


def _read(  # what is read, and how much of it
    tx: Transaction,
    members: Members,
    selection: Selection,
    span: Span,
    limit: int | None,
    *,
    is_reverse: bool,
) -> Members:
    page = read_page(tx, selection, span, limit, is_reverse=is_reverse)
    result: Members = {} if selection.is_count else {"Items": page.items}
    result["Count"] = page.count
    result["ScannedCount"] = page.scanned
    last = last_key(selection.source, page)
    if last is not None:
        result["LastEvaluatedKey"] = last
    if "ReturnConsumedCapacity" in members:
        capacity.tell(result, members, metered(members, selection.source, page))
    return result


def metered(members: Members, source: Source, page: Page) -> Meter:
    """Return what a page consumes."""
    is_consistent = bool(members.get("ConsistentRead"))
    meter = Meter(members["TableName"], source.table)
    name = "" if source.index is None else source.index.name
    meter.read(read_units(page.size, is_consistent=is_consistent), name)
    for size in page.fetched:
        meter.read(read_units(size, is_consistent=is_consistent))
    return meter
