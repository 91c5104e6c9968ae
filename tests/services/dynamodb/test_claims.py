"""Client tokens of exports and imports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from haar.kernel.errors import ApiError
from haar.services.dynamodb import keys
from haar.store.api import Transaction

HOURS_8_MS = 8 * 60 * 60 * 1000
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/travelled"
EXPORT = {"TableArn": ARN, "S3Bucket": "anywhere", "ClientToken": "once"}
IMPORT = {
    "S3BucketSource": {"S3Bucket": "anywhere"},
    "InputFormat": "CSV",
    "TableCreationParameters": {
        "TableName": "imported",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
    "ClientToken": "once",
}


def export(travel: Any, **more: Any) -> str:
    answer = travel.call("ExportTableToPointInTime", **{**EXPORT, **more})
    return str(answer["ExportDescription"]["ExportArn"])


def import_(travel: Any, **more: Any) -> str:
    answer = travel.call("ImportTable", **{**IMPORT, **more})
    return str(answer["ImportTableDescription"]["ImportArn"])


@pytest.fixture
def travelled(travel: Any) -> Any:
    """A haar with a table that can be recovered."""
    travel.make_table()
    travel.call(
        "UpdateContinuousBackups",
        TableName="travelled",
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    return travel


def test_a_token_starts_one_export_for_eight_hours(travelled: Any) -> None:
    """The same request answers the same export; when eight hours are over it starts another."""
    first = export(travelled)
    assert export(travelled) == first
    assert export(travelled, ClientToken="twice") != first
    travelled.clock.advance(HOURS_8_MS - 1)
    assert export(travelled) == first
    travelled.clock.advance(1)
    second = export(travelled)
    assert second != first
    assert export(travelled) == second


def test_a_token_starts_one_import(travelled: Any) -> None:
    """An import answers the same, too; a token of an export is not one of an import."""
    export(travelled)
    first = import_(travelled)
    assert import_(travelled) == first
    with pytest.raises(ApiError) as refused:
        import_(travelled, InputFormat="DYNAMODB_JSON")
    assert refused.value.code == "ImportConflictException"


@pytest.mark.parametrize(
    "more",
    [
        {"S3Bucket": "elsewhere"},
        {"S3Prefix": "a"},
        {"ExportFormat": "ION"},
        {"ExportType": "INCREMENTAL_EXPORT"},
        {"ExportTime": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_token_is_of_one_request(travelled: Any, more: dict[str, Any]) -> None:
    """Another request under the same token is refused."""
    export(travelled)
    with pytest.raises(ApiError) as refused:
        export(travelled, **more)
    assert refused.value.code == "ExportConflictException"


def test_tokens_of_an_older_haar_are_known(travelled: Any) -> None:
    """What was begun without rows of tokens is found by its token all the same."""
    first, other = export(travelled), import_(travelled)

    def forget(tx: Transaction) -> None:
        for kind in ("export", "import"):
            tx.clear(keys.claim(kind, "000000000000", "us-east-1", "once"))
        tx.clear(keys.claims("000000000000", "us-east-1"))

    travelled.transact(forget)
    assert export(travelled) == first
    assert import_(travelled) == other


def test_a_token_is_removed_when_it_is_over(travelled: Any) -> None:
    """Nothing is left of a token after its eight hours."""
    export(travelled)
    key = keys.claim("export", "000000000000", "us-east-1", "once")
    assert travelled.transact(lambda tx: tx.get(key)) is not None
    travelled.until(
        HOURS_8_MS + 60 * 60 * 1000, lambda: travelled.transact(lambda tx: tx.get(key)) is None
    )
