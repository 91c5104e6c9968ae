"""Members from trees of dicts and lists, which is what JSON and CBOR parse to.

A shape is compiled once to a closure ``tree → members``. Nothing is copied: the parser's own dicts
are changed in place, and most values not at all. A breached constraint is noted, not raised, so
that the tree is whole when :class:`haar.wire.constraints.Explainer` looks for every breach.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from haar.wire.constraints import check_of
from haar.wire.models import Member, ServiceModel, Shape
from haar.wire.patches import patch_of

Convert = Callable[[Any], Any]

NULL_INSIDE = "NULL_VALUE found where not expected."
"""Of a list or map whose elements are values [nv]: one left out would not be what was sent.

Source: Smithy specification, "sparse trait": lists and maps without it hold no null values.
"""

_LONG_MAX = 2**63
_INTEGER_MAX = 2**31


class Malformed(ValueError):
    """A body that is not of the protocol, or of other types than the model's.

    Its text is what the client is told; empty where AWS says nothing.
    """


class MalformedParameter(Malformed):
    """A header or a query parameter that cannot be read.

    Args:
        name: on the wire.
        text: what AWS says of it in most protocols.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Scalars(Protocol):
    """How one encoding writes what JSON has no type for."""

    def blob(self, value: Any) -> bytes:
        """Return the bytes of a blob."""
        ...

    def timestamp(self, value: Any) -> datetime:
        """Return the moment of a timestamp."""
        ...


class TreeDecoder:
    """Compiles the shapes of one model for one encoding.

    Args:
        model: where the shapes are.
        scalars: the encoding's blobs and timestamps.
        notes: gets an element for each breach that a closure sees.
    """

    def __init__(self, model: ServiceModel, scalars: Scalars, notes: list[bool]) -> None:
        self._model = model
        self._scalars = scalars
        self._notes = notes
        self._texts = patch_of(model.name).text_members
        self._made: dict[str, Convert] = {}

    def structure(self, shape: Shape, names: frozenset[str] | None = None) -> Convert:
        """Return the closure of a structure; ``names`` limits it to some of its members."""
        made = self._made.get(shape.name) if names is None else None
        if made is not None:
            return made
        table: dict[str, Convert] = {}
        renamed: dict[str, str] = {}
        # A structure whose other members stand elsewhere is checked as a whole, later.
        required = frozenset(shape.required) if names is None else frozenset[str]()
        made = structure_of(table, renamed, required, self._notes)
        if names is None:
            self._made[shape.name] = made
        for name, member in shape.members.items():
            if names is None or name in names:
                wire_name = self.name_of(name, member)
                table[wire_name] = text if name in self._texts else self.of(member)
                if wire_name != name:
                    renamed[wire_name] = name
        return made

    def name_of(self, name: str, member: Member) -> str:
        """Return a member's name in the trees."""
        return member.location_name or name

    def of(self, member: Member) -> Convert:
        """Return the closure of a member."""
        shape = self._model.shape(member.shape)
        match shape.type:
            case "structure":
                return keep if shape.document else self.structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case "timestamp":
                return self._scalars.timestamp
            case _:
                return self._scalar(shape)

    def _list(self, shape: Shape) -> Convert:
        assert shape.member is not None, "the model's lists have elements"
        element = self.of(shape.member)
        check = check_of(shape)
        is_sparse, notes = shape.sparse, self._notes

        def convert(value: Any) -> Any:
            if value.__class__ is not list:
                raise Malformed(unlike(value, "list"))
            for at, item in enumerate(value):
                if item is not None:
                    new = element(item)
                    if new is not item:
                        value[at] = new
                elif not is_sparse:
                    raise Malformed(NULL_INSIDE)
            if check is not None and not check(value):
                notes.append(True)
            return value

        return convert

    def _map(self, shape: Shape) -> Convert:
        assert shape.key is not None, "the model's maps have keys"
        assert shape.value is not None, "and values"
        inner = self.of(shape.value)
        check, key_check = check_of(shape), check_of(self._model.shape(shape.key.shape))
        is_sparse, notes = shape.sparse, self._notes

        def convert(value: Any) -> Any:
            if value.__class__ is not dict:
                raise Malformed(unlike(value, "map"))
            for key, item in value.items():
                if item is not None:
                    new = inner(item)
                    if new is not item:
                        value[key] = new
                elif not is_sparse:
                    raise Malformed(NULL_INSIDE)
                if key_check is not None and not key_check(key):
                    notes.append(True)
            if check is not None and not check(value):
                notes.append(True)
            return value

        return convert

    def _scalar(self, shape: Shape) -> Convert:
        match shape.type:
            case "string" | "character":
                plain: Convert = text
            case "boolean":
                plain = boolean
            case "integer" | "short" | "byte":
                plain = integer
            case "long" | "bigInteger":
                plain = long
            case "float" | "double" | "bigDecimal":
                plain = number
            case "blob":
                plain = self._scalars.blob
            case _:
                plain = keep
        check = check_of(shape)
        return plain if check is None else checked(plain, check, self._notes)


def structure_of(
    table: dict[str, Convert],
    renamed: dict[str, str],
    required: frozenset[str],
    notes: list[bool],
) -> Convert:
    """Return the closure of a structure; the tables are filled by the caller afterwards."""
    find = table.get

    def convert(value: Any) -> Any:
        if value.__class__ is not dict:
            raise Malformed(unlike(value, "structure"))
        drop: list[str] | None = None
        for key, item in value.items():
            inner = find(key)
            if inner is None or item is None:
                drop = [*(drop or ()), key]
                continue
            new = inner(item)
            if new is not item:
                value[key] = new
        if drop is not None:
            remove(value, drop)
        if renamed:
            for wire_name in renamed.keys() & value.keys():
                value[renamed[wire_name]] = value.pop(wire_name)
        if required and not required <= value.keys():
            notes.append(True)
        return value

    return convert


def remove(value: dict[str, Any], keys: list[str]) -> None:
    """Remove keys from a dict."""
    for key in keys:
        del value[key]


def checked(plain: Convert, check: Callable[[Any], bool], notes: list[bool]) -> Convert:
    """Return ``plain`` with a note where its value breaches a constraint."""

    def convert(value: Any) -> Any:
        value = plain(value)
        if not check(value):
            notes.append(True)
        return value

    return convert


def keep(value: Any) -> Any:
    """Return a document as it is."""
    return value


def text(value: Any) -> Any:
    """Return a string."""
    if value.__class__ is not str:
        raise Malformed(unlike(value, "String"))
    return value


def boolean(value: Any) -> Any:
    """Return a boolean."""
    if value.__class__ is not bool:
        raise Malformed(unlike(value, "Boolean"))
    return value


def integer(value: Any) -> Any:
    """Return a whole number of 32 bits."""
    return whole(value, "Integer", _INTEGER_MAX)


def long(value: Any) -> Any:
    """Return a whole number of 64 bits."""
    return whole(value, "Long", _LONG_MAX)


def whole(value: Any, wanted: str, beyond: int) -> Any:
    """Return a whole number between ``-beyond`` and ``beyond - 1``."""
    if value.__class__ is float and value.is_integer():
        value = int(value)
    if value.__class__ is not int or not -beyond <= value < beyond:
        raise Malformed(unlike(value, wanted))
    return value


def number(value: Any) -> Any:
    """Return a floating-point number; the words of Smithy for those that JSON lacks."""
    if value.__class__ is float:
        return value
    if value.__class__ is int:
        return float(value)
    if value.__class__ is str and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise Malformed(unlike(value, "Double"))


_WORDS = {
    str: "STRING_VALUE",
    int: "NUMBER_VALUE",
    float: "DECIMAL_VALUE",
    bytes: "BINARY_VALUE",
}


def unlike(value: Any, wanted: str) -> str:
    """Return AWS's words for a value of another type than the model's."""
    if value.__class__ is dict:
        return "Start of structure or map found where not expected."
    if value.__class__ is list:
        return "Start of list found where not expected."
    if wanted in ("structure", "map", "list"):
        return "Unexpected field type" if wanted == "list" else "Unexpected value type in payload"
    if value is True or value is False:
        return f"{'TRUE' if value else 'FALSE'}_VALUE cannot be converted to {wanted}"
    return f"{_WORDS.get(value.__class__, 'VALUE')} cannot be converted to {wanted}"
