"""Objects, through boto3: written, read, overwritten, deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

Refusal = Callable[..., tuple[str, int, dict[str, Any]]]

SMALL = b"some bytes"
LARGE = bytes(range(256)) * 8192  # 2 MiB: a file, sent as a stream


@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
def test_an_object_is_read_as_it_was_written(s3: Any, bucket: str, body: bytes) -> None:
    """Every byte comes back, under the entity tag that AWS would give."""
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert (got["ContentLength"], got["ETag"]) == (len(body), put["ETag"])
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (len(body), put["ETag"])
    assert head["LastModified"] == got["LastModified"]
    assert head["ContentType"] == "binary/octet-stream"


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=2-4", 2, 5),
        ("bytes=3-", 3, None),
        ("bytes=-4", -4, None),
        ("bytes=0-99999999", 0, None),
    ],
)
def test_a_range_is_read(
    s3: Any, bucket: str, body: bytes, wanted: str, start: int, end: int | None
) -> None:
    """206 with exactly the wanted bytes, and where they are."""
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    got = s3.get_object(Bucket=bucket, Key="k", Range=wanted)
    assert got["Body"].read() == body[start:end]
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    first, last, _ = slice(start, end).indices(len(body))
    assert got["ContentRange"] == f"bytes {first}-{last - 1}/{len(body)}"
    head = s3.head_object(Bucket=bucket, Key="k", Range=wanted)
    assert head["ContentRange"] == got["ContentRange"]
    assert head["ContentLength"] == got["ContentLength"]


def test_a_range_behind_the_end(s3: Any, bucket: str, refusal: Refusal) -> None:
    """416 tells the size; what is no range is ignored."""
    s3.put_object(Bucket=bucket, Key="k", Body=SMALL)
    code, status, error = refusal(s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-")
    assert (code, status) == ("InvalidRange", 416)
    assert (error["RangeRequested"], error["ActualObjectSize"]) == ("bytes=10-", "10")
    assert s3.get_object(Bucket=bucket, Key="k", Range="lines=1-")["Body"].read() == SMALL


def test_what_was_said_of_an_object_is_told(s3: Any, bucket: str) -> None:
    """Stored headers and metadata come back with GetObject and HeadObject."""
    said = {
        "CacheControl": "max-age=60",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "en",
        "ContentType": "text/csv",
        "Metadata": {"colour": "blue", "shape": "round"},
        "WebsiteRedirectLocation": "/elsewhere",
    }
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE, **said, Expires="2030-01-02T03:04:05Z")
    for told in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert {name: told[name] for name in said} == said
        assert told["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"


def test_too_much_metadata(s3: Any, bucket: str, refusal: Refusal) -> None:
    """More than 2 KiB of names and values is MetadataTooLarge."""
    fits, more = {"m": "x" * 2047}, {"m": "x" * 2048}
    s3.put_object(Bucket=bucket, Key="k", Metadata=fits)
    code, status, error = refusal(s3.put_object, Bucket=bucket, Key="k", Metadata=more)
    assert (code, status) == ("MetadataTooLarge", 400)
    assert (error["Size"], error["MaxSizeAllowed"]) == ("2049", "2048")


def test_an_object_that_is_not_there(s3: Any, bucket: str, refusal: Refusal) -> None:
    """NoSuchKey names the key; deleting it succeeds."""
    code, status, error = refusal(s3.get_object, Bucket=bucket, Key="none")
    assert (code, status, error["Key"]) == ("NoSuchKey", 404, "none")
    assert error["Message"] == "The specified key does not exist."
    assert refusal(s3.head_object, Bucket=bucket, Key="none")[:2] == ("404", 404)
    assert s3.delete_object(Bucket=bucket, Key="none")["ResponseMetadata"]["HTTPStatusCode"] == 204


@pytest.mark.parametrize(
    "key",
    [
        "/slash",
        "a//b/",
        "../up",
        "ü/日本/🚀",
        "a b+c%20",
        "~'()!*",
        "line\nend",
        "nul\x00",
        "x" * 1024,
    ],
)
def test_a_key_is_any_text(s3: Any, bucket: str, key: str) -> None:
    """A key is kept as it is, and is never a path."""
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_of_more_than_1024_bytes(s3: Any, bucket: str, refusal: Refusal) -> None:
    """The bytes of UTF-8 count, not the characters."""
    code, status, error = refusal(s3.put_object, Bucket=bucket, Key="ü" * 513, Body=b"")
    assert (code, status, error["Size"]) == ("KeyTooLongError", 400, "1026")


def test_a_reader_reads_its_version_to_the_end(s3: Any, bucket: str) -> None:
    """An overwrite and a delete do not reach a reader that began before."""
    old = b"old." * 4 * 1024 * 1024
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    body = s3.get_object(Bucket=bucket, Key="k")["Body"]
    first = body.read(1024)
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE)
    s3.delete_object(Bucket=bucket, Key="k")
    assert first + body.read() == old
