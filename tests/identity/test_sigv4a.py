"""Signature Version 4A: requests that AWS's common runtime (awscrt) signed, and our own signer."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from haar.identity.chunks import ChunkChain
from haar.identity.sigv4 import Authenticated, ChunkSigning, Verifier
from haar.identity.sigv4a import private_number, public_key, region_in
from haar.kernel.clock import VirtualClock
from haar.kernel.errors import ApiError
from haar.wire.http import HttpRequest

Make = Callable[..., HttpRequest]

ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
HOST = (b"host", b"example.amazonaws.com")
STAMP = (b"x-amz-date", b"20150830T123600Z")
EVERYWHERE = (b"x-amz-region-set", b"*")


def authorization(names: str, signature: str, service: str = "service") -> tuple[bytes, bytes]:
    text = (
        f"AWS4-ECDSA-P256-SHA256 Credential={ACCESS_KEY}/20150830/{service}/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return b"authorization", text.encode()


def form_post(make: Make) -> HttpRequest:
    body = b"Param1=value1"
    signature = (
        "3045022100d25b510e15869b8537302a6d3ca3f46f0a7e8e8e7bc39e17e3fb883b5fb92e26022020ee9c82a39"
        "801fc62b12b5c76875040560da18a6a5a47dfc29ef3d4705a5a10"
    )
    headers = [
        HOST,
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", b"13"),
        STAMP,
        (b"x-amz-region-set", b"us-east-1,eu-*"),
        authorization("content-length;content-type;host;x-amz-date;x-amz-region-set", signature),
    ]
    return make("POST", b"/", b"", headers, body)


def encoded_get(make: Make) -> HttpRequest:
    signature = (
        "304502204df5f8d593d73a7af2d2e8542e1f441f10ea9eae74425ec53c3a089bdb147e17022100bc4a6f695e1"
        "d3da75e71c6f976147e2fc45bbf2a2cd0ff29fa5698a3326bbe11"
    )
    proof = authorization("host;x-amz-date;x-amz-region-set", signature)
    return make("GET", b"/a%20b/", b"b=2&a=1", [HOST, STAMP, EVERYWHERE, proof])


def s3_put(make: Make) -> HttpRequest:
    signature = (
        "3045022100c1ef4a3a24de74adfaa1fead5540c80b0e310178dd5a04437cdc92f527cb81e4022053acdb7c821"
        "83aad2a93a58797ea7197a033f4b50e9b3e3061fd59148ef7bde8"
    )
    names = "host;x-amz-content-sha256;x-amz-date;x-amz-region-set;x-amz-security-token"
    headers = [
        HOST,
        (b"x-amz-security-token", b"TOKEN"),
        STAMP,
        EVERYWHERE,
        (b"x-amz-content-sha256", b"UNSIGNED-PAYLOAD"),
        authorization(names, signature, "s3"),
    ]
    return make("PUT", b"/bucket/a//b", b"", headers)


def link(make: Make) -> HttpRequest:
    query = (
        "Param=1&X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2F"
        "service%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires"
        "=3600&X-Amz-Region-Set=us-east-1%2Ceu-%2A&X-Amz-Signature=3044022017c24d7666c9971ff515bd8"
        "3b5cbd2548beb721b5d99bafbcb9798b06235dafb0220449e7e706aac4312db6ab7b2e6e957abe75c4c2f5050"
        "393f1329b919898395af"
    )
    return make("GET", b"/", query.encode(), [HOST])


def s3_link(make: Make) -> HttpRequest:
    query = (
        "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fs3%2Faws"
        "4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&X-Amz-S"
        "ecurity-Token=TOKEN&X-Amz-Region-Set=%2A&X-Amz-Signature=30440220384d46469d318f6edeaed08b88"
        "b8d707ad88d1fba27c604f6270b1a506f4431a02206b16c53df649b06b1ac344933a283fc4b472a91163c1087"
        "3d3990bae673d2505"
    )
    return make("GET", b"/bucket/a//b", query.encode(), [HOST])


CASES = [
    (form_post, "service"),
    (encoded_get, "service"),
    (s3_put, "s3"),
    (link, "service"),
    (s3_link, "s3"),
]


def verified(verifier: Verifier, request: HttpRequest, service: str) -> Authenticated:
    family: Any = "rest-xml" if service == "s3" else "json"
    return verifier.verify(request, service=service, family=family)


def test_the_key_is_derived_as_aws_does() -> None:
    """The public key of AWS's example access key is AWS's."""
    numbers = public_key(ACCESS_KEY, SECRET).public_numbers()
    assert f"{numbers.x:x}" == "b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1"
    assert f"{numbers.y:x}" == "865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518"


@pytest.mark.parametrize(("made", "service"), CASES)
def test_what_aws_own_signer_signs_verifies(
    verifier: Verifier, make: Make, made: Callable[[Make], HttpRequest], service: str
) -> None:
    """By header and by query, for S3 and for others; and it acts in the home region."""
    who = verified(verifier, made(make), service)
    assert who.principal.access_key_id == ACCESS_KEY
    assert who.scope.region == "us-east-1"


@pytest.mark.parametrize(("made", "service"), CASES)
def test_nothing_of_it_may_change(
    verifier: Verifier, make: Make, made: Callable[[Make], HttpRequest], service: str
) -> None:
    """Method, path, query, body, each header: a change is refused."""
    for name, value in (("method", "PATCH"), ("path", b"/x"), ("query", b"z=1&")):
        request = made(make)
        setattr(request, name, value + request.query if name == "query" else value)
        with pytest.raises(ApiError):
            verified(verifier, request, service)
    for header in made(make).headers:
        request = made(make)
        request.headers[header] += b"0"
        with pytest.raises(ApiError):
            verified(verifier, request, service)


def test_a_request_for_elsewhere_is_refused(
    make: Make, known_keys: Any, verifier: Verifier
) -> None:
    """A set that does not cover the home region names where to act, or nothing that there is."""
    clock = VirtualClock(1_440_938_160_000)
    away = Verifier(known_keys(**{ACCESS_KEY: SECRET}), clock, region="ap-south-1")
    assert verified(away, form_post(make), "service").scope.region == "us-east-1"
    unsigned = form_post(make)
    unsigned.headers[b"authorization"] = unsigned.headers[b"authorization"].replace(
        b";x-amz-region-set", b""
    )
    with pytest.raises(ApiError, match="valid region"):
        verified(verifier, unsigned, "service")


@pytest.mark.parametrize(
    ("region_set", "found"),
    [
        (b"*", "us-east-1"),
        (b"us-*", "us-east-1"),
        (b"eu-west-1, us-east-1", "us-east-1"),
        (b"eu-west-1,us-west-2", "eu-west-1"),
        (b"eu-*", None),
        (b"", None),
        (b"moon", None),
    ],
)
def test_a_set_of_regions_covers_by_names_and_stars(region_set: bytes, found: str | None) -> None:
    """The home region where the set covers it, else the first that is spelt out."""
    assert region_in(region_set, "us-east-1") == found


def test_chunks_continue_the_chain_without_their_filling() -> None:
    """A chunk's signature, filled up with stars, is verified, and the next continues from it."""
    private = ec.derive_private_key(private_number(ACCESS_KEY, SECRET), ec.SECP256R1())
    signing = ChunkSigning(b"5e", private.public_key(), b"20150830T123600Z", b"s/c/o/p", True)
    empty = sha256(b"").hexdigest()

    def sign(what: str, before: str, *hashes: str) -> str:
        parts = ["AWS4-ECDSA-P256-SHA256-" + what, "20150830T123600Z", "s/c/o/p", before, *hashes]
        return private.sign("\n".join(parts).encode(), ec.ECDSA(SHA256())).hex()

    piece, lines = sha256(b"hello").hexdigest(), sha256(b"a:b\n").hexdigest()
    first = sign("PAYLOAD", "5e", empty, piece)
    last = sign("PAYLOAD", first, empty, empty)
    chain = ChunkChain(signing)
    chain.verify_chunk(piece, first.ljust(144, "*"))
    with pytest.raises(ApiError):
        chain.verify_chunk(piece, first.ljust(144, "*"))
    chain.verify_chunk(empty, last.ljust(144, "*"))
    chain.verify_trailer(lines, sign("TRAILER", last, lines))
