"""Libraries that people use with DynamoDB, unchanged: PynamoDB, Powertools, boto3's resource."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from boto3.dynamodb.conditions import Attr, Key
from pynamodb.attributes import (
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError, UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from haar.testing import Running


def make_model(cloud: Running) -> Any:
    """Return a PynamoDB model of orders on a running haar."""

    class Address(MapAttribute[str, Any]):
        city = UnicodeAttribute()

    class ByStatus(GlobalSecondaryIndex[Any]):
        class Meta:
            index_name = "by-status"
            projection = AllProjection()

        status = UnicodeAttribute(hash_key=True)
        number = NumberAttribute(range_key=True)

    class Order(Model):
        class Meta:
            table_name = "orders"
            host = cloud.endpoint
            region = cloud.region
            billing_mode = "PAY_PER_REQUEST"
            aws_access_key_id = cloud.credentials["aws_access_key_id"]
            aws_secret_access_key = cloud.credentials["aws_secret_access_key"]

        customer = UnicodeAttribute(hash_key=True)
        number = NumberAttribute(range_key=True)
        status = UnicodeAttribute(default="open")
        lines = ListAttribute(default=list)
        tags = UnicodeSetAttribute(null=True)
        address = Address(null=True)
        at = UTCDateTimeAttribute(null=True)
        version = VersionAttribute()
        by_status = ByStatus()

    return Order


def test_pynamodb_keeps_models(cloud: Running) -> None:
    """Save, get, query an index, update under a condition, batch, scan, delete."""
    order = make_model(cloud)
    order.create_table(wait=True)
    one = order("ann", 1, lines=["tea", 2], tags={"gift"}, address={"city": "Leith"})
    one.save(order.customer.does_not_exist())
    with pytest.raises(PutError):
        order("ann", 1).save(order.customer.does_not_exist())
    found = order.get("ann", 1, consistent_read=True)
    assert (found.lines, found.tags, found.address.city) == (["tea", 2], {"gift"}, "Leith")
    with order.batch_write() as batch:
        for number in range(2, 40):
            batch.save(order("ann", number, status="open" if number % 2 else "done"))
    assert order.count("ann") == 39
    done = order.by_status.query("done", order.number < 10, scan_index_forward=False)
    assert [each.number for each in done] == [8, 6, 4, 2]
    assert sum(1 for _ in order.scan(order.status == "open", page_size=7)) == 20
    found.update([order.status.set("paid"), order.lines.set(order.lines.append(["scone"]))])
    assert order.get("ann", 1).lines == ["tea", 2, "scone"]
    stale = order.get("ann", 1)
    found.update([order.tags.delete({"gift"})])
    with pytest.raises(UpdateError):
        stale.update([order.status.set("lost")])  # its version is old
    found.delete()
    with pytest.raises(DoesNotExist):
        order.get("ann", 1)


def test_pynamodb_transacts(cloud: Running) -> None:
    """Transactions of PynamoDB do all or nothing."""
    order = make_model(cloud)
    if not order.exists():
        order.create_table(wait=True)
    connection = Connection(region=cloud.region, host=cloud.endpoint)
    connection.session.set_credentials(
        cloud.credentials["aws_access_key_id"], cloud.credentials["aws_secret_access_key"]
    )
    with TransactWrite(connection=connection, client_request_token="bobs") as transaction:
        transaction.save(order("bob", 1))
        transaction.save(order("bob", 2), condition=order.customer.does_not_exist())
    with TransactGet(connection=connection) as transaction:
        futures = [transaction.get(order, "bob", number) for number in (1, 2)]
    assert [future.get().number for future in futures] == [1, 2]

    def again() -> None:
        with TransactWrite(connection=connection) as failing:
            failing.save(order("bob", 3))
            failing.save(order("bob", 2), condition=order.customer.does_not_exist())

    with pytest.raises(TransactWriteError) as refused:
        again()
    reasons = [reason.code if reason else None for reason in refused.value.cancellation_reasons]
    assert reasons == [None, "ConditionalCheckFailed"]
    assert order.count("bob") == 2


class InTime(LambdaContext):
    """What Powertools asks of Lambda."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 60_000


def test_powertools_makes_a_function_idempotent(
    cloud: Running, make_table: Callable[..., str]
) -> None:
    """A call with the same payload runs once; one that is under way is told so."""
    layer = DynamoDBPersistenceLayer(
        table_name=make_table("id:S"), boto3_client=cloud.client("dynamodb")
    )
    config = IdempotencyConfig(
        event_key_jmespath="order", payload_validation_jmespath="amount", expires_after_seconds=60
    )
    config.register_lambda_context(InTime())
    charged: list[int] = []

    @idempotent_function(data_keyword_argument="payment", persistence_store=layer, config=config)
    def charge(payment: dict[str, Any]) -> dict[str, Any]:
        charged.append(payment["amount"])
        if payment["order"] == "nested":
            charge(payment=payment)
        return {"receipt": len(charged)}

    first = charge(payment={"order": "a", "amount": 5})
    assert charge(payment={"order": "a", "amount": 5}) == first == {"receipt": 1}
    assert charged == [5]
    with pytest.raises(IdempotencyValidationError):
        charge(payment={"order": "a", "amount": 6})
    with pytest.raises(IdempotencyAlreadyInProgressError):
        charge(payment={"order": "nested", "amount": 7})
    assert charge(payment={"order": "b", "amount": 8}) == {"receipt": 3}


def test_boto3s_resource_speaks_python(cloud: Running) -> None:
    """Decimals, sets and binaries go there and back; conditions are built from objects."""
    resource: Any = boto3.session.Session().resource(  # type: ignore[call-overload]
        "dynamodb", endpoint_url=cloud.endpoint, region_name=cloud.region, **cloud.credentials
    )
    table = resource.create_table(
        TableName="resourceful",
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
    table.wait_until_exists()
    with table.batch_writer() as batch:
        for number in range(30):
            batch.put_item(
                {"p": "a", "s": number, "half": Decimal(number) / 2, "odd": {number % 2}}
            )
    found = table.query(
        KeyConditionExpression=Key("p").eq("a") & Key("s").between(3, 6),
        FilterExpression=Attr("odd").contains(1) & ~Attr("half").eq(Decimal("2.5")),
        ProjectionExpression="s, half",
    )
    assert found["Items"] == [{"s": Decimal(3), "half": Decimal("1.5")}]
    table.update_item(
        Key={"p": "a", "s": 3},
        UpdateExpression="SET #d = :d, #b = :b",
        ConditionExpression=Attr("half").lt(2),
        ExpressionAttributeNames={"#d": "data", "#b": "bytes"},
        ExpressionAttributeValues={":d": {"list": [None, True, "x"]}, ":b": b"\x00\x01"},
    )
    item = table.get_item(Key={"p": "a", "s": 3})["Item"]
    assert item["data"] == {"list": [None, True, "x"]}
    assert bytes(item["bytes"]) == b"\x00\x01"
    assert table.item_count == 30
