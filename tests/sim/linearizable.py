"""Is a history of one register what one register could have done?

A history is linearizable if each operation can be thought to happen at one moment between its call
and its answer, and the answers then are those of a register that does one thing after the other. An
operation that was cut off may have happened at any time after its call, or never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from virtual_time import NEVER


@dataclass(slots=True)
class Step:
    """One operation.

    Attributes:
        called: when it began.
        answered: when it was answered; NEVER where it was cut off.
        name: ``put``, ``get`` or ``cas``.
        given: what was written; for ``cas`` the expected value and the new one.
        got: what was read; for ``cas`` whether it was done; None where it was cut off.
    """

    called: float
    answered: float
    name: str
    given: Any
    got: Any = None


def after(state: Any, step: Step) -> tuple[bool, Any]:
    """Return whether a register in a state can answer a step so, and its state after that."""
    match step.name:
        case "put":
            return True, step.given
        case "get":
            return state == step.got, state
        case _:
            expected, new = step.given
            is_done = state == expected
            can = step.answered == NEVER or step.got == is_done
            return can, new if is_done else state


def is_linearizable(history: list[Step], start: Any = None) -> bool:
    """Tell whether there is an order of a history that a register could have had."""
    steps = sorted(history, key=lambda step: step.called)
    seen: set[tuple[int, Any]] = set()
    stack: list[tuple[int, Any]] = [((1 << len(steps)) - 1, start)]
    while stack:
        left, state = stack.pop()
        if all(step.answered == NEVER for step in _chosen(steps, left)):
            return True
        if (left, state) in seen:
            continue
        seen.add((left, state))
        stack += _nexts(steps, left, state, after)
    return False


def _chosen(steps: list[Step], left: int) -> list[Step]:
    return [step for n, step in enumerate(steps) if left >> n & 1]


def _nexts(
    steps: list[Step], left: int, state: Any, go: Callable[[Any, Step], tuple[bool, Any]]
) -> list[tuple[int, Any]]:
    """Return what may come next: a step that no other one that is left was answered before."""
    first_answer = min(step.answered for step in _chosen(steps, left))
    found: list[tuple[int, Any]] = []
    for n, step in enumerate(steps):
        if left >> n & 1 and step.called <= first_answer:
            can, then = go(state, step)
            if can:
                found.append((left & ~(1 << n), then))
    return found
