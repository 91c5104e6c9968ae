"""Incremental exports: what has changed in a span of time, and nothing else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.clock import SystemClock, VirtualClock
from haar.kernel.entropy import SeededEntropy
from haar.kit.call import Call, Principal, Scope
from haar.testing import Running, running

MINUTE_MS = 60 * 1000
TABLE, BUCKET = "moving", "exports"


class Moving:
    """A haar whose time stands still unless it is advanced, with a table that can be recovered."""

    def __init__(self, cloud: Running, clock: VirtualClock) -> None:
        self._cloud, self._clock = cloud, clock
        self.db: Any = cloud.client("dynamodb")
        self.s3: Any = cloud.client("s3")
        self.arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}"

    def make(self) -> None:
        """Make the table and the bucket."""
        self.s3.create_bucket(Bucket=BUCKET)
        self.db.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        specification = {"PointInTimeRecoveryEnabled": True}
        self.db.update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification=specification
        )

    @property
    def now_ms(self) -> int:
        return self._clock.now_ms()

    def pass_minutes(self, minutes: int) -> None:
        async def advance() -> None:
            self._clock.advance(minutes * MINUTE_MS)

        self._cloud.run(advance())

    def put(self, p: str, version: int) -> None:
        self.db.put_item(TableName=TABLE, Item=item(p, version))

    def late(self, p: str, at_ms: int) -> None:
        """Put an item by a call that was accepted earlier."""
        cloud = self._cloud.app.cloud
        declared = cloud.registry.find("dynamodb", "dynamodb", "PutItem")
        scope = Scope("000000000000", "us-east-1")
        call = Call(
            service="dynamodb",
            operation="PutItem",
            members={"TableName": TABLE, "Item": item(p, 1)},
            principal=Principal("root", "arn:aws:iam::000000000000:root", scope.account, ""),
            scope=scope,
            resources=(self.arn,),
            request_id="",
            now_ms=at_ms,
            entropy=SeededEntropy(1),
            endpoint="",
        )
        self._cloud.run(cloud.transact(lambda tx: declared.function(call, tx)))

    def delete(self, p: str) -> None:
        self.db.delete_item(TableName=TABLE, Key={"p": {"S": p}})

    def start(self, from_ms: int, to_ms: int | None = None, **more: Any) -> str:
        """Ask for an export and return its ARN."""
        span: dict[str, Any] = {"ExportFromTime": moment(from_ms), **more}
        if to_ms is not None:
            span["ExportToTime"] = moment(to_ms)
        answer = self.db.export_table_to_point_in_time(
            TableArn=self.arn,
            S3Bucket=BUCKET,
            S3Prefix="here",
            ExportType="INCREMENTAL_EXPORT",
            IncrementalExportSpecification=span,
        )
        return str(answer["ExportDescription"]["ExportArn"])

    def ended(self, arn: str) -> Any:
        """Return the description of an export once it is at its end."""
        for _ in range(10_000):
            described = self.db.describe_export(ExportArn=arn)["ExportDescription"]
            if "EndTime" in described:
                return described
        raise AssertionError("it does not end")

    def lines(self, described: Any) -> list[Any]:
        """Return what an export has written."""
        summary = json.loads(self.body(described["ExportManifest"]))
        files = self.body(summary["manifestFilesS3Key"]).splitlines()
        data = [gzip.decompress(self.body(json.loads(f)["dataFileS3Key"])) for f in files]
        return [json.loads(line) for text in data for line in text.splitlines()]

    def body(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def item(p: str, version: int) -> dict[str, Any]:
    return {"p": {"S": p}, "version": {"N": str(version)}}


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


@pytest.fixture
def moving() -> Iterator[Moving]:
    """A table and a bucket, on a clock that the test moves."""
    clock = VirtualClock(SystemClock().now_ms() // 1000 * 1000)
    with running(clock=clock) as cloud:
        moving = Moving(cloud, clock)
        moving.make()
        yield moving


def test_each_change_is_a_line_with_its_images(moving: Moving) -> None:
    """Keys, the time of the last change, and both images or the new one alone."""
    for p in ("updated", "deleted", "left"):
        moving.put(p, 0)
    moving.pass_minutes(10)
    from_ms = moving.now_ms
    moving.put("updated", 1)
    moving.pass_minutes(5)
    moving.put("updated", 2)
    moving.put("inserted", 1)
    moving.delete("deleted")
    moving.put("passing", 1)
    moving.delete("passing")
    changed_ms = moving.now_ms
    moving.pass_minutes(15)
    to_ms = moving.now_ms
    moving.put("updated", 3)  # at the end, which is not in the span
    moving.put("late", 1)
    described = moving.ended(moving.start(from_ms, to_ms))
    assert (described["ExportStatus"], described["ExportType"], described["ItemCount"]) == (
        "COMPLETED",
        "INCREMENTAL_EXPORT",
        3,
    )
    assert described["IncrementalExportSpecification"] == {
        "ExportFromTime": moment(from_ms),
        "ExportToTime": moment(to_ms),
        "ExportViewType": "NEW_AND_OLD_IMAGES",
    }
    metadata = {"WriteTimestampMicros": {"N": str(changed_ms * 1000)}}
    expected = {
        "updated": {"NewImage": item("updated", 2), "OldImage": item("updated", 0)},
        "inserted": {"NewImage": item("inserted", 1)},
        "deleted": {"OldImage": item("deleted", 0)},
    }
    lines = moving.lines(described)
    assert sorted(lines, key=str) == sorted(
        (
            {"Metadata": metadata, "Keys": {"p": {"S": p}}, **images}
            for p, images in expected.items()
        ),
        key=str,
    )
    summary = json.loads(moving.body(described["ExportManifest"]))
    assert summary["exportType"] == "INCREMENTAL_EXPORT"
    assert summary["outputView"] == "NEW_AND_OLD_IMAGES"
    assert "exportTime" not in summary
    new = moving.ended(moving.start(from_ms, to_ms, ExportViewType="NEW_IMAGE"))
    assert {
        line["Keys"]["p"]["S"]: line.keys() - {"Metadata", "Keys"} for line in moving.lines(new)
    } == {
        "updated": {"NewImage"},
        "inserted": {"NewImage"},
        "deleted": set(),
    }
    listed = moving.db.list_exports(TableArn=moving.arn)["ExportSummaries"]
    assert [one["ExportType"] for one in listed] == ["INCREMENTAL_EXPORT"] * 2


def test_an_export_is_the_difference_of_two_moments(moving: Moving) -> None:
    """Whatever was written, and is written while it runs, it turns the old table into the new."""
    dice = SeededEntropy(7)
    history: list[tuple[int, dict[str, int]]] = []
    now: dict[str, int] = {}
    for version in range(1, 1200):
        p = f"item {int(dice.fraction() * 400)}"
        if dice.fraction() < 0.25:
            moving.delete(p)
            now.pop(p, None)
        else:
            moving.put(p, version)
            now[p] = version
        if version % 60 == 0:
            moving.pass_minutes(4)
            history.append((moving.now_ms, dict(now)))
    (from_ms, before), (to_ms, after) = history[4], history[14]
    arn = moving.start(from_ms, to_ms)
    for version in range(1200, 1400):  # while it runs
        moving.put(f"item {version % 400}", version)
    found = dict(before)
    for line in moving.lines(moving.ended(arn)):
        p = line["Keys"]["p"]["S"]
        assert line.get("OldImage") == (item(p, before[p]) if p in before else None)
        found.pop(p, None)
        if "NewImage" in line:
            found[p] = int(line["NewImage"]["version"]["N"])
    assert found == after
    moving.db.delete_table(TableName=TABLE)  # nothing holds it any more


def test_spans_that_follow_each_other_have_each_change_once(moving: Moving) -> None:
    """Also where commits are not in the order of their times, as of a batch across the moment."""
    from_ms = moving.now_ms
    moving.put("before", 1)
    moving.pass_minutes(20)
    middle_ms = moving.now_ms
    moving.put("after", 1)
    moving.late("late", middle_ms - 1)  # was asked for before the moment, and came after it
    moving.put("at last", 1)
    moving.pass_minutes(20)
    spans = ((from_ms, middle_ms), (middle_ms, moving.now_ms))
    exports = [moving.lines(moving.ended(moving.start(*span))) for span in spans]
    found = [[line["Keys"]["p"]["S"] for line in lines] for lines in exports]
    assert [sorted(names) for names in found] == [["after", "before", "late"], ["at last"]]


def test_an_export_goes_on_after_each_restart(tmp_path: Path) -> None:
    """However often haar ends while it gathers, each change comes once."""
    clock = VirtualClock(SystemClock().now_ms() // 1000 * 1000)
    with running(data=tmp_path, clock=clock) as cloud:
        moving = Moving(cloud, clock)
        moving.make()
        from_ms = moving.now_ms
        for number in range(600):
            moving.put(f"item {number % 500}", number)
        moving.pass_minutes(15)
        arn = moving.start(from_ms)
    for _ in range(3):
        with running(data=tmp_path, clock=clock) as cloud:
            Moving(cloud, clock).put("late", 1)
    with running(data=tmp_path, clock=clock) as cloud:
        moving = Moving(cloud, clock)
        lines = moving.lines(moving.ended(arn))
        found = {line["Keys"]["p"]["S"]: line["NewImage"]["version"]["N"] for line in lines}
        assert len(lines) == len(found)
        expected = {f"item {number % 500}": str(number) for number in range(600)}
        assert found == expected


@pytest.mark.parametrize(
    ("minutes", "code"),
    [
        ((-14, 0), "ValidationException"),
        ((-24 * 60 - 1, 0), "ValidationException"),
        ((-10, 10), "InvalidExportTimeException"),
        ((-120, -60), "InvalidExportTimeException"),
    ],
)
def test_a_span_is_short_and_past(moving: Moving, minutes: tuple[int, int], code: str) -> None:
    """A quarter of an hour to a day, not before the table can be recovered, nor in the future."""
    moving.pass_minutes(60)
    start, end = (moving.now_ms + one * MINUTE_MS for one in minutes)
    assert refusal(lambda: moving.start(start, end)) == code


def test_a_span_goes_with_incremental_exports(moving: Moving) -> None:
    """Without its kind a span is refused, and without a span its kind."""

    def ask(**more: Any) -> Any:
        return moving.db.export_table_to_point_in_time(TableArn=moving.arn, S3Bucket=BUCKET, **more)

    span = {"ExportFromTime": moment(moving.now_ms)}
    assert refusal(lambda: ask(IncrementalExportSpecification=span)) == "ValidationException"
    assert refusal(lambda: ask(ExportType="INCREMENTAL_EXPORT")) == "ValidationException"


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])
