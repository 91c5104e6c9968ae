"""Write sharding: a hot partition key spread over a few, read from all of them and merged."""

import heapq
from typing import Any
from zlib import crc32

from boto3.dynamodb.conditions import Key
from single_table import make_table

SHARDS = 4


def main(dynamodb: Any) -> None:
    """Write events of one day to four partitions, and read them back in order."""
    table = make_table(dynamodb)
    times = [f"2026-01-01T00:00:{second:02d}" for second in range(40)]
    with table.batch_writer() as batch:
        for at in times:
            shard = crc32(at.encode()) % SHARDS
            batch.put_item({"pk": f"DAY#2026-01-01#{shard}", "sk": at})
    streams = [_events(table, shard) for shard in range(SHARDS)]
    assert all(streams), "each partition has its share"
    assert list(heapq.merge(*streams)) == times


def _events(table: Any, shard: int) -> list[str]:
    condition = Key("pk").eq(f"DAY#2026-01-01#{shard}")
    return [item["sk"] for item in table.query(KeyConditionExpression=condition)["Items"]]
