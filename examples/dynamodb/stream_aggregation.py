"""Aggregation from a stream: totals follow the items, change by change, in order."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
from single_table import make_table


def main(dynamodb: Any, streams: Any = None) -> None:
    """Keep the sum of sales a shop, from the changes of its sales."""
    table = make_table(dynamodb)
    client = dynamodb.meta.client
    streams = streams or boto3.client("dynamodbstreams")
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    client.update_table(TableName=table.name, StreamSpecification=view)
    for number in range(6):
        table.put_item(Item={"pk": f"SHOP#{number % 2}", "sk": f"SALE#{number}", "sum": number})
    table.delete_item(Key={"pk": "SHOP#1", "sk": "SALE#5"})
    table.put_item(Item={"pk": "SHOP#0", "sk": "SALE#4", "sum": 10})
    totals: Counter[str] = Counter()
    table.reload()
    for record in _records(streams, table.latest_stream_arn):
        for image, sign in (("NewImage", 1), ("OldImage", -1)):
            if image in record:
                shop = record["Keys"]["pk"]["S"]
                totals[shop] += sign * int(Decimal(record[image]["sum"]["N"]))
    assert totals == {"SHOP#0": 12, "SHOP#1": 4}


def _records(streams: Any, arn: str) -> Iterator[dict[str, Any]]:
    """Yield the changes that a stream has so far; a Lambda function gets them by itself."""
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator is not None:
            page = streams.get_records(ShardIterator=iterator)
            if not page["Records"]:
                break
            yield from (record["dynamodb"] for record in page["Records"])
            iterator = page.get("NextShardIterator")
