"""What is left on the disk: after a restart, after a crash, after what is gone."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
from botocore.config import Config

from haar.cli.demo.process import HaarProcess
from haar.testing import running

MIB = 1024 * 1024
LARGE = bytes(range(256)) * 1024  # 256 KiB: a file
PART = bytes(range(256)) * 4096 * 5
RSS_BYTES_MAX = 200 * MIB


def wait_for(condition: Callable[[], bool]) -> None:
    """Return once a condition holds; fail if it does not for long."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        threading.Event().wait(0.02)


def files(data: Path) -> list[str]:
    """Return the names of the files of blobs."""
    return sorted(path.name for path in (data / "blobs").glob("*/*"))


def upload_of(s3: Any, key: str, *bodies: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Begin an upload and send its parts; return its name and its list."""
    where = {"Bucket": "kept", "Key": key}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    listed = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(**where, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in enumerate(bodies, 1)
    ]
    return where, {"Parts": listed}


def test_objects_survive_a_restart_and_strays_do_not(tmp_path: Path) -> None:
    """Rows, files and parts are all there again; a file that nothing refers to is swept."""
    with running(data=tmp_path) as cloud:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="small", Body=b"small", Metadata={"a": "b"})
        s3.put_object(Bucket="kept", Key="large", Body=LARGE)
        where, listed = upload_of(s3, "parts", PART, b"end")
        s3.complete_multipart_upload(**where, MultipartUpload=listed)
        open_upload, open_list = upload_of(s3, "open", PART, b"end")
    kept = files(tmp_path)
    stray = tmp_path / "blobs" / kept[0][:2] / (kept[0][:2] + "0" * 30)
    stray.write_bytes(b"left by a crash")
    with running(data=tmp_path) as cloud:
        s3 = cloud.client("s3")
        s3.put_object(Bucket="kept", Key="new", Body=LARGE)
        wait_for(lambda: not stray.exists())
        assert s3.head_object(Bucket="kept", Key="small")["Metadata"] == {"a": "b"}
        s3.complete_multipart_upload(**open_upload, MultipartUpload=open_list)
        expected = {"small": b"small", "large": LARGE, "new": LARGE}
        expected |= {"parts": PART + b"end", "open": PART + b"end"}
        for key, body in expected.items():
            assert s3.get_object(Bucket="kept", Key=key)["Body"].read() == body, key
    assert set(kept) < set(files(tmp_path))


def test_files_go_with_what_referred_to_them(tmp_path: Path) -> None:
    """Overwritten, deleted, replaced, unlisted, aborted: after the commit the space is free."""
    with running(data=tmp_path) as cloud:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="kept")
        for _ in range(3):
            s3.put_object(Bucket="kept", Key="k", Body=LARGE)
        wait_for(lambda: len(files(tmp_path)) == 1)
        where, listed = upload_of(s3, "k", PART, LARGE, LARGE)
        s3.upload_part(**where, PartNumber=1, Body=PART)
        wait_for(lambda: len(files(tmp_path)) == 4)
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": listed["Parts"][:2]})
        wait_for(lambda: len(files(tmp_path)) == 2)
        s3.delete_object(Bucket="kept", Key="k")
        aborted, _ = upload_of(s3, "k", LARGE, LARGE)
        s3.abort_multipart_upload(**aborted)
        wait_for(lambda: files(tmp_path) == [])
        upload_of(s3, "left", LARGE, LARGE)
        s3.delete_bucket(Bucket="kept")
        wait_for(lambda: files(tmp_path) == [])
        s3.create_bucket(Bucket="kept")
        assert "Uploads" not in s3.list_multipart_uploads(Bucket="kept")


def test_a_refused_body_leaves_nothing(tmp_path: Path) -> None:
    """A body with another checksum than claimed is no object and no file."""
    with running(data=tmp_path) as cloud:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="kept")
        with pytest.raises(s3.exceptions.ClientError, match="BadDigest"):
            s3.put_object(Bucket="kept", Key="k", Body=LARGE * 8, ChecksumCRC32="AAAAAA==")
        assert files(tmp_path) == []
        assert s3.list_objects_v2(Bucket="kept")["KeyCount"] == 0


def test_a_body_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """A client that goes away in the middle leaves neither an object nor a file."""
    with running(data=tmp_path) as cloud:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="kept")
        where = {"Bucket": "kept", "Key": "k"}
        link = urlsplit(s3.generate_presigned_url("put_object", Params=where))
        head = f"PUT {link.path}?{link.query} HTTP/1.1\r\nHost: {link.netloc}\r\n"
        with socket.create_connection((link.hostname, link.port)) as connection:
            connection.sendall(f"{head}Content-Length: {8 * MIB}\r\n\r\n".encode())
            connection.sendall(bytes(4 * MIB))
            wait_for(lambda: len(files(tmp_path)) == 1)
        wait_for(lambda: files(tmp_path) == [])
        assert s3.list_objects_v2(Bucket="kept")["KeyCount"] == 0


class Zeros(io.RawIOBase):
    """A file of zeros, of any length, that costs no memory."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._size - self._at)
        buffer[:count] = bytes(count)
        self._at += count
        return count


@pytest.fixture
def process(tmp_path: Path) -> Iterator[HaarProcess]:
    """A haar in a process of its own, whose memory can be measured."""
    haar = HaarProcess(tmp_path / "data")
    haar.start()
    yield haar
    haar.stop()


def test_large_objects_pass_through_little_memory(process: HaarProcess) -> None:
    """256 MiB up and down at once, in one piece and in parts, in less than 200 MB."""
    s3 = boto3.session.Session().client(
        "s3",
        endpoint_url=process.endpoint,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}),
        **process.keys(),
    )
    size = 256 * MIB
    most = [0]
    is_over = threading.Event()
    assert process._process is not None
    server = psutil.Process(process._process.pid)

    def measure() -> None:
        while not is_over.wait(0.02):
            most[0] = max(most[0], server.memory_info().rss)

    watcher = threading.Thread(target=measure)
    watcher.start()
    try:
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="whole", Body=Zeros(size))
        s3.upload_fileobj(Zeros(size), "kept", "parts")
        s3.copy_object(Bucket="kept", Key="copy", CopySource="kept/parts")
        for key in ("whole", "parts", "copy"):
            body = s3.get_object(Bucket="kept", Key=key)["Body"]
            assert sum(map(len, body.iter_chunks(MIB))) == size
    finally:
        is_over.set()
        watcher.join()
    assert 0 < most[0] < RSS_BYTES_MAX
