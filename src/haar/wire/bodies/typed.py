"""JSON bodies that are right, read in one go: msgspec parses, checks types and constraints at once.

A shape of the model becomes a type of msgspec's. What such a decoder takes is what the walk of
:mod:`haar.wire.bodies.tree` would make of the same body; what it does not take, for whatever
reason, is read again by that walk, which knows AWS's words. So nothing here is told to anybody, and
a shape that msgspec has no type for simply has no decoder.

==========================  =======================================================
shape                       type
==========================  =======================================================
structure                   ``TypedDict`` with its required keys
list, map                   ``list[…]``, ``dict[str, …]``
string                      ``str``; ``Literal`` of an enumeration's texts
blob                        ``bytes``, from base64
integer, long               ``int`` within its bits
float, double               ``float``
length, range, pattern      ``Annotated[…, Meta(…)]``
timestamps, documents, …    none: the walk reads the whole body
==========================  =======================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from msgspec import Meta

from haar.kit.call import Members
from haar.wire.constraints import check_of, compile_pattern
from haar.wire.models import Member, ServiceModel, Shape

_BITS = {"integer": 31, "short": 31, "byte": 31, "long": 63, "bigInteger": 63}

NOT_TAKEN = (msgspec.MsgspecError, RecursionError, ValueError)
"""What a decoder raises for a body that the walk must read."""


class Untyped(Exception):
    """A shape that msgspec has no type for."""


def typed_decoder(model: ServiceModel, shape: Shape) -> Callable[[bytes], Members] | None:
    """Return the function from a right body to the members of a structure, or None.

    It raises one of :data:`NOT_TAKEN` for any other body.
    """
    try:
        return msgspec.json.Decoder(_Types(model).structure(shape)).decode
    except Untyped:
        return None


class _Types:
    """Makes the types of one model's shapes."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._structures: dict[str, Any] = {}

    def structure(self, shape: Shape) -> Any:
        """Return the type of a structure; it may hold itself."""
        made = self._structures.get(shape.name)
        if made is None:
            made = self._structures[shape.name] = _typed_dict(shape.name)
            members = shape.members.items()
            if any(member.location_name not in {"", name} for name, member in members):
                raise Untyped(shape.name)
            made.__annotations__ = kinds = {name: self.of(member) for name, member in members}
            made.__required_keys__ = frozenset(shape.required)
            made.__optional_keys__ = frozenset(kinds.keys() - shape.required)
        return made

    def of(self, member: Member) -> Any:
        """Return the type of a member."""
        shape = self._model.shape(member.shape)
        if shape.document or shape.sparse or shape.streaming or shape.eventstream:
            raise Untyped(shape.name)
        match shape.type:
            case "structure":
                return self.structure(shape)
            case "list" if shape.member:
                make: Any = list
                return bounded(make[self.of(shape.member)], shape)
            case "map" if shape.key and shape.value:
                make = dict
                return bounded(make[self.of(shape.key), self.of(shape.value)], shape)
            case _:
                return scalar(shape)


def _typed_dict(name: str) -> Any:
    """Return a dict type whose keys are set later: a structure may be inside of itself."""
    make: Any = TypedDict  # as a function it takes literals only, says its typing
    return make(name, {}, total=False)


def scalar(shape: Shape) -> Any:
    """Return the type of a value without members."""
    match shape.type:
        case "string" | "character" if shape.enum:
            check = check_of(shape)
            return Literal[tuple(text for text in shape.enum if check is None or check(text))]
        case "string" | "character" | "blob":
            return bounded(bytes if shape.type == "blob" else str, shape)
        case "boolean":
            return bool
        case "integer" | "short" | "byte" | "long" | "bigInteger":
            beyond = 2 ** _BITS[shape.type]
            low = -beyond if shape.min is None else max(-beyond, int(shape.min))
            high = beyond - 1 if shape.max is None else min(beyond - 1, int(shape.max))
            return Annotated[int, Meta(ge=low, le=high)]
        case "float" | "double" if shape.min is None and shape.max is None:
            return float
        case _:
            raise Untyped(shape.name)


def bounded(kind: Any, shape: Shape) -> Any:
    """Return a type with the shape's bounds of length and, for a text, its pattern."""
    low = int(shape.min) if shape.min else None
    high = None if shape.max is None else int(shape.max)
    pattern = None
    if kind is str and shape.pattern:
        compiled = compile_pattern(shape.pattern)
        pattern = None if compiled is None else rf"\A(?:{compiled.pattern})\Z"
    if low is None and high is None and pattern is None:
        return kind
    return Annotated[kind, Meta(min_length=low, max_length=high, pattern=pattern)]
