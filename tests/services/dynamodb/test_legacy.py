"""The older forms of conditions, updates and projections, through boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

PARAMETERS = "One or more parameter values were invalid: "
KEY: Any = {"p": {"S": "a"}, "s": {"N": "1"}}
ITEM: Any = {
    **KEY,
    "n": {"N": "5"},
    "text": {"S": "hello"},
    "set": {"SS": ["x", "y"]},
    "list": {"L": [{"S": "x"}]},
}
ONE, FIVE = {"N": "1"}, {"N": "5"}


def compare(operator: str, *values: Any) -> Any:
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


CONDITIONS: list[tuple[str, Any, bool]] = [
    ("n", compare("EQ", FIVE), True),
    ("n", compare("EQ", {"N": "5.0"}), True),
    ("n", compare("NE", FIVE), False),
    ("n", compare("LT", {"N": "10"}), True),
    ("n", compare("LE", FIVE), True),
    ("n", compare("GT", FIVE), False),
    ("n", compare("GE", FIVE), True),
    ("n", compare("BETWEEN", ONE, FIVE), True),
    ("n", compare("IN", ONE, FIVE), True),
    ("n", compare("IN", ONE), False),
    ("n", {"ComparisonOperator": "NULL"}, False),
    ("absent", {"ComparisonOperator": "NULL"}, True),
    ("n", {"ComparisonOperator": "NOT_NULL"}, True),
    ("text", compare("BEGINS_WITH", {"S": "he"}), True),
    ("text", compare("CONTAINS", {"S": "ell"}), True),
    ("set", compare("CONTAINS", {"S": "x"}), True),
    ("list", compare("CONTAINS", {"S": "z"}), False),
    ("text", compare("NOT_CONTAINS", {"S": "z"}), True),
]


@pytest.mark.parametrize(("name", "condition", "holds"), CONDITIONS)
def test_every_operator_filters_and_guards(
    db: Any, sorted_table: str, name: str, condition: Any, holds: bool
) -> None:
    """QueryFilter, ScanFilter and Expected mean the same."""
    db.put_item(TableName=sorted_table, Item=ITEM)
    found = db.query(
        TableName=sorted_table,
        KeyConditions={"p": compare("EQ", {"S": "a"})},
        QueryFilter={name: condition},
    )
    assert found["Count"] == holds
    assert db.scan(TableName=sorted_table, ScanFilter={name: condition})["Count"] == holds
    guarded = {"TableName": sorted_table, "Key": KEY, "Expected": {name: condition}}
    if holds:
        db.delete_item(**guarded)
    else:
        with pytest.raises(ClientError, match="The conditional request failed"):
            db.delete_item(**guarded)


def test_expected_has_an_even_older_form(db: Any, sorted_table: str) -> None:
    """Exists and Value stand for absence and equality; ConditionalOperator joins."""
    put: Any = {"TableName": sorted_table, "Item": ITEM}
    db.put_item(**put, Expected={"p": {"Exists": False}})
    with pytest.raises(ClientError, match="The conditional request failed"):
        db.put_item(**put, Expected={"p": {"Exists": False}})
    db.put_item(**put, Expected={"n": {"Value": FIVE}, "text": {"Value": {"S": "hello"}}})
    either = {"n": {"Value": ONE}, "text": {"Value": {"S": "hello"}, "Exists": True}}
    with pytest.raises(ClientError, match="The conditional request failed"):
        db.put_item(**put, Expected=either)
    db.put_item(**put, Expected=either, ConditionalOperator="OR")


@pytest.mark.parametrize(
    ("condition", "sorts"),
    [
        (compare("EQ", {"N": "2"}), [2]),
        (compare("LT", {"N": "2"}), [0, 1]),
        (compare("GE", {"N": "2"}), [2, 3]),
        (compare("BETWEEN", {"N": "1"}, {"N": "2"}), [1, 2]),
    ],
)
def test_key_conditions_find_a_range(
    db: Any, sorted_table: str, condition: Any, sorts: list[int]
) -> None:
    """KeyConditions query as KeyConditionExpression does."""
    for number in range(4):
        db.put_item(TableName=sorted_table, Item={"p": {"S": "a"}, "s": {"N": str(number)}})
    found = db.query(
        TableName=sorted_table,
        KeyConditions={"p": compare("EQ", {"S": "a"}), "s": condition},
        AttributesToGet=["s"],
    )
    assert found["Items"] == [{"s": {"N": str(number)}} for number in sorts]


def test_attribute_updates_put_add_and_delete(db: Any, sorted_table: str) -> None:
    """Each action does what its expression would."""
    db.put_item(TableName=sorted_table, Item=ITEM)
    answer = db.update_item(
        TableName=sorted_table,
        Key=KEY,
        AttributeUpdates={
            "n": {"Action": "ADD", "Value": {"N": "-2.5"}},
            "new": {"Value": {"BOOL": True}},
            "text": {"Action": "DELETE"},
            "set": {"Action": "DELETE", "Value": {"SS": ["x", "z"]}},
            "more": {"Action": "ADD", "Value": {"NS": ["1"]}},
            "list": {"Action": "ADD", "Value": {"L": [{"S": "y"}]}},
        },
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"] == {
        **KEY,
        "n": {"N": "2.5"},
        "new": {"BOOL": True},
        "set": {"SS": ["y"]},
        "more": {"NS": ["1"]},
        "list": {"L": [{"S": "x"}, {"S": "y"}]},
    }
    with pytest.raises(ClientError, match="Type mismatch for attribute to update"):
        db.update_item(
            TableName=sorted_table,
            Key=KEY,
            AttributeUpdates={"new": {"Action": "ADD", "Value": ONE}},
        )
    with pytest.raises(ClientError, match="Cannot update attribute s"):
        db.update_item(TableName=sorted_table, Key=KEY, AttributeUpdates={"s": {"Value": ONE}})


MIXED = "Can not use both expression and non-expression parameters in the same request: "
WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"AttributesToGet": ["n"], "FilterExpression": "attribute_exists(n)"},
        MIXED + "Non-expression parameters: {AttributesToGet} Expression parameters: "
        "{FilterExpression}",
    ),
    (
        {"ScanFilter": {}, "ConditionalOperator": "OR"},
        "ConditionalOperator can only be used when Filter or Expected has two or more elements",
    ),
    (
        {"ConditionalOperator": "OR"},
        "ConditionalOperator cannot be used without Filter or Expected",
    ),
    (
        {"ScanFilter": {"n": compare("EQ")}},
        f"{PARAMETERS}Invalid number of argument(s) for the EQ ComparisonOperator",
    ),
    (
        {"ScanFilter": {"n": compare("LT", {"BOOL": True})}},
        f"{PARAMETERS}ComparisonOperator LT is not valid for BOOL AttributeValue type",
    ),
    (
        {"ScanFilter": {"n": compare("BETWEEN", FIVE, ONE)}},
        (
            "The BETWEEN condition was provided a range where the lower bound is greater than the "
            "upper bound"
        ),
    ),
    (
        {"ScanFilter": {"n": compare("EQ", ONE)}, "ExpressionAttributeNames": {"#n": "n"}},
        "ExpressionAttributeNames can only be specified when using expressions",
    ),
    (
        {"AttributesToGet": ["n"], "Select": "COUNT"},
        "Cannot specify the AttributesToGet when choosing to get COUNT",
    ),
    (
        {"AttributesToGet": ["n", "n"]},
        f"{PARAMETERS}Duplicate value in attribute name: n",
    ),
]


@pytest.mark.parametrize(("members", "text"), WRONG)
def test_a_wrong_older_form_is_refused(db: Any, sorted_table: str, members: Any, text: str) -> None:
    """Older forms are checked, and do not mix with expressions."""
    with pytest.raises(ClientError) as refused:
        db.scan(TableName=sorted_table, **members)
    assert refused.value.response["Error"]["Message"] == text
