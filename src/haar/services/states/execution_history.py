"""The events of an execution, read from the store."""

from __future__ import annotations

from haar.kit import pages as tokens
from haar.kit.call import Call, Members
from haar.kit.operation import operation
from haar.services.states import keys, names, pages
from haar.services.states.errors import InvalidArn
from haar.services.states.history import EVENTS, HistoryEvent, shown
from haar.services.states.ledger import read_input
from haar.services.states.lookup import need_execution, run_of
from haar.services.states.records import Path
from haar.store.api import Span, Transaction


@operation(
    "GetExecutionHistory",
    members="executionArn maxResults reverseOrder nextToken includeExecutionData",
    resource=names.named_execution,
    readonly=True,
)
def get_execution_history(call: Call[Members], tx: Transaction) -> Members:
    """List the events of an execution.

    Keys: reads ``execution``, ``input``; scans ``history``.

    Raises:
        ExecutionDoesNotExist: no such execution.
        InvalidArn: an Express execution, which has no history.

    Source: AWS docs, Step Functions API reference, GetExecutionHistory.
    """
    path, record = need_execution(tx, call.resource)
    if names.is_child(path) and run_of(tx, path).is_express:
        raise InvalidArn(arn="Resource type not valid in this context: express")
    text = read_input(tx, path, record)
    size, reverse = pages.size(call.members), bool(call.members.get("reverseOrder"))
    with_data = call.members.get("includeExecutionData", True)
    token = pages.start(call)
    last = int.from_bytes(token or b"", "big")
    events = _events(tx, path, last, size + 1, reverse=reverse)
    answer: Members = {
        "events": [shown(event, text, with_data=with_data) for event in events[:size]]
    }
    if len(events) > size:
        answer["nextToken"] = tokens.make(call, events[size - 1].id.to_bytes(4, "big"))
    return answer


def _events(
    tx: Transaction, path: Path, last: int, count: int, *, reverse: bool
) -> list[HistoryEvent]:
    """Return ``count`` events at most after (before, where reversed) the one with id ``last``."""
    found: list[HistoryEvent] = []
    chunks = _chunks(tx, path, last, reverse=reverse)
    for row in tx.scan(chunks, limit=count + 1, reverse=reverse):
        chunk = EVENTS.decode(row.value)
        for event in reversed(chunk) if reverse else chunk:
            if not last or (event.id < last if reverse else event.id > last):
                found.append(event)
                if len(found) == count:
                    return found
    return found


def _chunks(tx: Transaction, path: Path, last: int, *, reverse: bool) -> Span:
    """Return the span of the chunks that may hold what is asked for."""
    span = keys.histories(path)
    if not last:
        return span
    if reverse:
        return span._replace(end=keys.history(path, last))
    for row in tx.scan(span._replace(end=keys.history(path, last + 1)), limit=1, reverse=True):
        return span._replace(start=row.key)
    return span


def event_at(tx: Transaction, path: Path, id_: int) -> HistoryEvent | None:
    """Return one event of an execution."""
    span = keys.histories(path)._replace(end=keys.history(path, id_ + 1))
    for row in tx.scan(span, limit=1, reverse=True):
        return next((event for event in EVENTS.decode(row.value) if event.id == id_), None)
    return None
