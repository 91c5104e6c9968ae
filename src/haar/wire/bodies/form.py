"""Form bodies of the query protocols: dotted names to members.

==========  ====================================  ==============================
what        query                                 ec2
==========  ====================================  ==============================
structure   ``A.B=…``                             the same
list        ``A.member.1=…``                      ``A.1=…``
flattened   ``A.1=…`` (named by its element)      ``A.1=…``
map         ``A.entry.1.key=…&A.entry.1.value=…``  none
names       ``locationName``                      ``queryName``, or ``LocationName``
==========  ====================================  ==============================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from haar.kit.call import Members
from haar.wire.bodies import texts
from haar.wire.bodies.tree import Malformed
from haar.wire.models import Member, ServiceModel, Shape

FIELDS_MAX = 20_000
DEPTH_MAX = 64

Tree = dict[str, Any]
"""A dotted name's parts, nested; the text of a name itself stands under the empty part."""

Read = Callable[[Tree], Any]


def parse(body: bytes) -> Tree:
    """Return the fields of a form as a tree.

    Raises:
        Malformed: not UTF-8, too many fields, or names too deep.
    """
    try:
        pairs = texts.fields(body, FIELDS_MAX)
    except ValueError as error:
        raise Malformed("") from error
    root: Tree = {}
    for name, text in pairs:
        parts = name.split(".")
        if len(parts) > DEPTH_MAX:
            raise Malformed("")
        node = root
        for part in parts:
            node = node.setdefault(part or " ", {})
        node[""] = text
    return root


class FormDecoder:
    """Compiles the shapes of one model to closures ``tree → value``."""

    def __init__(self, model: ServiceModel, *, is_ec2: bool) -> None:
        self._model = model
        self._is_ec2 = is_ec2
        self._made: dict[str, Read] = {}

    def structure(self, shape: Shape) -> Read:
        """Return the closure of a structure."""
        made = self._made.get(shape.name)
        if made is not None:
            return made
        table: list[tuple[str, str, Read]] = []

        def read(tree: Tree) -> Members:
            return {
                name: inner(tree[wire_name])
                for wire_name, name, inner in table
                if wire_name in tree
            }

        self._made[shape.name] = read
        for name, member in shape.members.items():
            wire_name = self._name(member, name)
            inner = self._model.shape(member.shape)
            is_flat = inner.type == "list" and (member.flattened or inner.flattened)
            table.append((wire_name, name, self.of(member)))
            if self._is_ec2 and not member.query_name and not member.location_name:
                table.append((name, name, self.of(member)))
            if is_flat and inner.member and inner.member.location_name and not self._is_ec2:
                table.append((inner.member.location_name, name, self.of(member)))
        return read

    def _name(self, member: Member, name: str) -> str:
        if not self._is_ec2:
            return member.location_name or name
        if member.query_name:
            return member.query_name
        located = member.location_name or name
        return located[:1].upper() + located[1:]

    def of(self, member: Member) -> Read:
        """Return the closure of a member."""
        shape = self._model.shape(member.shape)
        is_flat = self._is_ec2 or member.flattened or shape.flattened
        match shape.type:
            case "structure":
                return self.structure(shape)
            case "list" if shape.member:
                step = "" if is_flat else (shape.member.location_name or "member")
                return read_list(self.of(shape.member), step)
            case "map":
                return self._map(shape, "" if is_flat else "entry")
            case _:
                return scalar(texts.reader(shape))

    def _map(self, shape: Shape, step: str) -> Read:
        assert shape.key is not None, "the model's maps have keys"
        assert shape.value is not None, "and values"
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        value = self.of(shape.value)

        def read(tree: Tree) -> dict[str, Any]:
            made: dict[str, Any] = {}
            for entry in numbered(tree, step):
                if key_name not in entry or value_name not in entry:
                    raise Malformed("")
                made[entry[key_name].get("", "")] = value(entry[value_name])
            return made

        return read


def scalar(read_text: Callable[[str], Any]) -> Read:
    """Return the closure of a scalar."""

    def read(tree: Tree) -> Any:
        if "" not in tree:
            raise Malformed("")
        return read_text(tree[""])

    return read


def read_list(element: Read, step: str) -> Read:
    """Return the closure of a list whose elements stand below ``step``."""
    return lambda tree: [element(item) for item in numbered(tree, step)]


def numbered(tree: Tree, step: str) -> list[Tree]:
    """Return the elements ``1``, ``2``, … below ``step``, in the order of their numbers.

    Raises:
        Malformed: an element's name is no number.
    """
    below: Tree = tree.get(step, {}) if step else tree
    try:
        numbers = sorted((int(part), part) for part in below if part)
    except ValueError as error:
        raise Malformed("") from error
    return [below[part] for _, part in numbers]


def decoder(model: ServiceModel, shape: Shape, *, is_ec2: bool) -> Callable[[bytes], Members]:
    """Return the function from a body to the members of a structure."""
    read = FormDecoder(model, is_ec2=is_ec2).structure(shape)
    return lambda body: read(parse(body))
