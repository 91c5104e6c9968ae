"""From a Map Run's plan and its cursor to the feed of its items."""

from __future__ import annotations

from typing import Any

from haar.services.states.readers.csv_rows import check_headers, csv_items, read_headers
from haar.services.states.readers.items import Feed
from haar.services.states.readers.json_items import given_items, json_items, jsonl_items
from haar.services.states.readers.listing import listed_objects
from haar.services.states.readers.s3_object import Caller, S3Object
from haar.services.states.records import CursorRecord, PlanRecord
from haar.services.states.shapes import ReaderShape

ITEMS_ALL = 0


class Source:
    """A Map Run's items: the feed, and what a cursor must keep beside an item's place.

    Attributes:
        feed: the items that are left.
        fixed: the pinned object and its headers; part of the cursor's position.
        name: the context object's Map.Item.Source.
    """

    def __init__(self, feed: Feed, fixed: dict[str, Any], name: str) -> None:
        self.feed = feed
        self.fixed = fixed
        self.name = name


async def open_source(
    caller: Caller, shape: ReaderShape | None, plan: PlanRecord, cursor: CursorRecord, most: int
) -> Source:
    """Return the source of a Map Run's items, from where its cursor stands.

    Args:
        caller: calls S3.
        shape: the ItemReader; None where the items came in the state's input.
        plan: the Map Run's data.
        cursor: how far it has read.
        most: MaxItems; 0: all.

    Raises:
        ReaderFailed: the source cannot be opened.
    """
    left = None if most == ITEMS_ALL else max(0, most - cursor.items)
    at = cursor.position.get("at")
    if shape is None:
        return Source(Feed(given_items(plan.items, at or 0), left), {}, "STATE_DATA")
    parameters = plan.reader or {}
    name = f"S3://{parameters.get('Bucket')}"
    if shape.kind == "LISTING":
        return Source(Feed(listed_objects(caller, parameters, at or ""), left), {}, name)
    source = S3Object(caller, parameters, cursor.position.get("pinned", {}))
    await source.pin()
    fixed: dict[str, Any] = {"pinned": source.pinned}
    name = f"{name}/{parameters.get('Key')}"
    if shape.kind == "JSON":
        return Source(Feed(json_items(source, shape.pointer, at or 0), left), fixed, name)
    if shape.kind == "JSONL":
        return Source(Feed(jsonl_items(source, at or 0), left), fixed, name)
    headers, start = await _headers(source, shape, cursor)
    fixed["headers"] = headers
    rows = csv_items(source, shape.delimiter, headers, at or start)
    return Source(Feed(rows, left), fixed, name)


async def _headers(
    source: S3Object, shape: ReaderShape, cursor: CursorRecord
) -> tuple[list[str], int]:
    """Return the headers, and where the rows begin."""
    if shape.headers is not None:
        return check_headers(list(shape.headers)), 0
    known = cursor.position.get("headers")
    if known is not None:
        return list(known), 0
    return await read_headers(source, shape.delimiter)
