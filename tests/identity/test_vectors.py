"""AWS's own vectors of Signature Version 4."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from haar.identity import canonical
from haar.identity.claim import claim_of
from haar.identity.sigv4 import Proof, Verifier, canonical_request, payload_of, signing_key
from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest

Parse = Callable[[bytes], HttpRequest]

ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CREDENTIAL = f"{ACCESS_KEY}/20150830/us-east-1/service/aws4_request"
STAMP = b"20150830T123600Z"


def canonical_of(request: HttpRequest, authorization: bytes) -> bytes:
    names = authorization.decode().split("SignedHeaders=")[1].split(",")[0]
    claim = claim_of(CREDENTIAL, names, "json")
    payload = payload_of(None, request, "service", "json")
    query = canonical.query(request.query)
    return canonical_request(request, Proof(claim, STAMP, b"", query, payload, False))


def is_accepted(verifier: Verifier, request: HttpRequest) -> bool:
    try:
        verifier.verify(request, service="service", family="json")
    except ApiError:
        return False
    return True


def test_every_vector_verifies(verifier: Verifier, parse: Parse, vector: Any) -> None:
    """A request signed as AWS's suite signs it is its signer's."""
    who = verifier.verify(parse(vector.signed), service="service", family="json")
    assert who.principal.access_key_id == ACCESS_KEY
    assert who.scope.region == "us-east-1"


def test_every_canonical_request_is_the_vectors_own(parse: Parse, vector: Any) -> None:
    """The canonical request and the string to sign are AWS's, byte for byte."""
    text = canonical_of(parse(vector.signed), vector.authorization)
    assert text == vector.canonical
    scope = CREDENTIAL.partition("/")[2].encode()
    assert canonical.string_to_sign(STAMP, scope, text) == vector.to_sign


def changes(raw: bytes) -> Iterator[bytes]:
    """Yield the request with one byte changed, for each byte but those of the signature's form."""
    start = raw.index(b"Authorization:")
    end = raw.find(b"\n", start) % (len(raw) + 1)
    signature = raw.index(b"Signature=") + len("Signature=")
    for at in (*range(start), *range(signature, end), *range(end + 1, len(raw))):
        if raw[at : at + 1] != b"\n":
            yield raw[:at] + (b"0" if raw[at] != ord("0") else b"1") + raw[at + 1 :]


def test_a_changed_byte_is_refused(verifier: Verifier, parse: Parse, vector: Any) -> None:
    """No byte of what was signed can change unnoticed.

    A change is accepted only where it leaves the canonical request as it was (``/example/..``
    and ``/exam0le/..`` are the same path) and the signature too.
    """
    refused = 0
    signature = vector.authorization[-64:]
    for raw in changes(vector.signed):
        if b"\n" not in raw or not raw.split(b"\n")[0].endswith(b" HTTP/1.1"):
            continue  # no longer a request of this protocol
        request = parse(raw)
        if is_accepted(verifier, request):
            assert canonical_of(request, vector.authorization) == vector.canonical
            assert signature in raw
        else:
            refused += 1
    assert refused > 100


def test_every_vector_verifies_as_a_query(verifier: Verifier, parse: Parse, vector: Any) -> None:
    """The same requests, signed in the query, are their signer's too; and nobody's once changed."""
    request = parse(vector.request)
    claim = claim_of(CREDENTIAL, "host", "json")
    added = "&".join(
        f"{name}={quote(value, safe='')}"
        for name, value in (
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", CREDENTIAL),
            ("X-Amz-Date", STAMP.decode()),
            ("X-Amz-Expires", "60"),
            ("X-Amz-SignedHeaders", "host"),
        )
    ).encode()
    request.query = request.query + b"&" + added if request.query else added
    payload = payload_of(None, request, "service", "json")
    proof = Proof(claim, STAMP, b"", canonical.query(request.query), payload, False)
    text = canonical_request(request, proof)
    to_sign = canonical.string_to_sign(STAMP, claim.scope, text)
    signature = hmac.digest(signing_key(SECRET, claim), to_sign, "sha256").hex()
    request.query += b"&X-Amz-Signature=" + signature.encode()
    who = verifier.verify(request, service="service", family="json")
    assert who.principal.access_key_id == ACCESS_KEY
    request.query = request.query.replace(b"Expires=60", b"Expires=61")
    with pytest.raises(ApiError):
        verifier.verify(request, service="service", family="json")
