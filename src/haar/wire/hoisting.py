"""Headers that stand in the query of a presigned link.

Signers put ``x-amz-…`` headers there, so that whoever uses the link needs to send none: metadata,
tags, a storage class. They count as if they had been sent. What belongs to the signature is none of
them; checksums are not either, since SDKs sign the one of an empty body into their links, and S3
does not look at it.

Source: AWS docs, S3 API reference, "Authenticating Requests: Using Query Parameters".
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from haar.wire.http import HttpRequest

_PREFIX = "x-amz-"
_SIGNED = (b"X-Amz-Signature=", b"Signature=")
_FIELDS_MAX = 1000
_NO_HEADERS = frozenset(
    {
        "x-amz-algorithm",
        "x-amz-content-sha256",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    }
)


def hoist(request: HttpRequest) -> None:
    """Add the headers of a link's query to those that were sent; the latter count."""
    query = request.query
    if not any(name in query for name in _SIGNED):
        return
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    found = {
        name.lower().encode("latin-1"): value.encode("latin-1", "replace")
        for name, value in pairs
        if is_header(name.lower())
    }
    if found:
        request.headers = found | request.headers


def is_header(name: str) -> bool:
    """Whether a parameter is a header that was put into the query."""
    return (
        name.startswith(_PREFIX)
        and name not in _NO_HEADERS
        and not name.startswith("x-amz-checksum-")
    )
