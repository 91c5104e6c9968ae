"""The examples of data models run as they are."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from haar.testing import Running, running

FOLDER = Path(__file__).parents[2] / "examples" / "dynamodb"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.fixture(scope="module")
def cloud() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def dynamodb(cloud: Running) -> Any:
    return boto3.resource(
        "dynamodb", endpoint_url=cloud.endpoint, region_name=cloud.region, **cloud.credentials
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs(
    cloud: Running, dynamodb: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an example asserts holds."""
    monkeypatch.syspath_prepend(str(FOLDER))
    main = importlib.import_module(name).main
    needs = inspect.signature(main).parameters.keys() - {"dynamodb"}
    clients = {"s3": "s3", "streams": "dynamodbstreams"}
    main(dynamodb, **{need: cloud.client(clients[need]) for need in needs})


def test_the_list_of_examples_is_whole() -> None:
    """An example that the page does not name is not found."""
    page = (FOLDER / "README.md").read_text()
    assert [name for name in NAMES if f"`{name}.py`" not in page] == []
