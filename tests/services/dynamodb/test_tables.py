"""Tables through boto3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def key(name: str, kind: str = "HASH") -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


def defined(**kinds: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()]


def index(name: str, *keys: dict[str, str], **projection: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": list(keys),
        "Projection": projection or {"ProjectionType": "ALL"},
    }


def test_a_request_has_an_id(db: Any) -> None:
    """It is a UUID, where AWS has 52 letters and digits."""
    metadata = db.list_tables()["ResponseMetadata"]
    assert len(metadata["RequestId"]) == 36
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == metadata["RequestId"]


def test_a_table_is_described_as_it_was_made(db: Any, make_table: Callable[..., str]) -> None:
    """DescribeTable tells keys, indexes, capacity and counts."""
    name = make_table(
        "p:S s:N",
        "g:B",
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
        LocalSecondaryIndexes=[
            index(
                "local",
                key("p"),
                key("g", "RANGE"),
                ProjectionType="INCLUDE",
                NonKeyAttributes=["a", "b"],
            )
        ],
        GlobalSecondaryIndexes=[
            index("global", key("g"), key("p", "RANGE"), ProjectionType="KEYS_ONLY")
            | {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}}
        ],
        DeletionProtectionEnabled=True,
        TableClass="STANDARD_INFREQUENT_ACCESS",
    )
    db.put_item(TableName=name, Item={"p": {"S": "ab"}, "s": {"N": "12"}, "g": {"B": b"xyz"}})
    found = db.describe_table(TableName=name)["Table"]
    assert found["TableStatus"] == "ACTIVE"
    assert found["TableArn"] == f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
    assert found["KeySchema"] == [key("p"), key("s", "RANGE")]
    assert found["AttributeDefinitions"] == defined(p="S", s="N", g="B")
    assert found["ProvisionedThroughput"]["WriteCapacityUnits"] == 4
    assert (found["ItemCount"], found["TableSizeBytes"]) == (1, 3 + 3 + 4)
    assert found["DeletionProtectionEnabled"] is True
    assert found["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    (local,) = found["LocalSecondaryIndexes"]
    assert local["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b"]}
    (other,) = found["GlobalSecondaryIndexes"]
    assert other["IndexStatus"] == "ACTIVE"
    assert other["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert other["ItemCount"] == 1
    by_arn = db.describe_table(TableName=found["TableArn"])["Table"]
    assert by_arn["TableId"] == found["TableId"]
    with pytest.raises(ClientError, match="currently protected against deletion"):
        db.delete_table(TableName=name)


def test_a_deleted_table_is_gone_with_its_items(db: Any, table: str) -> None:
    """A table of the same name begins empty."""
    db.put_item(TableName=table, Item={"p": {"S": "a"}})
    assert db.delete_table(TableName=table)["TableDescription"]["TableStatus"] == "DELETING"
    with pytest.raises(
        ClientError, match=f"Requested resource not found: Table: {table} not found"
    ):
        db.describe_table(TableName=table)
    with pytest.raises(ClientError, match=r"Requested resource not found$") as refused:
        db.get_item(TableName=table, Key={"p": {"S": "a"}})
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    db.create_table(
        TableName=table,
        KeySchema=[key("p")],
        AttributeDefinitions=defined(p="S"),
        BillingMode="PAY_PER_REQUEST",
    )
    assert db.scan(TableName=table)["Count"] == 0
    with pytest.raises(ClientError, match=f"Table already exists: {table}"):
        db.create_table(
            TableName=table,
            KeySchema=[key("p")],
            AttributeDefinitions=defined(p="S"),
            BillingMode="PAY_PER_REQUEST",
        )


def test_tables_are_listed_by_name_in_pages(haar: Any) -> None:
    """ListTables goes on after the last name of a page."""
    db = haar.client("dynamodb")
    names = [f"t{number:02}" for number in range(7)]
    for name in reversed(names):
        db.create_table(
            TableName=name,
            KeySchema=[key("p")],
            AttributeDefinitions=defined(p="S"),
            BillingMode="PAY_PER_REQUEST",
        )
    pages = db.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 3})
    assert [page["TableNames"] for page in pages] == [names[:3], names[3:6], names[6:]]
    assert haar.client("dynamodb", region_name="eu-west-1").list_tables()["TableNames"] == []


PROVISIONED = {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
DEMAND = {"BillingMode": "PAY_PER_REQUEST"}
PARAMETERS = "One or more parameter values were invalid: "

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no keys", {"AttributeDefinitions": defined(p="S"), **DEMAND}, "The parameter 'KeySchema' is"),
    ("no units", {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S")},
     (f"{PARAMETERS}ReadCapacityUnits and WriteCapacityUnits must both be specified when "
     "BillingMode is PROVISIONED")),
    ("units on demand",
     {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S"), **PROVISIONED, **DEMAND},
     (f"{PARAMETERS}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
     "BillingMode is PAY_PER_REQUEST")),
    ("range first",
     {"KeySchema": [key("p", "RANGE")], "AttributeDefinitions": defined(p="S"), **DEMAND},
     "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"),
    ("hash twice",
     {"KeySchema": [key("p"), key("s")], "AttributeDefinitions": defined(p="S", s="S"), **DEMAND},
     "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"),
    ("one name twice",
     {"KeySchema": [key("p"), key("p", "RANGE")], "AttributeDefinitions": defined(p="S"), **DEMAND},
     "Both the Hash Key and the Range Key element in the KeySchema have the same name"),
    ("undefined", {"KeySchema": [key("p")], "AttributeDefinitions": defined(x="S"), **DEMAND},
     "Invalid KeySchema: Some index key attribute have no definition"),
    ("unused",
     {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S", x="S"), **DEMAND},
     (f"{PARAMETERS}Number of attributes in KeySchema does not exactly match number of attributes "
     "defined in AttributeDefinitions")),
    ("local without range",
     {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S", x="S"), **DEMAND,
      "LocalSecondaryIndexes": [index("idx", key("p"), key("x", "RANGE"))]},
     (f"{PARAMETERS}Table KeySchema does not have a range key, which is required when specifying a "
     "LocalSecondaryIndex")),
    ("local with another hash",
     {"KeySchema": [key("p"), key("s", "RANGE")], **DEMAND,
      "AttributeDefinitions": defined(p="S", s="S", x="S"),
      "LocalSecondaryIndexes": [index("idx", key("x"), key("s", "RANGE"))]},
     (f"{PARAMETERS}Index KeySchema does not have the same leading hash key as table KeySchema for "
     "index: idx")),
    ("global undefined",
     {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S"), **DEMAND,
      "GlobalSecondaryIndexes": [index("idx", key("x"))]},
     (f"{PARAMETERS}Some index key attributes are not defined in AttributeDefinitions. Keys: [x], "
     "AttributeDefinitions: [p]")),
    ("index twice",
     {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S"), **DEMAND,
      "GlobalSecondaryIndexes": [index("idx", key("p")), index("idx", key("p"))]},
     f"{PARAMETERS}Duplicate index name: idx"),
    ("too many indexes",
     {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S"), **DEMAND,
      "GlobalSecondaryIndexes": [index(f"idx{n}", key("p")) for n in range(21)]},
     f"{PARAMETERS}GlobalSecondaryIndex count exceeds the per-table limit of 20"),
    ("names without INCLUDE",
     {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S"), **DEMAND,
      "GlobalSecondaryIndexes": [
          index("idx", key("p"), ProjectionType="ALL", NonKeyAttributes=["a"])]},
     f"{PARAMETERS}ProjectionType is ALL, but NonKeyAttributes is specified"),
    ("INCLUDE without names",
     {"KeySchema": [key("p")], "AttributeDefinitions": defined(p="S"), **DEMAND,
      "GlobalSecondaryIndexes": [index("idx", key("p"), ProjectionType="INCLUDE")]},
     f"{PARAMETERS}ProjectionType is INCLUDE, but NonKeyAttributes is not specified"),
    ("not a key type",
     {"KeySchema": [key("p", "X")], "AttributeDefinitions": defined(p="S"), **DEMAND},
     ("1 validation error detected: Value 'X' at 'keySchema.1.member.keyType' failed to satisfy "
     "constraint: Member must satisfy enum value set: [HASH, RANGE]")),
]  # fmt: skip


@pytest.mark.parametrize(("members", "text"), [case[1:] for case in REFUSED], ids=lambda _: "")
def test_a_wrong_table_is_refused_in_awss_words(db: Any, members: Any, text: str) -> None:
    """CreateTable names what is wrong."""
    with pytest.raises(ClientError) as refused:
        db.create_table(TableName="refused", **members)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert refused.value.response["Error"]["Message"].startswith(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ab", "Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length"),
        ("a" * 256, "Member must have length less than or equal to 255"),
        ("a b c", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("arn:aws:dynamodb:eu-west-1:000000000000:table/abc", "Invalid TableArn"),
    ],
)
def test_a_wrong_name_is_refused(db: Any, name: str, text: str) -> None:
    """Names have AWS's length and characters."""
    with pytest.raises(ClientError) as refused:
        db.get_item(TableName=name, Key={"p": {"S": "a"}})
    assert text in refused.value.response["Error"]["Message"]


def test_another_accounts_table_is_denied(db: Any) -> None:
    """An ARN does not reach into another account."""
    arn = "arn:aws:dynamodb:us-east-1:111111111111:table/theirs"
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:GetItem") as refused:
        db.get_item(TableName=arn, Key={"p": {"S": "a"}})
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_what_is_not_built_is_refused_by_name(db: Any) -> None:
    """A member that haar does not honour answers 501 and its name."""
    with pytest.raises(ClientError, match="SSESpecification") as refused:
        db.create_table(
            TableName="refused",
            KeySchema=[key("p")],
            AttributeDefinitions=defined(p="S"),
            SSESpecification={"Enabled": True},
            **DEMAND,
        )
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
