"""The body of a request as its operation reads it."""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64encode
from hashlib import sha256
from zlib import crc32

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from haar.gateway.bodies import body_of
from haar.identity.mac import Mac
from haar.identity.sigv4 import Authenticated, ChunkSigning
from haar.kernel.errors import ApiError
from haar.kit.call import Principal, Scope
from haar.kit.streams import ByteStream, OnePiece, gather
from haar.testing import Running, running
from haar.wire.http import HttpRequest

WHO = Authenticated(Principal("root", "r", "1" * 12, "1"), Scope("1" * 12, "us-east-1"), "s3")
SIGNING = ChunkSigning(b"5" * 64, Mac(b"k" * 32), b"20130524T000000Z", b"s/c/o/p", False)
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
    return hmac.digest(b"k" * 32, text.encode(), "sha256").hex()


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


def delete_objects(cloud: Running, value: str) -> tuple[int, str]:
    """Send a document in chunks with a checksum behind it; return the answer."""
    document = "<Delete><Object><Key>k</Key></Object></Delete>"
    framed = f"{len(document):x}\r\n{document}\r\n0\r\nx-amz-checksum-crc32:{value}\r\n\r\n"
    request = AWSRequest(
        method="POST",
        url=f"{cloud.endpoint}/docs?delete=",
        data=framed.encode(),
        headers={
            "Content-Encoding": "aws-chunked",
            "X-Amz-Trailer": "x-amz-checksum-crc32",
            "X-Amz-Decoded-Content-Length": str(len(document)),
        },
    )
    request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    keys = cloud.credentials
    who = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    S3SigV4Auth(who, "s3", "us-east-1").add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    return answer.status_code, answer.content.decode()


def test_a_document_may_come_in_chunks() -> None:
    """An operation that takes no stream reads it all the same, and holds it to its trailer."""
    with running() as cloud:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="docs")
        s3.put_object(Bucket="docs", Key="k", Body=b"x")
        status, text = delete_objects(cloud, "AAAAAA==")
        assert (status, "BadDigest" in text) == (400, True), text
        assert "KeyCount" in s3.list_objects_v2(Bucket="docs")
        value = crc32(b"<Delete><Object><Key>k</Key></Object></Delete>").to_bytes(4, "big")
        status, text = delete_objects(cloud, b64encode(value).decode())
        assert (status, "<Key>k</Key>" in text) == (200, True), text
        assert s3.list_objects_v2(Bucket="docs")["KeyCount"] == 0
