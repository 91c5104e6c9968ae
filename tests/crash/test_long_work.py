"""SIGKILL while DynamoDB does what takes a while: it goes on, and comes to the exact right end."""

import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haar.cli.demo.process import HaarProcess
from haar.kernel.entropy import SeededEntropy

ROUNDS = int(os.environ.get("HAAR_CRASH_ROUNDS", "2"))
KILLS = 2
ITEMS = 3_000
OBJECTS = 6
LOOKS = 20
SECONDS_MAX = 120
BUCKET, SOURCE = "crash", "source"
KEYS: Any = {
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [
        {"AttributeName": "p", "AttributeType": "S"},
        {"AttributeName": "g", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
INDEX = {
    "IndexName": "by-g",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


def item(number: int, version: int = 0) -> dict[str, Any]:
    group = f"group {(number + version) % 7}"
    return {"p": {"S": f"item {number}"}, "g": {"S": group}, "pad": {"S": "x" * 200}}


def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be"


def content(db: Any, table: str, **more: Any) -> dict[str, Any]:
    """Return what a table, or an index, has."""
    pages = db.get_paginator("scan").paginate(TableName=table, **more)
    found = [one for page in pages for one in page["Items"]]
    by_key = {one["p"]["S"]: one for one in found}
    assert len(by_key) == len(found), "an item comes twice"
    return by_key


def agrees(db: Any, table: str) -> dict[str, Any]:
    """Return what a table has; its index has the same, and the counts say so."""
    described = db.describe_table(TableName=table)["Table"]
    (index,) = described["GlobalSecondaryIndexes"]
    found = content(db, table)
    assert content(db, table, IndexName="by-g") == found
    assert (described["ItemCount"], index["ItemCount"]) == (len(found), len(found))
    assert (described["TableStatus"], index["IndexStatus"]) == ("ACTIVE", "ACTIVE")
    return found


class LongWork:
    """One kind of work.

    Attributes:
        db: a client of DynamoDB.
        s3: a client of S3.
    """

    def __init__(self, haar: HaarProcess) -> None:
        self.db, self.s3 = haar.client("dynamodb"), haar.client("s3")

    def prepare(self) -> None:
        """Make what the work is done on."""
        self.db.create_table(TableName=SOURCE, **KEYS, GlobalSecondaryIndexes=[INDEX])
        for start in range(0, ITEMS, 25):
            puts = [{"PutRequest": {"Item": item(n)}} for n in range(start, start + 25)]
            self.db.batch_write_item(RequestItems={SOURCE: puts})

    def begin(self, number: int) -> None:
        """Begin the work of a round."""
        raise NotImplementedError

    def done(self) -> int:
        """Return how many items are done, more than there are once the work is at its end."""
        raise NotImplementedError

    def reach(self, goal: int) -> bool:
        """Return once so many items are done: whether the work is still under way then."""
        until(lambda: self.done() >= goal)
        return self.done() <= ITEMS

    def check(self) -> None:
        """Check that it has come to its right end."""
        raise NotImplementedError


class Backfill(LongWork):
    """A new index gets the items that are there, while some of them change."""

    version = 0

    def begin(self, number: int) -> None:
        self._update([{"Delete": {"IndexName": "by-g"}}])
        self._update([{"Create": INDEX}])

    def _update(self, updates: Any) -> None:
        definitions = KEYS["AttributeDefinitions"]
        self.db.update_table(
            TableName=SOURCE,
            AttributeDefinitions=definitions if "Create" in updates[0] else definitions[:1],
            GlobalSecondaryIndexUpdates=updates,
        )

    def done(self) -> int:
        self.version += 1
        self.db.put_item(TableName=SOURCE, Item=item(self.version % ITEMS, self.version))
        (index,) = self.db.describe_table(TableName=SOURCE)["Table"]["GlobalSecondaryIndexes"]
        return ITEMS + 1 if index["IndexStatus"] == "ACTIVE" else int(index["ItemCount"])

    def check(self) -> None:
        assert len(agrees(self.db, SOURCE)) == ITEMS


class Restore(LongWork):
    """A table is made of a backup."""

    name = arn = ""

    def prepare(self) -> None:
        super().prepare()
        made = self.db.create_backup(TableName=SOURCE, BackupName="crash")
        self.arn = made["BackupDetails"]["BackupArn"]
        until(self._is_available)
        self.db.put_item(TableName=SOURCE, Item=item(ITEMS + 7))  # not in the backup

    def _is_available(self) -> bool:
        told = self.db.describe_backup(BackupArn=self.arn)["BackupDescription"]
        return bool(told["BackupDetails"]["BackupStatus"] == "AVAILABLE")

    def begin(self, number: int) -> None:
        self.name = f"restored-{number}"
        self.db.restore_table_from_backup(TargetTableName=self.name, BackupArn=self.arn)

    def done(self) -> int:
        table = self.db.describe_table(TableName=self.name)["Table"]
        return ITEMS + 1 if table["TableStatus"] == "ACTIVE" else int(table["ItemCount"])

    def check(self) -> None:
        assert agrees(self.db, self.name) == {f"item {n}": item(n) for n in range(ITEMS)}


class Export(LongWork):
    """A table is written to S3; how far it is cannot be seen, so that looks are counted."""

    arn = ""
    looks = 0

    def prepare(self) -> None:
        super().prepare()
        self.s3.create_bucket(Bucket=BUCKET)
        self.db.update_continuous_backups(
            TableName=SOURCE,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )

    def begin(self, number: int) -> None:
        table = self.db.describe_table(TableName=SOURCE)["Table"]["TableArn"]
        started = self.db.export_table_to_point_in_time(TableArn=table, S3Bucket=BUCKET)
        self.arn = started["ExportDescription"]["ExportArn"]
        self.looks = 0

    def done(self) -> int:
        told = self.db.describe_export(ExportArn=self.arn)["ExportDescription"]
        if told["ExportStatus"] != "IN_PROGRESS":
            return ITEMS + 1
        self.looks += 1
        return min(ITEMS, self.looks * ITEMS // LOOKS)

    def check(self) -> None:
        told = self.db.describe_export(ExportArn=self.arn)["ExportDescription"]
        assert (told["ExportStatus"], told["ItemCount"]) == ("COMPLETED", ITEMS)
        summary = json.loads(self._body(told["ExportManifest"]))
        files = list(map(json.loads, self._body(summary["manifestFilesS3Key"]).splitlines()))
        assert sum(file["itemCount"] for file in files) == ITEMS
        data = [gzip.decompress(self._body(file["dataFileS3Key"])) for file in files]
        lines = [json.loads(line)["Item"] for text in data for line in text.splitlines()]
        assert len(lines) == ITEMS
        assert {one["p"]["S"]: one for one in lines} == content(self.db, SOURCE)
        folder = told["ExportManifest"].rpartition("/")[0]
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{folder}/data/")["Contents"]
        assert [one["Key"] for one in listed] == [file["dataFileS3Key"] for file in files]

    def _body(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


class Import(LongWork):
    """A table is made of objects in S3."""

    name = arn = ""

    def prepare(self) -> None:
        self.s3.create_bucket(Bucket=BUCKET)
        for part in range(OBJECTS):
            lines = [json.dumps({"Item": item(n)}) for n in range(part, ITEMS, OBJECTS)]
            body = gzip.compress("\n".join(lines).encode())
            self.s3.put_object(Bucket=BUCKET, Key=f"data/{part}", Body=body)

    def begin(self, number: int) -> None:
        self.name = f"imported-{number}"
        started = self.db.import_table(
            S3BucketSource={"S3Bucket": BUCKET, "S3KeyPrefix": "data/"},
            InputFormat="DYNAMODB_JSON",
            InputCompressionType="GZIP",
            TableCreationParameters={
                "TableName": self.name,
                **KEYS,
                "GlobalSecondaryIndexes": [INDEX],
            },
        )
        self.arn = started["ImportTableDescription"]["ImportArn"]

    def _told(self) -> Any:
        return self.db.describe_import(ImportArn=self.arn)["ImportTableDescription"]

    def done(self) -> int:
        if self._told()["ImportStatus"] != "IN_PROGRESS":
            return ITEMS + 1
        return int(self.db.describe_table(TableName=self.name)["Table"]["ItemCount"])

    def check(self) -> None:
        told = self._told()
        counts = [told[name] for name in ("ProcessedItemCount", "ImportedItemCount", "ErrorCount")]
        assert (told["ImportStatus"], counts) == ("COMPLETED", [ITEMS, ITEMS, 0])
        assert agrees(self.db, self.name) == {f"item {n}": item(n) for n in range(ITEMS)}


@pytest.mark.crash
@pytest.mark.slow
@pytest.mark.parametrize("kind", [Backfill, Restore, Export, Import])
def test_long_work_survives_every_kill(
    tmp_path: Path, moments: SeededEntropy, kind: type[LongWork]
) -> None:
    """However often haar dies under it, the work ends once, and what it made is exactly right."""
    haar = HaarProcess(tmp_path / "data")
    haar.start()
    try:
        work = kind(haar)
        work.prepare()
        caught = 0
        for number in range(ROUNDS):
            work.begin(number)
            for kill in range(KILLS):
                goal = int(ITEMS * (kill + moments.fraction()) / KILLS)
                caught += work.reach(goal)
                haar.kill()
                haar.start()
            until(lambda: work.done() > ITEMS)
            work.check()
        print(f"killed {caught} times while at work")
        # Nothing that was under way holds a table or a backup for ever.
        for table in work.db.list_tables()["TableNames"]:
            work.db.delete_table(TableName=table)
        for backup in work.db.list_backups()["BackupSummaries"]:
            work.db.delete_backup(BackupArn=backup["BackupArn"])
    finally:
        haar.kill()
