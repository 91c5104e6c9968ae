"""Histories of many clients, checked: strictly serializable transactions, linearizable writes.

Clients append numbers, each its own, to lists, and read the lists. The lists at the end tell the
order of all appends; what a client read tells between which of them it was; and who had ended
before another began must come first. If all of that can be put into one order, the history is
strictly serializable; for one list, that is linearizable.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

import pytest

from haar.kernel.entropy import SeededEntropy

CLIENTS = 64
ATTEMPTS = 8
LISTS = ("x", "y", "z")

State = dict[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Append:
    """An append that was acknowledged: its number, the lists, when it began and ended."""

    number: int
    lists: tuple[str, ...]
    began: float
    ended: float


@dataclass(frozen=True, eq=False)
class Read:
    """A read of some lists at one moment, or so it should be."""

    found: State
    began: float
    ended: float


@dataclass(frozen=True, eq=False)
class Refused:
    """An append of one list that was refused, since the list did not have ``length`` numbers."""

    length: int
    began: float
    ended: float


def check(final: State, appends: Sequence[Append], reads: Sequence[Read]) -> None:
    """Check that there is one order of all that was done.

    Raises:
        AssertionError: something is lost, or twice there, or was read that was never so.
        CycleError: there is no such order.
    """
    for one in appends:
        for name in one.lists:
            assert final[name].count(one.number) == 1, f"{one.number} in {name}"
    assert sum(map(len, final.values())) == sum(len(one.lists) for one in appends)
    order: TopologicalSorter[Any] = TopologicalSorter()
    by_number = {one.number: one for one in appends}
    for numbers in final.values():
        for before, after in pairwise(numbers):
            order.add(by_number[after], by_number[before])
    for read in reads:
        _place(order, read, final, by_number)
    _place_in_time(order, [*appends, *reads])
    order.prepare()


def _place(order: Any, read: Read, final: State, by_number: dict[int, Append]) -> None:
    """Let a read be after what it saw, and before what it did not."""
    for name, numbers in read.found.items():
        length = len(numbers)
        assert final[name][:length] == numbers, f"{numbers} was never in {name}"
        if length:
            order.add(read, by_number[numbers[-1]])
        if length < len(final[name]):
            order.add(by_number[final[name][length]], read)


def _place_in_time(order: Any, every: list[Append | Read]) -> None:
    """Let what had ended before another began be before it: both are tied to a line of moments."""
    ends = sorted({one.ended for one in every})
    for earlier, later in pairwise(ends):
        order.add(later, earlier)
    for one in every:
        order.add(one.ended, one)
        number = bisect_left(ends, one.began)
        if number:
            order.add(one, ends[number - 1])


def check_refusals(appends: Sequence[Append], refusals: Sequence[Refused]) -> None:
    """Check that each refusal was right at some moment of its time."""
    for refused in refusals:
        least = sum(one.ended < refused.began for one in appends)
        most = sum(one.began < refused.ended for one in appends)
        assert not least == most == refused.length, f"{refused} had no reason"


FIRST, SECOND = Append(1, ("x", "y"), 0, 1), Append(2, ("x", "y"), 2, 3)


@pytest.mark.parametrize(
    ("final", "appends", "reads"),
    [
        ({"x": (1,), "y": ()}, [FIRST], []),  # half of it
        ({"x": (1, 1), "y": (1,)}, [FIRST], []),  # twice
        ({"x": (1, 2), "y": (2, 1)}, [FIRST, SECOND], []),  # each before the other
        ({"x": (2, 1), "y": (2, 1)}, [FIRST, SECOND], []),  # against time
        ({"x": (1,), "y": (1,)}, [FIRST], [Read({"x": (1,), "y": ()}, 0, 9)]),  # a half is seen
        ({"x": (1,), "y": (1,)}, [FIRST], [Read({"x": (), "y": ()}, 2, 3)]),  # stale
        ({"x": (1,), "y": (1,)}, [FIRST], [Read({"x": (7,), "y": ()}, 0, 9)]),  # out of thin air
        (  # two readers see two orders
            {"x": (1,), "y": (2,)},
            [Append(1, ("x",), 0, 9), Append(2, ("y",), 0, 9)],
            [Read({"x": (1,), "y": ()}, 0, 9), Read({"x": (), "y": (2,)}, 0, 9)],
        ),
    ],
)
def test_the_check_finds_what_is_wrong(
    final: State, appends: list[Append], reads: list[Read]
) -> None:
    """A history that no order explains is found out."""
    with pytest.raises((AssertionError, CycleError)):
        check(final, appends, reads)


def test_the_check_takes_what_is_right() -> None:
    """A history that has an order passes, also where calls overlap."""
    reads = [Read({"x": (1,), "y": (1,)}, 0, 9), Read({"x": (), "y": ()}, 0, 9)]
    check({"x": (1, 2), "y": (1, 2)}, [FIRST, SECOND], reads)
    check_refusals([FIRST], [Refused(1, 0, 9)])
    with pytest.raises(AssertionError):
        check_refusals([FIRST], [Refused(1, 2, 3)])


@pytest.fixture(scope="module")
def db(either: Any) -> Any:
    """A client of a haar on either engine."""
    return either


class Histories:
    """What clients do with the lists of a table, noted."""

    def __init__(self, db: Any, table: str) -> None:
        self._db, self._table = db, table
        self._lock = threading.Lock()
        self.appends: list[Append] = []
        self.reads: list[Read] = []
        self.refusals: list[Refused] = []
        for name in LISTS:
            db.put_item(TableName=table, Item={**self._key(name), "numbers": {"L": []}})

    def _key(self, name: str) -> Any:
        return {"p": {"S": name}}

    def _update(self, name: str, number: int) -> Any:
        return {
            "TableName": self._table,
            "Key": self._key(name),
            "UpdateExpression": "SET numbers = list_append(numbers, :new)",
            "ExpressionAttributeValues": {":new": {"L": [{"N": str(number)}]}},
        }

    def append(self, number: int, lists: Sequence[str]) -> None:
        """Append to several lists at once."""
        actions = [{"Update": self._update(name, number)} for name in lists]
        began = time.monotonic()
        self._db.transact_write_items(TransactItems=actions)
        with self._lock:
            self.appends.append(Append(number, tuple(lists), began, time.monotonic()))

    def append_if(self, number: int, length: int) -> bool:
        """Append to the first list if it is as long; return whether it was."""
        update = self._update("x", number)
        update["ConditionExpression"] = "size(numbers) = :length"
        update["ExpressionAttributeValues"][":length"] = {"N": str(length)}
        began = time.monotonic()
        try:
            self._db.update_item(**update)
        except self._db.exceptions.ConditionalCheckFailedException:
            with self._lock:
                self.refusals.append(Refused(length, began, time.monotonic()))
            return False
        with self._lock:
            self.appends.append(Append(number, ("x",), began, time.monotonic()))
        return True

    def read(self) -> State:
        """Read all lists at once."""
        gets = [{"Get": {"TableName": self._table, "Key": self._key(name)}} for name in LISTS]
        began = time.monotonic()
        answer = self._db.transact_get_items(TransactItems=gets)["Responses"]
        ended = time.monotonic()
        return self._noted(dict(zip(LISTS, answer, strict=True)), began, ended)

    def read_first(self) -> int:
        """Read the first list; return how long it is."""
        began = time.monotonic()
        answer = self._db.get_item(TableName=self._table, Key=self._key("x"))
        return len(self._noted({"x": answer}, began, time.monotonic())["x"])

    def _noted(self, answers: dict[str, Any], began: float, ended: float) -> State:
        found = {
            name: tuple(int(one["N"]) for one in answer["Item"]["numbers"]["L"])
            for name, answer in answers.items()
        }
        with self._lock:
            self.reads.append(Read(found, began, ended))
        return found


def together(work: Callable[[int], None]) -> None:
    """Run a function for each client, all at once."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))


def test_transactions_are_strictly_serializable(db: Any, table: str) -> None:
    """What 64 clients wrote and read in transactions has one order, which agrees with time."""
    history = Histories(db, table)

    def work(client: int) -> None:
        dice = SeededEntropy(client)
        for turn in range(4):
            left_out = LISTS[int(dice.fraction() * len(LISTS))]
            history.append(client * 4 + turn, [name for name in LISTS if name != left_out])
            history.read()

    together(work)
    check(history.read(), history.appends, history.reads)


def test_a_checked_history_of_conditional_writes(db: Any, table: str) -> None:
    """What 64 clients wrote under conditions to one item, and read of it, is linearizable."""
    history = Histories(db, table)

    def work(client: int) -> None:
        for _ in range(ATTEMPTS):
            if history.append_if(client, history.read_first()):
                break
        history.read_first()

    together(work)
    final = history.read()
    check(final, history.appends, history.reads)
    check_refusals(history.appends, history.refusals)
