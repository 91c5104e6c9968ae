"""What an export has of an item, or of a change of one: a line of JSON."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from haar.services.dynamodb.row_bytes import item_of, json_of, size_or_0
from haar.services.dynamodb.transfers.gathering import CHANGED
from haar.services.dynamodb.transfers.records import INCREMENTAL, NEW_IMAGE, Export

Line = tuple[bytes, int]
"""A line, and the size of what it tells, in bytes as DynamoDB counts them."""


def maker_of(export: Export) -> Callable[[bytes], Line | None]:
    """Return what makes lines of stored rows: of items, or of changes where the export has them."""
    if export.kind == INCREMENTAL:
        return lambda raw: _of_change(raw, export)
    return _of_item


def _of_item(row: bytes) -> Line:
    return b'{"Item":' + json_of(row) + b"}\n", size_or_0(row)


def _of_change(raw: bytes, export: Export) -> Line | None:
    """Return the line of a change; None where an item came and went within the span."""
    changed = CHANGED.decode(raw)
    old, new = changed.old, changed.new
    if old is None and new is None:
        return None
    item = item_of(new if new is not None else old)
    told: dict[str, object] = {
        "Metadata": {"WriteTimestampMicros": {"N": str(changed.at_ms * 1000)}},
        "Keys": {name: item[name] for name in export.key_names},
    }
    if new is not None:
        told["NewImage"] = orjson.Fragment(json_of(new))
    if old is not None and export.view != NEW_IMAGE:
        told["OldImage"] = orjson.Fragment(json_of(old))
    return orjson.dumps(told) + b"\n", size_or_0(old) + size_or_0(new)
