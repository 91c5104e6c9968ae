"""The digest of a document: of request bodies that an operation reads whole.

Operations whose model asks for one take ``Content-MD5`` or any ``x-amz-checksum-…``; without either
they are refused. Bodies that stream are their operation's to check.

Source: AWS docs, S3 API reference, DeleteObjects; S3 user guide, "Checking object integrity".
"""

from __future__ import annotations

import hashlib

from haar.kernel.errors import RefusedAs
from haar.kit import checksums
from haar.wire.http import HttpRequest

_PREFIX = b"x-amz-checksum-"
_MISSING = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"


def verify(request: HttpRequest, body: bytes) -> None:
    """Return if the body is the one that its digest was made of.

    Raises:
        RefusedAs: there is no digest, or it is of another body.
    """
    values = {
        name[len(_PREFIX) :].decode("latin-1").upper(): value.decode("latin-1")
        for name, value in request.headers.items()
        if name.startswith(_PREFIX)
    }
    told = request.headers.get(b"content-md5")
    claimed = {name: value for name, value in values.items() if name in checksums.SIZES}
    if told is not None:
        verify_md5(told.decode("latin-1"), body)
    elif not claimed:
        raise RefusedAs("InvalidRequest", _MISSING)
    for algorithm, value in claimed.items():
        digest = checksums.make(algorithm)
        digest.update(body)
        if checksums.encode(digest.digest()) != value:
            text = f"The {algorithm} you specified did not match the calculated checksum."
            raise RefusedAs("BadDigest", text)


def verify_md5(told: str, body: bytes) -> None:
    """Return if the body has that MD5.

    Raises:
        RefusedAs: it is none, or of another body.
    """
    expected = checksums.decode_md5(told)
    if expected is None:
        text = "The Content-MD5 you specified was invalid."
        raise RefusedAs("InvalidDigest", text, members={"Content-MD5": told})
    computed = hashlib.md5(body, usedforsecurity=False).digest()
    if computed != expected:
        text = "The Content-MD5 you specified did not match what we received."
        members = {"ExpectedDigest": told, "CalculatedDigest": checksums.encode(computed)}
        raise RefusedAs("BadDigest", text, members=members)
