"""Time series: a partition a day, readings in the order of time, each with its end."""

from datetime import UTC, datetime, timedelta
from typing import Any

from boto3.dynamodb.conditions import Key
from single_table import make_table


def main(dynamodb: Any) -> None:
    """Read one hour of a sensor; old readings end by themselves."""
    table = make_table(dynamodb)
    client = dynamodb.meta.client
    ttl = {"Enabled": True, "AttributeName": "ends_at"}
    client.update_time_to_live(TableName=table.name, TimeToLiveSpecification=ttl)
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with table.batch_writer() as batch:
        for minute in range(0, 180, 10):
            at = start + timedelta(minutes=minute)
            ends = int((at + timedelta(days=30)).timestamp())
            reading = {"pk": f"SENSOR#1#{at:%Y-%m-%d}", "sk": f"{at:%H:%M}"}
            batch.put_item({**reading, "value": minute, "ends_at": ends})
    condition = Key("pk").eq(f"SENSOR#1#{start:%Y-%m-%d}") & Key("sk").between("01:00", "01:59")
    found = table.query(KeyConditionExpression=condition)["Items"]
    assert [item["value"] for item in found] == [60, 70, 80, 90, 100, 110]
    described = client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    assert described["AttributeName"] == "ends_at"
