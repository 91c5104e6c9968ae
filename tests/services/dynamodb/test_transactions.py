"""Transactions through boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kernel.clock import SystemClock, VirtualClock
from haar.testing import running


def put(table: str, name: str, **more: Any) -> Any:
    return {"Put": {"TableName": table, "Item": {"p": {"S": name}, "n": {"N": "0"}}, **more}}


def count_up(table: str, name: str, **more: Any) -> Any:
    return {
        "Update": {
            "TableName": table,
            "Key": {"p": {"S": name}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            **more,
        }
    }


ABSENT: Any = {"ConditionExpression": "attribute_not_exists(p)"}
PRESENT: Any = {"ConditionExpression": "attribute_exists(p)"}


def cancelled(refused: pytest.ExceptionInfo[ClientError]) -> list[str]:
    assert refused.value.response["Error"]["Code"] == "TransactionCanceledException"
    reasons: Any = refused.value.response["CancellationReasons"]  # type: ignore[typeddict-item]
    return [reason["Code"] for reason in reasons]


def test_a_transaction_does_all_or_nothing(db: Any, table: str) -> None:
    """Puts, updates, deletes and checks succeed together, or the reasons say why not."""
    db.transact_write_items(TransactItems=[put(table, "a"), put(table, "b", **ABSENT)])
    db.transact_write_items(
        TransactItems=[
            count_up(table, "a"),
            {"Delete": {"TableName": table, "Key": {"p": {"S": "b"}}, **PRESENT}},
            {"ConditionCheck": {"TableName": table, "Key": {"p": {"S": "c"}}, **ABSENT}},
        ]
    )
    with pytest.raises(ClientError) as refused:
        db.transact_write_items(
            TransactItems=[
                put(table, "a2", **PRESENT),
                {
                    "ConditionCheck": {
                        "TableName": table,
                        "Key": {"p": {"S": "a"}},
                        "ConditionExpression": "n > :n",
                        "ExpressionAttributeValues": {":n": {"N": "1"}},
                    }
                },
                put(table, "b"),
            ]
        )
    assert cancelled(refused) == ["ConditionalCheckFailed", "ConditionalCheckFailed", "None"]
    assert refused.value.response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[ConditionalCheckFailed, ConditionalCheckFailed, None]"
    )
    found = db.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": table, "Key": {"p": {"S": name}}, "ProjectionExpression": "n"}}
            for name in "bac"
        ],
        ReturnConsumedCapacity="INDEXES",
    )
    assert found["Responses"] == [{}, {"Item": {"n": {"N": "1"}}}, {}]
    assert found["ConsumedCapacity"][0]["ReadCapacityUnits"] == 6


def test_a_failed_condition_tells_its_item(db: Any, table: str) -> None:
    """ReturnValuesOnConditionCheckFailure works for each action by itself."""
    db.put_item(TableName=table, Item={"p": {"S": "a"}})
    with pytest.raises(ClientError) as refused:
        db.transact_write_items(
            TransactItems=[
                put(table, "a", **ABSENT, ReturnValuesOnConditionCheckFailure="ALL_OLD"),
                put(table, "b", **PRESENT, ReturnValuesOnConditionCheckFailure="ALL_OLD"),
            ]
        )
    reasons: Any = refused.value.response["CancellationReasons"]  # type: ignore[typeddict-item]
    assert reasons == [
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {"p": {"S": "a"}},
        },
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"},
    ]


def test_a_wrong_item_cancels_for_itself_alone(db: Any, table: str) -> None:
    """The first item that AWS does not take is the only reason, even beside false conditions."""
    wrong = {"Put": {"TableName": table, "Item": {"p": {"N": "1"}}}}
    with pytest.raises(ClientError) as refused:
        db.transact_write_items(TransactItems=[put(table, "a", **PRESENT), wrong, wrong])
    assert cancelled(refused) == ["None", "ValidationError", "None"]
    with pytest.raises(ClientError) as refused:
        db.transact_write_items(
            TransactItems=[
                put(table, "a", **PRESENT),
                count_up(table, "b", UpdateExpression="SET n = n + :one"),
            ]
        )
    assert cancelled(refused) == ["None", "ValidationError"]


def test_a_wrong_request_is_refused_whole(db: Any, table: str) -> None:
    """Expressions, repeated items and strange actions are no reasons but refusals."""
    wrong: list[tuple[list[Any], str]] = [
        ([], "Member must have length greater than or equal to 1"),
        (
            [put(table, "a"), count_up(table, "a")],
            "Transaction request cannot include multiple operations on one item",
        ),
        (
            [{**put(table, "a"), **count_up(table, "b")}],
            "TransactItems can only contain one of Check, Put, Update or Delete",
        ),
        (
            [put(table, "a", ConditionExpression="a b")],
            'Invalid ConditionExpression: Syntax error; token: "b", near: "a b"',
        ),
    ]
    for actions, text in wrong:
        with pytest.raises(ClientError) as refused:
            db.transact_write_items(TransactItems=actions)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        assert text in refused.value.response["Error"]["Message"]
    with pytest.raises(ClientError, match="Requested resource not found"):
        db.transact_write_items(TransactItems=[put("absent", "a")])


def test_a_token_makes_a_transaction_happen_once() -> None:
    """The same request again does nothing for ten minutes; another with its token is refused."""
    clock = VirtualClock(SystemClock().now_ms())
    with running(clock=clock) as cloud:
        db = cloud.client("dynamodb")
        db.create_table(
            TableName="counters",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        once: Any = {
            "TransactItems": [count_up("counters", "a")],
            "ClientRequestToken": "token",
            "ReturnConsumedCapacity": "TOTAL",
        }

        def value() -> int:
            found = db.get_item(TableName="counters", Key={"p": {"S": "a"}})
            return int(found["Item"]["n"]["N"])

        assert db.transact_write_items(**once)["ConsumedCapacity"][0]["WriteCapacityUnits"] == 2
        assert db.transact_write_items(**once)["ConsumedCapacity"][0]["ReadCapacityUnits"] == 2
        assert value() == 1
        clock.advance(-10 * 60 * 1000)  # somebody sets the machine's clock right
        db.transact_write_items(**once)
        assert value() == 1
        clock.advance(10 * 60 * 1000)
        with pytest.raises(ClientError) as refused:
            db.transact_write_items(
                TransactItems=[count_up("counters", "b")], ClientRequestToken="token"
            )
        assert refused.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
        clock.advance(10 * 60 * 1000)
        db.transact_write_items(**once)
        assert value() == 2


def test_four_megabytes_of_items_are_read_at_most(db: Any, table: str) -> None:
    """The items that are got count together, whatever of them is asked for."""
    for number in range(11):
        item = {"p": {"S": str(number)}, "x": {"S": "x" * 390_000}}
        db.put_item(TableName=table, Item=item)
    gets = [
        {"Get": {"TableName": table, "Key": {"p": {"S": str(n)}}, "ProjectionExpression": "p"}}
        for n in range(11)
    ]
    assert len(db.transact_get_items(TransactItems=gets[:10])["Responses"]) == 10
    with pytest.raises(ClientError, match="cannot exceed 4 MB"):
        db.transact_get_items(TransactItems=gets)
