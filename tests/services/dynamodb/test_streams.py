"""Streams through boto3, and through the service's own API where time has to pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

HOUR_MS = 60 * 60 * 1000
KEY: Any = {"p": {"S": "a"}}


@pytest.fixture
def streams(cloud: Any) -> Any:
    """A client of DynamoDB Streams."""
    return cloud.client("dynamodbstreams")


def streamed(view: str) -> Any:
    return {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}}


def arn_of(db: Any, table: str) -> str:
    return str(db.describe_table(TableName=table)["Table"]["LatestStreamArn"])


def read(streams: Any, arn: str, kind: str = "TRIM_HORIZON", **more: Any) -> list[Any]:
    """Return all records of a stream, shard by shard."""
    found: list[Any] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        position = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=kind, **more
        ).get("ShardIterator")
        while position is not None:
            answer = streams.get_records(ShardIterator=position, Limit=3)
            found += answer["Records"]
            position = answer.get("NextShardIterator") if answer["Records"] else None
    return found


def change(db: Any, table: str) -> None:
    """Insert, modify, leave alone and remove an item."""
    db.put_item(TableName=table, Item={**KEY, "n": {"N": "1"}, "s": {"SS": ["x", "y"]}})
    db.put_item(TableName=table, Item={"s": {"SS": ["y", "x"]}, "n": {"N": "1.0"}, **KEY})
    db.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET n = n + :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    db.delete_item(TableName=table, Key=KEY)
    db.delete_item(TableName=table, Key=KEY)


FIRST: Any = {**KEY, "n": {"N": "1"}, "s": {"SS": ["y", "x"]}}


def images(records: list[Any]) -> list[tuple[str, Any, Any]]:
    """Return the names and images of records, sets sorted."""

    def plain(image: Any) -> Any:
        if image is not None and "s" in image:
            image["s"] = {"SS": sorted(image["s"]["SS"])}
        return image

    return [
        (
            record["eventName"],
            plain(record["dynamodb"].get("OldImage")),
            plain(record["dynamodb"].get("NewImage")),
        )
        for record in records
    ]


@pytest.mark.parametrize(
    ("view", "has_old", "has_new"),
    [
        ("KEYS_ONLY", False, False),
        ("NEW_IMAGE", False, True),
        ("OLD_IMAGE", True, False),
        ("NEW_AND_OLD_IMAGES", True, True),
    ],
)
def test_a_stream_has_every_change_once_in_order(
    db: Any, streams: Any, make_table: Callable[..., str], view: str, has_old: bool, has_new: bool
) -> None:
    """Each view tells its images; a write that changes nothing leaves no record."""
    table = make_table(**streamed(view))
    change(db, table)
    records = read(streams, arn_of(db, table))
    one: Any = {**KEY, "n": {"N": "1"}, "s": {"SS": ["x", "y"]}}
    two: Any = {**one, "n": {"N": "2"}}
    expected = [("INSERT", None, one), ("MODIFY", one, two), ("REMOVE", two, None)]
    assert images(records) == [
        (name, old if has_old else None, new if has_new else None) for name, old, new in expected
    ]
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers))
    assert len({record["eventID"] for record in records}) == 3
    for record in records:
        assert record["dynamodb"]["Keys"] == KEY
        assert record["dynamodb"]["StreamViewType"] == view
        assert record["eventSource"] == "aws:dynamodb"
        assert record["awsRegion"] == "us-east-1"
        assert "userIdentity" not in record
    sizes = [record["dynamodb"]["SizeBytes"] for record in records]
    assert sizes == [2 + 8 * has_new, 2 + 8 * has_old + 8 * has_new, 2 + 8 * has_old]


def test_batches_and_transactions_leave_a_record_an_item(
    db: Any, streams: Any, make_table: Callable[..., str]
) -> None:
    """Every way to write goes through the stream, and a cancelled transaction does not."""
    table = make_table(**streamed("KEYS_ONLY"))

    def put(name: str, **more: Any) -> Any:
        return {"Put": {"TableName": table, "Item": {"p": {"S": name}}, **more}}

    db.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": {"p": {"S": name}}}} for name in "ab"]}
    )
    db.transact_write_items(TransactItems=[put("c"), put("d")])
    with pytest.raises(ClientError):
        db.transact_write_items(
            TransactItems=[put("e"), put("a", ConditionExpression="attribute_not_exists(p)")]
        )
    found = [record["dynamodb"]["Keys"]["p"]["S"] for record in read(streams, arn_of(db, table))]
    assert found == ["a", "b", "c", "d"]


def test_iterators_begin_where_they_are_told(
    db: Any, streams: Any, make_table: Callable[..., str]
) -> None:
    """LATEST, AT and AFTER a sequence number; wrong ones are refused."""
    table = make_table(**streamed("KEYS_ONLY"))
    arn = arn_of(db, table)
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    names = ["a", "b", "c"]
    for name in names:
        db.put_item(TableName=table, Item={"p": {"S": name}})
    latest = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
    )["ShardIterator"]
    second = read(streams, arn)[1]["dynamodb"]["SequenceNumber"]

    def keys(records: list[Any]) -> list[str]:
        return [record["dynamodb"]["Keys"]["p"]["S"] for record in records]

    assert keys(read(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=second)) == ["b", "c"]
    assert keys(read(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=second)) == ["c"]
    db.put_item(TableName=table, Item={"p": {"S": "d"}})
    answer = streams.get_records(ShardIterator=latest)
    assert keys(answer["Records"]) == ["d"]
    assert streams.get_records(ShardIterator=answer["NextShardIterator"])["Records"] == []
    with pytest.raises(ClientError, match="SequenceNumber must be specified"):
        read(streams, arn, "AT_SEQUENCE_NUMBER")
    with pytest.raises(ClientError, match="is not in the range of the shard"):
        read(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber="1" * 21)
    last = str(10**24 + 2**80 - 1)
    with pytest.raises(ClientError, match="SequenceNumber"):
        read(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=last)
    with pytest.raises(ClientError, match="Invalid ShardIterator"):
        streams.get_records(ShardIterator="nonsense")
    with pytest.raises(ClientError, match="Member must have value less than or equal to 1000"):
        streams.get_records(ShardIterator=latest, Limit=1001)
    with pytest.raises(ClientError, match="Member must have value less than or equal to 100"):
        streams.list_streams(Limit=101)
    with pytest.raises(ClientError, match="Member must have value less than or equal to 100"):
        streams.describe_stream(StreamArn=arn, Limit=101)
    with pytest.raises(ClientError, match=f"Stream: {arn}0 not found"):
        streams.describe_stream(StreamArn=arn + "0")


def test_a_stream_that_ended_can_be_read_to_its_end(
    db: Any, streams: Any, make_table: Callable[..., str]
) -> None:
    """Disabling closes the shard; enabling again makes a new stream; deletion keeps it."""
    table = make_table(**streamed("KEYS_ONLY"))
    first = arn_of(db, table)
    with pytest.raises(ClientError, match="Table already has an enabled stream"):
        db.update_table(TableName=table, **streamed("NEW_IMAGE"))
    db.put_item(TableName=table, Item=KEY)
    off = {"StreamSpecification": {"StreamEnabled": False}}
    assert "StreamSpecification" not in db.update_table(TableName=table, **off)["TableDescription"]
    with pytest.raises(ClientError, match="Table has no stream to disable"):
        db.update_table(TableName=table, **off)
    db.delete_item(TableName=table, Key=KEY)
    described = streams.describe_stream(StreamArn=first)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    (shard,) = described["Shards"]
    assert "EndingSequenceNumber" in shard["SequenceNumberRange"]
    position = streams.get_shard_iterator(
        StreamArn=first, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    answer = streams.get_records(ShardIterator=position)
    assert [record["eventName"] for record in answer["Records"]] == ["INSERT"]
    assert "NextShardIterator" not in answer
    db.update_table(TableName=table, **streamed("NEW_IMAGE"))
    second = arn_of(db, table)
    assert second != first
    db.delete_table(TableName=table)
    listed = streams.list_streams(TableName=table)["Streams"]
    assert [stream["StreamArn"] for stream in listed] == [first, second]
    assert listed[0]["TableName"] == table
    page = streams.list_streams(TableName=table, Limit=1)
    assert page["LastEvaluatedStreamArn"] == first
    rest = streams.list_streams(TableName=table, ExclusiveStartStreamArn=first)["Streams"]
    assert [stream["StreamArn"] for stream in rest] == [second]


def test_changes_are_kept_for_a_day(travel: Any) -> None:
    """A day later a change is gone; shards follow each other; old iterators have expired."""
    call = travel.call
    travel.make_table(**streamed("KEYS_ONLY"))
    arn = call("DescribeTable", TableName="travelled")["Table"]["LatestStreamArn"]

    def shards() -> list[Any]:
        found = call("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
        return list(found)

    def iterate(shard: Any, kind: str = "TRIM_HORIZON", **more: Any) -> str:
        return str(
            call(
                "GetShardIterator",
                StreamArn=arn,
                ShardId=shard["ShardId"],
                ShardIteratorType=kind,
                **more,
            )["ShardIterator"]
        )

    call("PutItem", TableName="travelled", Item={"p": {"S": "old"}})
    (first,) = shards()
    for minute in range(1, 10):
        travel.clock.advance(60_000)
        call("PutItem", TableName="travelled", Item={"p": {"S": str(minute)}})
    for minute in (3, 3.5, 8.5, 9.5):
        at = datetime.fromtimestamp(travel.clock.now_ms() / 1000 - 60 * (9 - minute), UTC)
        found = call("GetRecords", ShardIterator=iterate(first, "AT_TIMESTAMP", Timestamp=at))
        names = [record["dynamodb"]["Keys"]["p"]["S"] for record in found["Records"]]
        assert names == [str(after) for after in range(1, 10) if after >= minute]
    iterator = iterate(first)
    record = call("GetRecords", ShardIterator=iterator)["Records"][0]
    travel.until(5 * HOUR_MS, lambda: len(shards()) == 2)
    with pytest.raises(Exception, match="Iterator expired"):
        call("GetRecords", ShardIterator=iterator)
    call("PutItem", TableName="travelled", Item={"p": {"S": "new"}})
    parent, child = shards()
    assert parent["ShardId"] == first["ShardId"]
    assert child["ParentShardId"] == parent["ShardId"]
    answer = call("GetRecords", ShardIterator=iterate(parent))
    assert len(answer["Records"]) == 10
    assert "NextShardIterator" not in answer
    assert call("GetRecords", ShardIterator=iterate(child))["Records"]
    travel.until(
        22 * HOUR_MS, lambda: not call("GetRecords", ShardIterator=iterate(parent))["Records"]
    )
    with pytest.raises(Exception, match="has been trimmed"):
        iterate(parent, "AT_SEQUENCE_NUMBER", SequenceNumber=record["dynamodb"]["SequenceNumber"])
    travel.until(6 * HOUR_MS, lambda: parent["ShardId"] not in [s["ShardId"] for s in shards()])
    call("DeleteTable", TableName="travelled")
    travel.until(26 * HOUR_MS, lambda: not call("ListStreams", TableName="travelled")["Streams"])
