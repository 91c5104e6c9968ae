"""The objects below a prefix of a bucket as items."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from haar.services.states.readers.items import Item
from haar.services.states.readers.s3_object import Caller


async def listed_objects(
    caller: Caller, parameters: dict[str, Any], place: str
) -> AsyncIterator[list[Item]]:
    """Yield what ListObjectsV2 tells; places are keys.

    Raises:
        ReaderFailed: the bucket cannot be listed.
    """
    while True:
        members = {**parameters, **({"StartAfter": place} if place else {})}
        answer = await caller.call("ListObjectsV2", members)
        contents: list[dict[str, Any]] = answer.get("Contents") or []
        page = [_item(found) for found in contents]
        yield page
        if not answer.get("IsTruncated") or not page:
            return
        place = page[-1].place


def _item(found: dict[str, Any]) -> Item:
    value = {
        "Etag": found["ETag"],
        "Key": found["Key"],
        "LastModified": int(found["LastModified"].timestamp()),
        "Size": found["Size"],
        "StorageClass": found.get("StorageClass", "STANDARD"),
    }
    return Item(value, found["Key"])
