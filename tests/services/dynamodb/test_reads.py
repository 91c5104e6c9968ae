"""Query and Scan through boto3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

PARAMETERS = "One or more parameter values were invalid: "


def fill(db: Any, name: str, items: list[Any]) -> None:
    """Put items, 25 at a time."""
    for start in range(0, len(items), 25):
        db.batch_write_item(
            RequestItems={
                name: [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            }
        )


@pytest.fixture(scope="module")
def numbered(db: Any) -> str:
    """A table with the partitions ``a`` and ``b`` of 20 items, sorted from -10 to 9."""
    db.create_table(
        TableName="numbered",
        KeySchema=[
            {"AttributeName": "p", "KeyType": "HASH"},
            {"AttributeName": "s", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "s", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    items = [
        {"p": {"S": p}, "s": {"N": str(s)}, "odd": {"BOOL": s % 2 == 1}}
        for p in "ab"
        for s in range(-10, 10)
    ]
    fill(db, "numbered", items)
    return "numbered"


def ask(db: Any, name: str, condition: str, **more: Any) -> Any:
    """Query with ``:p`` = a and numbers for one-letter values."""
    values = more.pop("values", {})
    return db.query(
        TableName=name,
        KeyConditionExpression=condition,
        ExpressionAttributeValues={
            ":p": {"S": "a"},
            **{f":{k}": {"N": str(v)} for k, v in values.items()},
        },
        **more,
    )


def sorts(answer: Any) -> list[int]:
    return [int(item["s"]["N"]) for item in answer["Items"]]


@pytest.mark.parametrize(
    ("condition", "values", "found"),
    [
        ("p = :p", {}, range(-10, 10)),
        ("p = :p AND s = :x", {"x": 3}, [3]),
        ("p = :p AND s < :x", {"x": -7}, [-10, -9, -8]),
        ("p = :p AND s <= :x", {"x": "-8.0"}, [-10, -9, -8]),
        ("s > :x AND p = :p", {"x": 7}, [8, 9]),
        ("(p = :p) AND (s >= :x)", {"x": 7.5}, [8, 9]),
        (":p = p AND :x >= s", {"x": -9}, [-10, -9]),
        ("p = :p AND s BETWEEN :x AND :y", {"x": -1, "y": 1}, [-1, 0, 1]),
        ("p = :p AND s = :x", {"x": 11}, []),
    ],
)
def test_a_query_finds_a_range_in_order(
    db: Any, numbered: str, condition: str, values: Any, found: Any
) -> None:
    """Every operator on the sort key gives its items, in either direction."""
    assert sorts(ask(db, numbered, condition, values=values)) == list(found)
    backwards = ask(db, numbered, condition, values=values, ScanIndexForward=False)
    assert sorts(backwards) == list(found)[::-1]


@pytest.mark.parametrize("is_forward", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 20, 21])
def test_a_query_goes_on_where_it_stopped(
    db: Any, numbered: str, limit: int, is_forward: bool
) -> None:
    """Pages meet all items once; only a full page has a last key."""
    pages = list(
        db.get_paginator("query").paginate(
            TableName=numbered,
            KeyConditionExpression="p = :p",
            ExpressionAttributeValues={":p": {"S": "b"}},
            ScanIndexForward=is_forward,
            PaginationConfig={"PageSize": limit},
        )
    )
    found = [sort for page in pages for sort in sorts(page)]
    assert found == (list(range(-10, 10)) if is_forward else list(range(9, -11, -1)))
    assert [page["ScannedCount"] for page in pages] == (
        [limit] * (20 // limit) + [20 % limit] if limit < 21 else [20]
    )


def test_a_filter_works_after_the_limit(db: Any, numbered: str) -> None:
    """Limit counts what is met; Count, what passed the filter."""
    answer = db.query(
        TableName=numbered,
        KeyConditionExpression="p = :p",
        FilterExpression="odd = :yes",
        ExpressionAttributeValues={":p": {"S": "a"}, ":yes": {"BOOL": True}},
        ProjectionExpression="s",
        Limit=5,
    )
    assert (answer["Count"], answer["ScannedCount"]) == (2, 5)
    assert answer["Items"] == [{"s": {"N": "-9"}}, {"s": {"N": "-7"}}]
    assert answer["LastEvaluatedKey"] == {"p": {"S": "a"}, "s": {"N": "-6"}}
    counted = ask(db, numbered, "p = :p", Select="COUNT")
    assert "Items" not in counted
    assert counted["Count"] == 20


def test_a_page_ends_at_a_megabyte(db: Any, sorted_table: str) -> None:
    """What is met is at most a little over 1 MB, whatever the filter leaves."""
    for number in range(6):
        item = {"p": {"S": "a"}, "s": {"N": str(number)}, "v": {"S": "x" * 300_000}}
        db.put_item(TableName=sorted_table, Item=item)
    first = ask(db, sorted_table, "p = :p")
    assert sorts(first) == [0, 1, 2, 3]
    assert sorts(ask(db, sorted_table, "p = :p", ExclusiveStartKey=first["LastEvaluatedKey"])) == [
        4,
        5,
    ]


@pytest.mark.parametrize(("is_consistent", "units"), [(True, 1.0), (False, 0.5)])
def test_a_scan_tells_what_its_size_comes_to(
    db: Any, table: str, units: float, *, is_consistent: bool
) -> None:
    """A small table is one unit, consistently, however many partitions AWS would touch."""
    db.put_item(TableName=table, Item={"p": {"S": "a"}})
    answer = db.scan(TableName=table, ConsistentRead=is_consistent, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": units}


def test_segments_divide_a_scan(db: Any, table: str) -> None:
    """Each item is in one segment of a parallel scan, and pages of a segment go on in it."""
    fill(db, table, [{"p": {"S": f"item {number}"}} for number in range(100)])
    for total in (1, 3, 7):
        found: list[str] = []
        for segment in range(total):
            pages = db.get_paginator("scan").paginate(
                TableName=table,
                Segment=segment,
                TotalSegments=total,
                PaginationConfig={"PageSize": 9},
            )
            part = [item["p"]["S"] for page in pages for item in page["Items"]]
            assert len(part) < 100 or total == 1
            found += part
        assert sorted(found) == sorted(f"item {number}" for number in range(100))


def test_an_index_has_what_it_projects(db: Any, make_table: Callable[..., str]) -> None:
    """ALL, KEYS_ONLY and INCLUDE, in local and global indexes; only items with the key."""
    projections: dict[str, Any] = {
        "all": {"ProjectionType": "ALL"},
        "keys": {"ProjectionType": "KEYS_ONLY"},
        "some": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
    }

    def indexes(prefix: str, hashed: str, ranged: str) -> list[Any]:
        keys = [
            {"AttributeName": hashed, "KeyType": "HASH"},
            {"AttributeName": ranged, "KeyType": "RANGE"},
        ]
        return [
            {"IndexName": f"{prefix}-{name}", "KeySchema": keys, "Projection": projection}
            for name, projection in projections.items()
        ]

    name = make_table(
        "p:S s:N",
        "g:S",
        LocalSecondaryIndexes=indexes("local", "p", "g"),
        GlobalSecondaryIndexes=indexes("global", "g", "p"),
    )
    whole = {"p": {"S": "a"}, "s": {"N": "1"}, "g": {"S": "g"}, "x": {"S": "x"}, "y": {"S": "y"}}
    fill(db, name, [whole, {"p": {"S": "a"}, "s": {"N": "2"}, "x": {"S": "x"}}])
    keys = {k: whole[k] for k in ("p", "s", "g")}
    expected = {"all": whole, "keys": keys, "some": keys | {"x": {"S": "x"}}}
    for projection, item in expected.items():
        local = ask(db, name, "p = :p", IndexName=f"local-{projection}")
        assert local["Items"] == [item]
        found = db.query(
            TableName=name,
            IndexName=f"global-{projection}",
            KeyConditionExpression="g = :g AND p = :p",
            ExpressionAttributeValues={":g": {"S": "g"}, ":p": {"S": "a"}},
        )
        assert found["Items"] == [item]
        assert db.scan(TableName=name, IndexName=f"global-{projection}")["Items"] == [item]
    fetched = ask(
        db,
        name,
        "p = :p",
        IndexName="local-keys",
        Select="ALL_ATTRIBUTES",
        ReturnConsumedCapacity="INDEXES",
    )
    assert fetched["Items"] == [whole]
    assert fetched["ConsumedCapacity"]["Table"] == {"CapacityUnits": 0.5}
    assert fetched["ConsumedCapacity"]["LocalSecondaryIndexes"] == {
        "local-keys": {"CapacityUnits": 0.5}
    }
    assert ask(db, name, "p = :p", IndexName="local-keys", ProjectionExpression="y")["Items"] == [
        {"y": {"S": "y"}}
    ]


def test_an_index_of_many_attributes_is_asked_from_the_left(
    db: Any, make_table: Callable[..., str]
) -> None:
    """A global index may have four attributes in each part of its key."""
    keys = [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in (("a", "HASH"), ("b", "HASH"), ("c", "RANGE"), ("d", "RANGE"))
    ]
    name = make_table(
        "p:S",
        "a:S b:N c:S d:N",
        GlobalSecondaryIndexes=[
            {"IndexName": "wide", "KeySchema": keys, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
    )
    fill(
        db,
        name,
        [
            {"p": {"S": f"{c}{d}"}, "a": {"S": "a"}, "b": {"N": "1"}, "c": {"S": c}, "d": {"N": d}}
            for c in ("x", "xy", "z")
            for d in ("9", "10")
        ],
    )

    def query(condition: str, **values: Any) -> list[str]:
        found = db.query(
            TableName=name,
            IndexName="wide",
            KeyConditionExpression=condition,
            ExpressionAttributeValues={f":{k}": v for k, v in values.items()},
        )
        return [item["p"]["S"] for item in found["Items"]]

    both: Any = {"a": {"S": "a"}, "b": {"N": "1"}}
    assert query("a = :a AND b = :b", **both) == ["x9", "x10", "xy9", "xy10", "z9", "z10"]
    assert query("b = :b AND c = :c AND a = :a AND d > :d", **both, c={"S": "x"}, d={"N": "9"}) == [
        "x10"
    ]
    assert query("a = :a AND b = :b AND begins_with(c, :c)", **both, c={"S": "x"}) == [
        "x9",
        "x10",
        "xy9",
        "xy10",
    ]
    with pytest.raises(ClientError, match="Query condition missed key schema element: b"):
        query("a = :a", a={"S": "a"})
    with pytest.raises(ClientError, match="Query condition missed key schema element: c"):
        query("a = :a AND b = :b AND d = :d", **both, d={"N": "9"})


A, ONE = {"S": "a"}, {"N": "1"}
REFUSED_QUERIES: list[tuple[dict[str, Any], str]] = [
    (
        {},
        (
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
            "request."
        ),
    ),
    (
        {"KeyConditionExpression": "s = :s", "ExpressionAttributeValues": {":s": ONE}},
        "Query condition missed key schema element: p",
    ),
    (
        {"KeyConditionExpression": "p > :p", "ExpressionAttributeValues": {":p": A}},
        "Query key condition not supported",
    ),
    (
        {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": ONE}},
        f"{PARAMETERS}Condition parameter type does not match schema type",
    ),
    (
        {
            "KeyConditionExpression": "p = :p AND x = :s",
            "ExpressionAttributeValues": {":p": A, ":s": ONE},
        },
        "Query condition missed key schema element: s",
    ),
    (
        {
            "KeyConditionExpression": "p = :p AND p = :p",
            "ExpressionAttributeValues": {":p": A},
        },
        "KeyConditionExpressions must only contain one condition per key",
    ),
    (
        {
            "KeyConditionExpression": "p = :p OR s = :s",
            "ExpressionAttributeValues": {":p": A, ":s": ONE},
        },
        "Invalid operator used in KeyConditionExpression: OR",
    ),
    (
        {
            "KeyConditionExpression": "p = :p AND s <> :s",
            "ExpressionAttributeValues": {":p": A, ":s": ONE},
        },
        "Invalid operator used in KeyConditionExpression: <>",
    ),
    (
        {"KeyConditionExpression": "p.x = :p", "ExpressionAttributeValues": {":p": A}},
        (
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
            "allowed: IndexKey: p"
        ),
    ),
    (
        {
            "KeyConditionExpression": "p = :p",
            "FilterExpression": "s = :s",
            "ExpressionAttributeValues": {":p": A, ":s": ONE},
        },
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: s",
    ),
    (
        {
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": A},
            "IndexName": "absent",
        },
        "The table does not have the specified index: absent",
    ),
    (
        {
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": A},
            "ExclusiveStartKey": {"p": A},
        },
        "The provided starting key is invalid",
    ),
    (
        {
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": A},
            "ExclusiveStartKey": {"p": {"S": "b"}, "s": ONE},
        },
        "The provided starting key is outside query boundaries based on provided conditions",
    ),
    (
        {
            "KeyConditionExpression": "p = :p AND s > :s",
            "ExpressionAttributeValues": {":p": A, ":s": ONE},
            "ExclusiveStartKey": {"p": A, "s": {"N": "0"}},
        },
        "The provided starting key does not match the range key predicate",
    ),
    (
        {
            "KeyConditionExpression": "p = :p AND s = :s",
            "ExpressionAttributeValues": {":p": A, ":s": ONE},
            "ExclusiveStartKey": {"p": A, "s": ONE},
        },
        "The query can return at most one row and cannot be restarted",
    ),
    (
        {"ExpressionAttributeValues": {":p": A}},
        (
            "ExpressionAttributeValues can only be specified when using expressions: "
            "FilterExpression and KeyConditionExpression are null"
        ),
    ),
    (
        {
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": A},
            "Select": "ALL_PROJECTED_ATTRIBUTES",
        },
        "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
    ),
    (
        {
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": A},
            "Select": "COUNT",
            "ProjectionExpression": "s",
        },
        "Cannot specify the ProjectionExpression when choosing to get COUNT",
    ),
    (
        {
            "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": A},
            "Limit": 0,
        },
        (
            "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        ),
    ),
]


@pytest.mark.parametrize(("members", "text"), REFUSED_QUERIES)
def test_a_wrong_query_is_refused_in_awss_words(
    db: Any, numbered: str, members: Any, text: str
) -> None:
    """Query names what is wrong."""
    with pytest.raises(ClientError) as refused:
        db.query(TableName=numbered, **members)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert refused.value.response["Error"]["Message"] == text


def test_a_query_for_one_item_is_whole_in_one_page(db: Any, numbered: str, table: str) -> None:
    """It tells no place to go on from, with whatever limit, since nothing can follow."""
    ends = {"p": A, "s": ONE}
    values = {":p": A, ":s": ONE}
    asked = {"KeyConditionExpression": "p = :p AND s = :s", "ExpressionAttributeValues": values}
    db.put_item(TableName=numbered, Item=ends)
    page = db.query(TableName=numbered, Limit=1, **asked)
    assert page["Count"] == 1
    assert "LastEvaluatedKey" not in page
    db.put_item(TableName=table, Item={"p": A})
    asked = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": A}}
    assert "LastEvaluatedKey" not in db.query(TableName=table, Limit=1, **asked)
    with pytest.raises(ClientError, match="can return at most one row"):
        db.query(TableName=table, ExclusiveStartKey={"p": A}, **asked)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (
            {"Segment": 1},
            (
                "The TotalSegments parameter is required but was not present in the request when "
                "Segment parameter is present"
            ),
        ),
        (
            {"TotalSegments": 1},
            (
                "The Segment parameter is required but was not present in the request when "
                "parameter TotalSegments is present"
            ),
        ),
        (
            {"Segment": 5, "TotalSegments": 5},
            (
                "The Segment parameter is zero-based and must be less than parameter "
                "TotalSegments: Segment: 5 is not less than TotalSegments: 5"
            ),
        ),
        ({"ExclusiveStartKey": {"s": ONE}}, "The provided starting key is invalid"),
    ],
)
def test_a_wrong_scan_is_refused_in_awss_words(
    db: Any, numbered: str, members: Any, text: str
) -> None:
    """Scan names what is wrong."""
    with pytest.raises(ClientError) as refused:
        db.scan(TableName=numbered, **members)
    assert refused.value.response["Error"]["Message"] == text


def test_a_global_index_gives_only_what_it_has(db: Any, make_table: Callable[..., str]) -> None:
    """What a global index does not project cannot be asked of it, nor consistency."""
    name = make_table(
        GlobalSecondaryIndexes=[
            {
                "IndexName": "keys",
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    asked = [
        (
            {"ConsistentRead": True},
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            {"Select": "ALL_ATTRIBUTES"},
            (
                f"{PARAMETERS}Select type ALL_ATTRIBUTES is not supported for global secondary "
                "index keys because its projection type is not ALL"
            ),
        ),
        (
            {"ProjectionExpression": "y, x"},
            f"{PARAMETERS}Global secondary index keys does not project [x, y]",
        ),
    ]
    for members, text in asked:
        with pytest.raises(ClientError) as refused:
            db.scan(TableName=name, IndexName="keys", **members)
        assert refused.value.response["Error"]["Message"] == text
