"""Writers and readers of one key at once."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from haar.testing import running

SIZES = (1000, 100_000, 300_000)


def test_one_of_many_conditional_writers_wins(s3: Any, bucket: str) -> None:
    """``If-None-Match: *`` from everywhere at once is acknowledged once, and that one is there."""

    def write(number: int) -> str:
        body = str(number).encode() * 30_000
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=body, IfNoneMatch="*")
        except ClientError as refusal:
            return str(refusal.response["Error"]["Code"])
        return hashlib.md5(body).hexdigest()

    with ThreadPoolExecutor(16) as threads:
        told = list(threads.map(write, range(16)))
    won = [etag for etag in told if etag != "PreconditionFailed"]
    assert len(won) == 1
    assert s3.head_object(Bucket=bucket, Key="k")["ETag"] == f'"{won[0]}"'


def test_a_reader_never_reads_two_versions(tmp_path: Path) -> None:
    """Whatever is overwritten meanwhile, the bytes are those of the entity tag that came along."""
    where = {"Bucket": "raced", "Key": "k"}
    with running(data=tmp_path) as cloud:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="raced")
        s3.put_object(**where, Body=b"first")

        def write(number: int) -> None:
            s3.put_object(**where, Body=bytes([number]) * SIZES[number % len(SIZES)])

        def read(number: int) -> None:
            got = s3.get_object(**where)
            etag = f'"{hashlib.md5(got["Body"].read()).hexdigest()}"'
            assert etag == got["ETag"], number

        with ThreadPoolExecutor(8) as threads:
            work = [threads.submit(write if n % 3 == 0 else read, n) for n in range(90)]
        for one in work:
            one.result()


def test_a_part_that_comes_while_its_upload_ends(s3: Any, bucket: str) -> None:
    """The object has the listed parts, or the end is refused; never a mixture."""
    for _ in range(8):
        where = {"Bucket": bucket, "Key": "k"}
        where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
        old, new = b"old" * 40_000, b"new" * 40_000
        etag = s3.upload_part(**where, PartNumber=1, Body=old)["ETag"]
        listed = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        with ThreadPoolExecutor(2) as threads:
            part = threads.submit(s3.upload_part, **where, PartNumber=1, Body=new)
            end = threads.submit(s3.complete_multipart_upload, **where, MultipartUpload=listed)
        if end.exception() is None:
            assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == old
        else:
            assert "InvalidPart" in str(end.exception())
            assert part.exception() is None
            s3.abort_multipart_upload(**where)
