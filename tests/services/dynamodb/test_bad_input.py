"""Requests that are wrong in any way are refused, never a failure of haar's own."""

from __future__ import annotations

import copy
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from haar.testing import Running

TABLE = "beaten"
ARN = f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}"
KEY: Any = {"p": {"S": "a"}, "s": {"N": "1"}}
UPDATE: Any = {
    "Key": KEY,
    "UpdateExpression": "SET #l[1] = :v, m.x = m.x + :v REMOVE y ADD n :v DELETE t :t",
    "ConditionExpression": "attribute_exists(p) OR size(#l) BETWEEN :v AND :w",
    "ExpressionAttributeNames": {"#l": "l"},
    "ExpressionAttributeValues": {":v": {"N": "1"}, ":w": {"N": "2"}, ":t": {"SS": ["x"]}},
}
ITEM: Any = {
    **KEY,
    "g": {"S": "g"},
    "l": {"L": [{"N": "1"}]},
    "m": {"M": {"x": {"N": "1"}}},
    "t": {"SS": ["x", "y"]},
    "b": {"BS": ["YQ=="]},
}
COMPARED: Any = {"g": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "g"}]}}
REQUESTS: list[tuple[str, Any]] = [
    ("PutItem", {"TableName": TABLE, "Item": ITEM, "ReturnValues": "ALL_OLD"}),
    ("PutItem", {"TableName": TABLE, "Item": ITEM, "Expected": COMPARED}),
    ("GetItem", {"TableName": TABLE, "Key": KEY, "ProjectionExpression": "l[0], m.x, t"}),
    ("GetItem", {"TableName": TABLE, "Key": KEY, "AttributesToGet": ["l", "m"]}),
    ("UpdateItem", {"TableName": TABLE, **UPDATE, "ReturnValues": "UPDATED_NEW"}),
    (
        "UpdateItem",
        {
            "TableName": TABLE,
            "Key": KEY,
            "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "1"}}},
        },
    ),
    ("DeleteItem", {"TableName": TABLE, "Key": KEY, "ReturnConsumedCapacity": "INDEXES"}),
    (
        "Query",
        {
            "TableName": TABLE,
            "IndexName": "by-g",
            "KeyConditionExpression": "g = :g AND s > :s",
            "FilterExpression": "contains(t, :g)",
            "ExpressionAttributeValues": {":g": {"S": "g"}, ":s": {"N": "0"}},
            "ExclusiveStartKey": {**KEY, "g": {"S": "g"}},
            "Limit": 5,
            "ScanIndexForward": False,
        },
    ),
    ("Query", {"TableName": TABLE, "KeyConditions": {"p": COMPARED["g"]}, "QueryFilter": COMPARED}),
    ("Scan", {"TableName": TABLE, "Segment": 0, "TotalSegments": 2, "ScanFilter": COMPARED}),
    ("BatchGetItem", {"RequestItems": {TABLE: {"Keys": [KEY], "ProjectionExpression": "p"}}}),
    (
        "BatchWriteItem",
        {
            "RequestItems": {
                TABLE: [
                    {"PutRequest": {"Item": ITEM}},
                    {"DeleteRequest": {"Key": {"p": {"S": "b"}, "s": {"N": "1"}}}},
                ]
            }
        },
    ),
    (
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Update": {"TableName": TABLE, **UPDATE}},
                {"Put": {"TableName": TABLE, "Item": {"p": {"S": "b"}, "s": {"N": "1"}}}},
            ],
            "ClientRequestToken": "beaten",
        },
    ),
    ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": TABLE, "Key": KEY}}]}),
    (
        "UpdateTable",
        {
            "TableName": TABLE,
            "AttributeDefinitions": [{"AttributeName": "h", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [
                {
                    "Create": {
                        "IndexName": "by-h",
                        "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                    }
                }
            ],
        },
    ),
    (
        "CreateTable",
        {
            "TableName": "other",
            "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "h", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        },
    ),
    (
        "UpdateTimeToLive",
        {
            "TableName": TABLE,
            "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "n"},
        },
    ),
    ("ListTables", {"ExclusiveStartTableName": "abc", "Limit": 1}),
    (
        "ListTagsOfResource",
        {"ResourceArn": f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}"},
    ),
]
STREAMS = {"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"}
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.sampled_from(["\x00", "é" * 40, "p", "#l", ":v", "1e400", "arn:", "-", "NaN", "SET a = :v"]),
    st.sampled_from([{}, [], [[]], [{}], {"S": "a"}, {"N": "x"}, {"M": {"a": {}}}, {"NULL": True}]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside a JSON value."""
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, inner in pairs:
        yield (*path, step)
        yield from places(inner, (*path, step))


@st.composite
def beaten(draw: Any) -> tuple[str, Any]:
    """Draw a request that was right before one to three places of it were spoilt."""
    operation, members = draw(st.sampled_from(REQUESTS))
    members = copy.deepcopy(members)
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(members))
        if not found:
            break
        *above, last = draw(st.sampled_from(found))
        inside = members
        for step in above:
            inside = inside[step]
        match draw(st.sampled_from(["replace", "remove", "rename"])):
            case "replace":
                inside[last] = copy.deepcopy(draw(JUNK))
            case "remove":
                del inside[last]
            case _:
                junk = draw(st.text(max_size=3))
                if isinstance(inside, dict):
                    inside[junk] = inside.pop(last)
                else:
                    inside.append(copy.deepcopy(inside[last]))
    return operation, members


@pytest.fixture(scope="module")
def send(cloud: Running) -> Iterator[Callable[[str, bytes], tuple[int, Any]]]:
    """Send a body to an operation, rightly signed; return status and answer."""
    keys = cloud.credentials
    signer = SigV4Auth(
        Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"]),
        "dynamodb",
        cloud.region,
    )
    connection = http.client.HTTPConnection(urlsplit(cloud.endpoint).netloc, timeout=30)

    def call(operation: str, body: bytes) -> tuple[int, Any]:
        prefix = "DynamoDBStreams" if operation in STREAMS else "DynamoDB"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"{prefix}_20120810.{operation}",
        }
        request = AWSRequest("POST", cloud.endpoint + "/", data=body, headers=headers)
        signer.add_auth(request)
        connection.request("POST", "/", body=body, headers=dict(request.headers))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    yield call
    connection.close()


@pytest.fixture(scope="module")
def filled(db: Any, cloud: Running) -> Callable[[Any], bytes]:
    """Make the table that the requests are about; return what writes a request as a body."""
    described = db.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "p", "KeyType": "HASH"},
            {"AttributeName": "s", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "N" if name == "s" else "S"} for name in "psg"
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [
                    {"AttributeName": "g", "KeyType": "HASH"},
                    {"AttributeName": "s", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    streams, arn = cloud.client("dynamodbstreams"), described["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    words = {"STREAM": arn, "SHARD": shard, "ITERATOR": iterator}

    def body(members: Any) -> bytes:
        text = json.dumps(members)
        for word, meant in words.items():
            text = text.replace(f'"{word}"', json.dumps(meant))
        return text.encode()

    return body


def test_the_requests_are_right_before_they_are_spoilt(send: Any, filled: Any) -> None:
    """What is spoilt below works as it stands, or there would be nothing to spoil."""
    for operation, members in REQUESTS:
        status, answer = send(operation, filled(members))
        assert status in {200, 400}, (operation, answer)
        if status == 400:
            assert "ConditionalCheckFailed" in answer["__type"], (operation, answer)


@settings(max_examples=300, deadline=None)
@given(request_=beaten())
def test_a_spoilt_request_never_fails_haar(
    send: Any, filled: Any, request_: tuple[str, Any]
) -> None:
    """Whatever a request says, the answer is a success or a refusal with a code and a reason."""
    operation, members = request_
    status, answer = send(operation, filled(members))
    assert status in {200, 400, 501}, (operation, members, answer)
    if status != 200:
        assert "#" in answer["__type"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 2000, b'{"a":' * 2000]
)
def test_a_body_that_is_no_request_is_refused(send: Any, body: bytes) -> None:
    """What is not JSON, or no object, answers 400."""
    status, answer = send("PutItem", body)
    assert status == 400
    assert answer["__type"].endswith(("SerializationException", "ValidationException"))


@pytest.mark.parametrize(
    "value", [None, {"SS": ["a", None]}, {"L": [None, {"S": "a"}]}, {"M": {"k": None}}]
)
def test_a_null_among_values_is_refused(send: Any, db: Any, table: str, value: Any) -> None:
    """What is no value is not left out of an item: it would not be the one that was sent."""
    members = {"TableName": table, "Item": {"p": {"S": "a"}, "x": value}}
    status, answer = send("PutItem", json.dumps(members).encode())
    assert status == 400
    assert answer["__type"].endswith("SerializationException")
    assert db.scan(TableName=table)["Items"] == []


def test_a_missing_batch_is_told_in_awss_words(send: Any) -> None:
    """BatchGetItem misses its batch in words of its own, BatchWriteItem as others do."""
    _, answer = send("BatchGetItem", b"{}")
    assert answer["message"] == "The requestItems parameter is required for BatchGetItem"
    _, answer = send("BatchWriteItem", b"{}")
    assert answer["message"].startswith("1 validation error detected: Value null at 'requestItems'")
