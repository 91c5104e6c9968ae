"""Members inside of others: what is not built is refused by name, however deep it stands."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.testing import Running

INDEX = {
    "IndexName": "index",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
WARM = {"WarmThroughput": {"ReadUnitsPerSecond": 20_000}}
TABLE = {
    "TableName": "table",
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
BACKUP = "arn:aws:dynamodb:us-east-1:000000000000:table/t/backup/01"


@pytest.mark.parametrize(
    ("service", "operation", "members", "named"),
    [
        (
            "dynamodb",
            "create_table",
            {**TABLE, "GlobalSecondaryIndexes": [INDEX, {**INDEX, **WARM}]},
            "GlobalSecondaryIndexes.WarmThroughput of CreateTable",
        ),
        (
            "dynamodb",
            "create_table",
            {**TABLE, "SSESpecification": {"SSEType": "KMS"}},
            "SSESpecification.SSEType of CreateTable",
        ),
        (
            "dynamodb",
            "update_table",
            {
                "TableName": "table",
                "GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "index", **WARM}}],
            },
            "GlobalSecondaryIndexUpdates.Update.WarmThroughput of UpdateTable",
        ),
        (
            "dynamodb",
            "restore_table_from_backup",
            {
                "TargetTableName": "other",
                "BackupArn": BACKUP,
                "GlobalSecondaryIndexOverride": [{**INDEX, **WARM}],
            },
            "GlobalSecondaryIndexOverride.WarmThroughput of RestoreTableFromBackup",
        ),
        (
            "s3",
            "create_bucket",
            {
                "Bucket": "bucket",
                "CreateBucketConfiguration": {"Tags": [{"Key": "k", "Value": "v"}]},
            },
            "CreateBucketConfiguration.Tags of CreateBucket",
        ),
        (
            "s3",
            "complete_multipart_upload",
            {
                "Bucket": "bucket",
                "Key": "k",
                "UploadId": "u",
                "MultipartUpload": {
                    "Parts": [
                        {"ETag": "e", "PartNumber": 1},
                        {"ETag": "e", "PartNumber": 2, "ChecksumXXHASH64": "AAAAAAAAAAA="},
                    ]
                },
            },
            "MultipartUpload.Parts.ChecksumXXHASH64 of CompleteMultipartUpload",
        ),
        (
            "pipes",
            "update_pipe",
            {
                "Name": "p",
                "RoleArn": "arn:aws:iam::000000000000:role/r",
                "TargetParameters": {"KinesisStreamParameters": {"PartitionKey": "k"}},
            },
            "TargetParameters.KinesisStreamParameters of UpdatePipe",
        ),
    ],
)
def test_a_member_inside_of_another_is_refused_by_name(
    haar: Running, service: str, operation: str, members: dict[str, Any], named: str
) -> None:
    """501 and the way to the member: nothing inside of a structure is ignored in silence."""
    with pytest.raises(ClientError) as refused:
        getattr(haar.client(service), operation)(**members)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert answer["Error"]["Message"] == f"haar does not implement the member {named}."
