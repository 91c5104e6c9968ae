r"""S3's older presigned query, Signature Version 2: still what boto3 makes by default.

``?AWSAccessKeyId=…&Signature=…&Expires=<epoch seconds>``, where the signature is the base64 of
HMAC-SHA-1, with the secret itself, over::

    METHOD \n Content-MD5 \n Content-Type \n Expires \n
    name:value\n of each x-amz- header, sorted
    /bucket/key, and those parameters of the query that name a sub-resource, sorted

botocore moves the headers that it signed into the query, so that they are looked for in both.

Source: AWS docs, S3 developer guide, "Signing and authenticating REST requests".
"""

from __future__ import annotations

import base64
import hmac
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from haar.identity.refusals import Family, Kind, refuse
from haar.wire.http import HttpRequest

SUB_RESOURCES = frozenset(
    b"accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location logging "
    b"metrics notification object-lock partNumber policy replication requestPayment "
    b"response-cache-control response-content-disposition response-content-encoding "
    b"response-content-language response-content-type response-expires restore select select-type "
    b"storageClass tagging torrent uploadId uploads versionId versioning versions website".split()
)


class OldLink(NamedTuple):
    """A signature of this version in a query.

    Attributes:
        access_key_id: the key that signed.
        expires_s: when it ends, in seconds since the epoch.
        token: the session token, empty where there is none.
        signature: base64, as sent.
        to_sign: what it must be the signature of.
    """

    access_key_id: str
    expires_s: int
    token: bytes
    signature: bytes
    to_sign: bytes


def is_presigned(query: bytes) -> bool:
    """Return whether a raw query has a signature of this version."""
    return b"AWSAccessKeyId=" in query


def read(request: HttpRequest, bucket: str | None, family: Family) -> OldLink:
    """Return the signature of a request's query.

    Args:
        request: as it came.
        bucket: where the host name tells it; None where the path does.
        family: how the client reads errors.

    Raises:
        RefusedAs: a parameter lacks, or the expiry is no number.
    """
    pairs = [pair for piece in request.query.split(b"&") if (pair := _pair(piece))]
    found = dict(pairs)
    missing = [name for name in (b"Signature", b"Expires") if not found.get(name)]
    if missing or not found[b"Expires"].isdigit():
        problems = (
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
            "parameters"
        )
        raise refuse(Kind.OLD_QUERY, family, problems=problems)
    return OldLink(
        access_key_id=found[b"AWSAccessKeyId"].decode("latin-1"),
        expires_s=int(found[b"Expires"]),
        token=found.get(b"x-amz-security-token", b""),
        signature=found[b"Signature"],
        to_sign=_string_to_sign(request, bucket, pairs),
    )


def signature_over(secret: str, to_sign: bytes) -> bytes:
    """Return the signature of a link's string to sign, or of a form's policy."""
    return base64.b64encode(hmac.digest(secret.encode(), to_sign, "sha1"))


def _pair(piece: bytes) -> tuple[bytes, bytes]:
    name, _, value = piece.partition(b"=")
    return name, unquote_to_bytes(value)


def _string_to_sign(
    request: HttpRequest, bucket: str | None, pairs: list[tuple[bytes, bytes]]
) -> bytes:
    told = {**dict(pairs), **request.headers}
    amazon = sorted(name for name in told if name.startswith(b"x-amz-"))
    lines = [
        request.method.encode(),
        told.get(b"content-md5", b""),
        told.get(b"content-type", b""),
        dict(pairs)[b"Expires"],
        *[name + b":" + told[name].strip() for name in amazon],
        _resource(request, bucket, pairs),
    ]
    return b"\n".join(lines)


def _resource(request: HttpRequest, bucket: str | None, pairs: list[tuple[bytes, bytes]]) -> bytes:
    path = request.path if bucket is None else b"/" + bucket.encode() + request.path
    bare = {piece for piece in request.query.split(b"&") if b"=" not in piece}
    parts = [
        name if name in bare else name + b"=" + value
        for name, value in sorted(pairs, key=lambda pair: pair[0])
        if name in SUB_RESOURCES
    ]
    return path + b"?" + b"&".join(parts) if parts else path
