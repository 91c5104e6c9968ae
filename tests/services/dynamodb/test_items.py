"""One item through boto3: get, put, update, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

EVERYTHING = {
    "p": {"S": "ключ"},
    "n": {"N": "-1.5"},
    "b": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "list": {"L": [{"S": ""}, {"N": "0"}, {"L": []}, {"B": b""}]},
    "map": {"M": {"inner": {"M": {"deep": {"BS": [b"a", b"b"]}}}}},
    "strings": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
}


def message(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Message"])


def test_an_item_comes_back_as_it_was_put(db: Any, table: str) -> None:
    """Every type survives, and an item that is not there is no error."""
    assert "Item" not in db.get_item(TableName=table, Key={"p": {"S": "ключ"}})
    db.put_item(TableName=table, Item=EVERYTHING)
    assert db.get_item(TableName=table, Key={"p": {"S": "ключ"}})["Item"] == EVERYTHING


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1e3", "1000"),
        ("+1.50", "1.5"),
        ("-0", "0"),
        ("0012.300e-1", "1.23"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1E-130", "0." + "0" * 129 + "1"),
        ("9.9999999999999999999999999999999999999E+125", "9" * 38 + "0" * 88),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ],
)
def test_numbers_come_back_in_normal_form(db: Any, make_table: Any, sent: str, kept: str) -> None:
    """Equal numbers are one key, whatever they look like."""
    name = make_table("p:N")
    db.put_item(TableName=name, Item={"p": {"N": sent}, "n": {"NS": [sent]}})
    found = db.get_item(TableName=name, Key={"p": {"N": kept}})["Item"]
    assert found == {"p": {"N": kept}, "n": {"NS": [kept]}}


PARAMETERS = "One or more parameter values were invalid: "
WRONG_VALUES: list[tuple[Any, str]] = [
    ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"S": "a", "N": "1"}, ("Supplied AttributeValue has more than one datatypes set, must contain "
     "exactly one of the supported datatypes")),
    ({"NULL": False}, f"{PARAMETERS}Null attribute value types must have the value of true"),
    ({"SS": []}, f"{PARAMETERS}An string set  may not be empty"),
    ({"NS": []}, f"{PARAMETERS}An number set  may not be empty"),
    ({"BS": []}, f"{PARAMETERS}Binary sets should not be empty"),
    ({"SS": ["a", "a"]}, f"{PARAMETERS}Input collection [a, a] contains duplicates."),
    ({"NS": ["1", "1.0"]}, f"{PARAMETERS}Input collection [1, 1.0] contains duplicates."),
    ({"N": "x"}, "The parameter cannot be converted to a numeric value: x"),
    ({"N": ""}, "The parameter cannot be converted to a numeric value"),
    ({"N": "NaN"}, "The parameter cannot be converted to a numeric value: NaN"),
    ({"N": "1e126"}, ("Number overflow. Attempting to store a number with magnitude larger than "
     "supported range")),
    ({"N": "1e-131"}, ("Number underflow. Attempting to store a number with magnitude smaller than "
     "supported range")),
    ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), WRONG_VALUES)
def test_a_wrong_value_is_refused_in_awss_words(db: Any, table: str, value: Any, text: str) -> None:
    """Values are checked wherever they stand."""
    for wrapped in (value, {"L": [value]}, {"M": {"x": value}}):
        with pytest.raises(ClientError) as refused:
            db.put_item(TableName=table, Item={"p": {"S": "a"}, "v": wrapped})
        assert message(refused) == text


def test_lists_nest_to_32_levels(db: Any, table: str) -> None:
    """A value may be 32 containers deep and no deeper."""
    value: Any = {"S": "x"}
    for _ in range(32):
        value = {"L": [value]}
    db.put_item(TableName=table, Item={"p": {"S": "a"}, "v": value})
    with pytest.raises(ClientError, match="Nesting Levels have exceeded supported limits"):
        db.put_item(TableName=table, Item={"p": {"S": "a"}, "v": {"L": [value]}})


WRONG_KEYS: list[tuple[Any, str]] = [
    ({}, f"{PARAMETERS}Missing the key p in the item"),
    ({"p": {"S": "a"}}, f"{PARAMETERS}Missing the key s in the item"),
    ({"p": {"N": "1"}, "s": {"N": "1"}}, (f"{PARAMETERS}Type mismatch for key p expected: S "
     "actual: N")),
    ({"p": {"S": ""}, "s": {"N": "1"}}, ("One or more parameter values are not valid. The "
     "AttributeValue for a key attribute cannot contain an empty string value. Key: p")),
    ({"p": {"S": "a" * 2049}, "s": {"N": "1"}}, (f"{PARAMETERS}Size of hashkey has exceeded the "
     "maximum size limit of2048 bytes")),
]  # fmt: skip


@pytest.mark.parametrize(("item", "text"), WRONG_KEYS)
def test_an_item_needs_its_key(db: Any, sorted_table: str, item: Any, text: str) -> None:
    """Key attributes are there, of their type, and neither empty nor too long."""
    with pytest.raises(ClientError) as refused:
        db.put_item(TableName=sorted_table, Item=item)
    assert message(refused) == text


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"p": {"S": "a"}},
        {"p": {"S": "a"}, "s": {"S": "1"}},
        {"p": {"S": "a"}, "x": {"N": "1"}},
        {"p": {"S": "a"}, "s": {"N": "1"}, "x": {"N": "1"}},
    ],
)
def test_a_key_is_the_schemas(db: Any, sorted_table: str, key: Any) -> None:
    """A key has the schema's attributes, all of them and no others."""
    for call in (db.get_item, db.delete_item, db.update_item):
        with pytest.raises(ClientError) as refused:
            call(TableName=sorted_table, Key=key)
        assert message(refused) == "The provided key element does not match the schema"


def test_an_item_has_400_kb(db: Any, table: str) -> None:
    """Names and values count; one byte more is refused, in a put and in an update."""
    room = 409_600 - len("p" + "a" + "v")
    key = {"p": {"S": "a"}}
    db.put_item(TableName=table, Item=key | {"v": {"S": "x" * room}})
    with pytest.raises(ClientError, match="Item size has exceeded the maximum allowed size"):
        db.put_item(TableName=table, Item=key | {"v": {"S": "x" * (room + 1)}})
    with pytest.raises(ClientError, match="Item size to update has exceeded the maximum"):
        db.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET w = :w",
            ExpressionAttributeValues={":w": {"S": ""}},
        )


def test_values_are_returned_as_asked(db: Any, table: str) -> None:
    """ReturnValues tells the item before or after, whole or what was touched."""
    key = {"p": {"S": "a"}}

    def update(wanted: str) -> Any:
        return db.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="ADD n :one SET m.x = :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues=wanted,
        ).get("Attributes")

    first = key | {"n": {"N": "0"}, "m": {"M": {"x": {"S": "old"}, "y": {"S": "y"}}}}
    assert "Attributes" not in db.put_item(TableName=table, Item=first, ReturnValues="ALL_OLD")
    assert update("UPDATED_OLD") == {"n": {"N": "0"}, "m": {"M": {"x": {"S": "old"}}}}
    assert update("UPDATED_NEW") == {"n": {"N": "2"}, "m": {"M": {"x": {"N": "1"}}}}
    assert update("ALL_OLD")["n"] == {"N": "2"}
    assert update("ALL_NEW") == key | {
        "n": {"N": "4"},
        "m": {"M": {"x": {"N": "1"}, "y": {"S": "y"}}},
    }
    assert update("NONE") is None
    put = db.put_item(TableName=table, Item=key, ReturnValues="ALL_OLD")
    assert put["Attributes"]["n"] == {"N": "5"}
    assert db.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")["Attributes"] == key
    with pytest.raises(ClientError, match="ReturnValues can only be ALL_OLD or NONE"):
        db.put_item(TableName=table, Item=key, ReturnValues="ALL_NEW")


def test_an_update_makes_what_is_not_there(db: Any, table: str) -> None:
    """UpdateItem without an expression makes an item of its key, and changes nothing again."""
    key = {"p": {"S": "a"}}
    for _ in range(2):
        db.update_item(TableName=table, Key=key)
        assert db.get_item(TableName=table, Key=key)["Item"] == key


def test_the_key_cannot_be_updated(db: Any, table: str) -> None:
    """An update of a key attribute is refused by its name."""
    with pytest.raises(ClientError) as refused:
        db.update_item(
            TableName=table,
            Key={"p": {"S": "a"}},
            UpdateExpression="SET p = :p",
            ExpressionAttributeValues={":p": {"S": "b"}},
        )
    assert message(refused) == (
        f"{PARAMETERS}Cannot update attribute p. This attribute is part of the key"
    )


def test_a_condition_decides(db: Any, table: str) -> None:
    """A write whose condition does not hold changes nothing and can tell the item."""
    item = {"p": {"S": "a"}, "version": {"N": "1"}}
    absent = {"ConditionExpression": "attribute_not_exists(p)"}
    db.put_item(TableName=table, Item=item, **absent)
    with pytest.raises(ClientError, match="The conditional request failed") as refused:
        db.put_item(TableName=table, Item={"p": {"S": "a"}}, **absent)
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert "Item" not in refused.value.response
    for call in (db.delete_item, db.update_item):
        with pytest.raises(ClientError) as refused:
            call(
                TableName=table,
                Key={"p": {"S": "a"}},
                ConditionExpression="#v > :v",
                ExpressionAttributeNames={"#v": "version"},
                ExpressionAttributeValues={":v": {"N": "1"}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        assert refused.value.response["Item"] == item
    assert db.get_item(TableName=table, Key={"p": {"S": "a"}})["Item"] == item


@pytest.mark.parametrize(
    ("projection", "found"),
    [
        ("n", {"n": {"N": "-1.5"}}),
        ("#m.#i", {"map": EVERYTHING["map"]}),
        ("#l[1], #l[3]", {"list": {"L": [{"N": "0"}, {"B": b""}]}}),
        ("absent, #l[9], n.x", {}),
    ],
)
def test_a_projection_cuts_out_paths(db: Any, table: str, projection: str, found: Any) -> None:
    """Only what the paths name comes back, in its place in maps and lists."""
    names = {"#m": "map", "#i": "inner", "#l": "list"}
    db.put_item(TableName=table, Item=EVERYTHING)
    answer = db.get_item(
        TableName=table,
        Key={"p": {"S": "ключ"}},
        ProjectionExpression=projection,
        **(
            {"ExpressionAttributeNames": {k: v for k, v in names.items() if k in projection}}
            if "#" in projection
            else {}
        ),
    )
    assert answer["Item"] == found


def test_capacity_counts_kilobytes(db: Any, make_table: Callable[..., str]) -> None:
    """Reads cost half a unit per 4 KB, the whole if consistent; writes a unit per KB."""
    name = make_table()
    item = {"p": {"S": "a"}, "v": {"S": "x" * 5000}}
    key = {"p": {"S": "a"}}

    def units(answer: Any) -> float:
        return float(answer["ConsumedCapacity"]["CapacityUnits"])

    total = {"TableName": name, "ReturnConsumedCapacity": "TOTAL"}
    assert units(db.put_item(Item=item, **total)) == 5
    assert units(db.get_item(Key=key, **total)) == 1
    assert units(db.get_item(Key=key, ConsistentRead=True, **total)) == 2
    assert units(db.put_item(Item=key, **total)) == 5  # the larger of before and after
    assert units(db.delete_item(Key=key, **total)) == 1
    assert units(db.get_item(Key=key, **total)) == 0.5
    told = db.get_item(TableName=name, Key=key, ReturnConsumedCapacity="INDEXES")
    assert told["ConsumedCapacity"]["Table"] == {"CapacityUnits": 0.5}
