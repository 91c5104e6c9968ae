"""Paths into an event: ``$.body.order.id``, ``$.items[0]``, ``$.items[*].id``.

The dialect of Pipes has names, places and ``[*]``, and nothing else. A path that leads nowhere
finds nothing; ``[*]`` gathers an array of what it finds.

Source: botocore's model ``pipes`` (the pattern of JSON path parameters).
"""

from __future__ import annotations

import re
from typing import Any

from haar.kernel.json_values import is_array, is_object

MISSING: Any = object()
"""What a path finds that leads nowhere; JSON's null is something."""

EVERY = "*"

_PATH = re.compile(r"\$(?:\.[\w/-]+(?:\[(?:\d+|\*)\])*|\[(?:\d+|\*)\])*", re.ASCII)
_STEP = re.compile(r"\.([\w/-]+)|\[(\d+|\*)\]", re.ASCII)

Steps = tuple[str | int, ...]


def is_path(text: str) -> bool:
    """Tell whether the whole of a text is a path."""
    return _PATH.fullmatch(text) is not None


def steps_of(text: str) -> Steps:
    """Return the names and places of a path; :data:`EVERY` for ``[*]``."""
    return tuple(_step(match) for match in _STEP.finditer(text))


def _step(match: re.Match[str]) -> str | int:
    name, place = match.groups()
    if name is not None:
        return str(name)
    return EVERY if place == EVERY else int(place)


def find(steps: Steps, value: Any) -> Any:
    """Return what a path finds in a value, or :data:`MISSING`."""
    for at, step in enumerate(steps):
        if step == EVERY:
            return _every(steps[at + 1 :], value)
        value = _inside(step, value)
        if value is MISSING:
            return MISSING
    return value


def _every(steps: Steps, value: Any) -> Any:
    if not is_array(value):
        return MISSING
    found = (find(steps, one) for one in value)
    return [one for one in found if one is not MISSING]


def _inside(step: str | int, value: Any) -> Any:
    if isinstance(step, int):
        return value[step] if is_array(value) and step < len(value) else MISSING
    return value.get(step, MISSING) if is_object(value) else MISSING
