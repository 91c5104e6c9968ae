"""Time to live: items that end by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

HOUR_MS = 60 * 60 * 1000
STREAM: Any = {
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
}


def setting(*, is_enabled: bool, name: str = "ends") -> Any:
    return {"TimeToLiveSpecification": {"Enabled": is_enabled, "AttributeName": name}}


def test_items_end_when_their_time_has_come(travel: Any) -> None:
    """Due items go, also from indexes, and the stream says who did it; all others stay."""
    call = travel.call
    travel.make_table(
        more=["g"],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        **STREAM,
    )
    now_s = travel.clock.now_ms() // 1000

    def put(name: str, ends: Any) -> None:
        item = {"p": {"S": name}, "g": {"S": "g"}, **({"ends": ends} if ends else {})}
        call("PutItem", TableName="travelled", Item=item)

    put("before", {"N": str(now_s - 10)})
    put("before, far", {"N": str(now_s + 7200)})
    call("UpdateTimeToLive", TableName="travelled", **setting(is_enabled=True))
    put("soon", {"N": str(now_s + 60)})
    put("moved", {"N": str(now_s + 60)})
    put("moved", {"N": str(now_s + 7200)})
    put("fraction", {"N": f"{now_s + 61}.5"})
    put("text", {"S": str(now_s)})
    put("ancient", {"N": str(now_s - 6 * 365 * 24 * 3600)})
    put("negative", {"N": "-1"})
    put("never", None)

    def left(**more: Any) -> set[str]:
        return {i["p"]["S"] for i in call("Scan", TableName="travelled", **more)["Items"]}

    stay = {"before, far", "moved", "text", "ancient", "negative", "never"}
    travel.until(HOUR_MS, lambda: left() == stay)
    assert left(IndexName="by-g") == stay
    described = call("DescribeTable", TableName="travelled")["Table"]
    assert described["ItemCount"] == len(stay)
    arn = described["LatestStreamArn"]
    (shard,) = call("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = call(
        "GetShardIterator",
        StreamArn=arn,
        ShardId=shard["ShardId"],
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    records = call("GetRecords", ShardIterator=iterator)["Records"]
    removed = {r["dynamodb"]["Keys"]["p"]["S"]: r for r in records if r["eventName"] == "REMOVE"}
    assert removed.keys() == {"before", "soon", "fraction"}
    for record in removed.values():
        assert record["userIdentity"] == {
            "PrincipalId": "dynamodb.amazonaws.com",
            "Type": "Service",
        }
    travel.until(2 * HOUR_MS, lambda: left() == stay - {"before, far", "moved"})


def test_the_setting_changes_once_an_hour(travel: Any) -> None:
    """Time to live is described, and refuses what is so already or comes too soon."""
    call = travel.call
    travel.make_table()

    def status() -> str:
        return str(
            call("DescribeTimeToLive", TableName="travelled")["TimeToLiveDescription"][
                "TimeToLiveStatus"
            ]
        )

    def update(**asked: Any) -> Any:
        return call("UpdateTimeToLive", TableName="travelled", **setting(**asked))

    assert status() == "DISABLED"
    with pytest.raises(Exception, match="TimeToLive is already disabled"):
        update(is_enabled=False)
    assert update(is_enabled=True) == setting(is_enabled=True)
    travel.until(HOUR_MS // 2, lambda: status() == "ENABLED")
    with pytest.raises(Exception, match="TimeToLive is already enabled"):
        update(is_enabled=True)
    with pytest.raises(Exception, match="active on a different AttributeName: current Attribute"):
        update(is_enabled=False, name="other")
    with pytest.raises(Exception, match="modified multiple times within a fixed interval"):
        update(is_enabled=False)
    ends = {"N": str(travel.clock.now_ms() // 1000 + 4000)}
    call("PutItem", TableName="travelled", Item={"p": {"S": "a"}, "ends": ends})
    travel.clock.advance(HOUR_MS)
    update(is_enabled=False)
    travel.clock.advance(HOUR_MS)
    assert status() == "DISABLED"
    assert call("Scan", TableName="travelled")["Count"] == 1


def test_an_absent_table_has_no_time_to_live(db: Any) -> None:
    """The operations on tables name the table that is missing."""
    with pytest.raises(ClientError, match="Table: absent not found"):
        db.describe_time_to_live(TableName="absent")
