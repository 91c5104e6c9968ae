"""Checksums: checked, stored, returned; in headers and trailers, of objects and of parts."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config

from haar.kit import checksums

Refusal = Callable[..., tuple[str, int, dict[str, Any]]]

MIB = 1024 * 1024
DIGITS = b"123456789"
VALUES = {
    "CRC32": "y/Q5Jg==",
    "CRC32C": "4waSgw==",
    "CRC64NVME": "rosUhgp5mIg=",
    "SHA1": "98O8HYCOBHMq32eZZczDTKeuNEE=",
    "SHA256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
}


@pytest.mark.parametrize("algorithm", VALUES)
def test_a_checksum_is_kept_and_told(
    s3: Any, bucket: str, refusal: Refusal, algorithm: str
) -> None:
    """Each algorithm's known value of ``123456789``; another value is BadDigest."""
    name = f"Checksum{algorithm}"
    where = {"Bucket": bucket, "Key": "k"}
    put = s3.put_object(**where, Body=DIGITS, ChecksumAlgorithm=algorithm)
    assert (put[name], put["ChecksumType"]) == (VALUES[algorithm], "FULL_OBJECT")
    for told in (
        s3.get_object(**where, ChecksumMode="ENABLED"),
        s3.head_object(**where, ChecksumMode="ENABLED"),
    ):
        assert (told[name], told["ChecksumType"]) == (VALUES[algorithm], "FULL_OBJECT")
    assert name not in s3.head_object(**where)
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ([algorithm], "FULL_OBJECT")
    digest = checksums.make(algorithm)
    digest.update(b"other")
    wrong = {name: checksums.encode(digest.digest())}
    code, status, error = refusal(s3.put_object, **where, Body=b"123", **wrong)
    assert (code, status) == ("BadDigest", 400)
    assert error["Message"] == (
        f"The {algorithm} you specified did not match the calculated checksum."
    )
    assert s3.get_object(**where)["Body"].read() == DIGITS
    code, status, error = refusal(s3.put_object, **where, Body=b"123", **{name: "AAA="})
    assert (code, status) == ("InvalidRequest", 400)


def test_a_body_without_a_checksum(haar: Any, bucket: str) -> None:
    """CRC64NVME is computed and kept."""
    silent = haar.client("s3", config=Config(request_checksum_calculation="when_required"))
    silent.put_object(Bucket=bucket, Key="k", Body=DIGITS)
    head = silent.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == VALUES["CRC64NVME"]


def test_the_md5_of_a_body(s3: Any, bucket: str, refusal: Refusal) -> None:
    """``Content-MD5`` is checked: BadDigest tells both, InvalidDigest is none."""
    where = {"Bucket": bucket, "Key": "k", "Body": b"x"}
    right = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"y").digest()).decode()
    s3.put_object(**where, ContentMD5=right)
    code, status, error = refusal(s3.put_object, **where, ContentMD5=wrong)
    assert (code, status) == ("BadDigest", 400)
    assert (error["ExpectedDigest"], error["CalculatedDigest"]) == (wrong, right)
    assert refusal(s3.put_object, **where, ContentMD5="eA==")[:2] == ("InvalidDigest", 400)


def parts_of(s3: Any, where: dict[str, Any], algorithm: str, bodies: list[bytes]) -> dict[str, Any]:
    """Upload parts; return their list with their checksums."""
    name = f"Checksum{algorithm}"
    listed = []
    for number, body in enumerate(bodies, 1):
        told = s3.upload_part(**where, PartNumber=number, Body=body, ChecksumAlgorithm=algorithm)
        listed.append({"PartNumber": number, "ETag": told["ETag"], name: told[name]})
    return {"Parts": listed}


BODIES = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c"]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
def test_a_full_checksum_of_parts(s3: Any, bucket: str, algorithm: str) -> None:
    """The value is the one of the whole, combined from the parts'."""
    where = {"Bucket": bucket, "Key": "k"}
    how = {"ChecksumAlgorithm": algorithm, "ChecksumType": "FULL_OBJECT"}
    upload = {**where, "UploadId": s3.create_multipart_upload(**where, **how)["UploadId"]}
    listed = parts_of(s3, upload, algorithm, BODIES)
    told = s3.complete_multipart_upload(**upload, MultipartUpload=listed)
    digest = checksums.make(algorithm)
    digest.update(b"".join(BODIES))
    value = checksums.encode(digest.digest())
    assert (told[f"Checksum{algorithm}"], told["ChecksumType"]) == (value, "FULL_OBJECT")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_a_composite_checksum_of_parts(
    s3: Any, bucket: str, refusal: Refusal, algorithm: str
) -> None:
    """The value is that of the parts' values, and ends in their number."""
    where, name = {"Bucket": bucket, "Key": "k"}, f"Checksum{algorithm}"
    made = s3.create_multipart_upload(**where, ChecksumAlgorithm=algorithm)
    assert (made["ChecksumAlgorithm"], made["ChecksumType"]) == (algorithm, "COMPOSITE")
    upload = {**where, "UploadId": made["UploadId"]}
    listed = parts_of(s3, upload, algorithm, BODIES)
    assert s3.list_parts(**upload)["Parts"][1][name] == listed["Parts"][1][name]
    gap = {"Parts": [listed["Parts"][0], listed["Parts"][2]]}
    code = refusal(s3.complete_multipart_upload, **upload, MultipartUpload=gap)[0]
    assert code == "InvalidPartOrder"
    told = s3.complete_multipart_upload(**upload, MultipartUpload=listed)
    digest = checksums.make(algorithm)
    for part in listed["Parts"]:
        digest.update(base64.b64decode(part[name]))
    assert told[name] == f"{checksums.encode(digest.digest())}-3"
    part = s3.head_object(**where, PartNumber=2, ChecksumMode="ENABLED")
    assert part[name] == listed["Parts"][1][name]
    known = s3.get_object_attributes(
        **where, ObjectAttributes=["Checksum", "ObjectParts", "ObjectSize", "ETag"]
    )
    assert known["Checksum"][name] == told[name]
    assert known["ETag"] == told["ETag"].strip('"')
    assert known["ObjectParts"]["TotalPartsCount"] == 3
    assert [p["Size"] for p in known["ObjectParts"]["Parts"]] == [len(b) for b in BODIES]


def test_what_a_checksum_cannot_be(s3: Any, bucket: str, refusal: Refusal) -> None:
    """Pairs that AWS has not, and parts with another algorithm than their upload's."""
    where = {"Bucket": bucket, "Key": "k"}
    for algorithm, kind in (("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")):
        how = {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
        assert refusal(s3.create_multipart_upload, **where, **how)[:2] == ("InvalidRequest", 400)
    made = s3.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")
    upload = {**where, "UploadId": made["UploadId"], "PartNumber": 1, "Body": b"x"}
    code, _, error = refusal(s3.upload_part, **upload, ChecksumAlgorithm="SHA1")
    assert (code, error["Message"]) == (
        "InvalidRequest",
        (
            "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum "
            "Type: sha1"
        ),
    )


def test_a_whole_checksum_at_the_end(s3: Any, bucket: str, refusal: Refusal) -> None:
    """CompleteMultipartUpload proves the whole object's checksum and size, if they are told."""
    where = {"Bucket": bucket, "Key": "k"}
    how = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    upload = {**where, "UploadId": s3.create_multipart_upload(**where, **how)["UploadId"]}
    listed = {"MultipartUpload": parts_of(s3, upload, "CRC32", [b"abc"])}
    wrong = checksums.encode(zlib.crc32(b"abd").to_bytes(4, "big"))
    right = checksums.encode(zlib.crc32(b"abc").to_bytes(4, "big"))
    complete = s3.complete_multipart_upload
    assert refusal(complete, **upload, **listed, ChecksumCRC32=wrong)[:2] == ("BadDigest", 400)
    assert refusal(complete, **upload, **listed, MpuObjectSize=4)[:2] == ("InvalidRequest", 400)
    complete(**upload, **listed, ChecksumCRC32=right, MpuObjectSize=3)
