"""The checker of histories finds what it is for."""

from __future__ import annotations

from typing import Any

import pytest
from linearizable import Step, is_linearizable
from virtual_time import NEVER


@pytest.mark.parametrize(
    ("history", "is_fine"),
    [
        ([("put", 0, 1, "a", None), ("get", 2, 3, None, "a")], True),
        ([("put", 0, 1, "a", None), ("get", 2, 3, None, None)], False),
        ([("put", 0, 5, "a", None), ("get", 2, 3, None, None)], True),
        ([("put", 0, NEVER, "a", None), ("get", 2, 3, None, None), ("get", 4, 5, None, "a")], True),
        (
            [("put", 0, NEVER, "a", None), ("get", 2, 3, None, "a"), ("get", 4, 5, None, None)],
            False,
        ),
        ([("cas", 0, 1, (None, "a"), True), ("cas", 2, 3, (None, "b"), True)], False),
        ([("cas", 0, 1, (None, "a"), True), ("cas", 2, 3, (None, "b"), False)], True),
    ],
)
def test_the_checker_knows_a_register(history: list[tuple[Any, ...]], is_fine: bool) -> None:
    """A lost write, a stale read and a swap done twice are found; what is allowed is not."""
    steps = [Step(called, end, name, given, got) for name, called, end, given, got in history]
    assert is_linearizable(steps) == is_fine
