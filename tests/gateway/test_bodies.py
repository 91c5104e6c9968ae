"""The body of a request as its operation reads it."""

from __future__ import annotations

import asyncio
import hmac
from hashlib import sha256

import pytest

from haar.gateway.bodies import body_of
from haar.identity.sigv4 import Authenticated, ChunkSigning
from haar.kernel.errors import ApiError
from haar.kit.call import Principal, Scope
from haar.kit.streams import ByteStream, OnePiece, gather
from haar.wire.http import HttpRequest

WHO = Authenticated(Principal("root", "r", "1" * 12, "1"), Scope("1" * 12, "us-east-1"), "s3")
SIGNING = ChunkSigning(b"5" * 64, b"k" * 32, b"20130524T000000Z", b"s/c/o/p", False)
EMPTY = sha256(b"").hexdigest()


def read(who: Authenticated, body: bytes | ByteStream, **headers: str) -> bytes:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    request = HttpRequest(
        method="PUT",
        path=b"/b/k",
        query=b"",
        headers=named,
        header_list=[],
        body=body,
        peer="127.0.0.1",
    )
    return asyncio.run(gather(body_of(request, who)))


def signature(before: str, piece: bytes) -> str:
    parts = ["AWS4-HMAC-SHA256-PAYLOAD", "20130524T000000Z", "s/c/o/p", before, EMPTY]
    text = "\n".join([*parts, sha256(piece).hexdigest()])
    return hmac.digest(SIGNING.key, text.encode(), "sha256").hex()


def test_a_plain_body_is_handed_on() -> None:
    """A body that was checked whole is the operation's as it is."""
    assert read(WHO, b"hello") == b"hello"


def test_a_streamed_body_is_held_to_its_hash() -> None:
    """The stream ends with a refusal where its bytes are not those that were signed."""
    who = WHO._replace(body_sha256=sha256(b"hello").hexdigest())
    assert read(who, OnePiece(b"hello")) == b"hello"
    with pytest.raises(ApiError) as refused:
        read(who, OnePiece(b"hellO"))
    assert refused.value.code == "XAmzContentSHA256Mismatch"


def test_an_unsigned_trailer_is_taken_off() -> None:
    """What boto3 sends over TLS: framed bytes and a checksum, none of which is the object's."""
    raw = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    headers = {"x_amz_decoded_content_length": "5", "x_amz_trailer": "x-amz-checksum-crc32"}
    assert read(WHO._replace(is_chunked=True), OnePiece(raw), **headers) == b"hello"


def test_signed_chunks_are_held_to_their_chain() -> None:
    """Every chunk's signature continues from the one before it, and one wrong bit ends it."""
    first = signature("5" * 64, b"hello")
    last = signature(first, b"")
    raw = f"5;chunk-signature={first}\r\nhello\r\n0;chunk-signature={last}\r\n\r\n".encode()
    who = WHO._replace(is_chunked=True, chunks=SIGNING)
    assert read(who, OnePiece(raw), x_amz_decoded_content_length="5") == b"hello"
    for changed in (raw.replace(b"hello", b"hellO"), raw.replace(last.encode(), first.encode())):
        with pytest.raises(ApiError) as refused:
            read(who, OnePiece(changed), x_amz_decoded_content_length="5")
        assert refused.value.code == "SignatureDoesNotMatch"
