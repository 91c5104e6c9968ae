"""Which of several faults a request is refused for."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

A: Any = {"S": "a"}
LEGACY: Any = {"Expected": {"x": {"Exists": False}}}
SYNTAX: Any = {"ConditionExpression": "a ="}
BAD_VALUE: Any = {
    "ConditionExpression": "a = :a",
    "ExpressionAttributeValues": {":a": {"N": "x"}},
}
GOOD: Any = {"ConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": A}}

# Each request has its own fault and all those that stand below it.
PUTS: list[tuple[dict[str, Any], str]] = [
    ({"Item": {"p": {"N": 1}}, "ReturnValues": "X", **LEGACY, **SYNTAX}, "SerializationException"),
    ({"Item": {"v": {"N": "x"}}, "ReturnValues": "X", **LEGACY, **SYNTAX}, "'returnValues' failed"),
    ({"Item": {"v": {"N": "x"}}, **LEGACY, **SYNTAX}, "Can not use both expression and non-exp"),
    ({"Item": {"v": {"N": "x"}}, **SYNTAX}, "Invalid ConditionExpression: Syntax error"),
    ({"Item": {"v": {"N": "x"}}, **BAD_VALUE}, "ExpressionAttributeValues contains invalid value"),
    ({"Item": {"v": {"N": "x"}}, **GOOD}, "The parameter cannot be converted to a numeric"),
    ({"Item": {"v": A}, **GOOD}, "Requested resource not found"),
]


@pytest.mark.parametrize(("members", "fault"), PUTS)
def test_faults_are_told_in_awss_order(db: Any, members: Any, fault: str) -> None:
    """Types, constraints, forms, expressions, values, the table, then its keys."""
    with pytest.raises(ClientError) as refused:
        db.put_item(TableName="absent", **members)
    assert fault in str(refused.value)


def test_the_key_is_looked_at_last(db: Any, table: str) -> None:
    """Only where the table is there, its schema is compared; the condition comes after."""
    with pytest.raises(ClientError, match="Missing the key p in the item"):
        db.put_item(TableName=table, Item={"v": A}, **GOOD)
    with pytest.raises(ClientError, match="The conditional request failed"):
        db.put_item(TableName=table, Item={"p": A}, **GOOD)


def test_expressions_are_checked_where_nothing_is_stored(db: Any, table: str) -> None:
    """An empty table does not hide a wrong filter."""
    with pytest.raises(ClientError, match="Invalid FilterExpression: Syntax error"):
        db.scan(TableName=table, FilterExpression="a =")
    with pytest.raises(ClientError, match="attribute value used in expression is not defined"):
        db.scan(TableName=table, FilterExpression="a = :a")


def test_several_breaches_are_told_together(db: Any) -> None:
    """Constraints of the model are listed, each with its member."""
    with pytest.raises(ClientError) as refused:
        db.put_item(Item={}, ReturnValues="X", ReturnConsumedCapacity="Y")
    text = refused.value.response["Error"]["Message"]
    assert text.startswith("3 validation errors detected: ")
    for part in (
        "Value null at 'tableName' failed to satisfy constraint: Member must not be null",
        "Value 'X' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value",
        "Value 'Y' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("operation", "members", "text"),
    [
        (
            "put_item",
            {"TableName": "ab", "Item": {}, "ReturnValues": "X"},
            "must have length greater than or equal to 3; Value 'X' at 'returnValues' failed",
        ),
        (
            "put_item",
            {"TableName": "a;b", "Item": {}, "ReturnValues": "X"},
            (
                "2 validation errors detected: Value 'a;b' at 'tableName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
            ),
        ),
        ("put_item", {"TableName": ";", "Item": {}}, "2 validation errors detected: Value ';' at"),
        *[
            (
                f"{name}_table",
                {},
                "The parameter 'TableName' is required but was not present in the request",
            )
            for name in ("create", "describe", "update", "delete")
        ],
        (
            "create_table",
            {
                "TableName": "abc",
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "X"}],
            },
            "Member must satisfy enum value set: [B, N, S]",
        ),
        (
            "scan",
            {"TableName": "abc", "Select": "X"},
            (
                "Member must satisfy enum value set: "
                "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"
            ),
        ),
    ],
)
def test_what_the_model_says_is_told_in_awss_words(
    db: Any, operation: str, members: dict[str, Any], text: str
) -> None:
    """Some members are missed in words of their own; value sets are listed in AWS's order."""
    with pytest.raises(ClientError) as refused:
        getattr(db, operation)(**members)
    assert text in refused.value.response["Error"]["Message"]
