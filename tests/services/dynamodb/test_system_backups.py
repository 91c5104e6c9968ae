"""System backups: what a deleted table leaves behind, if it could be recovered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.clock import SystemClock, VirtualClock
from haar.services.dynamodb import keys
from haar.testing import Running, running

DAY_MS = 24 * 60 * 60 * 1000
TABLE = "gone"
INDEX = {
    "IndexName": "by-g",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
ITEMS = {f"item {n}": {"p": {"S": f"item {n}"}, "g": {"S": f"g{n % 3}"}} for n in range(250)}


class Deleting:
    """A haar whose time stands still unless it is advanced."""

    def __init__(self, cloud: Running, clock: VirtualClock) -> None:
        self._cloud, self._clock = cloud, clock
        self.db: Any = cloud.client("dynamodb")

    def pass_days(self, days: int) -> None:
        async def advance() -> None:
            self._clock.advance(days * DAY_MS)

        self._cloud.run(advance())

    def rows(self) -> int:
        """Return how many rows of items there are in the store, of whatever table."""

        async def count() -> int:
            spans = [keys.all_rows(uid) for uid in range(1, 10)]
            return self._cloud.app.cloud.read(
                lambda tx: sum(len(list(tx.scan(span))) for span in spans)
            )

        found: int = self._cloud.run(count())
        return found

    def make(self, *, is_recoverable: bool) -> None:
        self.db.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in "pg"],
            GlobalSecondaryIndexes=[INDEX],
            BillingMode="PAY_PER_REQUEST",
        )
        specification = {"PointInTimeRecoveryEnabled": is_recoverable}
        self.db.update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification=specification
        )
        for item in ITEMS.values():
            self.db.put_item(TableName=TABLE, Item=item)

    def backups(self, **members: Any) -> Any:
        return self.db.list_backups(**members)["BackupSummaries"]

    def items(self, **members: Any) -> dict[str, Any]:
        pages = self.db.get_paginator("scan").paginate(TableName=TABLE, **members)
        return {item["p"]["S"]: item for page in pages for item in page["Items"]}

    def is_active(self) -> bool:
        return bool(self.db.describe_table(TableName=TABLE)["Table"]["TableStatus"] == "ACTIVE")


@pytest.fixture
def deleting() -> Iterator[Deleting]:
    """A haar in memory, on a clock that the test moves."""
    clock = VirtualClock(SystemClock().now_ms())
    with running(clock=clock) as cloud:
        yield Deleting(cloud, clock)


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if is_so():
            return
    raise AssertionError("it has not come to pass")


def test_a_deleted_table_is_restored_from_its_system_backup(deleting: Deleting) -> None:
    """It is there at once, is listed by its kind, and makes the table again, under its name."""
    deleting.make(is_recoverable=True)
    deleting.db.delete_table(TableName=TABLE)
    assert deleting.rows() == len(ITEMS)
    assert deleting.backups() == []
    (summary,) = deleting.backups(BackupType="SYSTEM", TableName=TABLE)
    assert [summary] == deleting.backups(BackupType="ALL")
    assert summary["BackupName"] == f"{TABLE}$DeletedTableBackup"
    assert (summary["BackupType"], summary["BackupStatus"]) == ("SYSTEM", "AVAILABLE")
    described = deleting.db.describe_backup(BackupArn=summary["BackupArn"])["BackupDescription"]
    details = described["BackupDetails"]
    kept = details["BackupExpiryDateTime"] - details["BackupCreationDateTime"]
    assert kept == timedelta(days=35)
    assert described["SourceTableDetails"]["ItemCount"] == len(ITEMS)
    for _ in range(2):  # a backup can be used more than once
        deleting.db.restore_table_from_backup(TargetTableName=TABLE, BackupArn=summary["BackupArn"])
        until(deleting.is_active)
        assert deleting.items() == deleting.items(IndexName="by-g") == ITEMS
        deleting.db.delete_table(TableName=TABLE)
    deleting.db.delete_backup(BackupArn=summary["BackupArn"])
    assert deleting.rows() == 0


def test_a_system_backup_goes_after_35_days(deleting: Deleting) -> None:
    """Until then it is there; then it is gone, with its rows."""
    deleting.make(is_recoverable=True)
    deleting.db.delete_table(TableName=TABLE)
    (summary,) = deleting.backups(BackupType="SYSTEM")
    deleting.pass_days(34)
    assert deleting.backups(BackupType="SYSTEM") == [summary]
    deleting.pass_days(1)
    until(lambda: deleting.backups(BackupType="SYSTEM") == [])
    assert deleting.rows() == 0
    with pytest.raises(ClientError, match="Backup not found"):
        deleting.db.describe_backup(BackupArn=summary["BackupArn"])


def test_a_table_without_recovery_leaves_nothing(deleting: Deleting) -> None:
    """No backup, and no row."""
    deleting.make(is_recoverable=False)
    deleting.db.delete_table(TableName=TABLE)
    assert deleting.backups(BackupType="ALL") == []
    assert deleting.rows() == 0
