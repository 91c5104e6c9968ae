"""JSON bodies, read in one go and written by one dump.

A body that is right is read by :mod:`haar.wire.bodies.typed`; any other is parsed and then walked
in place (:mod:`haar.wire.bodies.tree`), because the walk knows what to tell.

A result is dumped as it is: bytes become base64 and moments become seconds inside the dump, spliced
fragments (:class:`orjson.Fragment`) stay what they are. Only shapes with members that are renamed,
timestamps of another format, floats (``NaN``) or JSON-in-a-header need a walk first.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import orjson

from haar.kernel.errors import RefusedAs
from haar.kit.call import Members
from haar.wire import timestamps
from haar.wire.bodies.tree import Convert, Malformed, TreeDecoder, unlike
from haar.wire.bodies.typed import NOT_TAKEN, typed_decoder
from haar.wire.models import Member, ServiceModel, Shape

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME


class JsonScalars:
    """Blobs are base64, timestamps are numbers (texts are read, too)."""

    def blob(self, value: Any) -> bytes:
        """Return the bytes of a base64 text."""
        if value.__class__ is not str:
            raise Malformed(unlike(value, "ByteBuffer"))
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Malformed("Invalid Base64 encoding in payload") from error

    def timestamp(self, value: Any) -> datetime:
        """Return the moment of a number of seconds, or of a text."""
        try:
            if value.__class__ is str:
                return timestamps.parse(value)
            if value.__class__ in (int, float):
                return timestamps.from_unix(value)
        except timestamps.NotATimestamp as error:
            raise Malformed("Unable to parse date") from error
        raise Malformed(unlike(value, "Timestamp"))


def decoder(
    model: ServiceModel, shape: Shape, notes: list[bool], names: frozenset[str] | None = None
) -> Callable[[bytes], Members]:
    """Return the function from a body to the members of a structure.

    Args:
        model: where the shape is.
        shape: the structure.
        notes: gets an element for each breached constraint.
        names: the members that stand in the body; all where None.
    """
    convert = TreeDecoder(model, JsonScalars(), notes).structure(shape, names)
    typed = typed_decoder(model, shape) if names is None else None

    def decode(body: bytes) -> Members:
        if typed is not None:
            try:
                return typed(body)
            except NOT_TAKEN:
                pass  # read it again, for what to tell
        return walk(body)

    def walk(body: bytes) -> Members:
        return cast("Members", convert(document(body) if body else {}))

    return walk if typed is None else decode


def document(body: bytes) -> Any:
    """Return any JSON value.

    Raises:
        Malformed: not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed("") from error


def refuse_unreadable(body: object) -> None:
    """Refuse a body that is here and no JSON; whoever reads it later may find more.

    Raises:
        RefusedAs: it is none.
    """
    if isinstance(body, bytes) and body:
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError:
            raise RefusedAs("SerializationException", "") from None


def dumps(value: Any) -> bytes:
    """Return a value as JSON, with bytes in base64 and moments in seconds."""
    return orjson.dumps(value, default=_default, option=_OPTIONS)


def _default(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return timestamps.to_unix(value)
    raise TypeError(type(value).__name__)


def encoder(
    model: ServiceModel, shape: Shape, names: frozenset[str] | None = None
) -> Callable[[Members], bytes]:
    """Return the function from the members of a structure to a body."""
    walk = TreeEncoder(model).structure(shape, names)
    if walk is None and names is None:
        return dumps

    def encode(members: Members) -> bytes:
        chosen = {k: v for k, v in members.items() if k in names} if names is not None else members
        return dumps(chosen if walk is None else walk(chosen))

    return encode


class TreeEncoder:
    """Compiles the walk before a dump; None where a shape needs none."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._made: dict[str, Convert | None] = {}

    def structure(self, shape: Shape, names: frozenset[str] | None = None) -> Convert | None:
        """Return the walk of a structure, limited to ``names``."""
        if names is None and shape.name in self._made:
            return self._made[shape.name]
        if not self.needs_walk(shape, set()):
            self._made[shape.name] = None
            return None
        table: dict[str, tuple[str, Convert | None]] = {}

        def walk(value: Any) -> Any:
            if value.__class__ is not dict:
                return value
            made: dict[str, Any] = {}
            for key, item in value.items():
                wire_name, inner = table.get(key) or (key, None)
                made[wire_name] = item if inner is None or item is None else inner(item)
            return made

        if names is None:
            self._made[shape.name] = walk
        for name, member in shape.members.items():
            if names is None or name in names:
                table[name] = (member.location_name or name, self.of(member))
        return walk

    def needs_walk(self, shape: Shape, seen: set[str]) -> bool:
        """Whether anything inside is not dumped as it is."""
        if shape.name in seen or shape.document:
            return False
        seen.add(shape.name)
        inside = [*shape.members.items(), ("", shape.member), ("", shape.value)]
        return any(
            bool(name and m.location_name and m.location_name != name)
            or self.scalar(m) is not None
            or self.needs_walk(self._model.shape(m.shape), seen)
            for name, m in inside
            if m is not None
        )

    def of(self, member: Member) -> Convert | None:
        """Return the walk of a member, or None."""
        shape = self._model.shape(member.shape)
        match shape.type:
            case "structure":
                return self.structure(shape)
            case "list" if shape.member:
                return each(self.of(shape.member))
            case "map" if shape.value:
                return each_value(self.of(shape.value))
            case _:
                return self.scalar(member)

    def scalar(self, member: Member) -> Convert | None:
        """Return the conversion of a scalar that a dump would not do right, or None."""
        shape = self._model.shape(member.shape)
        if shape.type == "timestamp":
            form = member.timestamp_format or shape.timestamp_format or "unixTimestamp"
            return None if form == "unixTimestamp" else timestamps.WRITERS[form]
        return finite if shape.type in ("float", "double") else None


def each(inner: Convert | None) -> Convert | None:
    """Return the walk of a list."""
    if inner is None:
        return None
    return lambda value: (
        [item if item is None else inner(item) for item in value]
        if value.__class__ is list
        else value
    )


def each_value(inner: Convert | None) -> Convert | None:
    """Return the walk of a map."""
    if inner is None:
        return None
    return lambda value: (
        {key: item if item is None else inner(item) for key, item in value.items()}
        if value.__class__ is dict
        else value
    )


def finite(value: Any) -> Any:
    """Return a float, or Smithy's word for one that JSON lacks."""
    if value.__class__ is float and not math.isfinite(value):
        return float_word(value)
    return value


def float_word(value: float) -> str:
    """Return ``NaN``, ``Infinity`` or ``-Infinity``."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
