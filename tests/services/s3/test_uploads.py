"""Multipart uploads, through boto3."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

Refusal = Callable[..., tuple[str, int, dict[str, Any]]]

MIB = 1024 * 1024
PARTS = [bytes([n]) * 5 * MIB for n in (1, 2)] + [b"the end"]


@pytest.fixture
def upload(s3: Any, bucket: str) -> dict[str, Any]:
    """An upload with three parts: the members that name it."""
    where = {"Bucket": bucket, "Key": "whole"}
    where["UploadId"] = s3.create_multipart_upload(**where, ContentType="text/x")["UploadId"]
    for number, body in enumerate(PARTS, 1):
        s3.upload_part(**where, PartNumber=number, Body=body)
    return where


def listed(*numbers: int) -> dict[str, Any]:
    """Return the list of parts that CompleteMultipartUpload wants."""
    parts = [
        {"PartNumber": n, "ETag": f'"{hashlib.md5(PARTS[n - 1]).hexdigest()}"'} for n in numbers
    ]
    return {"Parts": parts}


def test_parts_become_an_object(s3: Any, upload: dict[str, Any]) -> None:
    """All bytes in order, under AWS's entity tag, with what was said at the beginning."""
    where = {"Bucket": upload["Bucket"], "Key": upload["Key"]}
    told = s3.complete_multipart_upload(**upload, MultipartUpload=listed(1, 2, 3))
    md5s = b"".join(hashlib.md5(part).digest() for part in PARTS)
    assert told["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-3"'
    assert (told["Bucket"], told["Key"]) == (where["Bucket"], where["Key"])
    got = s3.get_object(**where)
    assert got["Body"].read() == b"".join(PARTS)
    assert (got["ETag"], got["ContentType"]) == (told["ETag"], "text/x")
    across = s3.get_object(**where, Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}")
    assert across["Body"].read() == b"\x01\x01\x02\x02"


def test_an_end_that_is_asked_for_again(s3: Any, upload: dict[str, Any], refusal: Refusal) -> None:
    """The same list is told the same; another list has no upload any more."""
    complete = s3.complete_multipart_upload
    first = complete(**upload, MultipartUpload=listed(1, 3))
    again = complete(**upload, MultipartUpload=listed(1, 3))
    for told in (first, again):
        del told["ResponseMetadata"]
    assert first == again
    assert refusal(complete, **upload, MultipartUpload=listed(1))[:2] == ("NoSuchUpload", 404)


def test_a_part_of_an_object_is_read(s3: Any, upload: dict[str, Any], refusal: Refusal) -> None:
    """``partNumber`` reads what was uploaded under it, and tells how many there are."""
    where = {"Bucket": upload["Bucket"], "Key": upload["Key"]}
    s3.complete_multipart_upload(**upload, MultipartUpload=listed(1, 2, 3))
    got = s3.get_object(**where, PartNumber=3)
    assert got["Body"].read() == PARTS[2]
    assert got["PartsCount"] == 3
    assert got["ContentRange"] == f"bytes {10 * MIB}-{10 * MIB + 6}/{10 * MIB + 7}"
    assert s3.head_object(**where, PartNumber=1)["ContentLength"] == 5 * MIB
    assert refusal(s3.get_object, **where, PartNumber=4)[:2] == ("InvalidPartNumber", 416)


def test_a_list_of_parts_that_does_not_do(
    s3: Any, upload: dict[str, Any], refusal: Refusal
) -> None:
    """Each refusal is AWS's, and leaves the upload as it was."""
    complete = s3.complete_multipart_upload
    bad = listed(1)
    bad["Parts"][0]["ETag"] = '"00"'
    cases = [
        ({"Parts": []}, "MalformedXML"),
        (listed(2, 1), "InvalidPartOrder"),
        (listed(1, 1), "InvalidPartOrder"),
        (bad, "InvalidPart"),
        (listed(3) | {"Parts": [{"PartNumber": 9, "ETag": "x"}]}, "InvalidPart"),
    ]
    for parts, code in cases:
        assert refusal(complete, **upload, MultipartUpload=parts)[:2] == (code, 400)
    s3.upload_part(**upload, PartNumber=4, Body=PARTS[2])
    small = listed(1, 3)
    small["Parts"].append({**listed(3)["Parts"][0], "PartNumber": 4})
    code, status, error = refusal(complete, **upload, MultipartUpload=small)
    assert (code, status, error["PartNumber"], error["ProposedSize"]) == (
        "EntityTooSmall",
        400,
        "3",
        "7",
    )
    complete(**upload, MultipartUpload=listed(1, 2, 3))


def test_an_upload_that_has_ended(s3: Any, upload: dict[str, Any], refusal: Refusal) -> None:
    """After an abort there is no upload, and there never was an object."""
    s3.abort_multipart_upload(**upload)
    for call, more in (
        (s3.abort_multipart_upload, {}),
        (s3.upload_part, {"PartNumber": 1, "Body": b""}),
        (s3.complete_multipart_upload, {"MultipartUpload": listed(1)}),
    ):
        code, status, error = refusal(call, **upload, **more)
        assert (code, status, error["UploadId"]) == ("NoSuchUpload", 404, upload["UploadId"])
    assert s3.list_objects_v2(Bucket=upload["Bucket"])["KeyCount"] == 0


def test_files_go_up_and_down(s3: Any, bucket: str) -> None:
    """boto3's own transfers, in parts and ranges, bring the same bytes back."""
    data = bytes(range(256)) * 4096 * 20
    s3.upload_fileobj(io.BytesIO(data), bucket, "file", ExtraArgs={"Metadata": {"a": "b"}})
    assert s3.head_object(Bucket=bucket, Key="file")["Metadata"] == {"a": "b"}
    found = io.BytesIO()
    s3.download_fileobj(bucket, "file", found)
    assert found.getvalue() == data
