"""UpdateTable, tags and limits through boto3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.errors import ApiError
from haar.services.dynamodb import keys
from haar.store.api import Transaction
from haar.testing import running

TABLES = "arn:aws:dynamodb:us-east-1:000000000000:table/"
PARAMETERS = "One or more parameter values were invalid: "


def global_index(name: str, attribute: str, **more: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        **more,
    }


def defined(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def create(name: str, attribute: str, kind: str = "S") -> dict[str, Any]:
    return {
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": kind}],
        "GlobalSecondaryIndexUpdates": [{"Create": global_index(name, attribute)}],
    }


def wait_for_index(db: Any, table: str, index: str) -> Any:
    """Return the index's description once it is ACTIVE."""
    while True:
        described = db.describe_table(TableName=table)["Table"]
        found = {one["IndexName"]: one for one in described["GlobalSecondaryIndexes"]}[index]
        if found["IndexStatus"] == "ACTIVE":
            return found
        assert found["IndexStatus"] == "CREATING"
        assert found["Backfilling"] is True


H = global_index("by-h", "h")


def test_a_table_changes_its_settings(db: Any, table: str) -> None:
    """Billing, capacity, class and protection change while the table works."""
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    changed = db.update_table(
        TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=units
    )["TableDescription"]
    assert changed["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert changed["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    assert "LastIncreaseDateTime" in changed["ProvisionedThroughput"]
    with pytest.raises(ClientError, match="The provisioned throughput for the table will not"):
        db.update_table(TableName=table, ProvisionedThroughput=units)
    changed = db.update_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": -1},
        TableClass="STANDARD_INFREQUENT_ACCESS",
        DeletionProtectionEnabled=True,
    )["TableDescription"]
    assert changed["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    assert changed["OnDemandThroughput"] == {
        "MaxReadRequestUnits": 10,
        "MaxWriteRequestUnits": -1,
    }
    assert changed["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    with pytest.raises(ClientError, match="currently protected against deletion"):
        db.delete_table(TableName=table)
    db.update_table(TableName=table, DeletionProtectionEnabled=False)
    db.delete_table(TableName=table)


def test_a_new_index_gets_what_was_there_before(db: Any, table: str) -> None:
    """A back-fill adds every item that has the key, beside the writes of the meantime."""
    for start in range(0, 500, 25):
        db.batch_write_item(
            RequestItems={
                table: [
                    {"PutRequest": {"Item": {"p": {"S": str(n)}, "g": {"S": str(n % 5)}}}}
                    for n in range(start, start + 25)
                ]
            }
        )
    odd: list[dict[str, Any]] = [{"N": "1"}, {"S": ""}, {"S": "x" * 2049}, {"NULL": True}]
    for number, value in enumerate(odd):
        db.put_item(TableName=table, Item={"p": {"S": f"odd {number}"}, "g": value})
    made = db.update_table(TableName=table, **create("by-g", "g"))["TableDescription"]
    assert made["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    for number in range(0, 500, 7):
        db.update_item(
            TableName=table,
            Key={"p": {"S": str(number)}},
            UpdateExpression="SET g = :g",
            ExpressionAttributeValues={":g": {"S": "moved"}},
        )
    for number in range(1, 500, 7):
        db.delete_item(TableName=table, Key={"p": {"S": str(number)}})
    found = wait_for_index(db, table, "by-g")
    expected = {str(n): "moved" if n % 7 == 0 else str(n % 5) for n in range(500) if n % 7 != 1}
    pages = db.get_paginator("scan").paginate(TableName=table, IndexName="by-g")
    entries = {i["p"]["S"]: i["g"]["S"] for page in pages for i in page["Items"]}
    assert entries == expected
    assert found["ItemCount"] == len(expected)


def test_an_index_is_not_removed_beside_another_that_is_made(travel: Any) -> None:
    """Neither in one request nor while the other is filled, which itself may be given up."""
    travel.make_table(["g", "h"], GlobalSecondaryIndexes=[global_index("old", "g"), H])
    drop = {"Delete": {"IndexName": "old"}}
    made = {"TableName": "travelled", **create("new", "g")}
    both = {**made, "GlobalSecondaryIndexUpdates": [*made["GlobalSecondaryIndexUpdates"], drop]}
    only = {"TableName": "travelled", "GlobalSecondaryIndexUpdates": [drop]}
    for calls in ([both], [made, only]):
        with pytest.raises(ApiError, match="Only 1 online index"):
            travel.call_in_turn(*[("UpdateTable", members) for members in calls])
    travel.until(600_000, lambda: _statuses(travel)["new"] == "ACTIVE")
    give_up = [{"Delete": {"IndexName": "newer"}}]
    travel.call_in_turn(
        ("UpdateTable", {"TableName": "travelled", **create("newer", "g")}),
        ("UpdateTable", {"TableName": "travelled", "GlobalSecondaryIndexUpdates": give_up}),
    )
    assert set(_statuses(travel)) == {"old", "by-h", "new"}


def _statuses(travel: Any) -> dict[str, str]:
    described = travel.call("DescribeTable", TableName="travelled")["Table"]
    return {i["IndexName"]: i["IndexStatus"] for i in described["GlobalSecondaryIndexes"]}


def test_a_back_fill_goes_on_after_a_restart(tmp_path: Path) -> None:
    """An index that lacks items cannot be read, and gets them whenever haar runs again."""
    with running(data=tmp_path) as cloud:
        db = cloud.client("dynamodb")
        db.create_table(
            TableName="filled",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for number in range(150):
            db.put_item(TableName="filled", Item={"p": {"S": str(number)}, "g": {"S": "g"}})
        cloud.run(cloud.app._parts.workers.stop())
        db.update_table(TableName="filled", **create("by-g", "g"))
        with pytest.raises(ClientError, match="Cannot read from backfilling global secondary"):
            db.scan(TableName="filled", IndexName="by-g")
    with running(data=tmp_path) as cloud:
        db = cloud.client("dynamodb")
        assert wait_for_index(db, "filled", "by-g")["ItemCount"] == 150
        assert db.scan(TableName="filled", IndexName="by-g", Select="COUNT")["Count"] == 150


def test_indexes_are_made_one_at_a_time(db: Any, table: str) -> None:
    """A second index has to wait for the first; a removed one leaves no trace."""
    both = [{"Create": global_index("one", "g")}, {"Create": global_index("two", "g")}]
    with pytest.raises(ClientError, match="Only 1 online index can be created") as refused:
        db.update_table(
            TableName=table, **{**create("one", "g"), "GlobalSecondaryIndexUpdates": both}
        )
    assert refused.value.response["Error"]["Code"] == "LimitExceededException"
    db.put_item(TableName=table, Item={"p": {"S": "a"}, "g": {"S": "g"}})
    db.update_table(TableName=table, **create("one", "g"))
    wait_for_index(db, table, "one")
    with pytest.raises(ClientError, match="Duplicate index name: one"):
        db.update_table(TableName=table, **create("one", "g"))
    with pytest.raises(ClientError) as refused:
        db.put_item(TableName=table, Item={"p": {"S": "b"}, "g": {"N": "1"}})
    assert refused.value.response["Error"]["Message"] == (
        f"{PARAMETERS}Type mismatch for Index Key g Expected: S Actual: N IndexName: one"
    )
    db.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "one"}}])
    described = db.describe_table(TableName=table)["Table"]
    assert "GlobalSecondaryIndexes" not in described
    assert [one["AttributeName"] for one in described["AttributeDefinitions"]] == ["p"]
    db.put_item(TableName=table, Item={"p": {"S": "b"}, "g": {"N": "1"}})
    db.update_table(TableName=table, **create("one", "g", "N"))
    wait_for_index(db, table, "one")
    assert db.scan(TableName=table, IndexName="one")["Items"] == [
        {"p": {"S": "b"}, "g": {"N": "1"}}
    ]


def test_a_key_keeps_its_type(db: Any, table: str) -> None:
    """A defined attribute cannot get another type, and what is defined has a use."""
    unprotected = {"DeletionProtectionEnabled": False}
    with pytest.raises(ClientError) as refused:
        db.update_table(TableName=table, **create("idx", "p", "N"))
    assert refused.value.response["Error"]["Message"] == (
        "Attributes cannot be redefined. Please check that your attribute has the same type as "
        "previously defined. Existing schema: Schema:[SchemaElement: key{p:S:HASH}] New schema: "
        "Schema:[SchemaElement: key{p:N:HASH}]"
    )
    with pytest.raises(ClientError, match="does not exactly match number of attributes"):
        db.update_table(TableName=table, AttributeDefinitions=defined("p", "x"), **unprotected)
    with pytest.raises(ClientError, match="At least one of ProvisionedThroughput, BillingMode"):
        db.update_table(TableName=table)
    with pytest.raises(ClientError, match="At least one of ProvisionedThroughput, BillingMode"):
        db.update_table(TableName=table, GlobalSecondaryIndexUpdates=[])


def test_capacity_is_lowered_four_times_a_day_and_once_an_hour_then(travel: Any) -> None:
    """The fifth decrease waits for an hour; a new day begins anew; indexes count for themselves."""

    def units(read: int) -> dict[str, int]:
        return {"ReadCapacityUnits": read, "WriteCapacityUnits": 1}

    def lower(read: int) -> Any:
        answer = travel.call(
            "UpdateTable", TableName="travelled", ProvisionedThroughput=units(read)
        )
        return answer["TableDescription"]["ProvisionedThroughput"]

    day_ms, hour_ms = 86_400_000, 3_600_000
    travel.clock.advance(day_ms - travel.clock.now_ms() % day_ms)
    index = global_index("by-g", "g", ProvisionedThroughput=units(20))
    travel.make_table(
        ["g"],
        BillingMode="PROVISIONED",
        ProvisionedThroughput=units(20),
        GlobalSecondaryIndexes=[index],
    )
    assert [lower(read)["NumberOfDecreasesToday"] for read in (19, 18, 17, 16)] == [1, 2, 3, 4]
    with pytest.raises(ApiError, match="decreases today: 4") as refused:
        lower(15)
    assert refused.value.code == "LimitExceededException"
    assert refused.value.text.endswith(" 1:00:00 AM UTC")
    assert lower(21)["NumberOfDecreasesToday"] == 4
    update = {"Update": {"IndexName": "by-g", "ProvisionedThroughput": units(19)}}
    answer = travel.call("UpdateTable", TableName="travelled", GlobalSecondaryIndexUpdates=[update])
    (described,) = answer["TableDescription"]["GlobalSecondaryIndexes"]
    assert described["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 1
    assert "LastDecreaseDateTime" in described["ProvisionedThroughput"]
    travel.clock.advance(hour_ms)
    assert lower(14)["NumberOfDecreasesToday"] == 5
    with pytest.raises(ApiError, match="Number of decreases today: 5"):
        lower(13)
    travel.clock.advance(day_ms - hour_ms)
    assert lower(12)["NumberOfDecreasesToday"] == 1


def test_a_table_has_40000_units_at_most(db: Any, table: str, make_table: Any) -> None:
    """More is refused when a table is made, when it is changed, and of an index."""
    most = {"ReadCapacityUnits": 40_000, "WriteCapacityUnits": 40_000}
    more = {**most, "WriteCapacityUnits": 40_001}
    make_table(BillingMode="PROVISIONED", ProvisionedThroughput=most)
    for call in (
        lambda: make_table(BillingMode="PROVISIONED", ProvisionedThroughput=more),
        lambda: db.update_table(
            TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=more
        ),
        lambda: make_table(
            more="g:S",
            BillingMode="PROVISIONED",
            ProvisionedThroughput=most,
            GlobalSecondaryIndexes=[global_index("by-g", "g", ProvisionedThroughput=more)],
        ),
    ):
        with pytest.raises(db.exceptions.LimitExceededException, match="above the per-table"):
            call()


def test_an_account_has_2500_tables_at_most(travel: Any) -> None:
    """One more is refused, however it is made; one that is deleted makes room."""
    travel.make_table()
    template = travel.transact(lambda tx: tx.get(keys.table(f"{TABLES}travelled")))

    def fill(tx: Transaction) -> None:
        for number in range(2499):
            tx.put(keys.table(f"{TABLES}table-{number}"), template)

    travel.transact(fill)
    with pytest.raises(ApiError, match="There is a limit of 2500 tables per subscriber"):
        travel.make_table(TableName="another")
    travel.transact(lambda tx: tx.clear(keys.table(f"{TABLES}table-0")))
    travel.make_table(TableName="another")


def test_tags_belong_to_a_table(db: Any, make_table: Callable[..., str]) -> None:
    """Tags are added, replaced, removed, and end with their table."""
    name = make_table(Tags=[{"Key": "team", "Value": "a"}])
    arn = db.describe_table(TableName=name)["Table"]["TableArn"]
    db.tag_resource(
        ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": ""}]
    )
    assert db.list_tags_of_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "team", "Value": "b"},
        {"Key": "cost", "Value": ""},
    ]
    db.untag_resource(ResourceArn=arn, TagKeys=["team", "absent"])
    assert db.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": ""}]
    with pytest.raises(ClientError, match="Too many tags"):
        db.tag_resource(
            ResourceArn=arn, Tags=[{"Key": str(number), "Value": ""} for number in range(50)]
        )
    db.delete_table(TableName=name)
    with pytest.raises(ClientError, match="Requested resource not found: ResourcArn"):
        db.list_tags_of_resource(ResourceArn=arn)


def test_limits_and_endpoints_are_told(db: Any, cloud: Any) -> None:
    """SDKs that ask for limits and endpoints get answers."""
    assert db.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
    (endpoint,) = db.describe_endpoints()["Endpoints"]
    assert endpoint["Address"] == cloud.endpoint.removeprefix("http://")


def test_an_index_goes_whatever_else_is_asked(db: Any, make_table: Callable[..., str]) -> None:
    """Its removal is not forgotten over a later change; two at once are refused."""
    indexes = [
        {
            "IndexName": f"by-{name}",
            "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        for name in ("first", "second")
    ]
    name = make_table("p:S", "first:S second:S", GlobalSecondaryIndexes=indexes)
    deletes = [{"Delete": {"IndexName": one["IndexName"]}} for one in indexes]
    with pytest.raises(ClientError, match="Only 1 online index"):
        db.update_table(TableName=name, GlobalSecondaryIndexUpdates=deletes)
    both = [{**deletes[0], "Update": {"IndexName": "by-second"}}]
    with pytest.raises(ClientError, match="must not be null"):
        db.update_table(TableName=name, GlobalSecondaryIndexUpdates=both)
    bound = {"IndexName": "by-second", "OnDemandThroughput": {"MaxReadRequestUnits": 9}}
    updates = [deletes[0], {"Update": bound}]
    told = db.update_table(TableName=name, GlobalSecondaryIndexUpdates=updates)["TableDescription"]
    assert [one["IndexName"] for one in told["GlobalSecondaryIndexes"]] == ["by-second"]
    assert [one["AttributeName"] for one in told["AttributeDefinitions"]] == ["p", "second"]
