"""Disks that fail: a request fails, or haar ends with a sentence; nothing acknowledged is lost."""

from __future__ import annotations

import errno
import importlib.util
import mmap
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from haar.cli.demo.process import HaarProcess

_spec = importlib.util.spec_from_file_location("writers", Path(__file__).with_name("writers.py"))
assert _spec is not None
assert _spec.loader is not None
writers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(writers)

WRITE, SYNC, READ = 1, 2, 4
WAIT_S = 60
LARGE = bytes(range(256)) * 1000

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(sys.platform != "linux", reason="preloading is Linux's"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here"),
]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The faults, compiled."""
    made = tmp_path_factory.mktemp("faults") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return made


class Faults:
    """The faults of a process, armed and disarmed by the test."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(16))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 16)

    def arm(self, operations: int, error: int, *, skip: int = 0) -> None:
        """Let operations fail from now on, after ``skip`` that do not."""
        self._shared[4:16] = struct.pack("=iiI", error, skip, 0)
        self._shared[0:4] = struct.pack("=I", operations)

    def disarm(self) -> None:
        """Let everything work again."""
        self._shared[0:4] = bytes(4)

    @property
    def hits(self) -> int:
        """How many calls failed."""
        return int(struct.unpack("=I", self._shared[12:16])[0])

    def close(self) -> None:
        """Give the memory back."""
        self._shared.close()


class Broken(NamedTuple):
    """A haar on a disk that can fail."""

    haar: HaarProcess
    faults: Faults
    said: Path  # what it wrote on stderr

    def client(self, service: str) -> Any:
        """Return a client that does not try again."""
        config = Config(
            retries={"total_max_attempts": 1}, inject_host_prefix=False, read_timeout=60
        )
        return boto3.session.Session().client(
            service,
            endpoint_url=self.haar.endpoint,
            region_name="us-east-1",
            config=config,
            **self.haar.keys(),
        )


Break = Callable[[str], Broken]


@pytest.fixture
def breakable(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Break]:
    """Start a haar whose directory of that name can fail."""
    started: list[Broken] = []

    def start(directory: str) -> Broken:
        faults = Faults(tmp_path / "control")
        haar, said = HaarProcess(tmp_path / "data"), tmp_path / "stderr"
        monkeypatch.setenv("HAAR_FAULTS", str(tmp_path / "control"))
        monkeypatch.setenv("HAAR_FAULTS_DIRECTORY", str(tmp_path / "data" / directory))
        monkeypatch.setenv("LD_PRELOAD", str(library))
        with said.open("wb") as file:
            haar.start(stderr=file)
        for name in ("LD_PRELOAD", "HAAR_FAULTS", "HAAR_FAULTS_DIRECTORY"):
            monkeypatch.delenv(name)
        broken = Broken(haar, faults, said)
        started.append(broken)
        writers.prepare(broken.client)
        return broken

    yield start
    for broken in started:
        broken.haar.kill()
        broken.faults.close()


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def put_items(client: Any, first: int, count: int) -> list[int]:
    """Put items until one fails; return which were acknowledged."""
    acknowledged: list[int] = []
    try:
        for n in range(first, first + count):
            item = {"pk": {"S": f"item#{n}"}, "n": {"N": str(n)}}
            client.put_item(TableName=writers.TABLE, Item=item)
            acknowledged.append(n)
    except (BotoCoreError, ClientError):
        pass
    return acknowledged


@pytest.mark.parametrize(
    ("operation", "error"),
    [(SYNC, errno.EIO), (WRITE, errno.EIO), (WRITE, errno.ENOSPC)],
    ids=["sync-EIO", "write-EIO", "write-ENOSPC"],
)
def test_a_store_that_cannot_write_stops_once_and_loses_nothing(
    breakable: Break, operation: int, error: int
) -> None:
    """One sentence, status 3, and at the next start every acknowledged item is there."""
    broken = breakable("store")
    client = broken.client("dynamodb")
    acknowledged = put_items(client, 0, 20)
    broken.faults.arm(operation, error, skip=15)
    acknowledged += put_items(client, 100, 1000)
    assert broken.haar.wait(WAIT_S) == 3
    said = broken.said.read_text()
    assert said.count("\n") == 1, said
    assert said.startswith("haar: stopped, because the disk failed: ")
    assert os.strerror(error) in said
    assert len(acknowledged) < 1020
    broken.haar.start()
    again = broken.client
    assert [n for n in acknowledged if writers.number(again, f"item#{n}") != n] == []


def test_a_snapshot_whose_sync_fails_stops_haar(breakable: Break, tmp_path: Path) -> None:
    """A failed fsync is never tried again, whoever asked for it; what was acknowledged is there."""
    broken = breakable("store")
    acknowledged = put_items(broken.client("dynamodb"), 0, 20)
    broken.faults.arm(SYNC, errno.EIO)
    place = ["--port", broken.haar.endpoint.rpartition(":")[2], "--data", str(tmp_path / "data")]
    save = [sys.executable, "-m", "haar.cli.main", "snapshot", *place, "save"]
    saved = subprocess.run([*save, str(tmp_path / "copy")], capture_output=True, check=False)
    assert saved.returncode != 0
    assert broken.haar.wait(WAIT_S) == 3
    said = broken.said.read_text()
    assert said.startswith("haar: stopped, because the disk failed: ")
    assert not (tmp_path / "copy").exists()
    broken.haar.start()
    assert [n for n in acknowledged if writers.number(broken.client, f"item#{n}") != n] == []


def test_short_writes_are_finished(breakable: Break) -> None:
    """A disk that takes half of each write takes the whole in the end."""
    broken = breakable("")
    client = broken.client("dynamodb")
    broken.faults.arm(WRITE, 0)
    acknowledged = put_items(client, 0, 50)
    broken.client("s3").put_object(Bucket=writers.BUCKET, Key="k", Body=LARGE)
    assert broken.faults.hits > 50
    assert len(acknowledged) == 50
    broken.haar.kill()
    broken.haar.start()
    assert [n for n in acknowledged if writers.number(broken.client, f"item#{n}") != n] == []
    body = broken.client("s3").get_object(Bucket=writers.BUCKET, Key="k")["Body"].read()
    assert body == LARGE


@pytest.mark.parametrize(
    ("operation", "error"),
    [(SYNC, errno.EIO), (WRITE, errno.ENOSPC)],
    ids=["sync-EIO", "write-ENOSPC"],
)
def test_an_upload_that_cannot_be_written_fails_alone(
    breakable: Break, operation: int, error: int
) -> None:
    """Its request gets a 5xx and leaves nothing; others go on, and so do uploads later."""
    broken = breakable("blobs")
    s3 = broken.client("s3")
    s3.put_object(Bucket=writers.BUCKET, Key="before", Body=LARGE)
    broken.faults.arm(operation, error)
    with pytest.raises(ClientError) as failed:
        s3.put_object(Bucket=writers.BUCKET, Key="failed", Body=LARGE)
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
    assert put_items(broken.client("dynamodb"), 0, 5) == [0, 1, 2, 3, 4]
    broken.faults.disarm()
    s3.put_object(Bucket=writers.BUCKET, Key="after", Body=LARGE)
    broken.haar.kill()
    broken.haar.start()
    s3 = broken.client("s3")
    listed = s3.list_objects_v2(Bucket=writers.BUCKET)["Contents"]
    assert [one["Key"] for one in listed] == ["after", "before"]
    for key in ("after", "before"):
        assert s3.get_object(Bucket=writers.BUCKET, Key=key)["Body"].read() == LARGE


def test_bytes_that_cannot_be_read_are_not_made_up(breakable: Break) -> None:
    """A download from a failing disk breaks off or fails; it comes back when the disk does."""
    broken = breakable("blobs")
    s3 = broken.client("s3")
    s3.put_object(Bucket=writers.BUCKET, Key="k", Body=LARGE)
    broken.faults.arm(READ, errno.EIO)
    with pytest.raises((ClientError, BotoCoreError)):
        s3.get_object(Bucket=writers.BUCKET, Key="k")["Body"].read()
    broken.faults.disarm()
    assert s3.get_object(Bucket=writers.BUCKET, Key="k")["Body"].read() == LARGE


def test_a_blob_that_changed_on_the_disk_is_not_delivered(breakable: Break) -> None:
    """A flipped bit in a file breaks the download off."""
    broken = breakable("blobs")
    s3 = broken.client("s3")
    s3.put_object(Bucket=writers.BUCKET, Key="k", Body=LARGE)
    file = next(path for path in (broken.haar.data / "blobs").rglob("*") if path.is_file())
    raw = bytearray(file.read_bytes())
    raw[1000] ^= 1
    file.write_bytes(raw)
    with pytest.raises((ClientError, BotoCoreError)):
        s3.get_object(Bucket=writers.BUCKET, Key="k")["Body"].read()
    assert put_items(broken.client("dynamodb"), 0, 2) == [0, 1]


def test_a_damaged_store_is_refused_in_one_sentence(breakable: Break) -> None:
    """haar does not start on a log that lost acknowledged rows; it says what to do."""
    broken = breakable("store")
    put_items(broken.client("dynamodb"), 0, 20)
    broken.haar.kill()
    for log in (broken.haar.data / "store").glob("*.log"):
        log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    command = [sys.executable, "-m", "haar.cli.main", "up", "--data", str(broken.haar.data)]
    ended = subprocess.run(
        [*command, "--port", "0"], capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert ended.returncode == 3
    assert ended.stderr.count("\n") == 1
    assert "lost acknowledged rows" in ended.stderr
    assert "haar snapshot restore" in ended.stderr
