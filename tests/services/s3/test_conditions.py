"""Conditional requests: reads, writes, deletes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haar.services.s3 import conditions, ranges
from haar.services.s3.errors import InvalidRange, NotModified, PreconditionFailed
from haar.services.s3.records import Checksum, Described, Object

Refusal = Callable[..., tuple[str, int, dict[str, Any]]]

ETAG = hashlib.md5(b"x").hexdigest()
WRITTEN = datetime(2026, 11, 25, 12, tzinfo=UTC)
FOUND = Object(1, ETAG, int(WRITTEN.timestamp()) * 1000 + 999, Described(), Checksum("", ""))
BEFORE, AFTER = WRITTEN - timedelta(hours=1), WRITTEN + timedelta(hours=1)


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"IfMatch": f'"{ETAG}"'}, 200),
        ({"IfMatch": ETAG}, 200),
        ({"IfMatch": f'"no", "{ETAG}"'}, 200),
        ({"IfMatch": "*"}, 200),
        ({"IfMatch": '"no"'}, 412),
        ({"IfMatch": f'W/"{ETAG}"'}, 412),
        ({"IfUnmodifiedSince": AFTER}, 200),
        ({"IfUnmodifiedSince": WRITTEN}, 200),
        ({"IfUnmodifiedSince": BEFORE}, 412),
        ({"IfMatch": ETAG, "IfUnmodifiedSince": BEFORE}, 200),
        ({"IfNoneMatch": '"no"'}, 200),
        ({"IfNoneMatch": ETAG}, 304),
        ({"IfNoneMatch": "*"}, 304),
        ({"IfModifiedSince": BEFORE}, 200),
        ({"IfModifiedSince": WRITTEN}, 304),
        ({"IfNoneMatch": '"no"', "IfModifiedSince": AFTER}, 200),
        ({"IfNoneMatch": ETAG, "IfModifiedSince": BEFORE}, 304),
        ({"IfMatch": '"no"', "IfNoneMatch": ETAG}, 412),
    ],
)
def test_a_read_is_judged_in_awss_order(members: dict[str, Any], status: int) -> None:
    """Each combination that AWS documents, and the single conditions."""
    refusals = {412: PreconditionFailed, 304: NotModified}
    if status == 200:
        conditions.refuse_read(members, FOUND)
    else:
        with pytest.raises(refusals[status]):
            conditions.refuse_read(members, FOUND)


@pytest.mark.parametrize(
    ("text", "size", "wanted"),
    [
        ("bytes=0-0", 10, (0, 1)),
        ("bytes=9-", 10, (9, 10)),
        ("bytes=5-99", 10, (5, 10)),
        ("bytes=-3", 10, (7, 10)),
        ("bytes=-30", 10, (0, 10)),
        ("bytes=0-1,3-4", 10, None),
        ("bytes=4-2", 10, None),
        ("bytes=-", 10, None),
        ("items=0-1", 10, None),
        ("junk", 10, None),
    ],
)
def test_a_range_means_some_bytes_or_none(
    text: str, size: int, wanted: tuple[int, int] | None
) -> None:
    """One range of bytes counts; anything else is as if it were not there."""
    assert ranges.parse(text, size) == wanted


@pytest.mark.parametrize(("text", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_a_range_without_bytes(text: str, size: int) -> None:
    """Nothing of it in the object is 416."""
    with pytest.raises(InvalidRange):
        ranges.parse(text, size)


def test_a_read_that_is_not_modified(s3: Any, bucket: str, refusal: Refusal) -> None:
    """304 carries the entity tag and the time, and no body."""
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    code, status, _ = refusal(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=put["ETag"])
    assert (code, status) == ("304", 304)
    code, status, error = refusal(s3.get_object, Bucket=bucket, Key="k", IfMatch='"no"')
    assert (code, status, error["Condition"]) == ("PreconditionFailed", 412, "If-Match")
    assert refusal(s3.head_object, Bucket=bucket, Key="k", IfMatch='"no"')[1] == 412


def test_a_write_if_there_is_none(s3: Any, bucket: str, refusal: Refusal) -> None:
    """``If-None-Match: *`` writes once."""
    where = {"Bucket": bucket, "Key": "k", "IfNoneMatch": "*"}
    s3.put_object(**where, Body=b"first")
    code, status, error = refusal(s3.put_object, **where, Body=b"second")
    assert (code, status, error["Condition"]) == ("PreconditionFailed", 412, "If-None-Match")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"first"
    other = refusal(s3.put_object, Bucket=bucket, Key="k", IfNoneMatch='"x"')
    assert other[:2] == ("NotImplemented", 501)


def test_a_write_over_a_certain_object(s3: Any, bucket: str, refusal: Refusal) -> None:
    """``If-Match`` writes over that object only, and never where there is none."""
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"first")
    missing = refusal(s3.put_object, Bucket=bucket, Key="none", IfMatch=put["ETag"])
    assert missing[:2] == ("NoSuchKey", 404)
    s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfMatch=put["ETag"])
    again = refusal(s3.put_object, Bucket=bucket, Key="k", IfMatch=put["ETag"])
    assert again[:2] == ("PreconditionFailed", 412)


def test_a_conditional_end_of_an_upload(s3: Any, bucket: str, refusal: Refusal) -> None:
    """CompleteMultipartUpload takes the same conditions, and leaves the upload if they fail."""
    where = {"Bucket": bucket, "Key": "k"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.put_object(**where, Body=b"whole")
    ended = {**where, "UploadId": upload, "MultipartUpload": parts}
    code, status, _ = refusal(s3.complete_multipart_upload, **ended, IfNoneMatch="*")
    assert (code, status) == ("PreconditionFailed", 412)
    s3.delete_object(**where)
    s3.complete_multipart_upload(**ended, IfNoneMatch="*")
    assert s3.get_object(**where)["Body"].read() == b"part"


def test_a_delete_of_a_certain_object(s3: Any, bucket: str, refusal: Refusal) -> None:
    """``If-Match`` deletes that object only; in DeleteObjects each key has its own."""
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    other = refusal(s3.delete_object, Bucket=bucket, Key="k", IfMatch='"no"')
    assert other[:2] == ("PreconditionFailed", 412)
    many = {"Objects": [{"Key": "k", "ETag": '"no"'}, {"Key": "none"}]}
    told = s3.delete_objects(Bucket=bucket, Delete=many)
    assert [d["Key"] for d in told["Deleted"]] == ["none"]
    assert [(e["Key"], e["Code"]) for e in told["Errors"]] == [("k", "PreconditionFailed")]
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=put["ETag"])
