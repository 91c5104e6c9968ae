"""One haar for the package's tests, each with tables of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import pytest

from haar.kernel.clock import SystemClock, VirtualClock
from haar.kit.call import Scope
from haar.store.api import Transaction
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


@pytest.fixture(scope="module", params=["memory", "rocksdb"])
def either(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a haar on either engine, for many threads.

    It comes again where there was no room for it.
    """
    from botocore.config import Config  # noqa: PLC0415  # only the client needs it

    data = tmp_path_factory.mktemp("data") if request.param == "rocksdb" else None
    patient = Config(
        retries={"mode": "standard", "total_max_attempts": 20}, max_pool_connections=64
    )
    with running(data=data) as cloud:
        yield cloud.client("dynamodb", config=patient)


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


class Travel:
    """A haar whose time the test moves; called from inside, where no signature is too old.

    Attributes:
        clock: its time.
    """

    def __init__(self, cloud: Running, clock: VirtualClock) -> None:
        self.clock = clock
        self._cloud = cloud
        self._scope = Scope("000000000000", "us-east-1")

    def call(self, operation: str, **members: Any) -> Any:
        """Call an operation of DynamoDB in the name of a role."""
        return self.call_in_turn((operation, members))[0]

    def call_in_turn(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        """Call operations one after the other; no job has a turn between them."""
        return self._cloud.run(self._called(calls))

    async def _called(self, calls: Iterable[tuple[str, dict[str, Any]]]) -> list[Any]:
        role, invoke = "arn:aws:iam::000000000000:role/traveller", self._cloud.app.cloud.invoke
        return [
            await invoke("dynamodb", operation, members, as_=role, scope=self._scope)
            for operation, members in calls
        ]

    def transact(self, body: Callable[[Transaction], Any]) -> Any:
        """Run a body in a transaction of its store."""
        return self._cloud.run(self._transacted(body))

    async def _transacted(self, body: Callable[[Transaction], Any]) -> Any:
        return await self._cloud.app.cloud.transact(body)

    def make_table(self, more: Iterable[str] = (), **members: Any) -> None:
        """Make the table ``travelled`` with the key ``p``; ``more`` are keys of indexes."""
        made = {
            "TableName": "travelled",
            "KeySchema": schema("p"),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in ("p", *more)
            ],
            "BillingMode": "PAY_PER_REQUEST",
            **members,
        }
        self.call("CreateTable", **made)

    def until(self, within_ms: int, is_so: Callable[[], bool]) -> None:
        """Let time pass, a minute at a time, until something is so."""
        end_ms = self.clock.now_ms() + within_ms
        while not is_so():
            assert self.clock.now_ms() < end_ms, "it has not come to pass"
            self._cloud.run(self._step())

    async def _step(self) -> None:
        self.clock.advance(60_000)
        for _ in range(20):  # whoever was woken has its turns
            await asyncio.sleep(0)


@pytest.fixture
def travel() -> Iterator[Travel]:
    """A haar of the test's own, whose time the test moves."""
    clock = VirtualClock(SystemClock().now_ms())
    with running(clock=clock) as cloud:
        yield Travel(cloud, clock)
