"""The binding of the query protocols: a form in, a wrapped XML document out."""

from __future__ import annotations

from collections.abc import Callable

from haar.kit.call import Members
from haar.kit.streams import ByteStream
from haar.wire.bindings.parts import Bound, Encode, Parts
from haar.wire.bodies import xml
from haar.wire.bodies.tree import Malformed
from haar.wire.http import HttpRequest, HttpResponse
from haar.wire.models import Shape, XmlNamespace
from haar.wire.route import Routed

_EMPTY = Shape(name="", type="structure")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def bind(parts: Parts) -> Bound:
    """Return the operation's two functions."""
    given = parts.input or _EMPTY
    read = parts.request.decoder(parts.model, given, parts.notes, None)
    path_member = parts.patch.path_member if parts.patch.path_member in given.members else ""

    def decode(request: HttpRequest, body: bytes | ByteStream, routed: Routed) -> Members:
        del routed
        if not isinstance(body, bytes):
            raise Malformed("")
        members = read(b"&".join(part for part in (request.query, body) if part))
        if path_member and len(request.path) > 1:
            members.setdefault(path_member, request.path.decode("latin-1"))
        return members

    return Bound(decode, encoder(parts))


def encoder(parts: Parts) -> Encode:
    """Return the encoder of an operation."""
    name = parts.operation.name
    inside = xml.XmlEncoder(parts.model).structure(parts.output or _EMPTY)
    space = xml.namespace_of(XmlNamespace(parts.namespace))
    headers = (b"content-type", parts.media)
    wrap = wrap_ec2 if parts.is_ec2 else wrap_query(parts)

    def encode(result: Members, request_id: str) -> HttpResponse:
        out: xml.Out = []
        inside(result, out)
        document = wrap("".join(out), request_id)
        body = f"{_DECLARATION}<{name}Response{space}>{document}</{name}Response>".encode()
        return HttpResponse(200, [headers, (parts.id_header, request_id.encode())], body)

    return encode


def wrap_query(parts: Parts) -> Callable[[str, str], str]:
    """Return the function that puts a result between the query protocol's elements."""
    name = parts.operation.output_wrapper or f"{parts.operation.name}Result"
    has_result = parts.output is not None

    def wrap(content: str, request_id: str) -> str:
        result = f"<{name}>{content}</{name}>" if has_result else ""
        trailer = f"<RequestId>{xml.escape(request_id)}</RequestId>"
        return f"{result}<ResponseMetadata>{trailer}</ResponseMetadata>"

    return wrap


def wrap_ec2(content: str, request_id: str) -> str:
    """Return a result with EC2's request id."""
    return f"{content}<requestId>{xml.escape(request_id)}</requestId>"
