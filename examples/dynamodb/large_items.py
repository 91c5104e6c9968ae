"""Large items: what is listed and what is opened are two items, and the largest part is in S3."""

from typing import Any
from uuid import uuid4

import boto3
from boto3.dynamodb.conditions import Key
from single_table import make_table


def main(dynamodb: Any, s3: Any = None) -> None:
    """List documents without reading their texts; open one from S3."""
    table = make_table(dynamodb)
    s3 = s3 or boto3.client("s3")
    bucket = f"example-{uuid4()}"
    s3.create_bucket(Bucket=bucket)
    for number in range(3):
        text = f"document {number} ".encode() * 50_000
        s3.put_object(Bucket=bucket, Key=f"{number}.txt", Body=text)
        own = {"pk": "DOCUMENTS", "sk": f"DOCUMENT#{number}"}
        table.put_item(Item={**own, "title": f"Document {number}", "object": f"{number}.txt"})
        table.put_item(Item={"pk": f"DOCUMENT#{number}", "sk": "ABSTRACT", "text": "x" * 10_000})
    listed = table.query(
        KeyConditionExpression=Key("pk").eq("DOCUMENTS"), ReturnConsumedCapacity="TOTAL"
    )
    assert [item["title"] for item in listed["Items"]] == [f"Document {n}" for n in range(3)]
    assert listed["ConsumedCapacity"]["CapacityUnits"] == 0.5
    body = s3.get_object(Bucket=bucket, Key=listed["Items"][1]["object"])["Body"].read()
    assert body.startswith(b"document 1 ")
