"""Throttling of provisioned tables: off unless a setting asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.clock import SystemClock, VirtualClock
from haar.services.dynamodb.records import Level
from haar.services.dynamodb.throughput import left_of
from haar.testing import Running, running

_numbers = count()
SECOND_MS = 1000


class Throttled:
    """A haar that throttles, and whose time stands still unless it is advanced.

    Attributes:
        clock: its time.
        db: a client.
    """

    def __init__(self, cloud: Running, clock: VirtualClock) -> None:
        self._cloud = cloud
        self.clock = clock
        self.db: Any = cloud.client("dynamodb")

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""

        async def advance() -> None:
            self.clock.advance(int(seconds * SECOND_MS))

        self._cloud.run(advance())

    def make(self, read: int = 1, write: int = 1, index: int = 0) -> str:
        """Make a table with the key ``p``; with ``index``, one by ``g`` that writes as much."""
        name = f"throttled-{next(_numbers)}"
        keys = ["p", "g"] if index else ["p"]
        indexes = {
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by-g",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": units(index, index),
                }
            ]
        }
        self.db.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            **(indexes if index else {}),
            ProvisionedThroughput=units(read, write),
        )
        return name

    def put(self, table: str, p: str, **more: Any) -> Any:
        """Put an item."""
        return self.db.put_item(TableName=table, Item={"p": {"S": p}, **more})


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


@pytest.fixture(scope="module")
def throttled() -> Iterator[Throttled]:
    """A haar in memory, with the setting."""
    clock = VirtualClock(SystemClock().now_ms())
    with running(clock=clock, dynamodb_throttling=True) as cloud:
        yield Throttled(cloud, clock)


def reasons(call: Callable[[], Any]) -> list[dict[str, str]]:
    """Return why a call is throttled."""
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    found: list[dict[str, str]] = caught.value.response["ThrottlingReasons"]  # type: ignore[typeddict-item]  # the model's
    return found


@pytest.mark.parametrize(
    ("held", "rate", "after_ms", "units_asked", "left"),
    [
        (1000, 1, 0, 1, 0),
        (999, 1, 0, 1, None),
        (0, 1, 1000, 1, 0),
        (0, 5, 100, 0.5, 0),
        (0, 1, 10**9, 300, 0),  # what was unused for 300 seconds, and no more
        (0, 1, 10**9, 1, 299_000),
        (1000, 1, 0, 400, -399_000),  # larger than a second's capacity: owed
        (-399_000, 1, 399_000, 0.5, None),
        (-399_000, 1, 399_500, 0.5, 0),
        (1000, 1, -5, 1, 0),  # time that was set back gives and takes nothing
    ],
)
def test_a_bucket_keeps_its_rate(  # a table of cases
    held: int, rate: int, after_ms: int, units_asked: float, left: int | None
) -> None:
    """A level fills by its rate up to the burst, and is spent to what is left or not at all."""
    found = left_of(Level(held, 10**6), rate, 10**6 + after_ms, units_asked)
    assert (None if found is None else found.held) == left


def test_without_the_setting_nothing_is_throttled() -> None:
    """A table of one unit takes any number of writes and reads of the same moment."""
    clock = VirtualClock(SystemClock().now_ms())
    with running(clock=clock) as cloud:
        plain = Throttled(cloud, clock)
        table = plain.make()
        for number in range(20):
            plain.put(table, str(number))
            plain.db.get_item(TableName=table, Key={"p": {"S": "0"}}, ConsistentRead=True)


def test_writes_and_reads_wait_for_their_second(throttled: Throttled) -> None:
    """Each second brings the capacity of a second; the refusal names the table and says why."""
    table, db = throttled.make(read=1, write=2), throttled.db
    arn = db.describe_table(TableName=table)["Table"]["TableArn"]
    throttled.put(table, "a")
    throttled.put(table, "b")
    refused = reasons(lambda: throttled.put(table, "c"))
    assert refused == [{"reason": "TableWriteProvisionedThroughputExceeded", "resource": arn}]
    for _ in range(2):  # half a unit each
        db.get_item(TableName=table, Key={"p": {"S": "a"}})
    refused = reasons(lambda: db.scan(TableName=table))
    assert refused == [{"reason": "TableReadProvisionedThroughputExceeded", "resource": arn}]
    throttled.pass_s(1)
    assert {item["p"]["S"] for item in db.scan(TableName=table)["Items"]} == {"a", "b"}
    throttled.put(table, "c")
    throttled.put(table, "d")
    reasons(lambda: throttled.put(table, "e"))


def test_unused_capacity_is_kept_for_five_minutes(throttled: Throttled) -> None:
    """After an hour of rest there are 300 units more than one at a rate of 1, and none beyond."""
    table = throttled.make(write=1)
    throttled.pass_s(3600)
    for _ in range(12):
        answer = throttled.db.put_item(
            TableName=table,
            Item={"p": {"S": "large"}, "x": {"S": "x" * (25 * 1024 - 20)}},
            ReturnConsumedCapacity="TOTAL",
        )
        assert answer["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 25.0}
    reasons(lambda: throttled.put(table, "a"))


def test_tables_on_demand_are_not_throttled(throttled: Throttled) -> None:
    """A table on demand takes what comes."""
    name = f"demand-{next(_numbers)}"
    throttled.db.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(20):
        assert "ConsumedCapacity" not in throttled.put(name, str(number))


def test_tables_on_demand_are_held_to_their_own_bounds(throttled: Throttled) -> None:
    """OnDemandThroughput bounds a table and its indexes, each kind for itself; -1 lifts it."""
    name, db = f"bounded-{next(_numbers)}", throttled.db
    index = {
        "IndexName": "by-g",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "OnDemandThroughput": {"MaxWriteRequestUnits": 1},
    }
    arn = db.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in "pg"],
        BillingMode="PAY_PER_REQUEST",
        OnDemandThroughput={"MaxReadRequestUnits": 1},
        GlobalSecondaryIndexes=[index],
    )["TableDescription"]["TableArn"]
    throttled.put(name, "a", g={"S": "g"})
    with pytest.raises(db.exceptions.ThrottlingException) as refused:
        throttled.put(name, "b", g={"S": "g"})
    reason = {
        "reason": "IndexWriteMaxOnDemandThroughputExceeded",
        "resource": f"{arn}/index/by-g",
    }
    assert refused.value.response["throttlingReasons"] == [reason]
    for number in range(20):
        throttled.put(name, str(number))
    get = {"TableName": name, "Key": {"p": {"S": "a"}}, "ConsistentRead": True}
    db.get_item(**get)
    with pytest.raises(db.exceptions.ThrottlingException) as refused:
        db.get_item(**get)
    (told,) = refused.value.response["throttlingReasons"]
    assert told == {"reason": "TableReadMaxOnDemandThroughputExceeded", "resource": arn}
    with pytest.raises(db.exceptions.TransactionCanceledException) as cancelled:
        db.transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": get["Key"]}}])
    assert cancelled.value.response["CancellationReasons"][0]["Code"] == "ThrottlingError"
    db.update_table(TableName=name, OnDemandThroughput={"MaxReadRequestUnits": -1})
    db.get_item(**get)


def test_an_index_that_has_no_capacity_holds_its_table_back(throttled: Throttled) -> None:
    """The write is refused as a whole, by the index; items that are not in it are written."""
    table, db = throttled.make(read=10, write=10, index=1), throttled.db
    arn = db.describe_table(TableName=table)["Table"]["TableArn"]
    throttled.put(table, "a", g={"S": "g"})
    refused = reasons(lambda: throttled.put(table, "b", g={"S": "g"}))
    assert refused == [
        {
            "reason": "IndexWriteProvisionedThroughputExceeded",
            "resource": f"{arn}/index/by-g",
        }
    ]
    throttled.put(table, "c")
    assert {item["p"]["S"] for item in db.scan(TableName=table)["Items"]} == {"a", "c"}
    query = {
        "TableName": table,
        "IndexName": "by-g",
        "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": "g"}},
    }
    assert db.query(**query)["Count"] == 1
    assert db.query(**query)["Count"] == 1
    refused = reasons(lambda: db.query(**query))
    assert refused[0]["reason"] == "IndexReadProvisionedThroughputExceeded"


def test_a_refused_write_spends_nothing(throttled: Throttled) -> None:
    """A condition that does not hold leaves the capacity to the next write."""
    table, db = throttled.make(write=1), throttled.db
    for _ in range(3):
        with pytest.raises(db.exceptions.ConditionalCheckFailedException):
            db.put_item(
                TableName=table,
                Item={"p": {"S": "a"}},
                ConditionExpression="attribute_exists(p)",
            )
    throttled.put(table, "a")
    reasons(lambda: throttled.put(table, "b"))


def test_batches_leave_what_has_no_capacity(throttled: Throttled) -> None:
    """What is beyond the capacity comes back; when that is all, the batch is refused."""
    table, db = throttled.make(read=1, write=2), throttled.db
    puts = [{"PutRequest": {"Item": {"p": {"S": str(number)}}}} for number in range(5)]
    answer = db.batch_write_item(RequestItems={table: puts}, ReturnConsumedCapacity="TOTAL")
    assert answer["UnprocessedItems"] == {table: puts[2:]}
    assert answer["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 2.0}]
    reasons(lambda: db.batch_write_item(RequestItems={table: puts}))
    with pytest.raises(ClientError, match="duplicates"):
        db.batch_write_item(RequestItems={table: [puts[0], puts[0]]})
    keys = [{"p": {"S": str(number)}} for number in range(5)]
    asked = {table: {"Keys": keys, "ConsistentRead": False}}
    answer = db.batch_get_item(RequestItems=asked, ReturnConsumedCapacity="INDEXES")
    assert answer["Responses"] == {table: keys[:2]}
    assert answer["UnprocessedKeys"] == {table: {"Keys": keys[2:], "ConsistentRead": False}}
    assert answer["ConsumedCapacity"] == [
        {"TableName": table, "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}
    ]
    reasons(lambda: db.batch_get_item(RequestItems=asked))


def test_a_batch_of_keys_leaves_the_tables_without_capacity(throttled: Throttled) -> None:
    """A table that has none gives its keys back and tells no capacity; the other ones are read."""
    poor, rich, db = throttled.make(read=1), throttled.make(read=10), throttled.db
    throttled.put(poor, "a")
    throttled.put(rich, "a")
    keys = [{"p": {"S": "a"}}, {"p": {"S": "b"}}]
    asked = {table: {"Keys": keys, "ConsistentRead": True} for table in (poor, rich)}
    db.get_item(TableName=poor, Key=keys[0], ConsistentRead=True)
    answer = db.batch_get_item(RequestItems=asked, ReturnConsumedCapacity="TOTAL")
    assert answer["Responses"] == {poor: [], rich: keys[:1]}
    assert answer["UnprocessedKeys"] == {poor: asked[poor]}
    assert answer["ConsumedCapacity"] == [{"TableName": rich, "CapacityUnits": 2.0}]


def test_transactions_without_capacity_are_cancelled(throttled: Throttled) -> None:
    """The actions on the table that has none say so; nothing is written, in no table."""
    poor, rich, db = throttled.make(write=1), throttled.make(write=100), throttled.db

    def put(table: str) -> Any:
        return {"Put": {"TableName": table, "Item": {"p": {"S": "x"}}}}

    throttled.put(poor, "a")
    with pytest.raises(db.exceptions.TransactionCanceledException) as cancelled:
        db.transact_write_items(TransactItems=[put(rich), put(poor)])
    codes = [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]]
    assert codes == ["None", "ProvisionedThroughputExceeded"]
    assert db.scan(TableName=rich)["Items"] == []
    db.transact_write_items(TransactItems=[put(rich)])


def test_statements_are_throttled_like_the_rest(throttled: Throttled) -> None:
    """A statement is refused alone, in a batch with its code, in a transaction as a reason."""
    table, db = throttled.make(read=1, write=2), throttled.db
    inserts = [{"Statement": f"INSERT INTO \"{table}\" VALUE {{'p': '{n}'}}"} for n in range(3)]
    answer = db.batch_execute_statement(Statements=inserts)
    assert [one.get("Error", {}).get("Code") for one in answer["Responses"]] == [
        None,
        None,
        "ProvisionedThroughputExceeded",
    ]
    reasons(lambda: db.execute_statement(**inserts[2]))
    select = {"Statement": f"SELECT * FROM \"{table}\" WHERE p = '0'"}
    assert db.execute_statement(**select)["Items"] == [{"p": {"S": "0"}}]
    assert db.execute_statement(**select)["Items"] == [{"p": {"S": "0"}}]
    reasons(lambda: db.execute_statement(**select))
    with pytest.raises(db.exceptions.TransactionCanceledException) as cancelled:
        db.execute_transaction(TransactStatements=[select])
    (reason,) = cancelled.value.response["CancellationReasons"]
    assert reason["Code"] == "ProvisionedThroughputExceeded"


def test_more_capacity_helps_at_once(throttled: Throttled) -> None:
    """Capacity that was raised fills the bucket faster from then on."""
    table, db = throttled.make(write=1), throttled.db
    throttled.put(table, "a")
    db.update_table(TableName=table, ProvisionedThroughput=units(1, 10))
    reasons(lambda: throttled.put(table, "b"))
    throttled.pass_s(0.1)
    throttled.put(table, "b")
