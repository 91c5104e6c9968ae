"""Backups and recovery: a copy is the table as it was at its moment, whatever happens meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.clock import SystemClock, VirtualClock
from haar.kit.call import Scope
from haar.testing import Running, running

SECONDS_MAX = 60
INDEX = {
    "IndexName": "by-group",
    "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


def put(db: Any, table: str, number: int, version: int = 0) -> None:
    item = {
        "p": {"S": f"item {number}"},
        "group": {"S": f"group {(number + version) % 3}"},
        "version": {"N": str(version)},
    }
    db.put_item(TableName=table, Item=item)


def content(db: Any, table: str, **members: Any) -> dict[str, str]:
    """Return key → version of all items."""
    pages = db.get_paginator("scan").paginate(TableName=table, **members)
    return {item["p"]["S"]: item["version"]["N"] for page in pages for item in page["Items"]}


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not found():
        assert time.monotonic() < deadline, "it takes too long"


def is_active(db: Any, table: str) -> bool:
    return bool(db.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE")


def is_available(db: Any, arn: str) -> bool:
    details = db.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
    return bool(details["BackupStatus"] == "AVAILABLE")


@pytest.fixture
def indexed(make_table: Callable[..., str]) -> str:
    """A table with an index."""
    return make_table("p:S", "group:S", GlobalSecondaryIndexes=[INDEX])


def code(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_a_backup_is_the_table_of_its_moment(db: Any, indexed: str) -> None:
    """Writes that go on while it is made are not in it; the restored table has its indexes."""
    for number in range(500):
        put(db, indexed, number)
    before = content(db, indexed)
    arn = db.create_backup(TableName=indexed, BackupName="nightly")["BackupDetails"]["BackupArn"]
    is_over = threading.Event()

    def write_on() -> None:
        version = 0
        while not is_over.is_set():
            version += 1
            put(db, indexed, version % 600, version)
            db.delete_item(TableName=indexed, Key={"p": {"S": f"item {version * 7 % 500}"}})

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        until(lambda: is_available(db, arn))
        restored = f"{indexed}-restored"
        db.restore_table_from_backup(TargetTableName=restored, BackupArn=arn)
        until(lambda: is_active(db, restored))
    finally:
        is_over.set()
        writer.join()
    assert content(db, restored) == before
    assert content(db, restored, IndexName="by-group") == before
    described = db.describe_table(TableName=restored)["Table"]
    assert described["ItemCount"] == 500
    assert described["GlobalSecondaryIndexes"][0]["ItemCount"] == 500
    assert content(db, indexed) != before


def test_a_backup_outlives_its_table(db: Any, indexed: str) -> None:
    """A backup can be listed, restored and deleted when its table is gone."""
    put(db, indexed, 1)
    arn = db.create_backup(TableName=indexed, BackupName="last")["BackupDetails"]["BackupArn"]
    until(lambda: is_available(db, arn))
    db.delete_table(TableName=indexed)
    (summary,) = db.list_backups(TableName=indexed)["BackupSummaries"]
    assert (summary["BackupArn"], summary["BackupName"]) == (arn, "last")
    db.restore_table_from_backup(
        TargetTableName=indexed, BackupArn=arn, GlobalSecondaryIndexOverride=[]
    )
    until(lambda: is_active(db, indexed))
    assert content(db, indexed) == {"item 1": "0"}
    assert "GlobalSecondaryIndexes" not in db.describe_table(TableName=indexed)["Table"]
    db.update_table(TableName=indexed, DeletionProtectionEnabled=True)
    restore = {"TargetTableName": indexed, "BackupArn": arn}
    assert code(lambda: db.restore_table_from_backup(**restore)) == "TableAlreadyExistsException"
    until(lambda: _deletes(db, arn))
    assert code(lambda: db.describe_backup(BackupArn=arn)) == "BackupNotFoundException"


def test_a_table_tells_what_it_was_restored_from(db: Any, table: str) -> None:
    """A restored table names its backup or its source for ever; a backup tells the features."""
    db.update_table(
        TableName=table,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        OnDemandThroughput={"MaxReadRequestUnits": 7, "MaxWriteRequestUnits": 8},
    )
    db.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "end"}
    )
    arn = db.create_backup(TableName=table, BackupName="told")["BackupDetails"]["BackupArn"]
    until(lambda: is_available(db, arn))
    backup = db.describe_backup(BackupArn=arn)["BackupDescription"]
    features = backup["SourceTableFeatureDetails"]
    assert features["StreamDescription"] == {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    assert features["TimeToLiveDescription"]["AttributeName"] == "end"
    assert backup["SourceTableDetails"]["OnDemandThroughput"]["MaxReadRequestUnits"] == 7
    source = backup["SourceTableDetails"]["TableArn"]
    specification = {"PointInTimeRecoveryEnabled": True}
    db.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)
    first, second = f"{table}-first", f"{table}-second"
    made = db.restore_table_from_backup(TargetTableName=first, BackupArn=arn)["TableDescription"]
    assert made["RestoreSummary"]["RestoreInProgress"] is True
    db.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName=second, UseLatestRestorableTime=True
    )
    for restored, backup_arn in ((first, arn), (second, None)):
        until(lambda restored=restored: is_active(db, restored))
        described = db.describe_table(TableName=restored)["Table"]
        summary = described["RestoreSummary"]
        assert summary.pop("RestoreDateTime") <= described["CreationDateTime"]
        assert summary.pop("SourceBackupArn", None) == backup_arn
        assert summary == {"SourceTableArn": source, "RestoreInProgress": False}
    assert "RestoreSummary" not in db.describe_table(TableName=table)["Table"]


def test_a_restore_changes_the_billing_of_indexes(db: Any, indexed: str) -> None:
    """The capacity of an index is the override's; it is missed where it must be given."""
    arn = db.create_backup(TableName=indexed, BackupName="billed")["BackupDetails"]["BackupArn"]
    until(lambda: is_available(db, arn))
    units = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}
    restore = {
        "TargetTableName": f"{indexed}-provisioned",
        "BackupArn": arn,
        "BillingModeOverride": "PROVISIONED",
        "ProvisionedThroughputOverride": units,
    }
    assert code(lambda: db.restore_table_from_backup(**restore)) == "ValidationException"
    override = [{**INDEX, "ProvisionedThroughput": units}]
    made = db.restore_table_from_backup(**restore, GlobalSecondaryIndexOverride=override)
    (index,) = made["TableDescription"]["GlobalSecondaryIndexes"]
    assert index["ProvisionedThroughput"]["ReadCapacityUnits"] == 2
    assert index["ProvisionedThroughput"]["WriteCapacityUnits"] == 3


def _deletes(db: Any, arn: str) -> bool:
    try:
        db.delete_backup(BackupArn=arn)
    except db.exceptions.BackupInUseException:
        return False
    return True


def test_a_table_is_recovered_to_any_moment() -> None:
    """Each moment of the recovery period gives the table as it was then."""
    clock = VirtualClock(SystemClock().now_ms() // 1000 * 1000)  # signatures are of today
    with running(clock=clock) as cloud:
        db = cloud.client("dynamodb")
        keys = [{"AttributeName": "p", "KeyType": "HASH"}]
        names = [{"AttributeName": "p", "AttributeType": "S"}]
        db.create_table(
            TableName="live",
            KeySchema=keys,
            AttributeDefinitions=names,
            BillingMode="PAY_PER_REQUEST",
        )
        put(db, "live", 0)
        off = {"SourceTableName": "live", "TargetTableName": "other"}
        refused = code(
            lambda: db.restore_table_to_point_in_time(**off, UseLatestRestorableTime=True)
        )
        assert refused == "PointInTimeRecoveryUnavailableException"
        specification = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}
        db.update_continuous_backups(
            TableName="live", PointInTimeRecoverySpecification=specification
        )
        moments: list[tuple[datetime, dict[str, str]]] = []
        told = db.describe_continuous_backups(TableName="live")["ContinuousBackupsDescription"]
        latest = told["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
        assert latest == _now(clock)
        for version in range(1, 5):
            cloud.run(_advance(clock, 60_000))
            for number in range(version * 3):
                put(db, "live", number, version)
            db.delete_item(TableName="live", Key={"p": {"S": f"item {version}"}})
            moments.append((_now(clock), content(db, "live")))
        cloud.run(_advance(clock, 60_000))
        for number, (at, expected) in enumerate(moments):
            target = f"recovered-{number}"
            db.restore_table_to_point_in_time(
                SourceTableName="live", TargetTableName=target, RestoreDateTime=at
            )
            until(lambda target=target: is_active(db, target))
            assert content(db, target) == expected
        early = _now(clock) - timedelta(days=1)
        restore = {**off, "RestoreDateTime": early}
        assert code(lambda: db.restore_table_to_point_in_time(**restore)) == (
            "InvalidRestoreTimeException"
        )


@pytest.mark.parametrize("is_latest", [True, False])
def test_what_comes_after_a_restore_was_asked_for_is_not_in_it(
    travel: Any, *, is_latest: bool
) -> None:
    """A write of the same millisecond is in the restored table if it came first, and only then."""

    travel.make_table()
    travel.call(
        "UpdateContinuousBackups",
        TableName="travelled",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    before, after = ({"p": {"S": name}} for name in ("before", "after"))
    latest = {"UseLatestRestorableTime": True}
    names = {"SourceTableName": "travelled", "TargetTableName": "restored"}
    moment = latest if is_latest else {"RestoreDateTime": _now(travel.clock)}
    travel.call_in_turn(
        ("PutItem", {"TableName": "travelled", "Item": before}),
        ("RestoreTableToPointInTime", {**names, **moment}),
        ("PutItem", {"TableName": "travelled", "Item": after}),
        ("DeleteItem", {"TableName": "travelled", "Key": before}),
    )
    travel.until(60_000 * 10, lambda: _status(travel, "restored") == "ACTIVE")
    assert travel.call("Scan", TableName="restored")["Items"] == [before]


def _status(travel: Any, table: str) -> str:
    return str(travel.call("DescribeTable", TableName=table)["Table"]["TableStatus"])


def test_a_longer_period_brings_nothing_back(travel: Any) -> None:
    """What a shorter recovery period has let go cannot be asked for when it is longer again."""

    def earliest(days: int) -> datetime:
        specification = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": days}
        answer = travel.call(
            "UpdateContinuousBackups",
            TableName="travelled",
            PointInTimeRecoverySpecification=specification,
        )
        told = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        found: datetime = told["EarliestRestorableDateTime"]
        return found

    travel.make_table()
    begun = earliest(35)
    travel.clock.advance(3 * 24 * 60 * 60 * 1000)
    assert earliest(35) == begun
    assert earliest(1) == begun + timedelta(days=2)
    assert earliest(35) == begun + timedelta(days=2)


async def _advance(clock: VirtualClock, by_ms: int) -> None:
    clock.advance(by_ms)


def _now(clock: VirtualClock) -> datetime:
    return datetime.fromtimestamp(clock.now_ms() / 1000, UTC)


def test_backups_are_listed_a_page_at_a_time(db: Any, table: str) -> None:
    """Pages follow each other; a start or an ARN that is none is refused."""
    arns = [
        db.create_backup(TableName=table, BackupName=f"backup-{n}")["BackupDetails"]["BackupArn"]
        for n in range(3)
    ]
    first = db.list_backups(TableName=table, Limit=2)
    rest = db.list_backups(
        TableName=table, Limit=2, ExclusiveStartBackupArn=first["LastEvaluatedBackupArn"]
    )
    listed = first["BackupSummaries"] + rest["BackupSummaries"]
    assert sorted(one["BackupArn"] for one in listed) == sorted(arns)
    assert "LastEvaluatedBackupArn" not in rest
    wrong = f"{arns[0]}/more/of/it"
    assert code(lambda: db.list_backups(ExclusiveStartBackupArn=wrong)) == "ValidationException"
    assert code(lambda: db.describe_backup(BackupArn=wrong)) == "BackupNotFoundException"
    for name in ("export", "import"):
        describe = getattr(db, f"describe_{name}")
        member = {f"{name.capitalize()}Arn": wrong}
        refused = code(lambda describe=describe, member=member: describe(**member))
        assert refused == f"{name.capitalize()}NotFoundException"


def test_a_listing_stays_in_its_account(db: Any, cloud: Running, table: str) -> None:
    """A page that begins in another account shows nothing of it."""
    arn = db.create_backup(TableName=table, BackupName="theirs")["BackupDetails"]["BackupArn"]
    until(lambda: is_available(db, arn))
    first = f"{arn.partition('/')[0]}/aaa/backup/0"  # before all that the other account has
    call = cloud.app.cloud.invoke(
        "dynamodb",
        "ListBackups",
        {"ExclusiveStartBackupArn": first},
        as_="arn:aws:iam::999999999999:role/curious",
        scope=Scope("999999999999", "us-east-1"),
    )
    assert list(cloud.run(call).values()) == [[]]
