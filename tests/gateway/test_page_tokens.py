"""Tokens of pages, over the wire: each service refuses in its own words what is none of its own."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.kit import pages
from haar.testing import Running

FOREIGN = pages.seal("another listing", b"position")
DIGITS = FOREIGN.ljust(56).encode().hex()


@pytest.mark.parametrize("text", [FOREIGN, "nothing"], ids=["foreign", "nothing"])
@pytest.mark.parametrize(
    ("service", "operation", "name", "code", "message"),
    [
        (
            "sqs",
            "list_queues",
            "NextToken",
            "InvalidParameterValue",
            "Value {token} for parameter NextToken is invalid. Reason: The token is not valid.",
        ),
        ("s3", "list_buckets", "ContinuationToken", "InvalidArgument", None),
        ("dynamodb", "list_exports", "NextToken", "ValidationException", None),
        ("lambda", "list_functions", "Marker", "InvalidParameterValueException", "Invalid Marker"),
        ("pipes", "list_pipes", "NextToken", "ValidationException", "Invalid NextToken."),
        ("stepfunctions", "list_state_machines", "nextToken", "InvalidToken", None),
    ],
)
def test_a_token_that_is_none_is_refused(  # the columns of a table
    haar: Running,
    service: str,
    operation: str,
    name: str,
    code: str,
    message: str | None,
    text: str,
) -> None:
    """Another service's token, and any text."""
    with pytest.raises(ClientError) as refused:
        getattr(haar.client(service), operation)(**{name: text})
    error: Any = refused.value.response["Error"]
    assert error["Code"] == code
    if message is not None:
        assert error["Message"] == message.format(token=text)


def test_imports_are_listed_a_page_at_a_time(haar: Running) -> None:
    """Their tokens are hexadecimal, as the model has them: a client that checks sends them back."""
    s3, db = haar.client("s3"), haar.client("dynamodb")
    s3.create_bucket(Bucket="imports")
    arns = {
        db.import_table(
            S3BucketSource={"S3Bucket": "imports"},
            InputFormat="CSV",
            TableCreationParameters={
                "TableName": f"table-{n}",
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )["ImportTableDescription"]["ImportArn"]
        for n in range(3)
    }
    found: list[str] = []
    page = db.list_imports(PageSize=1)
    while "NextToken" in page:
        found += [one["ImportArn"] for one in page["ImportSummaryList"]]
        page = db.list_imports(PageSize=1, NextToken=page["NextToken"])
    found += [one["ImportArn"] for one in page["ImportSummaryList"]]
    assert len(found) == 3
    assert set(found) == arns
    with pytest.raises(ClientError) as refused:
        db.list_imports(NextToken=DIGITS)
    assert refused.value.response["Error"]["Message"] == "NextToken does not match request"
