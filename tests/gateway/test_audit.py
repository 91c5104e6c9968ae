"""One record per call, in a file that does not grow for ever, also when the disk is full."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from haar.gateway import audit as audits
from haar.gateway.audit import Audit, Record, append
from haar.testing import running


def record(number: int) -> Record:
    return Record(number, f"r{number}", "", "", "127.0.0.1", "sqs", "SendMessage", (), "", "", 0.1)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_call_leaves_a_record_and_no_secret(tmp_path: Path) -> None:
    """Allowed, refused and unsigned calls alike; the file is its owner's."""
    with running(data=tmp_path) as cloud:
        sts = cloud.client("sts")
        sts.get_caller_identity()
        made = sts.get_session_token()["Credentials"]
        secrets = [made["SecretAccessKey"], made["SessionToken"]]
        with pytest.raises(ClientError):
            cloud.client("sts", aws_secret_access_key="wrong").get_caller_identity()
        secrets.append(cloud.credentials["aws_secret_access_key"])
        key = cloud.credentials["aws_access_key_id"]
    path = tmp_path / "audit" / "calls.jsonl"
    told = lines(path)
    assert [one["operation"] for one in told] == [
        "GetCallerIdentity",
        "GetSessionToken",
        "GetCallerIdentity",
    ]
    assert [one["error"] for one in told] == ["", "", "SignatureDoesNotMatch"]
    assert told[0]["principal"] == "arn:aws:iam::000000000000:root"
    assert (told[0]["access_key_id"], told[2]["access_key_id"]) == (key, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(secret in path.read_text() for secret in secrets)


def test_a_client_that_left_is_not_recorded_as_answered(tmp_path: Path) -> None:
    """Nobody knows whether such a call has happened; its record does not say that it succeeded."""
    with running(data=tmp_path) as cloud:
        once = Config(read_timeout=1, retries={"total_max_attempts": 1})
        url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        hasty = cloud.client("sqs", config=once)
        with pytest.raises(ReadTimeoutError):
            hasty.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    told = lines(tmp_path / "audit" / "calls.jsonl")
    assert [(one["operation"], one["error"]) for one in told] == [
        ("CreateQueue", ""),
        ("ReceiveMessage", "ClientGone"),
    ]


def test_the_file_is_rotated_and_the_oldest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is long is moved aside; of those moved aside some are kept."""
    monkeypatch.setattr(audits, "FILE_BYTES_MAX", 30)
    for number in range(20):
        append(tmp_path / "calls.jsonl", b"%020d\n" % number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["calls.jsonl", "calls.jsonl.1", "calls.jsonl.2", "calls.jsonl.3"]
    assert (tmp_path / "calls.jsonl").read_text().splitlines()[-1] == f"{19:020d}"


def test_a_full_disk_loses_nothing_that_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records wait while the disk is full, whole lines only are written, and then all are there."""
    directory = tmp_path / "audit"
    room = [150]

    def write(file: int, data: bytes) -> int:
        taken = data[: room[0]]
        room[0] -= len(taken)
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, taken)

    async def story() -> Audit:
        audit = Audit(directory)
        audit.start()
        for number in range(100):
            audit.record(record(number))
        while not audit._is_failing:  # noqa: ASYNC110  # nobody else waits for a full disk
            await asyncio.sleep(0)
        assert lines(directory / "calls.jsonl") == []
        assert audit.pending == 100
        room[0] = 1_000_000
        await audit.close()
        return audit

    real = os.write
    monkeypatch.setattr(os, "write", write)
    audit = asyncio.run(story())
    assert [one["time_ms"] for one in lines(directory / "calls.jsonl")] == list(range(100))
    assert (audit.lost, audit.pending) == (0, 0)


def test_what_memory_cannot_hold_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound the newest records are lost, and the figure says how many."""

    async def story() -> Audit:
        audit = Audit(tmp_path)
        for number in range(audits.BUFFER_MAX + 5):
            audit.record(record(number))
        return audit

    audit = asyncio.run(story())
    assert (audit.lost, audit.pending) == (5, audits.BUFFER_MAX)


def test_without_a_directory_the_newest_are_kept() -> None:
    """In memory there is no end of calls, but an end of records."""

    async def story() -> Audit:
        audit = Audit(None)
        for number in range(audits.BUFFER_MAX * 2):
            audit.record(record(number))
        return audit

    kept = asyncio.run(story()).recent()
    assert len(kept) <= audits.BUFFER_MAX
    assert kept[-1].time_ms == audits.BUFFER_MAX * 2 - 1
