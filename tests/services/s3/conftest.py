"""A client of S3 and a bucket for the tests of S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

BUCKET = "tested-bucket"


@pytest.fixture
def s3(haar: Any) -> Any:
    """A boto3 client of S3."""
    return haar.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """The name of a bucket that is there."""
    s3.create_bucket(Bucket=BUCKET)
    return BUCKET


def refused(call: Callable[..., object], **members: Any) -> tuple[str, int, dict[str, Any]]:
    """Return code, status and the error's members of what a call is refused with."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    answer = caught.value.response
    error = dict(answer["Error"])
    return error.pop("Code"), answer["ResponseMetadata"]["HTTPStatusCode"], error


@pytest.fixture
def refusal() -> Callable[..., tuple[str, int, dict[str, Any]]]:
    """Tell what a call is refused with."""
    return refused
