"""Frames: where an execution stands, one frame for each thread of it.

The root frame is the execution's own; a Parallel or inline Map state has a child frame for each
branch or iteration, with consecutive ids. A frame is one row, so a step of one branch of a thousand
writes two rows, not a thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import msgspec


class Phase(IntEnum):
    """What a frame does next.

    ===========  ==============================================================
    phase        meaning
    ===========  ==============================================================
    ENTER        enters its state at the next step
    AGAIN        begins its state again: a retry
    WAITING      waits for the event that carries its ticket
    CHILDREN     waits for its child frames
    DONE         is a child that has finished; ``output`` is its result
    PENDING      is a child that has not been started (MaxConcurrency)
    ===========  ==============================================================
    """

    ENTER = 0
    AGAIN = 1
    WAITING = 2
    CHILDREN = 3
    DONE = 4
    PENDING = 5


class Frame(msgspec.Struct, array_like=True):
    """One thread of an execution.

    Attributes:
        id: 0 for the root.
        state: the current state's name.
        input: the current state's raw input.
        phase: see :class:`Phase`.
        parent: the frame whose Parallel or Map state this one belongs to; -1 for the root.
        index: the branch's or iteration's number.
        entered: the id of the current state's entered event.
        entered_ms: when that was.
        last: the event that the next one of this thread follows.
        ticket: of the wait, see :mod:`.steps`.
        retries: how often each retrier of the current state was used.
        retry_count: all retries of the current state.
        first_child: the id of the first child.
        children: how many there are.
        started: how many of them have been started.
        finished: how many of them have finished.
        output: of a finished child.
        item: the iteration's item, for ``$$.Map.Item.Value``.
        is_whole_input: ``input`` is the execution's own input and not stored twice.
        map_run: the UUID of the Map Run that the frame waits for.
        heartbeat_seconds: the longest silence of the task that the frame waits for; 0: any.
    """

    id: int
    state: str
    input: Any
    phase: Phase = Phase.ENTER
    parent: int = -1
    index: int = 0
    entered: int = 0
    entered_ms: int = 0
    last: int = 0
    ticket: int = 0
    retries: list[int] = msgspec.field(default_factory=list[int])
    retry_count: int = 0
    first_child: int = 0
    children: int = 0
    started: int = 0
    finished: int = 0
    output: Any = None
    item: Any = None
    is_whole_input: bool = False
    map_run: str = ""
    heartbeat_seconds: int = 0


class Frames:
    """The frames of one execution, read when first asked for.

    Args:
        load: reads a frame by its id.
    """

    __slots__ = ("_load", "dropped", "touched")

    def __init__(self, load: Callable[[int], Frame | None]) -> None:
        self._load = load
        self.touched: dict[int, Frame] = {}
        self.dropped: set[int] = set()

    def get(self, id_: int) -> Frame | None:
        """Return a frame; None where there is no such frame any more."""
        if id_ in self.dropped:
            return None
        frame = self.touched.get(id_)
        if frame is None:
            frame = self._load(id_)
            if frame is not None:
                self.touched[id_] = frame
        return frame

    def need(self, id_: int) -> Frame:
        """Return a frame that must be there."""
        frame = self.get(id_)
        assert frame is not None, "a frame that others refer to is there"
        return frame

    def add(self, frame: Frame) -> None:
        """Put a new frame among the others."""
        self.touched[frame.id] = frame

    def drop(self, id_: int) -> None:
        """Remove a frame."""
        self.touched.pop(id_, None)
        self.dropped.add(id_)
