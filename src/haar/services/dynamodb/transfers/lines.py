"""What an export has of an item, or of a change of one: a line of JSON or of Ion."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from haar.services.dynamodb.row_bytes import item_of, json_of, size_or_0
from haar.services.dynamodb.transfers import ion
from haar.services.dynamodb.transfers.gathering import CHANGED
from haar.services.dynamodb.transfers.records import INCREMENTAL, ION, NEW_IMAGE, Export
from haar.services.dynamodb.values import Item

Line = tuple[bytes, int]
"""A line, and the size of what it tells, in bytes as DynamoDB counts them."""


def maker_of(export: Export) -> Callable[[bytes], Line | None]:
    """Return what makes lines of stored rows: of items, or of changes where the export has them."""
    is_ion = export.form == ION
    if export.kind == INCREMENTAL:
        make = _ion_of_change if is_ion else _json_of_change
        return lambda raw: _of_change(raw, export, make)
    return _ion_of_item if is_ion else _json_of_item


def _json_of_item(row: bytes) -> Line:
    return b'{"Item":' + json_of(row) + b"}\n", size_or_0(row)


def _ion_of_item(row: bytes) -> Line:
    return ion.line_of("Item", ion.fields_of(item_of(row))), size_or_0(row)


def _of_change(
    raw: bytes, export: Export, make: Callable[[str, Item, dict[str, bytes]], bytes]
) -> Line | None:
    """Return the line of a change; None where an item came and went within the span."""
    changed = CHANGED.decode(raw)
    old, new = changed.old, changed.new
    if old is None and new is None:
        return None
    item = item_of(new if new is not None else old)
    images: dict[str, bytes] = {}
    if new is not None:
        images["NewImage"] = new
    if old is not None and export.view != NEW_IMAGE:
        images["OldImage"] = old
    key = {name: item[name] for name in export.key_names}
    line = make(str(changed.at_ms * 1000), key, images)
    return line, size_or_0(old) + size_or_0(new)


def _json_of_change(micros: str, key: Item, images: dict[str, bytes]) -> bytes:
    told: dict[str, object] = {"Metadata": {"WriteTimestampMicros": {"N": micros}}, "Keys": key}
    shown = {name: orjson.Fragment(json_of(row)) for name, row in images.items()}
    return orjson.dumps(told | shown) + b"\n"


def _ion_of_change(micros: str, key: Item, images: dict[str, bytes]) -> bytes:
    fields = {
        "Metadata": f"{{WriteTimestampMicros:{ion.decimal(micros)}}}",
        "Keys": ion.struct_of(key),
        **{name: ion.struct_of(item_of(row)) for name, row in images.items()},
    }
    return ion.line_of("Record", fields)  # the name is [nv]
