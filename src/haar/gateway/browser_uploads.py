"""A browser's upload to S3 (``POST`` of a form) as the ``PutObject`` that it stands for.

The form's fields become the headers of a ``PUT``; whoever signed its policy is the caller. So the
upload is decoded, authorized, stored and audited like any other. The answer is what the form asks
for:

===================================  =========================================================
field                                answer
===================================  =========================================================
``success_action_redirect``          303 to that address, with bucket, key and entity tag
``success_action_status`` 200, 201   200, or 201 with a document
anything else                        204
===================================  =========================================================

Source: AWS docs, S3 API reference, "POST Object".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from haar.identity.post_policy import Sizes
from haar.kernel.errors import RefusedAs
from haar.kit.call import Members
from haar.kit.streams import ByteStream, Pieces
from haar.wire.bodies.tree import Malformed
from haar.wire.bodies.xml import escape
from haar.wire.bodies.xml import parse as parse_xml
from haar.wire.http import HeaderList, HttpRequest, HttpResponse
from haar.wire.multipart import Form

_PROOF = frozenset(
    {"x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token"}
)
_PLAIN = frozenset(
    {"cache-control", "content-type", "content-disposition", "content-encoding", "expires"}
)
_RENAMED = {"acl": "x-amz-acl", "tagging": "x-amz-tagging"}
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def fields_of(form: Form) -> dict[str, str]:
    """Return the form's fields with the file's name put in.

    Raises:
        RefusedAs: a field that every form has is not there.
    """
    fields = {
        name: value if name == "policy" else value.replace("${filename}", form.filename)
        for name, value in form.fields.items()
    }
    if not fields.get("key"):
        text = (
            "Bucket POST must contain a field named 'key'.  "
            "If it is specified, please check the order of the fields."
        )
        raise RefusedAs("InvalidArgument", text)
    return fields


def put_of(request: HttpRequest, fields: Mapping[str, str]) -> HttpRequest:
    """Return the ``PUT`` that a form stands for, without its body.

    Raises:
        RefusedAs: a field cannot be a header.
    """
    headers = {name.encode(): value.encode() for name, value in headers_of(fields).items()}
    headers[b"host"] = request.headers.get(b"host", b"")
    return HttpRequest(
        method="PUT",
        path=request.path.rstrip(b"/") + b"/" + quote(fields["key"], safe="/~").encode(),
        query=b"",
        headers=headers,
        header_list=list(headers.items()),
        body=b"",
        peer=request.peer,
        is_tls=request.is_tls,
    )


def headers_of(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a form's fields stand for."""
    found: dict[str, str] = {}
    for field, value in fields.items():
        name = _RENAMED.get(field, field)
        if name in _PLAIN or (name.startswith("x-amz-") and name not in _PROOF):
            if not value.isprintable():
                raise RefusedAs("InvalidArgument", f"The field {field} has control characters.")
            found[name] = tags_of(value) if field == "tagging" else value
    return found


def tags_of(document: str) -> str:
    """Return a ``Tagging`` document as its header has it: ``name=value&…``.

    Raises:
        RefusedAs: it is not one.
    """
    try:
        root = parse_xml(document.encode())
        pairs = [
            tuple(part.text for part in tag.children)
            for tags in root.children
            for tag in tags.children
        ]
        return urlencode([(name, value) for name, value in pairs])
    except (Malformed, ValueError) as err:
        raise RefusedAs("MalformedXML", "The XML you provided was not well-formed.") from err


def within(file: ByteStream, sizes: Sizes) -> ByteStream:
    """Return the file as a stream that ends with a refusal where its size is not allowed."""
    return Pieces(_within(file, sizes), file.length)


async def _within(file: ByteStream, sizes: Sizes) -> AsyncIterator[bytes]:
    seen = 0
    async for piece in file:
        seen += len(piece)
        if seen > sizes.most:
            raise RefusedAs(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
                members={"ProposedSize": seen, "MaxSizeAllowed": sizes.most},
            )
        yield piece
    if seen < sizes.least:
        raise RefusedAs(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
            members={"ProposedSize": seen, "MinSizeAllowed": sizes.least},
        )


def answer_of(
    fields: Mapping[str, str], result: Members, bucket: str, place: str, headers: HeaderList
) -> HttpResponse:
    """Return the answer that the form asks for.

    Args:
        fields: of the form.
        result: of ``PutObject``.
        bucket: that was posted to.
        place: the object's URL.
        headers: with the request's ids.
    """
    tag = str(result["ETag"])
    told: HeaderList = [*headers, (b"etag", tag.encode()), (b"location", place.encode())]
    back = redirect_of(fields, bucket, tag)
    if back is not None:
        return HttpResponse(303, [*headers, (b"etag", tag.encode()), (b"location", back.encode())])
    status = fields.get("success_action_status")
    if status == "200":
        return HttpResponse(200, told)
    if status != "201":
        return HttpResponse(204, told)
    parts = {"Location": place, "Bucket": bucket, "Key": fields["key"], "ETag": tag}
    inside = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts.items())
    document = f"{_DECLARATION}<PostResponse>{inside}</PostResponse>"
    return HttpResponse(201, [*told, (b"content-type", b"application/xml")], document.encode())


def redirect_of(fields: Mapping[str, str], bucket: str, tag: str) -> str | None:
    """Return where the browser is sent, None where the form names no address."""
    url = fields.get("success_action_redirect") or fields.get("redirect", "")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or not url.isascii():
        return None
    added = {"bucket": bucket, "key": fields["key"], "etag": tag}
    query = urlencode([*parse_qsl(parts.query), *added.items()])
    return parts._replace(query=query).geturl()
