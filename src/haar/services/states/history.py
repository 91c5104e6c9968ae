"""History events: what is recorded, how it is stored, and how the API shows it.

A stored event keeps its details under AWS's names. A payload that is the execution's own input is
stored as ``null`` (:data:`SAME_AS_INPUT`) and filled in when read: the first steps of an execution
repeat it three times.
"""

from __future__ import annotations

from typing import Any

import msgspec

from haar.kit.records import Codec
from haar.services.states.timestamps import moment

EVENTS_MAX = 25_000
"""Of one execution; the last one says that it failed. Source: AWS docs, Step Functions quotas."""

SAME_AS_INPUT = None

_PAYLOADS = {"input": "inputDetails", "output": "outputDetails"}


class HistoryEvent(msgspec.Struct, frozen=True, array_like=True):
    """One event. ``details`` None: the event has none."""

    id: int
    type: str
    at_ms: int
    previous: int
    details: dict[str, Any] | None = None


EVENTS = Codec(list[HistoryEvent])
"""A chunk: the events of one transaction."""


def _details_member(type_: str) -> str:
    """Return the name of the member that holds an event's details."""
    for ending, member in (
        ("StateEntered", "stateEnteredEventDetails"),
        ("StateExited", "stateExitedEventDetails"),
    ):
        if type_.endswith(ending):
            return member
    return type_[0].lower() + type_[1:] + "EventDetails"


def shown(event: HistoryEvent, input_text: str, *, with_data: bool) -> dict[str, Any]:
    """Return an event as GetExecutionHistory answers it."""
    members: dict[str, Any] = {
        "timestamp": moment(event.at_ms),
        "type": event.type,
        "id": event.id,
        "previousEventId": event.previous,
    }
    if event.details is not None:
        members[_details_member(event.type)] = _details(event.details, input_text, with_data)
    return members


def _details(details: dict[str, Any], input_text: str, with_data: bool) -> dict[str, Any]:  # noqa: FBT001
    members: dict[str, Any] = {}
    for name, value in details.items():
        if name not in _PAYLOADS and name != "parameters":
            members[name] = value
        elif with_data or name == "parameters":
            members[name] = payload(details, name, input_text)
            if name in _PAYLOADS:
                members[_PAYLOADS[name]] = {"truncated": False}
    return members


def payload(details: dict[str, Any], name: str, input_text: str) -> str:
    """Return the text of a payload among an event's details."""
    text = details[name]
    return input_text if text is SAME_AS_INPUT else str(text)
