"""CopyObject and UploadPartCopy."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

Refusal = Callable[..., tuple[str, int, dict[str, Any]]]

LARGE = bytes(range(256)) * 4096 * 6  # 6 MiB: sources of ranges have more than 5
SAID = {"ContentType": "text/x", "Metadata": {"a": "b"}, "Tagging": "t=1"}


@pytest.mark.parametrize("body", [b"", b"small", LARGE], ids=["empty", "small", "large"])
def test_a_copy_has_the_bytes_and_what_was_said(s3: Any, bucket: str, body: bytes) -> None:
    """Bytes, headers, metadata, tags and checksum come along, under an MD5 as entity tag."""
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=body, ChecksumAlgorithm="SHA256", **SAID)
    told = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ü"})
    assert told["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert "ChecksumSHA256" in told["CopyObjectResult"]
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["Body"].read() == body
    assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("text/x", {"a": "b"}, 1)


def test_a_copy_that_says_something_new(s3: Any, bucket: str) -> None:
    """REPLACE takes exactly what the request says, nothing of the source."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", CacheControl="no-store", **SAID)
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(
        **source,
        CopySource=source,
        MetadataDirective="REPLACE",
        TaggingDirective="REPLACE",
        Metadata={"c": "d"},
        Tagging="u=2&v=3",
    )
    head = s3.head_object(**source)
    assert (head["Metadata"], head["ContentType"]) == ({"c": "d"}, "binary/octet-stream")
    assert "CacheControl" not in head
    tags = s3.get_object_tagging(**source)["TagSet"]
    assert tags == [{"Key": "u", "Value": "2"}, {"Key": "v", "Value": "3"}]


def test_a_copy_onto_itself_must_change_something(s3: Any, bucket: str, refusal: Refusal) -> None:
    """InvalidRequest with AWS's long sentence."""
    source = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**source)
    code, status, error = refusal(s3.copy_object, **source, CopySource=source)
    assert (code, status) == ("InvalidRequest", 400)
    assert error["Message"].startswith("This copy request is illegal because it is trying to copy")


def test_a_source_that_does_not_do(s3: Any, bucket: str, refusal: Refusal) -> None:
    """Missing sources and conditions that fail are refused as AWS does, before the copy."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    etag = f'"{hashlib.md5(b"x").hexdigest()}"'
    to = {"Bucket": bucket, "Key": "copy"}
    cases: list[tuple[dict[str, Any], str, int]] = [
        ({"CopySource": f"{bucket}/none"}, "NoSuchKey", 404),
        ({"CopySource": "no-such-bucket-here/k"}, "NoSuchBucket", 404),
        ({"CopySource": "nothing"}, "InvalidArgument", 400),
        ({"CopySource": f"{bucket}/k?versionId=v"}, "InvalidArgument", 400),
        ({"CopySource": f"{bucket}/k", "CopySourceIfMatch": '"x"'}, "PreconditionFailed", 412),
        ({"CopySource": f"{bucket}/k", "CopySourceIfNoneMatch": etag}, "PreconditionFailed", 412),
    ]
    for members, code, status in cases:
        assert refusal(s3.copy_object, **to, **members)[:2] == (code, status), members
    s3.copy_object(**to, CopySource=f"/{bucket}/k", CopySourceIfMatch=etag)
    assert s3.get_object(**to)["Body"].read() == b"x"


def test_a_multipart_object_is_copied_to_one_piece(s3: Any, bucket: str) -> None:
    """CopyObject makes a plain MD5 and a full checksum of an object in parts."""
    s3.upload_fileobj(io.BytesIO(LARGE * 2), bucket, "parts")
    assert s3.head_object(Bucket=bucket, Key="parts")["ETag"].endswith('-2"')
    source = {"Bucket": bucket, "Key": "parts"}
    told = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)["CopyObjectResult"]
    assert told["ETag"] == f'"{hashlib.md5(LARGE * 2).hexdigest()}"'
    assert told["ChecksumType"] == "FULL_OBJECT"


def test_parts_are_copied_from_ranges(s3: Any, bucket: str, refusal: Refusal) -> None:
    """A part is exactly the stretch of its source that the range names."""
    s3.put_object(Bucket=bucket, Key="source", Body=LARGE)
    where = {"Bucket": bucket, "Key": "whole"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    source = {"CopySource": f"{bucket}/source"}
    copied = s3.upload_part_copy(**where, **source, PartNumber=1)["CopyPartResult"]
    some = "bytes=100-199"
    range_ = s3.upload_part_copy(**where, **source, PartNumber=2, CopySourceRange=some)
    parts = [copied["ETag"], range_["CopyPartResult"]["ETag"]]
    for bad in ("bytes=5-", "bytes=9-3", "0-1", f"bytes=0-{len(LARGE)}"):
        code, status, _ = refusal(
            s3.upload_part_copy, **where, **source, PartNumber=3, CopySourceRange=bad
        )
        assert (code, status) == ("InvalidArgument", 400)
    listed = {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(parts, 1)]}
    s3.complete_multipart_upload(**where, MultipartUpload=listed)
    body = s3.get_object(Bucket=bucket, Key="whole")["Body"].read()
    assert body == LARGE + LARGE[100:200]


def test_boto3_copies_large_objects(s3: Any, bucket: str) -> None:
    """Its managed copy, in ranges, brings the same bytes."""
    s3.upload_fileobj(io.BytesIO(LARGE * 2), bucket, "source")
    s3.copy({"Bucket": bucket, "Key": "source"}, bucket, "copy")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == LARGE * 2
