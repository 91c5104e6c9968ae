"""From items to the inputs of a Distributed Map's children: ItemSelector and ItemBatcher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from haar.services.states import names, values
from haar.services.states.expressions import Unresolved
from haar.services.states.intrinsics import IntrinsicFailure
from haar.services.states.readers.items import Item
from haar.services.states.readers.open_reader import Source
from haar.services.states.records import MapRunRecord, PlanRecord
from haar.services.states.shapes import MapState
from haar.services.states.surroundings import Surroundings
from haar.services.states.timestamps import text_of


class ChildInput(NamedTuple):
    """The input of one child: as text, as a value, how many items, the place after the last."""

    text: str
    value: Any
    items: int
    place: Any


class BadItem(Exception):
    """An item that no child can be made of; fails the Map Run."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes children's inputs of items.

    Attributes:
        run: the Map Run.
        plan: its data.
        state: its Map state.
        parent_arn: of the execution that opened it, for the context object.
        parent_start_ms: when that began.
    """

    run: MapRunRecord
    plan: PlanRecord
    state: MapState
    parent_arn: str
    parent_start_ms: int

    async def take(
        self, source: Source, first_item: int, children_max: int, bytes_max: int
    ) -> list[ChildInput]:
        """Return inputs of the next children; an empty list means that no items are left.

        Raises:
            BadItem: an item that no child can be made of.
            ReaderFailed: the source cannot be read.
        """
        batch_max = self._batch_max()
        made: list[ChildInput] = []
        total, index = 0, first_item
        while len(made) < children_max and total < bytes_max:
            if batch_max is None:
                child = await self._single(source, index)
            else:
                child = await self._batch(source, index, *batch_max)
            if child is None:
                break
            made.append(child)
            index += child.items
            total += len(child.text)
        return made

    def _batch_max(self) -> tuple[int, int] | None:
        shape = self.state.distribution
        if shape is None or shape.batcher is None:
            return None
        numbers = self.run.numbers
        most = int(numbers.get("batch_items_max", 0)) or 2**53
        return most, int(numbers.get("batch_bytes_max", 0)) or values.PAYLOAD_BYTES_MAX

    async def _single(self, source: Source, index: int) -> ChildInput | None:
        item = await source.feed.peek()
        if item is None:
            return None
        source.feed.take()
        value = self._selected(source, item, index)
        text = values.write(value)
        _check_size(text, values.PAYLOAD_BYTES_MAX)
        return ChildInput(text, value, 1, item.place)

    async def _batch(
        self, source: Source, index: int, items_max: int, bytes_max: int
    ) -> ChildInput | None:
        """Return a batch: as many items as fit, and at least one."""
        head = self._head()
        size = len(head) + len("]}")
        texts: list[str] = []
        chosen: list[Any] = []
        place: Any = None
        while len(texts) < items_max:
            item = await source.feed.peek()
            if item is None:
                break
            value = self._selected(source, item, index + len(texts))
            text = values.write(value)
            size += values.size(text) + (1 if texts else 0)
            if size > bytes_max and texts:
                break
            _check_size(text, bytes_max - len(head) - 2)
            source.feed.take()
            texts.append(text)
            chosen.append(value)
            place = item.place
        if not texts:
            return None
        whole: dict[str, Any] = {"Items": chosen}
        if self.plan.has_batch_input:
            whole = {"BatchInput": self.plan.batch_input, "Items": chosen}
        return ChildInput(f"{head}{','.join(texts)}]}}", whole, len(texts), place)

    def _head(self) -> str:
        if self.plan.has_batch_input:
            return f'{{"BatchInput":{values.write(self.plan.batch_input)},"Items":['
        return '{"Items":['

    def _selected(self, source: Source, item: Item, index: int) -> Any:
        if self.state.selector is None:
            return item.value
        around = Surroundings(
            lambda: self._context(source, item, index), f"{self.run.secret}/{self.run.uuid}/{index}"
        )
        try:
            return self.state.selector(self.plan.input, around)
        except Unresolved as err:
            raise BadItem("States.Runtime", str(err)) from err
        except IntrinsicFailure as err:
            raise BadItem("States.IntrinsicFailure", str(err)) from err

    def _context(self, source: Source, item: Item, index: int) -> dict[str, Any]:
        run = self.run
        found = {"Index": index, "Value": item.value, "Source": source.name}
        if item.key is not None:
            found["Key"] = item.key
        return {
            "Execution": {
                "Id": self.parent_arn,
                "Input": self.plan.execution_input,
                "StartTime": text_of(self.parent_start_ms),
                "Name": self.parent_arn.rpartition(":")[2],
                "RoleArn": run.role,
                "RedriveCount": 0,
            },
            "StateMachine": {
                "Id": names.Machine(run.account, run.region, run.machine).arn,
                "Name": run.machine,
            },
            "State": {
                "Name": run.state,
                "EnteredTime": text_of(run.start_ms),
                "RetryCount": 0,
            },
            "Map": {"Item": found},
        }


def _check_size(text: str, most: int) -> None:
    if values.size(text) > most:
        raise BadItem(
            "States.DataLimitExceeded",
            "The input of a child execution exceeds the maximum number of bytes service limit.",
        )
