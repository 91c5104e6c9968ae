"""XML bodies: expat to small nodes, nodes to members by compiled closures; results to text.

No document type declarations (and so no entities), a bounded depth and a bounded number of
elements: a body can cost no more than its own length.

============  =======================================================================
a list        ``<Name><member>…</member></Name>``; ``<Name>…</Name>`` if flattened
a map         ``<Name><entry><key/><value/></entry></Name>``; flattened
              ``<Name><key/><value/></Name>``
an attribute  members with the ``xmlAttribute`` trait
names         ``locationName`` of the member, else the member's name
============  =======================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from haar.kit.call import Members
from haar.wire.bodies import texts
from haar.wire.bodies.tree import Malformed
from haar.wire.models import Member, ServiceModel, Shape, XmlNamespace
from haar.wire.patches import patch_of

DEPTH_MAX = 100
ELEMENTS_MAX = 100_000  # CompleteMultipartUpload has 10,000 parts of some elements each

Out = list[str]
Write = Callable[[Any, Out], None]


class Node:
    """An element: its name without prefix, its attributes, its children, its text."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Node] = []
        self.text = ""


def parse(body: bytes) -> Node:
    """Return the root element.

    Raises:
        Malformed: not well formed, too deep, too many elements, or with a document type.
    """
    # UTF-8 whatever the document declares: other encodings are Python's codecs, some of them slow.
    parser = expat.ParserCreate("utf-8")
    builder = _Builder()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(body, True)  # noqa: FBT003  # expat's own word for the last piece
    except (expat.ExpatError, ValueError) as error:
        raise Malformed(str(error) if isinstance(error, Malformed) else "") from error
    return builder.root.children[0]


class _Builder:
    """Makes nodes from expat's events."""

    def __init__(self) -> None:
        self.root = Node("", {})
        self._path = [self.root]
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS_MAX or len(self._path) > DEPTH_MAX:
            raise Malformed("The XML document is too large.")
        node = Node(name.rpartition(":")[2], attributes)
        self._path[-1].children.append(node)
        self._path.append(node)

    def end(self, name: str) -> None:
        del name
        self._path.pop()

    def characters(self, text: str) -> None:
        self._path[-1].text += text

    def doctype(self, *declared: object) -> None:
        del declared
        raise Malformed("A document type declaration is not allowed.")


Read = Callable[[Node], Any]


class XmlDecoder:
    """Compiles the shapes of one model to closures ``node → value``."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._made: dict[str, Read] = {}

    def structure(self, shape: Shape, names: frozenset[str] | None = None) -> Read:
        """Return the closure of a structure; ``names`` limits it to some of its members."""
        if names is None and shape.name in self._made:
            return self._made[shape.name]
        scalars: dict[str, tuple[str, Read]] = {}
        repeated: dict[str, tuple[str, Callable[[list[Node]], Any]]] = {}
        attributes: dict[str, tuple[str, Callable[[str], Any]]] = {}
        made = structure_of(scalars, repeated, attributes)
        if names is None:
            self._made[shape.name] = made
        for name, member in shape.members.items():
            if names is not None and name not in names:
                continue
            inner = self._model.shape(member.shape)
            wire_name = (member.location_name or name).rpartition(":")[2]
            if member.xml_attribute:
                attributes[member.location_name or name] = (name, texts.reader(inner))
            elif is_flat(member, inner):
                repeated[flat_name(member, inner, wire_name)] = (name, self._flat(inner))
                repeated.setdefault(wire_name, (name, self._flat(inner)))
            else:
                scalars[wire_name] = (name, self.of(member))
        return made

    def of(self, member: Member) -> Read:
        """Return the closure of a member that is one element."""
        shape = self._model.shape(member.shape)
        match shape.type:
            case "structure":
                return self.structure(shape)
            case "list" if shape.member:
                element = self.of(shape.member)
                return lambda node: [element(child) for child in node.children]
            case "map":
                entries = self._entries(shape)
                return lambda node: entries(node.children)
            case _:
                read = texts.reader(shape)
                return lambda node: read(node.text)

    def _flat(self, shape: Shape) -> Callable[[list[Node]], Any]:
        if shape.type == "map":
            return self._entries(shape)
        assert shape.member is not None, "the model's lists have elements"
        element = self.of(shape.member)
        return lambda nodes: [element(node) for node in nodes]

    def _entries(self, shape: Shape) -> Callable[[list[Node]], Any]:
        assert shape.key is not None, "the model's maps have keys"
        assert shape.value is not None, "and values"
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        value = self.of(shape.value)

        def read(nodes: list[Node]) -> dict[str, Any]:
            made: dict[str, Any] = {}
            for node in nodes:
                found = {child.name: child for child in node.children}
                if key_name not in found or value_name not in found:
                    raise Malformed("")
                made[found[key_name].text] = value(found[value_name])
            return made

        return read


def structure_of(
    scalars: dict[str, tuple[str, Read]],
    repeated: dict[str, tuple[str, Callable[[list[Node]], Any]]],
    attributes: dict[str, tuple[str, Callable[[str], Any]]],
) -> Read:
    """Return the closure of a structure; the tables are filled by the caller afterwards."""

    def read(node: Node) -> Members:
        made: Members = {}
        gathered: dict[str, list[Node]] = {}
        for child in node.children:
            found = scalars.get(child.name)
            if found is not None:
                made[found[0]] = found[1](child)
            elif child.name in repeated:
                gathered.setdefault(child.name, []).append(child)
        for name, nodes in gathered.items():
            member, read_all = repeated[name]
            made[member] = read_all(nodes)
        if attributes:
            for name, text in node.attributes.items():
                if name in attributes:
                    member, read_text = attributes[name]
                    made[member] = read_text(text)
        return made

    return read


def is_flat(member: Member, shape: Shape) -> bool:
    """Whether a list or map has no element of its own around it."""
    return shape.type in ("list", "map") and (member.flattened or shape.flattened)


def flat_name(member: Member, shape: Shape, name: str) -> str:
    """Return the element's name of a flattened list or map.

    Older models flatten the list's shape, and name the elements there; newer ones flatten the
    member, whose own name it is then.
    """
    if not member.flattened and shape.member and shape.member.location_name:
        return shape.member.location_name
    return member.location_name or name


def decoder(
    model: ServiceModel, shape: Shape, names: frozenset[str] | None = None
) -> Callable[[bytes], Members]:
    """Return the function from a body to the members of a structure."""
    read = XmlDecoder(model).structure(shape, names)
    return lambda body: read(parse(body)) if body else {}


_SPECIAL = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\x85\u2028\ufffe\uffff]')
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def escape(text: str) -> str:
    """Return text for the inside of an element or an attribute."""
    return _SPECIAL.sub(_reference, text) if _SPECIAL.search(text) else text


_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def legal(text: str) -> str:
    """Return text with U+FFFD for what XML 1.0 cannot hold: for texts that quote a client."""
    return _ILLEGAL.sub("\ufffd", text)


def _reference(found: re.Match[str]) -> str:
    # Characters that XML 1.0 cannot hold are written as references all the same: so does S3.
    return _NAMED.get(found[0]) or f"&#x{ord(found[0]):X};"


class XmlEncoder:
    """Compiles the shapes of one model to closures that write into a list of texts."""

    def __init__(self, model: ServiceModel, timestamp: str = "") -> None:
        self._model = model
        self._timestamp = timestamp or "iso8601"
        self._made: dict[str, Write] = {}

    def structure(self, shape: Shape, names: frozenset[str] | None = None) -> Write:
        """Return the closure that writes a structure's elements, without one around them."""
        if names is None and shape.name in self._made:
            return self._made[shape.name]
        table: dict[str, Write] = {}

        def write(value: Any, out: Out) -> None:
            for name, item in value.items():
                inner = table.get(name)
                if inner is not None and item is not None:
                    inner(item, out)

        if names is None:
            self._made[shape.name] = write
        for name, member in shape.members.items():
            if (names is None or name in names) and not member.xml_attribute:
                table[name] = self.element(member, member.location_name or name)
        return write

    def element(self, member: Member, name: str) -> Write:
        """Return the closure that writes a member as an element (or elements) of that name."""
        shape = self._model.shape(member.shape)
        space = namespace_of(member.xml_namespace or shape.xml_namespace)
        match shape.type:
            case "structure":
                return self.root(shape, name, space, None)
            case "list":
                return self._list_element(member, shape, name, space)
            case "map":
                return self._map_element(member, shape, name, space)
            case _:
                write_text = texts.writer(member, shape, self._timestamp)
                return scalar_element(write_text, name, space, is_plain=shape.type in _PLAIN)

    def root(self, shape: Shape, name: str, space: str, names: frozenset[str] | None) -> Write:
        """Return the closure that writes a structure as an element, limited to ``names``."""
        inside = self.structure(shape, names)
        attributes = [
            (key, member.location_name or key)
            for key, member in shape.members.items()
            if member.xml_attribute
        ]

        def write(value: Any, out: Out) -> None:
            marks = "".join(
                f' {wire_name}="{escape(str(value[key]))}"'
                for key, wire_name in attributes
                if value.get(key) is not None
            )
            out.append(f"<{name}{space}{marks}>")
            inside(value, out)
            out.append(f"</{name}>")

        return write

    def _list_element(self, member: Member, shape: Shape, name: str, space: str) -> Write:
        assert shape.member is not None, "the model's lists have elements"
        if is_flat(member, shape):
            return repeat(self.element(shape.member, flat_name(member, shape, name)))
        element = self.element(shape.member, shape.member.location_name or "member")
        return around(repeat(element), name, space)

    def _map_element(self, member: Member, shape: Shape, name: str, space: str) -> Write:
        assert shape.key is not None, "the model's maps have keys"
        assert shape.value is not None, "and values"
        key = self.element(shape.key, shape.key.location_name or "key")
        value = self.element(shape.value, shape.value.location_name or "value")
        is_flattened = is_flat(member, shape)
        entry = f"{name}{space}" if is_flattened else "entry"

        def write(pairs: Any, out: Out) -> None:
            for one, other in pairs.items():
                out.append(f"<{entry}>")
                key(one, out)
                value(other, out)
                out.append(f"</{name if is_flattened else 'entry'}>")

        return write if is_flattened else around(write, name, space)


def namespace_of(space: XmlNamespace | None) -> str:
    """Return the declaration of a namespace, with a blank before it, or nothing."""
    if space is None or not space.uri:
        return ""
    prefix = f":{space.prefix}" if space.prefix else ""
    return f' xmlns{prefix}="{escape(space.uri)}"'


_PLAIN = frozenset({"integer", "long", "boolean", "blob"})


def scalar_element(
    write_text: Callable[[Any], str], name: str, space: str, *, is_plain: bool
) -> Write:
    """Return the closure that writes a scalar; a plain one has nothing to escape."""
    opening, closing = f"<{name}{space}>", f"</{name}>"
    if is_plain:
        return lambda value, out: out.append(f"{opening}{write_text(value)}{closing}")

    def write(value: Any, out: Out) -> None:
        out.append(f"{opening}{escape(write_text(value))}{closing}")

    return write


def repeat(element: Write) -> Write:
    """Return the closure that writes each item of a list."""

    def write(items: Any, out: Out) -> None:
        for item in items:
            if item is not None:
                element(item, out)

    return write


def around(inside: Write, name: str, space: str) -> Write:
    """Return the closure that writes an element around others."""

    def write(value: Any, out: Out) -> None:
        out.append(f"<{name}{space}>")
        inside(value, out)
        out.append(f"</{name}>")

    return write


def encoder(
    model: ServiceModel, shape: Shape, names: frozenset[str] | None, root: str, namespace: str
) -> Callable[[Members], bytes]:
    """Return the function from the members of a structure to a document with that root element."""
    space = namespace_of(shape.xml_namespace) or namespace_of(XmlNamespace(namespace))
    write = XmlEncoder(model, patch_of(model.name).timestamp).root(shape, root, space, names)

    def encode(members: Members) -> bytes:
        out: Out = ['<?xml version="1.0" encoding="UTF-8"?>\n']
        write(members, out)
        return "".join(out).encode()

    return encode
