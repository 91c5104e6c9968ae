"""The REST binding: members stand in the path, the query, the headers, the status or the body.

===============  ==========================================================================
location         in requests and answers
===============  ==========================================================================
``uri``          a label of the path
``querystring``  one parameter; a list repeats it; a map takes all parameters
``header``       one header; a list is separated by commas
``headers``      a map of all headers with a prefix
``statusCode``   the answer's status
the payload      the one member that is the body itself
none             in the body's document
===============  ==========================================================================
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from haar.kit.call import Members
from haar.kit.streams import ByteStream, OnePiece
from haar.wire import eventstream
from haar.wire.bindings.events import EventWriter
from haar.wire.bindings.parts import Bound, Encode, Parts
from haar.wire.bodies import json, texts
from haar.wire.bodies.tree import Malformed, MalformedParameter
from haar.wire.hoisting import hoist
from haar.wire.http import HeaderList, HttpRequest, HttpResponse
from haar.wire.models import Member, ServiceModel, Shape
from haar.wire.patches import Patch
from haar.wire.route import Routed

FIELDS_MAX = 1000
IN_REQUESTS = frozenset({"uri", "querystring", "header", "headers"})
IN_ANSWERS = frozenset({"header", "headers", "statusCode"})
_EMPTY = Shape(name="", type="structure")
_BODILESS = frozenset({204, 205, 304})

Take = Callable[[HttpRequest, Routed, Members], None]
"""Moves what it knows from a request into the members."""

TakeBody = Callable[[bytes | ByteStream, Members], None]
"""Moves what it knows from a body into the members."""


def bind(parts: Parts) -> Bound:
    """Return the operation's two functions."""
    shape = parts.input or _EMPTY
    takes = takers(parts, shape)
    take_body, wants_stream = body_taker(parts, shape)

    has_hoisted = parts.patch.has_hoisted_headers

    def decode(request: HttpRequest, body: bytes | ByteStream, routed: Routed) -> Members:
        members: Members = {}
        if has_hoisted and request.query:
            hoist(request)
        take_body(body, members)
        for take in takes:
            take(request, routed, members)
        return members

    return Bound(decode, encoder(parts), wants_stream=wants_stream)


def located(shape: Shape, location: str) -> list[tuple[str, str, Member]]:
    """Return the members at a location: name, name on the wire, reference."""
    return [
        # An empty prefix of headers is a prefix; an empty name is none.
        (name, member.location_name or ("" if location == "headers" else name), member)
        for name, member in shape.members.items()
        if member.location == location
    ]


def body_names(shape: Shape, elsewhere: frozenset[str] = IN_REQUESTS) -> frozenset[str]:
    """Return the names of the members that stand in the body's document."""
    return frozenset(n for n, member in shape.members.items() if member.location not in elsewhere)


def takers(parts: Parts, shape: Shape) -> list[Take]:
    """Return what reads everything but the body."""
    model, patch = parts.model, parts.patch
    found: list[Take] = []
    if labels := located(shape, "uri"):
        found.append(
            take_labels([(n, w, texts.reader(model.shape(m.shape))) for n, w, m in labels])
        )
    if queries := located(shape, "querystring"):
        found.append(take_query(model, queries, patch))
    if headers := located(shape, "header"):
        found.append(
            take_headers(
                [
                    (n, w.lower().encode(), patched(patch, n, w, of_header(model, m)))
                    for n, w, m in headers
                ]
            )
        )
    found += [take_prefix(name, wire_name) for name, wire_name, _ in located(shape, "headers")]
    return found


def take_labels(labels: list[tuple[str, str, Callable[[str], Any]]]) -> Take:
    """Return what reads the path's labels."""

    def take(request: HttpRequest, routed: Routed, members: Members) -> None:
        del request
        for name, wire_name, read in labels:
            if wire_name in routed.labels:
                members[name] = read(routed.labels[wire_name])

    return take


def take_headers(headers: list[tuple[str, bytes, Callable[[str], Any]]]) -> Take:
    """Return what reads single headers."""

    def take(request: HttpRequest, routed: Routed, members: Members) -> None:
        del routed
        find = request.headers.get
        for name, wire_name, read in headers:
            raw = find(wire_name)
            if raw is None:
                continue
            value = read(header_text(raw))
            if value is not None:
                members[name] = value

    return take


def patched(
    patch: Patch, name: str, wire_name: str, read: Callable[[str], Any]
) -> Callable[[str], Any]:
    """Return the reader of a parameter that says which one it could not read, or leaves it out.

    Args:
        patch: of the model.
        name: of the member.
        wire_name: of the parameter.
        read: as the model has it.
    """
    if read is str or name in patch.text_members:
        return str

    def checked(text: str) -> Any:
        try:
            return read(text)
        except Malformed as error:
            if name in patch.lenient_members:
                return None
            raise MalformedParameter(wire_name, str(error)) from error

    return checked


def header_text(raw: bytes) -> str:
    """Return a header's value: UTF-8 where it is that, else Latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def take_prefix(name: str, prefix: str) -> Take:
    """Return what reads all headers with a prefix into a map."""
    start = prefix.lower().encode()

    def take(request: HttpRequest, routed: Routed, members: Members) -> None:
        del routed
        found = {
            header_text(key[len(start) :]): header_text(value)
            for key, value in request.headers.items()
            if key.startswith(start)
        }
        if found:
            members[name] = found

    return take


def of_header(model: ServiceModel, member: Member) -> Callable[[str], Any]:
    """Return the function from a header's text to a value."""
    shape = model.shape(member.shape)
    if member.jsonvalue:
        return read_jsonvalue
    if shape.type != "list" or shape.member is None:
        return texts.reader(shape)
    inner = model.shape(shape.member.shape)
    read = texts.reader(inner)
    form = shape.member.timestamp_format or inner.timestamp_format or "rfc822"
    has_commas = inner.type == "timestamp" and form == "rfc822"
    cut = cut_dates if has_commas else cut_list
    return lambda text: [read(item) for item in cut(text)]


def read_jsonvalue(text: str) -> Any:
    """Return the JSON value that a header carries in base64.

    Raises:
        Malformed: not base64 of JSON.
    """
    try:
        return json.document(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Malformed("") from error


_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.DOTALL)


def cut_list(text: str) -> list[str]:
    """Return the items of a header list; quoted items may hold commas.

    Raises:
        Malformed: a quote is not closed, or not at an item's end.
    """
    if '"' not in text:
        return [item.strip() for item in text.split(",")] if text.strip() else []
    items: list[str] = []
    at = 0
    while at >= 0:
        quoted = _QUOTED.match(text, at)
        end = text.find(",", at) if quoted is None else quoted.end()
        item = text[at : end if end >= 0 else len(text)].strip() if quoted is None else ""
        if item.startswith('"'):
            raise Malformed("")
        items.append(item if quoted is None else re.sub(r"\\(.)", r"\1", quoted[1]))
        is_last = end < 0 or (quoted is not None and not quoted[0].endswith(","))
        at = -1 if is_last else end + (quoted is None)
    return items


def cut_dates(text: str) -> list[str]:
    """Return the dates of a list; each has one comma of its own."""
    pieces = text.split(",")
    return [",".join(pieces[at : at + 2]).strip() for at in range(0, len(pieces), 2)]


def take_query(model: ServiceModel, queries: list[tuple[str, str, Member]], patch: Patch) -> Take:
    """Return what reads the query string."""
    readers = [
        (name, query_reader(model, model.shape(member.shape), name, wire_name, patch))
        for name, wire_name, member in queries
    ]

    def take(request: HttpRequest, routed: Routed, members: Members) -> None:
        del routed
        if not request.query:
            return
        found = values_of(request.query)
        for name, read in readers:
            value = read(found)
            if value is not None:
                members[name] = value

    return take


Values = dict[str, list[str]]


def query_reader(
    model: ServiceModel, shape: Shape, member: str, name: str, patch: Patch
) -> Callable[[Values], Any]:
    """Return the function from all parameters to one member's value, or None."""
    if shape.type == "list" and shape.member:
        each = texts.reader(model.shape(shape.member.shape))
        return lambda found: [each(text) for text in found[name]] if name in found else None
    if shape.type == "map" and shape.value:
        is_list = model.shape(shape.value.shape).type == "list"
        return lambda found: {k: v if is_list else v[0] for k, v in found.items()}
    read = patched(patch, member, name, texts.reader(shape))
    return lambda found: read(found[name][0]) if name in found else None


def values_of(query: bytes) -> Values:
    """Return all values of each query parameter.

    Raises:
        Malformed: not UTF-8, or too many.
    """
    found: dict[str, list[str]] = {}
    try:
        pairs = texts.fields(query, FIELDS_MAX)
    except ValueError as error:
        raise Malformed("") from error
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def body_taker(parts: Parts, shape: Shape) -> tuple[TakeBody, bool]:
    """Return what reads the body, and whether it wants a stream."""
    if not shape.payload:
        names = body_names(shape)
        if not names:
            return no_body, False
        read = parts.request.decoder(parts.model, shape, parts.notes, names)
        return (lambda body, members: members.update(read(whole(body)))), False
    member = shape.members[shape.payload]
    inner = parts.model.shape(member.shape)
    if inner.type == "blob" and (member.streaming or inner.streaming):
        return take_stream(shape.payload), True
    return take_payload(parts, shape.payload, inner), False


def no_body(body: bytes | ByteStream, members: Members) -> None:
    """Ignore a body where no member stands in it."""
    del body, members


def no_document(result: Members) -> tuple[bytes, None, bytes]:
    """Return no body."""
    del result
    return b"", None, b""


def whole(body: bytes | ByteStream) -> bytes:
    """Return a body that must be here already.

    Raises:
        Malformed: it is a stream: longer than any document may be.
    """
    if not isinstance(body, bytes):
        raise Malformed("")
    return body


def take_stream(name: str) -> TakeBody:
    """Return what hands the body on as a stream."""

    def take(body: bytes | ByteStream, members: Members) -> None:
        members[name] = OnePiece(body) if isinstance(body, bytes) else body

    return take


def take_payload(parts: Parts, name: str, shape: Shape) -> TakeBody:
    """Return what reads a body that is one member."""
    read = payload_reader(parts, shape)

    def take(body: bytes | ByteStream, members: Members) -> None:
        raw = whole(body)
        if raw:
            members[name] = read(raw)

    return take


def payload_reader(parts: Parts, shape: Shape) -> Callable[[bytes], Any]:
    """Return the function from a body to the one member that it is."""
    if shape.type == "blob":
        return bytes
    if shape.type == "string":
        return utf8
    if shape.document:
        return json.document
    if shape.type == "structure":
        return parts.request.decoder(parts.model, shape, parts.notes, None)
    return json.document


def utf8(raw: bytes) -> str:
    """Return text.

    Raises:
        Malformed: not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed("") from error


Put = Callable[[Members, HeaderList], None]
"""Writes what it knows of a result into the answer's headers."""

PutBody = Callable[[Members], tuple[bytes | AsyncIterator[bytes], int | None, bytes]]
"""Returns the body of a result, its length where it is a stream, its content type."""


def encoder(parts: Parts) -> Encode:
    """Return the encoder of an operation."""
    shape = parts.output or _EMPTY
    puts = putters(parts.model, shape)
    put_body = body_putter(parts, shape)
    status_names = [name for name, _, _ in located(shape, "statusCode")]
    partial = "ContentRange" if "ContentRange" in shape.members else ""
    id_headers = [parts.id_header]
    if parts.patch.host_id_header:
        id_headers.append(parts.patch.host_id_header.encode())

    def encode(result: Members, request_id: str) -> HttpResponse:
        headers: HeaderList = [(name, request_id.encode()) for name in id_headers]
        for put in puts:
            put(result, headers)
        body, length, media = put_body(result)
        status = parts.operation.status
        if partial and result.get(partial):
            status = 206
        for name in status_names:
            status = result.get(name, status)
        return finish(status, headers, body, length, media)

    return encode


def finish(
    status: int,
    headers: HeaderList,
    body: bytes | AsyncIterator[bytes],
    length: int | None,
    media: bytes,
) -> HttpResponse:
    """Return an answer; a length that the result names goes where the server looks for it."""
    names = {name for name, _ in headers}
    if b"content-length" in names:
        length = next(int(value) for name, value in headers if name == b"content-length")
        headers = [pair for pair in headers if pair[0] != b"content-length"]
    if status in _BODILESS:
        return HttpResponse(status, headers)
    if media and b"content-type" not in names:
        headers.append((b"content-type", media))
    return HttpResponse(status, headers, body, length=length)


def putters(model: ServiceModel, shape: Shape) -> list[Put]:
    """Return what writes headers."""
    found: list[Put] = [
        put_header(name, wire_name.lower().encode(), header_writer(model, member))
        for name, wire_name, member in located(shape, "header")
    ]
    return found + [put_prefix(name, prefix) for name, prefix, _ in located(shape, "headers")]


def put_header(name: str, wire_name: bytes, write: Callable[[Any], str]) -> Put:
    """Return what writes one header."""

    def put(result: Members, headers: HeaderList) -> None:
        value = result.get(name)
        if value is not None:
            headers.append((wire_name, header_bytes(write(value))))

    return put


_LINE_BREAKS = re.compile(r"[\r\n\0]")


def header_bytes(text: str) -> bytes:
    """Return a header's value; line breaks, which would begin another header, become blanks."""
    return _LINE_BREAKS.sub(" ", text).encode()


def put_prefix(name: str, prefix: str) -> Put:
    """Return what writes a map as headers."""

    def put(result: Members, headers: HeaderList) -> None:
        pairs: dict[str, Any] = result.get(name) or {}
        for key, value in pairs.items():
            wire_name = header_bytes(f"{prefix}{key}".lower())
            headers.append((wire_name, header_bytes(str(value))))

    return put


def header_writer(model: ServiceModel, member: Member) -> Callable[[Any], str]:
    """Return the function from a value to a header's text."""
    shape = model.shape(member.shape)
    if member.jsonvalue:
        return lambda value: base64.b64encode(json.dumps(value)).decode("ascii")
    if shape.type != "list" or shape.member is None:
        return texts.writer(member, shape, "rfc822")
    inner = model.shape(shape.member.shape)
    write = texts.writer(shape.member, inner, "rfc822")
    quote = quote_item if inner.type == "string" else str
    return lambda value: ", ".join(quote(write(item)) for item in value)


def quote_item(text: str) -> str:
    """Return an item of a header list, quoted where it holds a comma or a quote."""
    if "," not in text and '"' not in text:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def body_putter(parts: Parts, shape: Shape) -> PutBody:
    """Return what writes the body."""
    if shape.payload:
        return payload_putter(parts, shape.payload, shape.members[shape.payload])
    names = body_names(shape, IN_ANSWERS)
    if not names and (shape.members or parts.output is None or parts.media != b"application/json"):
        return no_document
    operation = parts.operation.name
    if operation in parts.patch.bare_outputs:
        return bare_putter(parts, next(iter(names)), shape)
    root = parts.patch.roots.get(operation) or shape.location_name or shape.name
    write = parts.response.encoder(parts.model, shape, names, root, parts.namespace)
    return lambda result: (write(result), None, parts.media)


def bare_putter(parts: Parts, name: str, shape: Shape) -> PutBody:
    """Return what writes a document whose root is the one member itself."""
    write = parts.response.encoder(parts.model, shape, frozenset({name}), "", parts.namespace)
    root = shape.members[name].location_name or name
    opening = f"<{root}>".encode()
    spaced = f'<{root} xmlns="{parts.namespace}">'.encode()

    def put(result: Members) -> tuple[bytes, None, bytes]:
        document = write({name: result.get(name) or ""})
        start, end = document.index(opening), document.rindex(b"</>")
        head = document[: document.index(b"<", 1)]
        return head + spaced + document[start + len(opening) : end], None, parts.media

    return put


def payload_putter(parts: Parts, name: str, member: Member) -> PutBody:
    """Return what writes a body that is one member."""
    shape = parts.model.shape(member.shape)
    if shape.eventstream and parts.output is not None:
        events = EventWriter(parts, parts.output, name)
        return lambda result: (events.messages(result[name]), None, eventstream.MEDIA)
    if shape.type == "structure" and not shape.document:
        root = member.location_name or shape.location_name or shape.name
        space = member.xml_namespace.uri if member.xml_namespace else parts.namespace
        write = parts.response.encoder(parts.model, shape, None, root, space)
        return lambda result: (
            (b"", None, b"")
            if result.get(name) is None
            else (write(result[name]), None, parts.media)
        )
    if shape.type in ("blob", "string") and not shape.document:
        media = b"text/plain" if shape.type == "string" else b"application/octet-stream"
        return lambda result: raw_body(result.get(name), media)
    return lambda result: (json.dumps(result.get(name)), None, parts.media)


def raw_body(value: Any, media: bytes) -> tuple[bytes | AsyncIterator[bytes], int | None, bytes]:
    """Return a body that is bytes, text or a stream."""
    if value is None:
        return b"", None, b""
    if isinstance(value, str):
        return value.encode(), None, media
    if isinstance(value, bytes):
        return value, None, media
    assert isinstance(value, ByteStream), "a streaming member is bytes or a stream"
    return aiter(value), value.length, media
