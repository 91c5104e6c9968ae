"""AWS's own vectors of Signature Version 4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from haar.identity import canonical
from haar.identity.claim import claim_of
from haar.identity.payloads import payload_of
from haar.identity.sigv4 import Proof, Verifier, canonical_request, signing_key
from haar.kernel.clock import VirtualClock
from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest
from haar.wire.paths import split

Parse = Callable[[bytes], HttpRequest]

ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CREDENTIAL = f"{ACCESS_KEY}/20150830/us-east-1/service/aws4_request"
STAMP = b"20150830T123600Z"


def canonical_of(request: HttpRequest, authorization: bytes) -> bytes:
    names = authorization.decode().split("SignedHeaders=")[1].split(",")[0]
    claim = claim_of(CREDENTIAL, names, "json")
    payload = payload_of(None, request, claim, "json")
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


def flips(raw: bytes) -> Iterator[bytes]:
    """Yield the bytes with one bit changed, for each bit of each byte."""
    for at in range(len(raw)):
        for bit in range(8):
            yield raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]


def meaning(request: HttpRequest) -> object:
    """Return what of a request reaches an operation; of two spellings of it, the same."""
    query = request.query.decode("latin-1").replace("+", "%2B")
    return (
        request.method,
        [unquote_to_bytes(segment) for segment in split(request.path)],
        sorted(parse_qsl(query, keep_blank_values=True, encoding="latin-1")),
        {name: b" ".join(value.split()).lower() for name, value in request.headers.items()},
        request.body,
    )


def without_proof(request: HttpRequest) -> HttpRequest:
    request.headers.pop(b"authorization", None)
    return request


def test_a_changed_bit_is_refused(
    known_keys: Callable[..., Any], clock: VirtualClock, parse: Parse, vector: Any
) -> None:
    """No bit of a signed request, its Authorization included, can change what it means.

    What is accepted is another spelling of the same: the case of a header's name or of the host,
    the kind of a blank, a segment of the path before ``..``.
    """
    original = parse(vector.signed)
    token = original.headers.get(b"x-amz-security-token", b"").decode()
    verifier = Verifier(known_keys(token, **{ACCESS_KEY: SECRET}), clock)
    expected = meaning(without_proof(original))
    refused = 0
    for raw in flips(vector.signed):
        if not raw.split(b"\n")[0].endswith(b" HTTP/1.1"):
            continue  # no longer a request of this protocol
        request = parse(raw)
        if is_accepted(verifier, request):
            assert canonical_of(request, vector.authorization) == vector.canonical
            assert meaning(without_proof(request)) == expected
        else:
            refused += 1
    assert refused > 5 * len(vector.signed)


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
    payload = payload_of(None, request, claim, "json")
    proof = Proof(claim, STAMP, b"", canonical.query(request.query), payload, False)
    text = canonical_request(request, proof)
    to_sign = canonical.string_to_sign(STAMP, claim.scope, text)
    signature = signing_key(SECRET, claim).hex(to_sign)
    request.query += b"&X-Amz-Signature=" + signature.encode()
    who = verifier.verify(request, service="service", family="json")
    assert who.principal.access_key_id == ACCESS_KEY
    assert_no_flip_verifies(verifier, request)


def assert_no_flip_verifies(verifier: Verifier, request: HttpRequest) -> None:
    for name in ("path", "query", "body"):
        kept = getattr(request, name)
        expected = meaning(request)
        for changed in flips(kept):
            setattr(request, name, changed)
            if is_accepted(verifier, request):
                assert meaning(request) == expected
        setattr(request, name, kept)
