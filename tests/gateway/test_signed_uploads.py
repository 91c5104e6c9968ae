"""Uploads in chunks, signed or with a checksum at their end: nothing that was changed is stored."""

from __future__ import annotations

import base64
import hmac
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPConnection

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from haar.identity.sigv4a import private_number
from haar.testing import Running, running

BUCKET = "photos"
CHUNKS = (b"a" * 100, b"b" * 60, b"c" * 7)
BODY = b"".join(CHUNKS)
EMPTY = sha256(b"").hexdigest()
CHECKSUM = base64.b64encode(zlib.crc32(BODY).to_bytes(4)).decode()

Sign = Callable[[str], str]


class Upload:
    """An upload of BODY in a mode, signed by the documentation and not by haar's own code."""

    def __init__(self, cloud: Running, mode: str) -> None:
        self.cloud, self.mode = cloud, mode
        self.host = cloud.endpoint.partition("://")[2]
        self.stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")  # noqa: TID251  # a client's
        self.is_asymmetric = "ECDSA" in mode
        self.algorithm = "AWS4-ECDSA-P256-SHA256" if self.is_asymmetric else "AWS4-HMAC-SHA256"
        place = [self.stamp[:8], *([] if self.is_asymmetric else ["us-east-1"]), "s3"]
        self.scope = "/".join([*place, "aws4_request"])
        key = cloud.app.credentials.root()
        self.access_key, self._sign = key.access_key_id, self._signer(key.secret)

    def _signer(self, secret: str) -> Sign:
        if self.is_asymmetric:
            number = private_number(self.access_key_of(self.cloud), secret)
            private = ec.derive_private_key(number, ec.SECP256R1())
            return lambda text: private.sign(text.encode(), ec.ECDSA(SHA256())).hex()
        derived = ("AWS4" + secret).encode()
        for step in self.scope.split("/"):
            derived = hmac.digest(derived, step.encode(), "sha256")
        return lambda text: hmac.digest(derived, text.encode(), "sha256").hex()

    @staticmethod
    def access_key_of(cloud: Running) -> str:
        return str(cloud.app.credentials.root().access_key_id)

    def headers(self) -> dict[str, str]:
        named = {
            "content-encoding": "aws-chunked",
            "host": self.host,
            "x-amz-content-sha256": self.mode,
            "x-amz-date": self.stamp,
            "x-amz-decoded-content-length": str(len(BODY)),
        }
        if self.is_asymmetric:
            named["x-amz-region-set"] = "us-*"
        if self.mode.endswith("TRAILER"):
            named["x-amz-trailer"] = "x-amz-checksum-crc32"
        return dict(sorted(named.items()))

    def authorization(self) -> str:
        named = self.headers()
        lines = "".join(f"{name}:{value}\n" for name, value in named.items())
        names = ";".join(named)
        canonical = f"PUT\n/{BUCKET}/key\n\n{lines}\n{names}\n{self.mode}"
        digest = sha256(canonical.encode()).hexdigest()
        self.seed = self._sign(f"{self.algorithm}\n{self.stamp}\n{self.scope}\n{digest}")
        return (
            f"{self.algorithm} Credential={self.access_key}/{self.scope}, SignedHeaders={names}, "
            f"Signature={self.seed}"
        )

    def _link(self, what: str, before: str, *hashes: str) -> str:
        parts = [f"{self.algorithm}-{what}", self.stamp, self.scope, before, *hashes]
        return self._sign("\n".join(parts))

    def body(self) -> bytes:
        framed, before = b"", self.seed
        for piece in (*CHUNKS, b""):
            head = f"{len(piece):x}"
            if "UNSIGNED" not in self.mode:
                before = self._link("PAYLOAD", before, EMPTY, sha256(piece).hexdigest())
                padded = before.ljust(144, "*") if self.is_asymmetric else before
                head += f";chunk-signature={padded}"
            framed += head.encode() + b"\r\n" + piece + (b"\r\n" if piece else b"")
        return framed + self._trailer(before) + b"\r\n"

    def _trailer(self, before: str) -> bytes:
        if not self.mode.endswith("TRAILER"):
            return b""
        line = f"x-amz-checksum-crc32:{CHECKSUM}"
        if "UNSIGNED" in self.mode:
            return f"{line}\r\n".encode()
        signature = self._link("TRAILER", before, sha256(f"{line}\n".encode()).hexdigest())
        return f"{line}\r\nx-amz-trailer-signature:{signature}\r\n".encode()

    def send(self, body: bytes, authorization: str) -> tuple[int, bytes]:
        headers = {**self.headers(), "authorization": authorization}
        with closing(HTTPConnection(self.host, timeout=30)) as connection:
            connection.request("PUT", f"/{BUCKET}/key", body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Running]:
    with running() as started:
        started.client("s3").create_bucket(Bucket=BUCKET)
        yield started


MODES = pytest.mark.parametrize(
    "mode",
    [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ],
)


@MODES
def test_an_upload_in_chunks_is_stored(cloud: Running, mode: str) -> None:
    """Its framing is taken off, and ``aws-chunked`` is no encoding of the object."""
    upload = Upload(cloud, mode)
    authorization = upload.authorization()
    status, text = upload.send(upload.body(), authorization)
    assert status == 200, text
    found = cloud.client("s3").get_object(Bucket=BUCKET, Key="key")
    assert found["Body"].read() == BODY
    assert found.get("ContentEncoding", "") == ""
    cloud.client("s3").delete_object(Bucket=BUCKET, Key="key")


@MODES
def test_a_changed_byte_of_an_upload_is_refused(cloud: Running, mode: str) -> None:
    """Whichever byte of chunks, signatures, lengths or trailer it is: no object comes of it."""
    upload = Upload(cloud, mode)
    authorization = upload.authorization()
    body = upload.body()
    # Ends of lines are framing: what follows the last one is nobody's.
    for at in range(0, len(body.rstrip()), 5):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        status, text = upload.send(changed, authorization)
        assert 400 <= status < 500, (at, text)
        assert b"<Code>" in text
    assert cloud.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@MODES
def test_an_upload_that_breaks_off_is_refused(cloud: Running, mode: str) -> None:
    """Fewer bytes than announced, or no last chunk: no object."""
    upload = Upload(cloud, mode)
    authorization = upload.authorization()
    body = upload.body()
    for length in (0, 50, len(body) // 2, len(body) - 8):
        status, text = upload.send(body[:length], authorization)
        assert 400 <= status < 500, (length, text)
    assert cloud.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
