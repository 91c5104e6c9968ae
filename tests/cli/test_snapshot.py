"""``haar snapshot`` and ``haar reset``: copies of all data, and their end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import boto3
import pytest

Run = Callable[..., CompletedProcess[str]]
Start = Callable[..., Any]
LARGE = bytes(range(256)) * 1000


def s3_of(running: Any, data: Path) -> Any:
    keys = ConfigParser()
    keys.read(data / "credentials")
    return boto3.client(
        "s3",
        endpoint_url=running.endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys["default"]["aws_access_key_id"],
        aws_secret_access_key=keys["default"]["aws_secret_access_key"],
    )


def objects(s3: Any) -> dict[str, int]:
    """Return each object with the length of what is read of it."""
    listed = s3.list_objects_v2(Bucket="kept").get("Contents", [])
    keys = [one["Key"] for one in listed]
    return {key: len(s3.get_object(Bucket="kept", Key=key)["Body"].read()) for key in keys}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory of the test's haar."""
    return tmp_path / "data"


def test_a_snapshot_of_a_running_haar_is_whole(
    up: Start, haar_command: Run, data: Path, tmp_path: Path
) -> None:
    """Rows and files of one moment, whatever is written and removed meanwhile."""
    running = up()
    s3 = s3_of(running, data)
    s3.create_bucket(Bucket="kept")
    for n in range(10):
        s3.put_object(Bucket="kept", Key=f"large/{n}", Body=LARGE)
    s3.put_object(Bucket="kept", Key="small", Body=b"small")
    done = threading.Event()

    def change() -> None:
        busy = s3_of(running, data)
        while not done.is_set():
            busy.put_object(Bucket="kept", Key="changing", Body=LARGE)
            busy.put_object(Bucket="kept", Key="changing", Body=LARGE[:-1])
            busy.delete_object(Bucket="kept", Key="changing")

    changing = threading.Thread(target=change)
    changing.start()
    options = ("--data", str(data), "--port", running.port)
    try:
        saved = [
            haar_command("snapshot", *options, "save", str(tmp_path / f"copy{n}")) for n in range(3)
        ]
    finally:
        done.set()
        changing.join()
    assert [(one.returncode, one.stderr) for one in saved] == [(0, "")] * 3
    again = haar_command("snapshot", *options, "save", str(tmp_path / "copy0"))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    s3.put_object(Bucket="kept", Key="after", Body=b"after")
    in_use = haar_command(
        "snapshot", "--data", str(data), "restore", "--yes", str(tmp_path / "copy0")
    )
    assert in_use.returncode == 2
    assert "in use" in in_use.stderr
    assert running.end() == 0
    for n in range(3):
        options = ("snapshot", "--data", str(data), "restore", "--yes", str(tmp_path / f"copy{n}"))
        assert haar_command(*options).returncode == 0
        running = up()
        found = objects(s3_of(running, data))
        assert found.pop("changing", len(LARGE)) in {len(LARGE), len(LARGE) - 1}
        assert found == {**{f"large/{n}": len(LARGE) for n in range(10)}, "small": 5}
        assert running.end() == 0


def test_a_stopped_haar_is_saved_and_reset(
    up: Start, haar_command: Run, data: Path, tmp_path: Path
) -> None:
    """Without a server it works alike; a reset asks, and leaves nothing."""
    running = up()
    s3 = s3_of(running, data)
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="k", Body=LARGE)
    assert "in use" in haar_command("reset", "--data", str(data), "--yes").stderr
    assert running.end() == 0
    copy = str(tmp_path / "copy")
    assert haar_command("snapshot", "--data", str(data), "save", copy).returncode == 0
    asked = haar_command("reset", "--data", str(data))
    assert asked.returncode == 1
    assert "for good?" in asked.stdout
    assert (data / "store").exists()
    assert haar_command("reset", "--data", str(data), "--yes").returncode == 0
    assert [path.name for path in data.iterdir()] == ["lock"]
    assert haar_command("snapshot", "--data", str(data), "restore", copy).returncode == 0
    running = up()
    assert objects(s3_of(running, data)) == {"k": len(LARGE)}


def test_a_restore_that_did_not_end_is_no_data(
    haar_command: Run, data: Path, tmp_path: Path
) -> None:
    """A directory that is half replaced is not started on; a reset or a restore finishes it."""
    data.mkdir()
    (data / "format").write_text("1\n")
    (data / "unfinished").touch()
    ended = haar_command("up", "--data", str(data), "--port", "0")
    assert ended.returncode == 2
    assert "did not end" in ended.stderr
    assert haar_command("reset", "--data", str(data), "--yes").returncode == 0
    assert [path.name for path in data.iterdir()] == ["lock"]


@pytest.mark.parametrize(
    "content", [{}, {"format": "1\n"}, {"format": "9\n", "store": "", "blobs": ""}]
)
def test_what_is_no_snapshot_is_not_restored(
    haar_command: Run, data: Path, tmp_path: Path, content: dict[str, str]
) -> None:
    """The data stays when the copy is none, or of a newer haar."""
    other = tmp_path / "other"
    other.mkdir()
    for name, text in content.items():
        (other / name).write_text(text)
    ended = haar_command("snapshot", "--data", str(data), "restore", "--yes", str(other))
    assert ended.returncode == 2
    assert str(other) in ended.stderr
    assert not data.exists()


@pytest.mark.parametrize("name", ["notes", "lock"])
def test_what_is_not_haars_is_not_removed(haar_command: Run, data: Path, name: str) -> None:
    """A reset of the wrong directory is refused, also of one that has a lock of its own."""
    data.mkdir()
    (data / name).touch()
    (data / "thesis.txt").write_text("irreplaceable")
    ended = haar_command("reset", "--data", str(data), "--yes")
    assert ended.returncode == 2
    assert str(data) in ended.stderr
    assert (data / "thesis.txt").exists()
