"""Many clients at once: conditional writes are linearizable, transactions serializable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

CLIENTS = 64


@pytest.fixture(scope="module")
def db(either: Any) -> Any:
    """A client of a haar on either engine."""
    return either


def together(work: Callable[[int], None], clients: int = CLIENTS) -> None:
    """Run a function in threads, each with its number, and raise what any of them raised."""
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as failure:  # noqa: BLE001  # told by the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_conditional_writes_are_linearizable(db: Any, table: str) -> None:
    """64 clients count up under a condition: the successes form one chain, none is lost."""
    key = {"p": {"S": "counter"}}
    db.put_item(TableName=table, Item={**key, "n": {"N": "0"}})
    won: list[int] = []

    def count_up(number: int) -> None:
        while True:
            seen = int(db.get_item(TableName=table, Key=key)["Item"]["n"]["N"])
            try:
                answer = db.update_item(
                    TableName=table,
                    Key=key,
                    UpdateExpression="SET n = :new, who = :who",
                    ConditionExpression="n = :old",
                    ExpressionAttributeValues={
                        ":new": {"N": str(seen + 1)},
                        ":old": {"N": str(seen)},
                        ":who": {"N": str(number)},
                    },
                    ReturnValues="ALL_OLD",
                )
            except db.exceptions.ConditionalCheckFailedException:
                continue
            assert answer["Attributes"]["n"] == {"N": str(seen)}
            won.append(seen)
            # What is acknowledged is seen by every later read.
            assert int(db.get_item(TableName=table, Key=key)["Item"]["n"]["N"]) > seen
            return

    together(count_up)
    assert sorted(won) == list(range(CLIENTS))
    assert db.get_item(TableName=table, Key=key)["Item"]["n"] == {"N": str(CLIENTS)}


def test_a_unique_item_has_one_maker(db: Any, table: str) -> None:
    """Of 64 clients that insert one item where there is none, one succeeds."""
    made: list[int] = []

    def insert(number: int) -> None:
        try:
            db.put_item(
                TableName=table,
                Item={"p": {"S": "unique"}, "by": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(p)",
            )
        except db.exceptions.ConditionalCheckFailedException:
            return
        made.append(number)

    together(insert)
    (winner,) = made
    found = db.get_item(TableName=table, Key={"p": {"S": "unique"}})["Item"]
    assert found["by"] == {"N": str(winner)}


def test_transactions_move_without_losing(db: Any, table: str) -> None:
    """Transfers between accounts keep the sum at every moment that a transaction reads."""
    accounts = [{"p": {"S": f"account {number}"}} for number in range(4)]
    for account in accounts:
        db.put_item(TableName=table, Item={**account, "n": {"N": "10"}})

    def move(source: Any, target: Any) -> None:
        change = {"UpdateExpression": "SET n = n + :by", "TableName": table}
        db.transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        **change,
                        "Key": source,
                        "ConditionExpression": "n >= :needed",
                        "ExpressionAttributeValues": {
                            ":by": {"N": "-3"},
                            ":needed": {"N": "3"},
                        },
                    }
                },
                {
                    "Update": {
                        **change,
                        "Key": target,
                        "ExpressionAttributeValues": {":by": {"N": "3"}},
                    }
                },
            ]
        )

    def total() -> int:
        found = db.transact_get_items(
            TransactItems=[{"Get": {"TableName": table, "Key": account}} for account in accounts]
        )
        held = [int(one["Item"]["n"]["N"]) for one in found["Responses"]]
        assert min(held) >= 0
        return sum(held)

    def work(number: int) -> None:
        for turn in range(6):
            try:
                move(accounts[(number + turn) % 4], accounts[(number * 2 + turn * 3 + 1) % 4])
            except db.exceptions.TransactionCanceledException:
                pass
            except db.exceptions.ClientError as refused:  # from an account to itself
                assert "multiple operations on one item" in str(refused)  # noqa: PT017
            assert total() == 40

    together(work, clients=12)
    assert total() == 40
