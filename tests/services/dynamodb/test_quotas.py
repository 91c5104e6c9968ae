"""What an account may have in a region, and have under way at once."""

from __future__ import annotations

from typing import Any

import pytest

from haar.kernel.errors import ApiError
from haar.services.dynamodb import keys, quotas

PLACE = ("000000000000", "us-east-1")
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/travelled"
IMPORTED = {
    "TableName": "imported",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
BEGINNINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("export", "ExportTableToPointInTime", {"TableArn": ARN, "S3Bucket": "nowhere"}),
    (
        "import",
        "ImportTable",
        {
            "S3BucketSource": {"S3Bucket": "nowhere"},
            "InputFormat": "CSV",
            "TableCreationParameters": IMPORTED,
        },
    ),
    (
        "restore",
        "RestoreTableToPointInTime",
        {
            "SourceTableName": "travelled",
            "TargetTableName": "restored",
            "UseLatestRestorableTime": True,
        },
    ),
]


@pytest.mark.parametrize(("kind", "operation", "members"), BEGINNINGS)
def test_only_so_many_are_under_way_at_once(
    travel: Any, kind: str, operation: str, members: dict[str, Any]
) -> None:
    """One more than there may be is refused; one that ends makes room."""
    travel.make_table()
    travel.call(
        "UpdateContinuousBackups",
        TableName="travelled",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    key, most = keys.active(kind, *PLACE), quotas.AT_ONCE[kind]
    travel.transact(lambda tx: tx.add(key, most))
    with pytest.raises(ApiError, match=f"a limit of {most} concurrent {kind}s") as refused:
        travel.call(operation, **members)
    assert refused.value.code == "LimitExceededException"
    travel.transact(lambda tx: tx.add(key, -1))
    travel.call(operation, **members)

    def under_way() -> int:
        return int.from_bytes(travel.transact(lambda tx: tx.get(key)), "little", signed=True)

    travel.until(600_000, lambda: under_way() == most - 1)
