"""Batches: what refuses the whole request, and entries that fail alone."""

from __future__ import annotations

import re
from collections.abc import Callable

from haar.kernel.errors import ApiError
from haar.kit.call import Members
from haar.services.sqs.errors import (
    BatchEntryIdsNotDistinct,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    TooManyEntriesInBatchRequest,
)

ENTRIES_MAX = 10
_CODES = {
    "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
    "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
}
"""Refusals of entries have the codes of the query protocol."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def checked_entries(members: Members, shape: str) -> list[Members]:
    """Return the entries of a batch.

    Args:
        members: of the request.
        shape: the model's name of an entry, for the texts.

    Raises:
        EmptyBatchRequest: no entry.
        TooManyEntriesInBatchRequest: more than ten.
        InvalidBatchEntryId: an id that none can have.
        BatchEntryIdsNotDistinct: an id that two have.
    """
    entries: list[Members] = members.get("Entries", [])
    if not entries:
        raise EmptyBatchRequest(entry=shape)
    if len(entries) > ENTRIES_MAX:
        raise TooManyEntriesInBatchRequest(count=len(entries))
    seen: set[str] = set()
    for entry in entries:
        if not _ID.fullmatch(entry["Id"]):
            raise InvalidBatchEntryId
    for entry in entries:
        if entry["Id"] in seen:
            raise BatchEntryIdsNotDistinct(id=entry["Id"])
        seen.add(entry["Id"])
    return entries


def each(entries: list[Members], do: Callable[[Members], Members]) -> Members:
    """Return the result of a batch: an entry that is refused fails alone.

    ``do`` must refuse before it writes: what it wrote would be kept.
    """
    done: list[Members] = []
    failed: list[Members] = []
    for entry in entries:
        try:
            done.append({"Id": entry["Id"], **do(entry)})
        except ApiError as refusal:
            failed.append(_failure(entry["Id"], refusal))
    lists = {"Successful": done, "Failed": failed}
    return {name: found for name, found in lists.items() if found}


def _failure(entry_id: str, refusal: ApiError) -> Members:
    return {
        "Id": entry_id,
        "SenderFault": not refusal.is_server_fault,
        "Code": _CODES.get(refusal.code, refusal.code),
        "Message": refusal.text,
    }
