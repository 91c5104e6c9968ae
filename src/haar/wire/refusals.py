"""Errors as answers, in the shape of each protocol.

=============  ==========================================================================
style          looks like
=============  ==========================================================================
``json``       ``{"__type": "<namespace>#<code>", "message": …, <members>}``
``rest-json``  the same without ``__type``; the code in ``x-amzn-ErrorType``
``cbor``       the same as ``json``, in CBOR
``query``      ``<ErrorResponse><Error><Type/><Code/><Message/>…</Error><RequestId/>``
``ec2``        ``<Response><Errors><Error><Code/><Message/></Error></Errors><RequestID/>``
bare           ``<Error><Code/><Message/>…<RequestId/><HostId/></Error>``
=============  ==========================================================================

A member of the refusal whose name begins with ``header:`` becomes that header, and stands in no
body. Answers to HEAD, and those with status 304, have no body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zlib import crc32

from haar.kernel.errors import ApiError, RefusedAs
from haar.kit.call import Members
from haar.wire.bodies import cbor, json, xml
from haar.wire.http import HeaderList, HttpRequest, HttpResponse
from haar.wire.models import ServiceModel, Shape, XmlNamespace
from haar.wire.patches import FRAMEWORK, NO_PATCH, Patch
from haar.wire.timestamps import to_rfc822

_HEADER = "header:"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
RETRY_AFTER_S = 1
"""Told to who is throttled, where the model has a place for it: by then the queue has moved."""
_RETRY_AFTER = "retryAfterSeconds"
_THROTTLING = ("TooManyRequestsException", "ThrottlingException", "RequestThrottled")
_UNKNOWN = "UnknownOperationException"
_NO_CALL = 404
"""With that status, of AWS's JSON services, it is about the request's form: told in XML."""
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Told:
    """A refusal with what the model says of it.

    Attributes:
        error: as it was raised.
        code: its name in the model's newer protocols.
        query_code: its code in the query protocols.
        status: of HTTP.
        fault: ``Sender`` or ``Receiver``.
        shape: the model's, if it has one.
        members: what stands in the body, beside code and message.
        headers: what stands in headers.
        request_id: of the request.
        request: that was refused.
    """

    error: ApiError
    code: str
    query_code: str
    status: int
    fault: str
    shape: Shape | None
    members: Members
    headers: HeaderList
    request_id: str
    request: HttpRequest


Style = Callable[[Told, ServiceModel | None, Patch], HttpResponse]


def tell(
    error: ApiError,
    model: ServiceModel | None,
    patch: Patch,
    request_id: str,
    request: HttpRequest,
) -> Told:
    """Return a refusal with the model's status, fault and codes."""
    shape = model.error(error.code) if model is not None else None
    status, traits = error.status, shape.error if shape is not None else None
    if traits is not None and traits.http_status_code:
        status = traits.http_status_code
    elif shape is not None and shape.fault and status < 500:
        status = 500
    code = shape.name if shape is not None else error.code
    legacy = traits.code if traits is not None else ""
    return Told(
        error=error,
        code=code,
        query_code=patch.query_codes.get(code) or legacy or code,
        status=status,
        fault="Receiver" if status >= 500 else "Sender",
        shape=shape,
        members={k: v for k, v in error.members.items() if not k.startswith(_HEADER)},
        headers=[
            (k[len(_HEADER) :].lower().encode(), header_text(v).encode())
            for k, v in error.members.items()
            if k.startswith(_HEADER)
        ],
        request_id=request_id,
        request=request,
    )


def throttling(model: ServiceModel | None, usual: RefusedAs) -> RefusedAs:
    """Return a refusal for throttling as the model has it, with what it has for a later attempt.

    Args:
        model: of the service, where that is known.
        usual: how the protocol words it, for models that have no error of their own.
    """
    shapes = (model.error(name) for name in _THROTTLING) if model is not None else ()
    shape = next((found for found in shapes if found is not None), None)
    if shape is None:
        return usual
    wait = {_RETRY_AFTER: RETRY_AFTER_S} if _RETRY_AFTER in shape.members else {}
    return RefusedAs(shape.name, usual.text, status=usual.status, members=wait)


def header_text(value: Any) -> str:
    """Return a member as it stands in a header."""
    return to_rfc822(value) if isinstance(value, datetime) else str(value)


def finish(told: Told, headers: HeaderList, body: bytes) -> HttpResponse:
    """Return the answer, without a body where there may be none."""
    if told.request.method == "HEAD" or told.status in _BODILESS:
        return HttpResponse(told.status, headers + told.headers)
    return HttpResponse(told.status, headers + told.headers, body)


def message_name(told: Told, patch: Patch) -> str:
    """Return whether the text is in ``message`` or ``Message``."""
    if told.code in patch.upper_message:
        return "Message"
    names = told.shape.members if told.shape is not None else ()
    return "Message" if "Message" in names and "message" not in names else "message"


def content(told: Told, patch: Patch) -> Members:
    """Return message and members; no message where AWS says nothing."""
    made: Members = {message_name(told, patch): told.error.text} if told.error.text else {}
    return made | told.members


def query_error(told: Told, model: ServiceModel | None, patch: Patch) -> HeaderList:
    """Return the header in which clients of an older protocol look for their code.

    An error that the model has, without a code of the older protocol, has had no other name.
    """
    if model is None or not model.is_query_compatible:
        return []
    if (
        told.shape is not None
        and told.query_code == told.code
        and told.code not in patch.query_codes
    ):
        return []
    return [(b"x-amzn-query-error", f"{told.query_code};{told.fault}".encode())]


def write_json(members: Members, told: Told, model: ServiceModel | None) -> bytes:
    """Return members as JSON, by the error's shape where there is one."""
    if model is None or told.shape is None:
        return json.dumps(members)
    return json.encoder(model, told.shape)(members)


def as_json(version: str) -> Style:
    """Return the style of JSON 1.0 or 1.1."""
    media = (b"content-type", f"application/x-amz-json-{version}".encode())

    def style(told: Told, model: ServiceModel | None, patch: Patch) -> HttpResponse:
        if told.status == _NO_CALL and told.code == _UNKNOWN:
            body = b"<%s/>\n" % _UNKNOWN.encode()
        else:
            space = patch.code_namespaces.get(told.code, patch.error_namespace)
            kind = {"__type": f"{space}#{told.code}" if space else told.code}
            body = write_json(kind | content(told, patch), told, model)
        headers: HeaderList = [media, (b"x-amzn-requestid", told.request_id.encode())]
        if patch.has_crc32:
            headers.append((b"x-amz-crc32", b"%d" % crc32(body)))
        return finish(told, headers + query_error(told, model, patch), body)

    return style


def as_rest_json(told: Told, model: ServiceModel | None, patch: Patch) -> HttpResponse:
    """Return a refusal of REST JSON."""
    located = headers_of(told)
    inside = {k: v for k, v in content(told, patch).items() if k not in located}
    headers: HeaderList = [
        (b"content-type", b"application/json"),
        (b"x-amzn-requestid", told.request_id.encode()),
        (b"x-amzn-errortype", told.code.encode()),
        *located.values(),
    ]
    return finish(told, headers, write_json(inside, told, model))


def headers_of(told: Told) -> dict[str, tuple[bytes, bytes]]:
    """Return the members of the error's shape that stand in headers."""
    if told.shape is None:
        return {}
    return {
        name: ((member.location_name or name).lower().encode(), str(told.members[name]).encode())
        for name, member in told.shape.members.items()
        if member.location == "header" and name in told.members
    }


def as_cbor(told: Told, model: ServiceModel | None, patch: Patch) -> HttpResponse:
    """Return a refusal of RPC v2 CBOR."""
    space = patch.error_namespace
    kind = {"__type": f"{space}#{told.code}" if space else told.code}
    headers: HeaderList = [
        (b"content-type", b"application/cbor"),
        (b"smithy-protocol", b"rpc-v2-cbor"),
        (b"x-amzn-requestid", told.request_id.encode()),
    ]
    body = cbor.dumps(kind | content(told, patch))
    return finish(told, headers + query_error(told, model, patch), body)


def elements(told: Told, model: ServiceModel | None) -> str:
    """Return the refusal's further members as elements."""
    located = headers_of(told)
    out: xml.Out = []
    modelled = told.shape.members if told.shape is not None else {}
    if model is not None and told.shape is not None:
        inside = {k: v for k, v in told.members.items() if k in modelled and k not in located}
        xml.XmlEncoder(model).structure(told.shape)(inside, out)
    out += [element(k, v) for k, v in told.members.items() if k not in modelled]
    return "".join(out)


def element(name: str, value: Any) -> str:
    """Return one element with text."""
    return f"<{name}>{xml.escape(xml.legal(str(value)))}</{name}>"


def message_element(text: str) -> str:
    """Return the text's element; none where AWS says nothing."""
    return element("Message", text) if text else ""


def as_query(told: Told, model: ServiceModel | None, patch: Patch) -> HttpResponse:
    """Return a refusal of the query protocol, and of REST XML."""
    told = replace(told, status=patch.query_statuses.get(told.code, told.status))
    text = patch.query_texts.get(told.code, told.error.text)
    namespace = patch.namespace or (model.namespace if model is not None else "")
    inside = (
        element("Type", told.fault)
        + element("Code", told.query_code)
        + message_element(text)
        + elements(told, model)
    )
    trailer = element("RequestId", told.request_id)
    space = xml.namespace_of(XmlNamespace(namespace))
    body = f"<ErrorResponse{space}><Error>{inside}</Error>{trailer}</ErrorResponse>"
    return finish(told, xml_headers(told), (_DECLARATION + body).encode())


def xml_headers(told: Told) -> HeaderList:
    """Return the headers of the query protocols' refusals."""
    return [
        (b"content-type", b"text/xml"),
        (b"x-amzn-requestid", told.request_id.encode()),
        *headers_of(told).values(),
    ]


def as_ec2(told: Told, model: ServiceModel | None, patch: Patch) -> HttpResponse:
    """Return a refusal of the EC2 dialect."""
    del patch
    inside = element("Code", told.query_code) + message_element(told.error.text)
    inside += elements(told, model)
    trailer = element("RequestID", told.request_id)
    body = f"<Response><Errors><Error>{inside}</Error></Errors>{trailer}</Response>"
    return finish(told, xml_headers(told), (_DECLARATION + body).encode())


def as_rest_xml(told: Told, model: ServiceModel | None, patch: Patch) -> HttpResponse:
    """Return a refusal of REST XML: bare where the model's patch says so."""
    if not patch.has_bare_errors:
        return as_query(told, model, patch)
    inside = element("Code", told.query_code) + message_element(told.error.text)
    if "Resource" not in told.members:
        path = told.request.path.decode("utf-8", "replace")
        inside += element("Resource", path)
    inside += elements(told, model)
    inside += element("RequestId", told.request_id) + element("HostId", told.request_id)
    headers: HeaderList = [
        (b"content-type", b"application/xml"),
        *s3_ids(told.request_id),
        *headers_of(told).values(),
    ]
    return finish(told, headers, f"{_DECLARATION}<Error>{inside}</Error>".encode())


def s3_ids(request_id: str) -> HeaderList:
    """Return the two ids that S3 answers with."""
    raw = request_id.encode()
    return [(b"x-amz-request-id", raw), (b"x-amz-id-2", raw)]


BARE = Patch(has_bare_errors=True, code_namespaces=FRAMEWORK)
"""How a request is refused in XML that names no service."""

__all__ = ["BARE", "NO_PATCH", "Style", "Told", "tell"]
