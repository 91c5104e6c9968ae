"""The stages of a pass: an enrichment that changes the events, a target that takes them.

====================================  ==========================================================
the function answers                  what it means
====================================  ==========================================================
*an enrichment*
an array                              its elements are the events from here on
``""``, ``{}``, ``[]``, ``null``      there is nothing to deliver: the pass has succeeded
anything else                         it is the one event from here on
*a target*
``{"batchItemFailures": [...]}``      the messages named go back to the queue, the others are done
nothing, ``null``, anything else      all are done
a failure with no name, or of         all go back to the queue
a message that was not in the pass
====================================  ==========================================================

Source: AWS docs, EventBridge user guide, "Pipes batching and concurrency", "Event enrichment".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haar.kernel.json_values import is_array, is_object
from haar.kit.call import Members
from haar.services.pipes import functions
from haar.services.pipes.callers import Caller
from haar.services.pipes.events import Event, decoded
from haar.services.pipes.functions import PassFailed
from haar.services.pipes.paths import MISSING, find, is_path, steps_of
from haar.services.pipes.queues import Queue
from haar.services.pipes.rules import QUEUE_TARGET_BATCH_MAX
from haar.services.pipes.templates import Rendered, Template, compile_template, to_json

Reserved = Mapping[str, str]


class Shaping:
    """Applies an input template, if there is one.

    Args:
        text: the template; empty for none.
    """

    def __init__(self, text: str) -> None:
        self._template: Template | None = compile_template(text) if text else None

    def apply(self, events: list[Any], reserved: Reserved) -> list[Rendered]:
        """Return what each event becomes."""
        if self._template is None:
            return [Rendered(to_json(event), is_json=True) for event in events]
        return [self._template(decoded(event), reserved) for event in events]


def as_array(rendered: list[Rendered]) -> str:
    """Return the JSON array that a function is given: also of one event."""
    return f"[{','.join(one.as_json() for one in rendered)}]"


class Enrichment:
    """A Lambda function that changes the events on their way.

    Args:
        caller: with the pipe's role.
        arn: of the function.
        parameters: of the enrichment, as in the API.
    """

    def __init__(self, caller: Caller, arn: str, parameters: Members) -> None:
        self._caller = caller
        self._arn = arn
        self._shaping = Shaping(parameters.get("InputTemplate", ""))

    async def enrich(self, events: list[Any], reserved: Reserved) -> list[Any]:
        """Return the events that the function makes of these.

        Raises:
            PassFailed: the function failed.
            ApiError: it could not be invoked.
        """
        payload = as_array(self._shaping.apply(events, reserved))
        answer = functions.answered(await functions.run(self._caller, self._arn, payload))
        if answer in (None, "", {}, []):
            return []
        return answer if is_array(answer) else [answer]


class QueueTarget:
    """A queue that takes a message for each event.

    Args:
        caller: with the pipe's role.
        arn: of the queue.
        parameters: of the target, as in the API.
    """

    def __init__(self, caller: Caller, arn: str, parameters: Members) -> None:
        self._queue = Queue(caller, arn)
        self._shaping = Shaping(parameters.get("InputTemplate", ""))
        self._members: Members = parameters.get("SqsQueueParameters", {})

    async def deliver(self, events: list[Any], reserved: Reserved) -> list[Any]:
        """Send the events; return those that were refused.

        Raises:
            PassFailed: more events than the target takes in a pass.
            ApiError: none was taken.
        """
        if len(events) > QUEUE_TARGET_BATCH_MAX:
            raise PassFailed(f"{len(events)} events are more than the target takes in a batch.")
        rendered = self._shaping.apply(events, reserved)
        messages = [
            {"MessageBody": one.text, **self._parameters(event)}
            for event, one in zip(events, rendered, strict=True)
        ]
        return [events[place] for place in await self._queue.send(messages)]

    def _parameters(self, event: Any) -> Members:
        found = {name: parameter(value, event) for name, value in self._members.items()}
        return {name: value for name, value in found.items() if value}


def parameter(value: str, event: Any) -> str:
    """Return a target's parameter: a path looks into the event as it was before the template."""
    if not is_path(value):
        return value
    found = find(steps_of(value), decoded(event))
    if found is MISSING:
        return ""
    return found if isinstance(found, str) else to_json(found)


class FunctionTarget:
    """A Lambda function that takes all events at once.

    Args:
        caller: with the pipe's role.
        arn: of the function.
        parameters: of the target, as in the API.
    """

    def __init__(self, caller: Caller, arn: str, parameters: Members) -> None:
        self._caller = caller
        self._arn = arn
        self._shaping = Shaping(parameters.get("InputTemplate", ""))
        how = parameters["LambdaFunctionParameters"]["InvocationType"]
        self._is_left = how == "FIRE_AND_FORGET"

    async def deliver(self, events: list[Any], reserved: Reserved) -> list[Any]:
        """Give the events to the function; return those that it reports as failed.

        Raises:
            PassFailed: the function failed, or its report is not one.
            ApiError: it could not be invoked.
        """
        payload = as_array(self._shaping.apply(events, reserved))
        if self._is_left:
            await functions.leave(self._caller, self._arn, payload)
            return []
        answer = functions.answered(await functions.run(self._caller, self._arn, payload))
        return [{"messageId": one} for one in reported(answer)]


def reported(answer: Any) -> list[str]:
    """Return the identifiers of ``batchItemFailures``.

    Raises:
        PassFailed: one has no identifier.
    """
    failures = answer.get("batchItemFailures") if is_object(answer) else None
    if not failures:
        return []
    found: list[Any] = [one.get("itemIdentifier") if is_object(one) else "" for one in failures]
    if not all(isinstance(one, str) and one for one in found):
        raise PassFailed("a reported failure has no itemIdentifier.")
    return found


Target = QueueTarget | FunctionTarget


def failed_messages(batch: list[Event], failed: list[Any]) -> set[str]:
    """Return the ids of the messages that failed events came from.

    Raises:
        PassFailed: an event does not tell, so that any message may be the one.
    """
    known = {event["messageId"] for event in batch}
    found: set[Any] = {one.get("messageId") if is_object(one) else None for one in failed}
    if not found <= known:
        raise PassFailed("an event that failed is of none of the messages.")
    return found
