"""One haar for the package's tests, each with tables of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from haar.testing import Running, running

_numbers = count()


@pytest.fixture(scope="package")
def cloud() -> Iterator[Running]:
    """A haar in memory that the tests share."""
    with running() as started:
        yield started


@pytest.fixture(scope="package")
def db(cloud: Running) -> Any:
    """A client of DynamoDB; it checks nothing itself, so that refusals are haar's."""
    from botocore.config import Config  # noqa: PLC0415  # only the client needs it

    options = Config(
        retries={"total_max_attempts": 1}, parameter_validation=False, max_pool_connections=64
    )
    return cloud.client("dynamodb", config=options)


def schema(hashed: str, ranged: str = "") -> list[dict[str, str]]:
    """Return a KeySchema of names."""
    elements = [{"AttributeName": hashed, "KeyType": "HASH"}]
    return elements + ([{"AttributeName": ranged, "KeyType": "RANGE"}] if ranged else [])


@pytest.fixture
def make_table(db: Any) -> Callable[..., str]:
    """Make a table; ``keys`` is like ``p:S s:N``, other members go to CreateTable."""

    def make(keys: str = "p:S", more: str = "", **members: Any) -> str:
        name = f"table-{next(_numbers)}"
        pairs = [pair.split(":") for pair in keys.split()]
        defined = pairs + [pair.split(":") for pair in more.split()]
        db.create_table(
            TableName=name,
            KeySchema=schema(*[key for key, _ in pairs]),
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": k} for n, k in defined],
            **{"BillingMode": "PAY_PER_REQUEST", **members},
        )
        return name

    return make


@pytest.fixture
def table(make_table: Callable[..., str]) -> str:
    """A table with the key ``p``, a string."""
    return make_table()


@pytest.fixture
def sorted_table(make_table: Callable[..., str]) -> str:
    """A table with the keys ``p`` (a string) and ``s`` (a number)."""
    return make_table("p:S s:N")
