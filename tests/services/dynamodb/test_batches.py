"""Batches through boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def put(name: str) -> Any:
    return {"PutRequest": {"Item": {"p": {"S": name}, "v": {"S": "x" * 100}}}}


def delete(name: str) -> Any:
    return {"DeleteRequest": {"Key": {"p": {"S": name}}}}


def key(name: str) -> Any:
    return {"p": {"S": name}}


def test_a_batch_writes_and_reads_several_tables(db: Any, make_table: Any) -> None:
    """Puts and deletes of a batch are all done; a batch of keys finds what is there."""
    one, other = make_table(), make_table()
    answer = db.batch_write_item(
        RequestItems={one: [put("a"), put("b")], other: [put("c"), delete("absent")]},
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["UnprocessedItems"] == {}
    assert [told["CapacityUnits"] for told in answer["ConsumedCapacity"]] == [2, 2]
    db.batch_write_item(RequestItems={one: [delete("a")]})
    found = db.batch_get_item(
        RequestItems={
            one: {"Keys": [key("a"), key("b")], "ProjectionExpression": "p"},
            other: {"Keys": [key("c")], "ConsistentRead": True},
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert found["Responses"][one] == [key("b")]
    assert found["Responses"][other] == [{**key("c"), "v": {"S": "x" * 100}}]
    assert found["UnprocessedKeys"] == {}
    assert [told["CapacityUnits"] for told in found["ConsumedCapacity"]] == [1, 1]


def test_another_spelling_is_another_key_to_read(db: Any, make_table: Any) -> None:
    """BatchGetItem refuses a key twice, but not a number written otherwise; BatchWriteItem does."""
    table = make_table("p:N")
    db.put_item(TableName=table, Item={"p": {"N": "1"}})
    keys = [{"p": {"N": "1"}}, {"p": {"N": "1.0"}}]
    answer = db.batch_get_item(RequestItems={table: {"Keys": keys}})
    assert answer["Responses"][table] == [{"p": {"N": "1"}}] * 2
    with pytest.raises(ClientError, match="Provided list of item keys contains duplicates"):
        db.batch_get_item(RequestItems={table: {"Keys": keys[:1] * 2}})
    puts = [{"PutRequest": {"Item": key}} for key in keys]
    with pytest.raises(ClientError, match="Provided list of item keys contains duplicates"):
        db.batch_write_item(RequestItems={table: puts})


def test_keys_beyond_the_answers_size_come_back(db: Any, table: str) -> None:
    """BatchGetItem stops at 16 MB, and its unprocessed keys find the rest."""
    for number in range(45):
        item = {**key(str(number)), "v": {"S": "x" * 390_000}}
        db.put_item(TableName=table, Item=item)
    asked: Any = {table: {"Keys": [key(str(number)) for number in range(45)]}}
    found: list[str] = []
    rounds = 0
    while asked:
        answer = db.batch_get_item(RequestItems=asked)
        found += [item["p"]["S"] for item in answer["Responses"][table]]
        asked, rounds = answer["UnprocessedKeys"], rounds + 1
    assert sorted(found, key=int) == [str(number) for number in range(45)]
    assert rounds == 2


def test_a_wrong_batch_does_nothing(db: Any, table: str) -> None:
    """One request that AWS does not take refuses all of them."""
    wrong: list[tuple[list[Any], str]] = [
        ([put("a"), put("a")], "Provided list of item keys contains duplicates"),
        ([put("a"), delete("a")], "Provided list of item keys contains duplicates"),
        ([put("a"), put("")], "The AttributeValue for a key attribute cannot contain an empty"),
        ([put("a"), {}], "Supplied AttributeValue has more than one datatypes set"),
        (
            [put(str(number)) for number in range(26)],
            "Member must have length less than or equal to 25",
        ),
    ]
    for requests, text in wrong:
        with pytest.raises(ClientError) as refused:
            db.batch_write_item(RequestItems={table: requests})
        assert text in refused.value.response["Error"]["Message"]
    arn = db.describe_table(TableName=table)["Table"]["TableArn"]
    with pytest.raises(ClientError, match="Provided list of item keys contains duplicates"):
        db.batch_write_item(RequestItems={table: [put("a")], arn: [put("a")]})
    assert db.scan(TableName=table, Select="COUNT")["Count"] == 0
    with pytest.raises(ClientError, match="Provided list of item keys contains duplicates"):
        db.batch_get_item(RequestItems={table: {"Keys": [key("a"), key("a")]}})


def test_a_batch_is_bounded_over_its_tables(db: Any, make_table: Any) -> None:
    """25 writes and 100 keys are for a whole request."""
    one, other = make_table(), make_table()
    with pytest.raises(ClientError, match="Too many items requested for the BatchWriteItem call"):
        db.batch_write_item(
            RequestItems={
                one: [put(str(number)) for number in range(13)],
                other: [put(str(number)) for number in range(13)],
            }
        )
    with pytest.raises(ClientError, match="Too many items requested for the BatchGetItem call"):
        db.batch_get_item(
            RequestItems={
                one: {"Keys": [key(str(number)) for number in range(60)]},
                other: {"Keys": [key(str(number)) for number in range(60)]},
            }
        )
