"""DynamoDB Streams: list, describe, iterate and read the streams of tables."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
import orjson

from haar.kit import pages
from haar.kit.call import Call, Members, Scope
from haar.kit.operation import anything, operation
from haar.services.dynamodb import keys, texts
from haar.services.dynamodb.descriptions import schema_members
from haar.services.dynamodb.errors import (
    ExpiredIterator,
    Invalid,
    StreamNotFound,
    TrimmedDataAccess,
)
from haar.services.dynamodb.lookup import arn_of
from haar.services.dynamodb.records import CHANGE, STREAM, StreamChange, StreamState
from haar.services.dynamodb.stream_log import (
    VERSION_BYTES,
    ShardRange,
    next_version,
    sequence_number,
    shards_of,
    version_of,
)
from haar.services.dynamodb.times import moment
from haar.store.api import Span, Transaction

ITERATOR_MS = 15 * 60 * 1000
RECORDS_MAX = 1000
ANSWER_BYTES_MAX = 1024 * 1024
PAGE_MAX = 100
_MODEL = "dynamodbstreams"
_PURPOSE = "dynamodb shard iterator"
_is_arn = re.compile(
    r"arn:[^:]+:dynamodb:([^:]+):\d{12}:table/[a-zA-Z0-9_.-]+/stream/[0-9T:.-]+"
).fullmatch


class Iterator(msgspec.Struct, frozen=True, array_like=True):
    """Where GetRecords reads: what a shard iterator says.

    Attributes:
        arn: of the stream.
        shard: the version at which the shard begins.
        position: the version to read from.
        issued_ms: when it was made.
    """

    arn: str
    shard: bytes
    position: bytes
    issued_ms: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Iterator).decode


def stream_arn(members: Members, scope: Scope) -> str:
    """Name the stream of a request.

    Raises:
        Invalid: not the ARN of a stream in the request's region.
    """
    arn: str = members["StreamArn"]
    found = _is_arn(arn)
    if found is None or found[1] != scope.region:
        raise Invalid(texts.STREAM_ARN, arn=arn)
    return arn


def iterator_arn(members: Members, scope: Scope) -> str:
    """Name the stream that an iterator is of."""
    return _iterator(members["ShardIterator"]).arn


def _iterator(token: str) -> Iterator:
    try:
        return _decode(pages.unseal(_PURPOSE, token))
    except (pages.BadToken, msgspec.DecodeError):
        raise Invalid(texts.ITERATOR) from None


def _load(tx: Transaction, arn: str) -> StreamState:
    raw = tx.get(keys.stream(arn))
    if raw is None:
        raise StreamNotFound(arn=arn)
    return STREAM.decode_hot(raw)


@operation(
    "ListStreams",
    model=_MODEL,
    members="TableName Limit ExclusiveStartStreamArn",
    resource=anything,
    readonly=True,
)
def list_streams(call: Call[Members], tx: Transaction) -> Members:
    """List streams, also those that ended less than a day ago.

    Keys: reads ``stream``.

    Source: AWS docs, DynamoDB Streams API reference, ListStreams.
    """
    members = call.members
    limit = _limit(members, PAGE_MAX)
    span = keys.streams(call.account, call.region)
    if "TableName" in members:
        span = keys.streams_of(arn_of(members["TableName"], call.scope))
    after = members.get("ExclusiveStartStreamArn")
    if after is not None:
        start = keys.stream(stream_arn({"StreamArn": after}, call.scope)) + b"\x00"
        span = Span(max(span.start, start), span.end)
    found = [STREAM.decode(row.value) for row in tx.scan(span, limit=limit + 1)]
    result: Members = {"Streams": [_listed(state) for state in found[:limit]]}
    if len(found) > limit:
        result["LastEvaluatedStreamArn"] = result["Streams"][-1]["StreamArn"]
    return result


def _limit(members: Members, most: int) -> int:
    """Return how many a request asks for.

    Raises:
        Invalid: more than AWS takes; the model does not say it.
    """
    limit: int = members.get("Limit", most)
    if limit > most:
        raise Invalid(texts.LIMIT_TOO_LARGE, limit=limit, most=most)
    return limit


def _listed(state: StreamState) -> Members:
    return {
        "StreamArn": state.arn,
        "TableName": state.table_arn.rpartition("/")[2],
        "StreamLabel": state.label,
    }


@operation(
    "DescribeStream",
    model=_MODEL,
    members="StreamArn Limit ExclusiveStartShardId ShardFilter",
    resource=stream_arn,
    readonly=True,
)
def describe_stream(call: Call[Members], tx: Transaction) -> Members:
    """Describe a stream and its shards, a page at a time.

    Keys: reads ``stream``, ``shards``.

    Raises:
        StreamNotFound: no such stream.

    Source: AWS docs, DynamoDB Streams API reference, DescribeStream.
    """
    members, state = call.members, _load(tx, call.resource)
    shards: list[ShardRange] = _asked(shards_of(tx, state.uid), members)
    limit = _limit(members, PAGE_MAX)
    described: Members = {
        **_listed(state),
        "StreamStatus": "DISABLED" if state.ended_ms else "ENABLED",
        "StreamViewType": state.view,
        "CreationRequestDateTime": moment(state.created_ms),
        "KeySchema": schema_members(state.schema),
        "Shards": [_described(shard) for shard in shards[:limit]],
    }
    if len(shards) > limit:
        described["LastEvaluatedShardId"] = shards[limit - 1].id
    return {"StreamDescription": described}


def _asked(shards: list[ShardRange], members: Members) -> list[ShardRange]:
    wanted: Members | None = members.get("ShardFilter")
    if wanted is not None and "ShardId" in wanted:
        shards = [shard for shard in shards if shard.parent == wanted["ShardId"]]
    after = members.get("ExclusiveStartShardId")
    return shards if after is None else [shard for shard in shards if shard.id > after]


def _described(shard: ShardRange) -> Members:
    numbers = {"StartingSequenceNumber": sequence_number(shard.start)}
    if shard.end is not None:
        last = int.from_bytes(shard.end, "big") - 1
        numbers["EndingSequenceNumber"] = sequence_number(last.to_bytes(VERSION_BYTES, "big"))
    told: Members = {"ShardId": shard.id, "SequenceNumberRange": numbers}
    if shard.parent:
        told["ParentShardId"] = shard.parent
    return told


@operation(
    "GetShardIterator",
    model=_MODEL,
    members="StreamArn ShardId ShardIteratorType SequenceNumber Timestamp",
    resource=stream_arn,
    readonly=True,
)
def get_shard_iterator(call: Call[Members], tx: Transaction) -> Members:
    """Return an iterator, good for 15 minutes.

    Keys: reads ``stream``, ``shards``, ``changes``.

    Raises:
        StreamNotFound: no such stream, or no such shard in it.
        TrimmedDataAccess: the sequence number is of a change that is a day old.
        Invalid: no sequence number where one is needed, or not one of the shard's.

    Source: AWS docs, DynamoDB Streams API reference, GetShardIterator.
    """
    members, state = call.members, _load(tx, call.resource)
    shards = [s for s in shards_of(tx, state.uid) if s.id == members["ShardId"]]
    if not shards:
        raise StreamNotFound(texts.SHARD_NOT_FOUND.format_map({"shard": members["ShardId"]}))
    position = _position(tx, state, shards[0], members)
    return {"ShardIterator": _token(call.resource, shards[0], position, call.now_ms)}


def _token(arn: str, shard: ShardRange, position: bytes, now_ms: int) -> str:
    return pages.seal(_PURPOSE, _encode(Iterator(arn, shard.start, position, now_ms)))


def _position(tx: Transaction, state: StreamState, shard: ShardRange, members: Members) -> bytes:
    match members["ShardIteratorType"]:
        case "TRIM_HORIZON":
            return shard.start
        case "LATEST":
            return _latest(tx, state, shard)
        case "AT_SEQUENCE_NUMBER":
            return _numbered(state, shard, members)
        case "AFTER_SEQUENCE_NUMBER":
            return next_version(_numbered(state, shard, members))
        case _:
            return _at_time(tx, state, shard, members)


def _latest(tx: Transaction, state: StreamState, shard: ShardRange) -> bytes:
    for row in tx.scan(_span(state, shard, shard.start), limit=1, reverse=True):
        return next_version(row.key[-VERSION_BYTES:])
    return shard.start


def _span(state: StreamState, shard: ShardRange, position: bytes) -> Span:
    prefix = keys.changes(state.uid)
    end = keys.changes_span(state.uid).end if shard.end is None else prefix + shard.end
    return Span(min(prefix + position, end), end)


def _numbered(state: StreamState, shard: ShardRange, members: Members) -> bytes:
    number = members.get("SequenceNumber")
    if number is None:
        raise Invalid(texts.NUMBER_MISSING)
    version = version_of(number)
    if version is None or version < shard.start or (shard.end is not None and version >= shard.end):
        raise Invalid(texts.NUMBER_OUTSIDE, number=number)
    if version <= state.trimmed:
        raise TrimmedDataAccess
    return version


def _at_time(tx: Transaction, state: StreamState, shard: ShardRange, members: Members) -> bytes:
    """Return the version of the first change at a time or later, found by halving."""
    at: datetime | None = members.get("Timestamp")
    if at is None:
        raise Invalid(texts.TIMESTAMP_MISSING)
    at_ms = at.timestamp() * 1000
    low = int.from_bytes(shard.start, "big")
    high = int.from_bytes(_latest(tx, state, shard), "big")
    while low < high:
        middle = (low + high) // 2
        span = _span(state, shard, middle.to_bytes(VERSION_BYTES, "big"))
        row = next(tx.scan(span, limit=1))  # the last change lies below ``high``
        if CHANGE.decode(row.value).at_ms < at_ms:
            low = int.from_bytes(row.key[-VERSION_BYTES:], "big") + 1
        else:
            high = middle
    return low.to_bytes(VERSION_BYTES, "big")


@operation(
    "GetRecords",
    model=_MODEL,
    members="ShardIterator Limit",
    resource=iterator_arn,
    readonly=True,
)
def get_records(call: Call[Members], tx: Transaction) -> Members:
    """Return changes in the order of their commits, and where to read on; nowhere at a shard's end.

    Keys: reads ``stream``, ``shards``, ``changes``.

    Raises:
        StreamNotFound: the stream has ended more than a day ago.
        ExpiredIterator: the iterator is older than 15 minutes.
        TrimmedDataAccess: it points to a change that has been removed since.
        Invalid: not an iterator, or more than 1,000 records asked for.

    Source: AWS docs, DynamoDB Streams API reference, GetRecords.
    """
    iterator = _iterator(call.members["ShardIterator"])
    limit = _limit(call.members, RECORDS_MAX)
    state = _load(tx, iterator.arn)
    if call.now_ms - iterator.issued_ms > ITERATOR_MS:
        raise ExpiredIterator
    shards = [s for s in shards_of(tx, state.uid) if s.start == iterator.shard]
    if not shards or iterator.shard < iterator.position <= state.trimmed:
        raise TrimmedDataAccess
    (shard,) = shards
    records, position = _read(tx, state, shard, iterator.position, limit, call.region)
    result: Members = {"Records": records}
    if position is not None:
        result["NextShardIterator"] = _token(iterator.arn, shard, position, call.now_ms)
    return result


def _read(
    tx: Transaction, state: StreamState, shard: ShardRange, start: bytes, limit: int, region: str
) -> tuple[list[Members], bytes | None]:
    """Return records and the version to read on from; None at the end of a closed shard."""
    found: list[Members] = []
    size, position = 0, start
    for row in tx.scan(_span(state, shard, start), limit=limit):
        version = row.key[-VERSION_BYTES:]
        change = CHANGE.decode(row.value)
        found.append(_record(state, version, change, region))
        size += change.size
        position = next_version(version)
        if size >= ANSWER_BYTES_MAX:
            break
    is_end = shard.end is not None and len(found) < limit and size < ANSWER_BYTES_MAX
    return found, None if is_end else position


def _record(state: StreamState, version: bytes, change: StreamChange, region: str) -> Members:
    """Return a change as AWS tells it."""
    told: dict[str, Any] = {
        "ApproximateCreationDateTime": moment(change.at_ms // 1000 * 1000),
        "Keys": orjson.Fragment(change.keys),
        "SequenceNumber": sequence_number(version),
        "SizeBytes": change.size,
        "StreamViewType": state.view,
    }
    for name, image in (("NewImage", change.new), ("OldImage", change.old)):
        if image is not None:
            told[name] = orjson.Fragment(image)
    event = blake2b(state.uid.to_bytes(8, "big") + version, digest_size=16).hexdigest()
    record: Members = {
        "eventID": event,
        "eventName": change.name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": told,
    }
    if change.is_expiry:
        record["userIdentity"] = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    return record
