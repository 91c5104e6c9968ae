"""A haar that the tests of S3 share, a client, and a bucket of each test's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haar.testing import Running, running

Refused = tuple[str, int, dict[str, Any]]

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def haar() -> Iterator[Running]:
    """A haar in memory; each test has a bucket of its own in it."""
    with running() as cloud:
        yield cloud


@pytest.fixture(scope="session")
def s3(haar: Running) -> Any:
    """A boto3 client of S3."""
    return haar.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    """The name of a new bucket."""
    name = f"tested-{next(_NUMBERS)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def refusal() -> Callable[..., Refused]:
    """Tell what a call is refused with: code, status, the error's other members."""

    def refused(call: Callable[..., object], **members: Any) -> Refused:
        with pytest.raises(ClientError) as caught:
            call(**members)
        answer = caught.value.response
        error: dict[str, Any] = dict(answer["Error"])
        return error.pop("Code"), answer["ResponseMetadata"]["HTTPStatusCode"], error

    return refused
