"""Amazon Ion, as exports write it and imports read it: text, a line an item.

================  ==================================================
DynamoDB          Ion
================  ==================================================
S                 string
N                 decimal
B                 blob
BOOL, NULL        bool, null
M, L              struct, list
SS, NS, BS        list annotated ``$dynamodb_SS``, ``_NS``, ``_BS``
================  ==================================================

Each line begins with Ion's version marker. An ``int`` is read as a number, too. Writing needs no
library, since Ion's strings are a superset of JSON's; reading takes ``amazon.ion``, of an extra.

Source: AWS docs, DynamoDB developer guide, "Amazon S3 import formats for DynamoDB", "DynamoDB table
export output format".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import orjson

from haar.services.dynamodb.errors import Invalid
from haar.services.dynamodb.transfers.extras import module
from haar.services.dynamodb.values import Item, Value

MARKER = "$ion_1_0 "
LIBRARY = "amazon.ion"
_SET = "$dynamodb_"
_is_plain = re.compile(r"[A-Za-z_]\w*", re.ASCII).fullmatch
_KEYWORDS = frozenset({"null", "true", "false", "nan"})


def line_of(name: str, fields: dict[str, str]) -> bytes:
    """Return a line with one struct, whose fields are Ion already."""
    inside = ",".join([f"{key}:{value}" for key, value in fields.items()])
    return f"{MARKER}{{{name}:{{{inside}}}}}\n".encode()


def fields_of(item: Item) -> dict[str, str]:
    """Return an item's attributes in Ion, by their names in Ion."""
    return {_name(name): text_of(value) for name, value in item.items()}


def struct_of(item: Item) -> str:
    """Return an item in Ion."""
    return "{" + ",".join([f"{name}:{text}" for name, text in fields_of(item).items()]) + "}"


def _name(name: str) -> str:
    return name if _is_plain(name) and name not in _KEYWORDS else _string(name)


def _string(text: str) -> str:
    return orjson.dumps(text).decode()


def decimal(number: str) -> str:
    """Return a number as one of Ion's decimals."""
    text = number.lower().replace("e", "d")
    return text if "." in text or "d" in text else f"{text}."


def _list(texts: list[str]) -> str:
    return f"[{','.join(texts)}]"


def text_of(value: Value) -> str:
    """Return an attribute value in Ion."""
    ((kind, content),) = value.items()
    return _WRITERS[kind](content)


def _blob(content: str) -> str:
    return "{{" + content + "}}"


_WRITERS: dict[str, Callable[[Any], str]] = {
    "S": _string,
    "N": decimal,
    "B": _blob,
    "BOOL": lambda content: "true" if content else "false",
    "NULL": lambda _: "null",
    "M": struct_of,
    "L": lambda content: _list([text_of(one) for one in content]),
    "SS": lambda content: f"{_SET}SS::{_list(list(map(_string, content)))}",
    "NS": lambda content: f"{_SET}NS::{_list(list(map(decimal, content)))}",
    "BS": lambda content: f"{_SET}BS::{_list(list(map(_blob, content)))}",
}


def item_of_line(line: bytes) -> Item | None:
    """Return the item of a line; None where the line has the marker only.

    Raises:
        Invalid: it has none, or something that DynamoDB has no type for.
    """
    try:
        found = module(f"{LIBRARY}.simpleion").loads(line.decode())
    except module(f"{LIBRARY}.exceptions").IonException as err:
        raise Invalid("no Ion") from err
    if found is None:
        return None
    value = _value(found)
    if value.keys() != {"M"} or value["M"].keys() != {"Item"} or "M" not in value["M"]["Item"]:
        raise Invalid("no item")
    item: Item = value["M"]["Item"]["M"]
    return item


def _value(found: Any) -> dict[str, Any]:
    kind = "NULL" if found is None else found.ion_type.name
    reader = _READERS.get(kind)
    if reader is None:
        raise Invalid("no type of DynamoDB")
    return reader(found)


def _list_value(found: Any) -> dict[str, Any]:
    marks = [mark.text for mark in found.ion_annotations]
    if not marks:
        return {"L": list(map(_value, found))}
    kind = str(marks[0]).removeprefix(_SET)
    values = list(map(_value, found))
    if len(marks) != 1 or kind not in {"SS", "NS", "BS"} or any(kind[0] not in v for v in values):
        raise Invalid("no set of DynamoDB")
    return {kind: [value[kind[0]] for value in values]}


_READERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "NULL": lambda _: {"NULL": True},
    "BOOL": lambda found: {"BOOL": bool(found)},
    "INT": lambda found: {"N": str(int(found))},
    "DECIMAL": lambda found: {"N": str(found)},
    "STRING": lambda found: {"S": str(found)},
    "BLOB": lambda found: {"B": base64.b64encode(bytes(found)).decode()},
    "LIST": _list_value,
    "STRUCT": lambda found: {"M": {str(name): _value(one) for name, one in found.items()}},
}
