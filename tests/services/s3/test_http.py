"""What no SDK shows: links, chunked bodies, headers, documents."""

from __future__ import annotations

import http.client
import zlib
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

Answer = tuple[int, dict[str, str], bytes]


class Raw:
    """Sends signed requests as they are, and tells the answer."""

    def __init__(self, haar: Any) -> None:
        self._haar = haar
        keys = haar.credentials
        self.credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        payload: str = "UNSIGNED-PAYLOAD",
    ) -> Answer:
        """Sign and send a request."""
        request = AWSRequest(method, self._haar.endpoint + path, headers=headers or {}, data=body)
        request.headers["X-Amz-Content-SHA256"] = payload
        Signer(payload, self.credentials, "s3", "us-east-1").add_auth(request)
        return self.plain(method, path, body, dict(request.headers.items()))

    def plain(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """Send a request as it is."""
        connection = http.client.HTTPConnection(urlsplit(self._haar.endpoint).netloc, timeout=30)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        content = answer.read()
        connection.close()
        return answer.status, told, content


class Signer(S3SigV4Auth):
    """Signs with the payload's hash as it is given."""

    def __init__(self, payload: str, *more: Any) -> None:
        super().__init__(*more)
        self._payload = payload

    def payload(self, request: Any) -> str:
        return self._payload


@pytest.fixture
def raw(haar: Any) -> Raw:
    """Send requests without an SDK."""
    return Raw(haar)


def test_a_chunked_body_with_a_trailer(raw: Raw, s3: Any, bucket: str) -> None:
    """The bytes inside are stored, the trailer is checked, the framing leaves no trace."""
    body = b"chunked " * 40_000
    value = b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    for told, status in ((value, 200), ("AAAAAA==", 400), ("bad", 400)):
        framed = b"".join(
            [
                b"%x\r\n%s\r\n" % (len(body[at : at + 65536]), body[at : at + 65536])
                for at in range(0, len(body), 65536)
            ]
        )
        framed += f"0\r\nx-amz-checksum-crc32:{told}\r\n\r\n".encode()
        headers = {
            "Content-Encoding": "aws-chunked",
            "X-Amz-Decoded-Content-Length": str(len(body)),
            "X-Amz-Trailer": "x-amz-checksum-crc32",
        }
        payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        answer = raw.send("PUT", f"/{bucket}/{status}", framed, headers, payload)
        assert answer[0] == status, answer
    got = s3.get_object(Bucket=bucket, Key="200", ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    assert got["ChecksumCRC32"] == value
    assert "ContentEncoding" not in got
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_link_reads_and_writes(haar: Any, raw: Raw, bucket: str, version: str) -> None:
    """Whoever has the link needs no keys; it can say how the answer is to be shown."""
    client = haar.client("s3", config=Config(signature_version=version))
    where = {"Bucket": bucket, "Key": "a b/ü"}
    link = urlsplit(client.generate_presigned_url("put_object", Params=where))
    assert raw.plain("PUT", f"{link.path}?{link.query}", b"by link", {})[0] == 200
    shown = {**where, "ResponseContentType": "text/x", "ResponseCacheControl": "never"}
    link = urlsplit(client.generate_presigned_url("get_object", Params=shown))
    status, headers, body = raw.plain("GET", f"{link.path}?{link.query}", None, {})
    assert (status, body, headers["content-type"]) == (200, b"by link", "text/x")
    assert headers["cache-control"] == "never"


def test_a_link_says_what_the_object_is(haar: Any, raw: Raw, s3: Any, bucket: str) -> None:
    """Headers that were signed into a link count; a checksum there does not, as on AWS."""
    said = "X-Amz-Meta-Colour=blue&x-amz-tagging=a%3D1&x-amz-checksum-crc32=AAAAAA%3D%3D"
    request = AWSRequest("PUT", f"{haar.endpoint}/{bucket}/k?{said}")
    S3SigV4QueryAuth(raw.credentials, "s3", "us-east-1").add_auth(request)
    link = urlsplit(request.url)
    assert raw.plain("PUT", f"{link.path}?{link.query}", b"by link", {})[0] == 200
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["TagCount"]) == ({"colour": "blue"}, 1)


def test_every_answer_has_both_ids(raw: Raw, bucket: str) -> None:
    """Support asks for them: of successes, and in the document of refusals."""
    _, headers, _ = raw.send("GET", f"/{bucket}")
    assert headers["x-amz-request-id"]
    assert headers["x-amz-id-2"]
    status, headers, body = raw.send("GET", f"/{bucket}/none")
    assert (status, headers["content-type"]) == (404, "application/xml")
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>')
    assert f"<Resource>/{bucket}/none</Resource>".encode() in body
    assert b"<HostId>" in body
    assert b"<RequestId>" in body


def test_a_listing_as_a_document(raw: Raw, s3: Any, bucket: str) -> None:
    """Times have milliseconds, keys are escaped or encoded, the namespace is S3's."""
    s3.put_object(Bucket=bucket, Key="a&b c\x01")
    body = raw.send("GET", f"/{bucket}?list-type=2")[2].decode()
    assert '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in body
    assert "<Key>a&amp;b c&#x1;</Key>" in body
    assert ".000Z</LastModified>" in body
    encoded = raw.send("GET", f"/{bucket}?list-type=2&encoding-type=url")[2].decode()
    assert "<Key>a%26b+c%01</Key>" in encoded


@pytest.mark.parametrize(
    ("query", "argument"),
    [
        ("list-type=2&max-keys=many", "max-keys"),
        ("list-type=2&max-keys=-1", "maxKeys"),
        ("list-type=2&encoding-type=xml", "encoding-type"),
        ("uploads&max-uploads=x", "max-uploads"),
    ],
)
def test_a_parameter_that_cannot_be(raw: Raw, bucket: str, query: str, argument: str) -> None:
    """InvalidArgument names the argument."""
    status, _, body = raw.send("GET", f"/{bucket}?{query}")
    assert status == 400
    assert b"<Code>InvalidArgument</Code>" in body
    assert f"<ArgumentName>{argument}</ArgumentName>".encode() in body


def test_a_header_is_kept_as_it_came(raw: Raw, s3: Any, bucket: str) -> None:
    """``Expires`` need not be a date; a condition's date that is none does not count."""
    headers = {"Expires": "sometime", "Content-Encoding": "gzip,aws-chunked"}
    assert raw.send("PUT", f"/{bucket}/k", b"x", headers)[0] == 200
    told = raw.send("HEAD", f"/{bucket}/k", None, {"If-Modified-Since": "whenever"})
    assert (told[0], told[1]["expires"], told[1]["content-length"]) == (200, "sometime", "1")
    assert told[1]["content-encoding"] == "gzip"


def test_a_document_that_does_not_do(raw: Raw, bucket: str) -> None:
    """No XML, no keys, no digest, another digest: each is refused as AWS does."""
    digest = {"x-amz-checksum-crc32": b64encode(zlib.crc32(b"<D").to_bytes(4, "big")).decode()}
    assert b"MalformedXML" in raw.send("POST", f"/{bucket}?delete", b"<D", digest)[2]
    assert b"Content-MD5 OR x-amz-checksum-*" in raw.send("POST", f"/{bucket}?delete", b"<D/>")[2]
    assert b"BadDigest" in raw.send("POST", f"/{bucket}?delete", b"<Delete/>", digest)[2]
    empty = b"<Delete><Quiet>true</Quiet></Delete>"
    digest = {"x-amz-checksum-crc32": b64encode(zlib.crc32(empty).to_bytes(4, "big")).decode()}
    assert b"MalformedXML" in raw.send("POST", f"/{bucket}?delete", empty, digest)[2]


@pytest.mark.parametrize("size", [10, 2 * 1024 * 1024])
def test_a_body_of_another_hash(raw: Raw, s3: Any, bucket: str, size: int) -> None:
    """What is not the body that was signed is refused, and becomes no object."""
    status, _, body = raw.send("PUT", f"/{bucket}/k", b"x" * size, payload="0" * 64)
    assert status == 400
    assert b"<Code>XAmzContentSHA256Mismatch</Code>" in body
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_body_that_is_too_large(haar: Any, raw: Raw, bucket: str) -> None:
    """More than 5 GiB is EntityTooLarge before a byte of it was sent."""
    size = 5 * 1024**3 + 1
    request = AWSRequest("PUT", f"{haar.endpoint}/{bucket}/k")
    request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    Signer("UNSIGNED-PAYLOAD", raw.credentials, "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(haar.endpoint).netloc, timeout=30)
    connection.putrequest("PUT", f"/{bucket}/k")
    for name, value in {**dict(request.headers.items()), "Content-Length": str(size)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 400
    assert b"<Code>EntityTooLarge</Code>" in body
    assert f"<ProposedSize>{size}</ProposedSize>".encode() in body


def test_a_body_of_unknown_length(raw: Raw, bucket: str) -> None:
    """A chunked transfer without its length is MissingContentLength."""
    headers = {"Transfer-Encoding": "chunked"}
    request = raw.send("PUT", f"/{bucket}/k", b"5\r\nhello\r\n0\r\n\r\n", headers)
    assert request[0] == 411
    assert b"MissingContentLength" in request[2]


def test_metadata_beyond_ascii(raw: Raw, s3: Any, bucket: str) -> None:
    """Encoded words are understood, and come back as such."""
    sent = {"x-amz-meta-Name": "=?UTF-8?B?w7xiZXI=?=", "x-amz-meta-plain": "as it is"}
    assert raw.send("PUT", f"/{bucket}/k", b"", sent)[0] == 200
    told = raw.send("HEAD", f"/{bucket}/k")[1]
    assert told["x-amz-meta-name"].lower().startswith("=?utf-8?")
    assert told["x-amz-meta-plain"] == "as it is"


def test_a_bucket_in_the_host_name(haar: Any, s3: Any, bucket: str, raw: Raw) -> None:
    """It is the same bucket as in the path."""
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"x")
    port = urlsplit(haar.endpoint).port
    client = haar.client(
        "s3",
        endpoint_url=f"http://s3.localhost.localstack.cloud:{port}",
        config=Config(s3={"addressing_style": "virtual"}, signature_version="s3v4"),
    )
    where = {"Bucket": bucket, "Key": "a/b"}
    link = urlsplit(client.generate_presigned_url("get_object", Params=where))
    assert link.path == "/a/b"
    answer = raw.plain("GET", f"{link.path}?{link.query}", None, {"Host": link.netloc})
    assert answer[::2] == (200, b"x")
